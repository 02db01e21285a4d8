"""What a bench leaves: one document for machines, and its tables for the docs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.provenance import headline
from bench.tables import Table


def write_results(
    out: Path,
    document: Mapping[str, Any],
    markdown: Path | None,
    origin: Mapping[str, Any],
    tables: Sequence[Table],
    indent: int | None = 1,
) -> None:
    """Write the document as JSON, and the tables below a line that says where they come from.

    Args:
        out: Of the document.
        document: Everything that was measured.
        markdown: Of the tables, None for none.
        origin: As of `provenance`.
        tables: In their order.
        indent: Of the JSON, None where it is large.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=indent) + "\n", "utf-8")
    if markdown is not None:
        text = "\n".join(table.markdown() for table in tables)
        markdown.write_text(f"{headline(origin)}\n\n{text}", "utf-8")
