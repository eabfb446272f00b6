"""What a program is told of its fleet before it declares it: resources to make, texts to show, or why there are none.

A value that goes from process to process as JSON, and a leaf: a Pulumi program that imports it is not made to wait for
an HTTP client or a validator.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource of a fleet."""

    name: str
    title: str
    """How the texts of its plan name it."""
    arguments: dict[str, Any]
    """Those of the resource, but for the two that follow from its having been judged."""
    wave: str | None = None
    held: str | None = None
    """The version that its target stands for; None where it is declared by its version."""
    refusal: str | None = None
    """Why it may not be done; such a one is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveTerms:
    """One wave of a fleet: when its Deployments begin, and when the next wave does."""

    name: str
    max_parallel: int | None
    """How many go side by side; None: all."""
    soak: float
    """For how many seconds they have to be healthy before the next wave begins."""
    timeout: float
    """For how many seconds it is borne that they are not."""
    moves: int
    """How many of them have something to do."""
    watched: list[str]
    """The ids of those whose Airflow can be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A fleet, judged as a whole."""

    problem: str | None = None
    """Why nothing of it is declared."""
    needs_state: bool = False
    """It cannot be judged without what the stack's state has of it: ask again, with that."""
    rows: list[Row] = field(default_factory=list)
    waves: list[WaveTerms] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What may be a mistake and need not be one."""
    summary: str | None = None
    """What comes to be done, where that is worth a text of its own."""
    secret: bool = False
    """There is a secret in what is declared: ``image`` and the path of ``project`` are declared as secrets in all
    rows, since Pulumi does not tell which value it is."""

    @property
    def refused(self) -> list[Row]:
        """Those that are left as they are."""
        return [row for row in self.rows if row.refusal is not None]

    def to_json(self) -> str:
        """Write it for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` of the same release wrote."""
        found = json.loads(text)
        found["rows"] = [Row(**row) for row in found["rows"]]
        found["waves"] = [WaveTerms(**wave) for wave in found["waves"]]
        return cls(**found)
