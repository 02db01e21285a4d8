"""Frozen value types and the detector contract; imports nothing else of glasswatch."""
