"""Tables and lines on stdout: laid out for a terminal, and never wrapped where a program reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from glasswatch.core.text import plain

Cell = str | tuple[str, str]
"""A text, or a text with rich's name of a style; a line break in it is one on a terminal, and "; " elsewhere."""

GAP = "  "


def show(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table; without `headings` the rows alone.

    A terminal gets columns that fit its width. Elsewhere each row is one line, however long, with columns that are
    padded to the widest cell, so that grep and awk find what belongs together.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    console = Console(highlight=False)
    if console.is_terminal:
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=bool(headings))
        for heading in headings or (cells[0] if cells else ()):
            table.add_column(str(heading), overflow="fold")
        for row in cells:
            table.add_row(*row)
        console.print(table)
        return
    lines = [list(headings)] if headings else []
    lines += [[cell.plain.replace("\n", "; ") for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo(GAP.join(map(str.ljust, line, widths)).rstrip())


def line(text: str, *, mark: str = "", style: str | None = None) -> None:
    """Print one line, `mark` before it in a colour of click's; it is not wrapped but by the terminal itself."""
    coloured = click.style(mark, fg=style) if mark else ""
    click.echo(f"{coloured} {plain(text)}" if mark else plain(text))


def _text(cell: Cell) -> Text:
    text, style = cell if isinstance(cell, tuple) else (cell, "")
    return Text("\n".join(map(plain, text.split("\n"))), style=style)
