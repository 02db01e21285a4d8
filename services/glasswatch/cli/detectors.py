"""`glasswatch detectors`: what there is."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from glasswatch.detectors.registry import registered


@click.command()
def detectors() -> None:
    """List the detectors: defects, renditions, version."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("detector", "version", "defects", "reads", "models"):
        table.add_column(heading)
    for name, cls in registered().items():
        spec = cls.spec
        reads = ", ".join(need.rendition for need in spec.needs)
        table.add_row(name, spec.version, ", ".join(spec.defects), reads, ", ".join(spec.models) or "-")
    Console(highlight=False).print(table)
