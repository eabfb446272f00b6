"""Markdown tables, and their places in a document: between ``<!-- KIND: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lay out a table."""
    return [f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]]


def put(document: str, name: str, lines: Iterable[str], *, kind: str = "measured") -> str:
    """Put lines into the place with that name.

    Raises:
        SystemExit: the document has no such place, or more than one.
    """
    text = "\n".join(lines)
    pattern = rf"(<!-- {kind}: {re.escape(name)} -->\n).*?(<!-- end -->)"
    document, count = re.subn(pattern, lambda found: f"{found[1]}{text}\n{found[2]}", document, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"the document has {count} places for the table {name}")
    return document
