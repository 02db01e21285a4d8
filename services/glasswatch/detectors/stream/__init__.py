"""Detectors that read facts about the streams."""
