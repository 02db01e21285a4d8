"""Lip sync: how often an offset is found, how exactly, and what is taken for one that is none."""
