"""The audio artifact classifier."""
