"""Detectors that read picture samples."""
