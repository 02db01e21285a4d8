"""Demultiplexing and decoding with PyAV: one decode, many renditions."""
