"""The command line: one module for each group of commands; errors end as one line on stderr."""

from glasswatch.cli.main import main

__all__ = ["main"]
