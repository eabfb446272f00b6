"""The answer to a program that asks for its fleet: the resources to declare, texts to show, or why there are none.

The plugin sends it as JSON. It imports neither httpx nor pydantic, so that a Pulumi program starts quickly.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One resource of a fleet."""

    name: str
    title: str
    """The name that the texts of its plan use."""
    arguments: dict[str, Any]
    """The arguments of the resource, without ``held`` and ``hold``."""
    wave: str | None = None
    held: str | None = None
    """The version that a target such as ``5.x`` is resolved to; None: the target is a version."""
    refusal: str | None = None
    """Why the Deployment is refused and left as it is; None: it is not refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestWave:
    """One wave of a fleet: how many Deployments run side by side, and how long they soak."""

    name: str
    max_parallel: int | None
    """Deployments side by side; None: all."""
    soak: float
    """Seconds the Deployments have to be healthy before the next wave begins."""
    timeout: float
    """Seconds the Deployments may stay unhealthy before the wave fails."""
    moves: int
    """Deployments with something to do."""
    watched: list[str]
    """Ids of the Deployments whose Airflow is asked for its health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetManifest:
    """The resources of a fleet, planned as a whole."""

    problem: str | None = None
    """Why the program declares nothing; ``entries`` then has the refused Deployments only. None: it declares them."""
    needs_state: bool = False
    """The plan depends on the stack's state: ask again, with the state."""
    entries: list[ManifestEntry] = field(default_factory=list)
    waves: list[ManifestWave] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Possible mistakes, to show as warnings."""
    summary: str | None = None
    """The hops of the run, in few lines; None: the plan of the only Deployment says it."""
    secret: bool = False
    """The config has a secret. Pulumi does not tell which value it is, so the program declares every ``image`` and
    ``project`` path as a secret."""

    @property
    def refused(self) -> list[ManifestEntry]:
        """The entries that are left as they are."""
        return [entry for entry in self.entries if entry.refusal is not None]

    def to_json(self) -> str:
        """Serialize it for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the JSON of :meth:`to_json` of the same release."""
        found = json.loads(text)
        found["entries"] = [ManifestEntry(**entry) for entry in found["entries"]]
        found["waves"] = [ManifestWave(**wave) for wave in found["waves"]]
        return cls(**found)
