"""What glasswatch asks of the outside world, as Protocols; implementations are in `adapters`."""
