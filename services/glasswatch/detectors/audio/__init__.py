"""Detectors that read PCM."""
