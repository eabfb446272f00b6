"""Tables and lines for a terminal: aligned, wrapped to its width, and coloured."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_BREAK: Final = "\u00a0"
"""A space at which no line is wrapped. It is printed as a normal space."""

_GAP: Final = "  "
_RESET: Final = "\x1b[0m"
_INDENT: Final = 4
"""Extra indentation of the rest of a wrapped line, in spaces."""
_WORDS: Final = re.compile(r" *[^ ]+")


class Colour(StrEnum):
    """ANSI escape codes for the colour of a row."""

    BOLD = "\x1b[1m"
    DIM = "\x1b[2m"
    RED = "\x1b[31m"
    YELLOW = "\x1b[33m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The terminal or file that a text is written to."""

    width: int | None = None
    """In columns; None for a file, which has no limit."""
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one row of a table. A row may take several lines."""

    cells: tuple[str, ...]
    colour: Colour | None = None


def text_width(text: str) -> int:
    """Return the width of a text in columns. Chinese, Japanese and Korean characters take two."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def wrap(line: str, width: int | None, *, joint: str = "") -> list[str]:
    """Wrap a line at spaces, and indent the rest.

    A word that is too wide is broken, too. Only a word with a slash stays whole, so that an image, a URL or a path can
    be copied.

    Args:
        line: a line without a newline.
        width: the width in columns; None for no limit.
        joint: text for the end of each part but the last, such as a shell's backslash.
    """
    if width is None or text_width(line) <= width:
        return [line]
    own = len(line) - len(line.lstrip(" "))
    room = width - text_width(joint)
    indent = " " * min(own + _INDENT, max(0, room) // 4)
    lines: list[str] = []
    current = ""
    for spaced in _WORDS.findall(line):
        if not lines and not current:
            current = spaced
        elif text_width(current) + text_width(spaced) <= room:
            current += spaced
        else:
            lines.append(current)
            word = spaced.lstrip(" ")
            current = indent + word if text_width(indent + word) <= room or "/" not in word else word
        while text_width(current) > room and "/" not in current.rpartition(" ")[2]:
            head = _head(current, room)
            lines.append(head)
            current = indent + current[len(head) :]
    return [*(f"{each}{joint}" for each in lines), current]


def table_lines(heads: Sequence[str], rows: Sequence[TableRow], screen: Screen) -> list[str]:
    """Write a table, headings first.

    A table that is wider than the screen is wrapped at spaces, the widest column first. If the words are too wide for
    that, each row becomes a list of lines with a heading and a cell each.
    """
    everything = [TableRow(tuple(heads), Colour.BOLD), *rows]
    widths = _widths([row.cells for row in everything], screen.width)
    if widths is None:
        return [line for row in rows for line in _record_lines(heads, row, screen)]
    return [line for row in everything for line in _row_lines(row, widths, screen)]


def _widths(table: Sequence[Sequence[str]], bound: int | None) -> list[int] | None:
    """Return the width of each column; None if the columns do not fit."""
    columns = list(zip(*table, strict=True))
    widths = [max(map(text_width, column)) for column in columns]
    words = [max((text_width(word) for cell in column for word in cell.split(" ")), default=0) for column in columns]
    gaps = len(_GAP) * (len(columns) - 1)
    while bound is not None and sum(widths) + gaps > bound:
        room = [width if width > word else 0 for width, word in zip(widths, words, strict=True)]
        if not any(room):
            return None
        widths[room.index(max(room))] -= 1
    return widths


def _record_lines(heads: Sequence[str], row: TableRow, screen: Screen) -> list[str]:
    pairs = [(head, cell) for head, cell in zip(heads, row.cells, strict=True) if cell]
    lines = [line for head, cell in pairs for line in wrap(f"{head}: {cell}", screen.width)]
    return [*(_painted(line, row.colour, screen) for line in lines), ""]


def _row_lines(row: TableRow, widths: Sequence[int], screen: Screen) -> list[str]:
    wrapped = [_folded(cell, max(width, 1)) for cell, width in zip(row.cells, widths, strict=True)]
    lines = []
    for parts in zip_longest(*wrapped, fillvalue="") if any(wrapped) else [[""]]:
        padded = (part + " " * (width - text_width(part)) for part, width in zip(parts, widths, strict=False))
        lines.append(_painted(_GAP.join(padded).rstrip(" "), row.colour, screen))
    return lines


def _folded(cell: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in cell.split():
        if lines and text_width(lines[-1]) + 1 + text_width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _painted(line: str, colour: Colour | None, screen: Screen) -> str:
    line = line.replace(NO_BREAK, " ")
    return f"{colour}{line}{_RESET}" if screen.coloured and colour else line


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _head(text: str, room: int) -> str:
    """Return as many characters as fit, at least one."""
    taken = 0
    for index, char in enumerate(text):
        taken += _columns(char)
        if taken > room and index:
            return text[:index]
    return text
