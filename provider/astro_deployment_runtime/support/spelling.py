"""Suggest the known name that a misspelt one is closest to."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def closest_name(given: str, known: Collection[str]) -> str | None:
    """Return the known name closest to a misspelt one, whatever its case, hyphens and underscores.

    Returns:
        None if no name is close.
    """
    known_by_plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(given), known_by_plain, n=1, cutoff=0.6)
    return known_by_plain[found[0]] if found else None


def unknown_name(what: str, given: str, known: Collection[str]) -> str:
    """Return a text about an unknown name, such as ``unknown key: did you mean houstonUrl?``.

    Args:
        what: the kind of name: ``key``.
        given: the unknown name.
        known: the known names, in the order in which to list them if none is close.
    """
    closest = closest_name(given, known)
    return f"unknown {what}: " + (f"did you mean {closest}?" if closest else f"known {what}s: {', '.join(known)}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
