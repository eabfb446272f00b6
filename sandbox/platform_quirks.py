"""Changes that a platform may make to a hop without a request. All are off by default (inferred).

Pure, except for the replica: it remembers former states so that it can answer with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sandbox.deployment import Ahead, Deployment

_VERSIONS = (
    *("airflow_version", "desired_airflow_version"),
    *("runtime_version", "desired_runtime_version", "runtime_airflow"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Quirks of one platform.

    Attributes:
        reverts_after: seconds after which it reverts a completed hop; ``None``: never.
        clears_desired: seconds without the desired version and before the new current one.
        keeps_airflow: after a hop Houston and the Airflow keep reporting the former Airflow version.
        stale_seconds: every second reading of Deployments comes from a replica that lags by so many seconds.
    """

    reverts_after: float | None = None
    clears_desired: float = 0.0
    keeps_airflow: bool = False
    stale_seconds: float = 0.0

    def completed(self, before: Deployment, after: Deployment, now: float) -> Deployment:
        """Return the state after an image has completed a hop, with its later changes."""
        if after.version == before.version:
            return after
        if self.keeps_airflow and after.on_runtime:
            after = replace(after, runtime_airflow=before.airflow)
        was = _versions(before) | {
            "desired_airflow_version": before.airflow_version,
            "desired_runtime_version": before.runtime_version,
        }
        shown_at = now + self.clears_desired
        ahead = []
        if self.clears_desired:
            ahead.append(Ahead(at=shown_at, changes=_versions(after)))
            after = replace(after, **was)
        if self.reverts_after is not None:
            start, end = after.rollout
            at = shown_at + self.reverts_after
            ahead.append(Ahead(at=at, changes={**was, "rollout": (at, at + end - start)}))
        return replace(after, ahead=tuple(ahead))


def _versions(deployment: Deployment) -> dict[str, Any]:
    return {name: getattr(deployment, name) for name in _VERSIONS}


class Replica:
    """A replica that answers every second reading with the state of some seconds ago."""

    def __init__(self) -> None:
        self._readings = 0
        self._replaced: list[tuple[float, Deployment]] = []

    def keep(self, replaced: Deployment, now: float) -> None:
        """Store a state that Houston has just replaced."""
        self._replaced.append((now, replaced))

    def begin_reading(self) -> bool:
        """Count a reading; return whether the replica answers it."""
        self._readings += 1
        return self._readings % 2 == 0

    def at(self, moment: float, current: Deployment) -> Deployment:
        """Return the state of that Deployment at an earlier moment."""
        found = (state for until, state in self._replaced if until > moment and state.id == current.id)
        return next(found, current).at(moment)
