"""Tables for a terminal and for Markdown, from one description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable

FILE_COLUMNS = 160


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of finished text; the first column names the row, the others hold numbers."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown, with its title as a heading and its note below."""
        lines = [f"### {self.title}", "", _row(self.columns), _row(["---", *["--:"] * (len(self.columns) - 1)])]
        lines += [_row(cell.replace("|", "\\|") for cell in row) for row in self.rows]
        return "\n".join([*lines, "", *([self.note, ""] if self.note else [])])

    def show(self, console: Console) -> None:
        """Print the table."""
        table = RichTable(title=self.title, title_justify="left", caption=self.note or None, caption_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


def terminal() -> Console:
    """Standard output; tables that go to a file or a pipe are not squeezed into 80 columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=FILE_COLUMNS)


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
