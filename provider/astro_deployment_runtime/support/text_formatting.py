"""Texts fit for one line of a message: printable, quoted, cut to a length, durations."""

from __future__ import annotations

from typing import Final

_LONGEST_NAME: Final = 100
"""Characters of a Deployment's name or label in a text."""


def printable(text: str) -> str:
    """Return a text for one line of a terminal: characters that cannot be seen become escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def printable_name(name: str) -> str:
    """Return a name from elsewhere for one line: printable, and cut where it is very long."""
    return cut(printable(name), _LONGEST_NAME)


def cut(text: str, length: int) -> str:
    """Return at most ``length`` characters of a text, and the number of characters of a longer one."""
    return text if len(text) <= length else f"{text[:length]}...[{len(text)} characters]"


def quote(text: str, *, longest: int = 80) -> str:
    """Quote a text from elsewhere for a message: printable, and cut where it is long."""
    quoted = repr(text[:longest])
    return quoted if len(text) <= longest else f"{quoted[:-1]}...{quoted[-1]}"


def duration(seconds: float) -> str:
    """Write a duration as it is declared: ``30m``, ``1h30m``, ``45s``."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or f"{seconds:g}s"
