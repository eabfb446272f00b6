"""Keys of a stack's config in the namespace ``astro``, and warnings about unknown ones.

A leaf without pydantic: a Pulumi program imports it at its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.support.spelling import closest_name

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACE: Final = "astro"

FLEET: Final = ("defaults", "deployments", "selectors", "exclude", "waves", "onRefusal")
"""Keys that declare a fleet, in the order in which mistakes are listed."""

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
"""Keys of the connection to Houston."""

_KNOWN: Final = (*FLEET, *CONNECTION)


def unknown_key_warnings(keys: Iterable[str]) -> list[str]:
    """Return a warning for each unknown key below ``astro:``, sorted.

    An unknown key is not an error: a project that is named ``astro`` may have keys of its own.

    Args:
        keys: full keys of a stack's config, such as ``astro:deployments``; those of other namespaces are ignored.
    """
    prefix = f"{NAMESPACE}:"
    given = {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}
    return [_warning(key) for key in sorted(given.difference(_KNOWN))]


def _warning(key: str) -> str:
    closest = closest_name(key, _KNOWN)
    hint = f"did you mean {NAMESPACE}:{closest}?" if closest else f"known keys: {', '.join(_KNOWN)}."
    return f"{NAMESPACE}:{key} is not read: {hint} If the key belongs to your own program, ignore this."
