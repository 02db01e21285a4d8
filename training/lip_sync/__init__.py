"""Training of the lip sync network."""
