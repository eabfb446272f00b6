"""The crash matrix: the points at which a run can be interrupted, and what is killed there.

The points come from the recorded requests of an undisturbed run, so a new request is covered automatically.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.recording_proxy import Request


class Killer(StrEnum):
    """The process that is killed."""

    PLUGIN = "plugin"
    ENGINE = "engine"
    SANDBOX = "platform"
    ANSWER = "answer"
    """No process is killed: the request takes effect, and its answer is lost."""


class Side(StrEnum):
    """Before or after the request takes effect."""

    BEFORE = "before"
    AFTER = "after"


KILLERS: Final = (Killer.PLUGIN, Killer.ENGINE, Killer.SANDBOX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A request of the undisturbed run."""

    name: str
    mutations: int
    number: int
    changes: bool

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the position of a request."""
        return cls(name=request.name, mutations=request.mutations, number=request.number, changes=request.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One crash."""

    where: Where
    side: Side
    killer: Killer

    def __str__(self) -> str:
        """Return its name for a failure message."""
        where = self.where
        return f"{self.killer} {self.side} {where.name} #{where.number} in phase {where.mutations}"


def worth(requests: Sequence[Where]) -> list[Where]:
    """Leave out repetitions: of equal reads between two mutations, keep the first and the last."""
    last = {(where.name, where.mutations): where.number for where in requests}
    return [where for where in requests if where.number in {1, last[where.name, where.mutations]}]


def every(requests: Sequence[Where]) -> list[Point]:
    """Return every request, before and after, with every killer, and the lost answer of every mutation."""
    kept = worth(requests)
    return [
        *(Point(where=where, side=side, killer=killer) for killer in KILLERS for where in kept for side in Side),
        *(Point(where=where, side=Side.AFTER, killer=Killer.ANSWER) for where in kept if where.changes),
    ]


def chosen(requests: Sequence[Where]) -> list[Point]:
    """Return every mutation, on both sides and with its answer lost, and every distinct read once."""
    kept, killers, sides = worth(requests), cycle(KILLERS), cycle(Side)
    mutations = [where for where in kept if where.changes]
    points = [Point(where=where, side=side, killer=next(killers)) for side in Side for where in mutations]
    # Shift the killers, so that each mutation gets another one.
    next(killers)
    # The number of repeated reads depends on the machine; the first one always happens.
    reads = {where.name: where for where in kept if not where.changes and where.number == 1}
    points += [Point(where=where, side=next(sides), killer=next(killers)) for where in reads.values()]
    return points + [Point(where=where, side=Side.AFTER, killer=Killer.ANSWER) for where in mutations]
