"""Puts labelled defects into clean media, for tests, benches and training data."""

from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect, Labels, write_labels
from glasswatch.simulator.pipeline import simulate
from glasswatch.simulator.registry import injectors

__all__ = ["Defect", "Injector", "Labels", "injectors", "simulate", "write_labels"]
