"""Lines for a person, on stderr."""

from __future__ import annotations

import click


def say(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    click.echo(f"glasswatch: {' '.join(message.split())}", err=True)
