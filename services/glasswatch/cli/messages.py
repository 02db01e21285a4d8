"""Lines for a person, on stderr."""

from __future__ import annotations

import click

from glasswatch.core.text import plain


def say(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    click.echo(f"glasswatch: {plain(' '.join(message.split()))}", err=True)
