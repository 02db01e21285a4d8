"""Following channels: their inputs opened, decoded and handed on, again and again where they are live."""
