"""The crash matrix: where a run can be hit, and by what.

The points come from the recorded requests of an undisturbed run, so a request that is new is covered by itself.
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
    """What is hit."""

    PLUGIN = "plugin"
    ENGINE = "engine"
    SANDBOX = "platform"
    ANSWER = "answer"
    """Nothing dies: the request takes effect, and its answer is lost."""


class Side(StrEnum):
    """When."""

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
        """Tell where a request stands."""
        return cls(name=request.name, mutations=request.mutations, number=request.number, changes=request.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One crash."""

    where: Where
    side: Side
    killer: Killer

    def __str__(self) -> str:
        """Name it, for a failure."""
        where = self.where
        return f"{self.killer} {self.side} {where.name} #{where.number} in phase {where.mutations}"


def worth(requests: Sequence[Where]) -> list[Where]:
    """Leave out what repeats: of the same read between two mutations, the first and the last are kept."""
    last = {(where.name, where.mutations): where.number for where in requests}
    return [where for where in requests if where.number in {1, last[where.name, where.mutations]}]


def every(requests: Sequence[Where]) -> list[Point]:
    """Every request, before and after, with every killer; and the lost answer of every mutation."""
    kept = worth(requests)
    return [
        *(Point(where=where, side=side, killer=killer) for killer in KILLERS for where in kept for side in Side),
        *(Point(where=where, side=Side.AFTER, killer=Killer.ANSWER) for where in kept if where.changes),
    ]


def chosen(requests: Sequence[Where]) -> list[Point]:
    """Every mutation on both sides and without its answer, and every distinct read once, spread over the killers."""
    kept, killers, sides = worth(requests), cycle(KILLERS), cycle(Side)
    mutations = [where for where in kept if where.changes]
    points = [Point(where=where, side=side, killer=next(killers)) for side in Side for where in mutations]
    # Not the same killers again for the same mutations.
    next(killers)
    # How often a read repeats depends on the machine; the first one always comes.
    reads = {where.name: where for where in kept if not where.changes and where.number == 1}
    points += [Point(where=where, side=next(sides), killer=next(killers)) for where in reads.values()]
    return points + [Point(where=where, side=Side.AFTER, killer=Killer.ANSWER) for where in mutations]
