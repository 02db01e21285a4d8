"""Composition roots: the only place that knows which adapters are in use."""
