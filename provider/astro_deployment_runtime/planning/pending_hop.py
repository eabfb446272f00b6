"""Ownership of a pending hop. Our own may always be cancelled, a foreign one only if the user accepts that."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.planning.versions import ReleaseId


class Ownership(Enum):
    """Owner of a pending hop: the one that started it."""

    OURS = auto()
    """This program started it, in this run or in an earlier one that saved it."""
    FOREIGN = auto()
    """Someone else started it, for example in the Software UI."""
    UNKNOWN = auto()
    """The stack's state, the only record, has not been read yet. Until then the plan treats the hop as ours."""


def owner_of(pending: ReleaseId | str | None, started: ReleaseId | str | None) -> Ownership:
    """Return who started a pending hop.

    Args:
        pending: the pending hop's target, as Houston reports it.
        started: the target of the hop that we started; None: we started none.
    """
    return Ownership.OURS if pending is not None and str(pending) == str(started) else Ownership.FOREIGN


def owner_in_state(pending: ReleaseId | None, saved: Mapping[str, Any] | None) -> Ownership:
    """Return who started a pending hop, according to the stack's state.

    Args:
        pending: the pending hop's target, as Houston reports it.
        saved: the Deployment's saved state. Empty: it is not in the state, so we have started nothing. None: the state
            was not read. Without ``pending``: only the old inputs are known, as in a check. The owner is unknown.
    """
    if saved is None or (saved and "pending" not in saved):
        return Ownership.UNKNOWN
    return owner_of(pending, saved.get("pending"))
