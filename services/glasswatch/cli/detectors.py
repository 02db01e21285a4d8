"""`glasswatch detectors`: what there is."""

from __future__ import annotations

import click

from glasswatch.cli.table import show
from glasswatch.detectors.registry import registered


@click.command()
def detectors() -> None:
    """List the detectors: defects, renditions, version."""
    rows = []
    for name, cls in registered().items():
        spec = cls.spec
        reads = ", ".join(need.rendition for need in spec.needs)
        rows.append((name, spec.version, ", ".join(spec.defects), reads, ", ".join(spec.models) or "-"))
    show(("detector", "version", "defects", "reads", "models"), rows)
