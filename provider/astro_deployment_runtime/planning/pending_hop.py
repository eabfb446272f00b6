"""Who started a pending hop. It decides whether the hop may be cancelled: our own always, a foreign one if accepted."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.planning.versions import ReleaseId


class Ownership(Enum):
    """Who started a pending hop."""

    OURS = auto()
    """This program did, in this run or in an earlier one that saved it."""
    FOREIGN = auto()
    """Somebody else did, for example in the Software UI."""
    UNKNOWN = auto()
    """Nobody has read the stack's state yet, which alone records it. The plan counts the hop as ours until then."""


def owner_of(pending: ReleaseId | str | None, started: ReleaseId | str | None) -> Ownership:
    """Return who started a pending hop.

    Args:
        pending: the pending hop's target, as Houston reports it.
        started: the target of the hop that we know we started; None: none.
    """
    return Ownership.OURS if pending is not None and str(pending) == str(started) else Ownership.FOREIGN


def owner_in_state(pending: ReleaseId | None, saved: Mapping[str, Any] | None) -> Ownership:
    """Return who started a pending hop, according to the stack's state.

    Args:
        pending: the pending hop's target, as Houston reports it.
        saved: what the state has of the Deployment. Empty: it is not in the state, so we have started nothing. None,
            or without ``pending`` (old inputs, which are all that the engine gives a check): the owner is unknown.
    """
    if saved is None or (saved and "pending" not in saved):
        return Ownership.UNKNOWN
    return owner_of(pending, saved.get("pending"))
