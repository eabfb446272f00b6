"""Tables of text: aligned, no wider than the screen where that can be, coloured where that is wanted."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_BREAK: Final = "\u00a0"
"""In a cell: a blank that nothing is wrapped at. It is shown as a blank like any other."""

_GAP: Final = "  "
_RESET: Final = "\x1b[0m"


class Colour(StrEnum):
    """The colours of a row, as a terminal is told them."""

    BOLD = "\x1b[1m"
    DIM = "\x1b[2m"
    RED = "\x1b[31m"
    YELLOW = "\x1b[33m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where a text is shown."""

    width: int | None = None
    """In characters; None: it has no bound, as a file has none."""
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row, which may take several lines."""

    cells: tuple[str, ...]
    colour: Colour | None = None


def table_lines(heads: Sequence[str], rows: Sequence[Row], screen: Screen) -> list[str]:
    """Write a table, its heads first.

    What is wider than the screen is wrapped at blanks, the widest column first; where what is between them is too wide
    already, so is the table.
    """
    everything = [Row(tuple(heads), Colour.BOLD), *rows]
    widths = _widths([row.cells for row in everything], screen.width)
    return [line for row in everything for line in _row_lines(row, widths, screen)]


def _widths(table: Sequence[Sequence[str]], bound: int | None) -> list[int]:
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max((len(word) for cell in column for word in cell.split(" ")), default=0) for column in columns]
    gaps = len(_GAP) * (len(columns) - 1)
    while bound is not None and sum(widths) + gaps > bound:
        room = [width if width > word else 0 for width, word in zip(widths, words, strict=True)]
        if not any(room):
            break
        widths[room.index(max(room))] -= 1
    return widths


def _row_lines(row: Row, widths: Sequence[int], screen: Screen) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, max(width, 1), break_long_words=False, break_on_hyphens=False)
        for cell, width in zip(row.cells, widths, strict=True)
    ]
    lines = []
    for parts in zip_longest(*wrapped, fillvalue="") if any(wrapped) else [[""]]:
        line = _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=False)).rstrip()
        line = line.replace(NO_BREAK, " ")
        lines.append(f"{row.colour}{line}{_RESET}" if screen.coloured and row.colour else line)
    return lines
