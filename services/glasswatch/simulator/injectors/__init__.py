"""The injectors: each module lists its own in INJECTORS."""
