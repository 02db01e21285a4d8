"""Metric names, logging, tracing."""
