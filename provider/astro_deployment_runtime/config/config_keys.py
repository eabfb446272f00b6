"""The keys of a stack's config that are ours, and what to say of one that is not.

A leaf: a Pulumi program that imports it does not wait for a validator.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NAMESPACE: Final = "astro"

FLEET: Final = ("defaults", "deployments", "selectors", "exclude", "waves", "onRefusal")
"""The keys that declare a fleet, in the order in which mistakes are told."""

CONNECTION: Final = (
    "houstonUrl",
    "token",
    "caFile",
    "allowHttp",
    "catalog",
    "resolve",
    "maxRequestsPerSecond",
    "baseImages",
)
"""The keys that tell how to reach Houston."""

_KNOWN: Final = (*FLEET, *CONNECTION)


def nearest(given: str, known: Collection[str]) -> str | None:
    """Return the known name that a misspelt one most likely stands for; None where none is near."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(given), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def unknown_keys(given: Iterable[str]) -> list[str]:
    """Warn of each key below ``astro:`` that nothing here reads, a line each.

    They are no mistakes for certain: a project that is named ``astro`` may have keys of its own.

    Args:
        given: the full keys of a stack's config, ``astro:deployments``; those of other namespaces do not count.
    """
    prefix = f"{NAMESPACE}:"
    ours = {key.removeprefix(prefix) for key in given if key.startswith(prefix)}
    return [_warning(key) for key in sorted(ours.difference(_KNOWN))]


def _warning(key: str) -> str:
    near = nearest(key, _KNOWN)
    hint = f"did you mean {NAMESPACE}:{near}?" if near else f"known are {', '.join(_KNOWN)}."
    return f"{NAMESPACE}:{key} is not read: {hint} If the key is your program's own, ignore this."


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
