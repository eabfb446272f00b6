"""One Deployment as the platform keeps it: values only, what may happen to them is in ``behaviour``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Health(StrEnum):
    """How the Deployment's Airflow answers at a moment."""

    RESTARTING = "restarting"
    STARTING = "starting"
    HEALTHY = "healthy"
    STOPPED = "scheduler stopped"


class Outcome(StrEnum):
    """What the platform made of a pushed image; it tells nobody (the real one writes an e-mail to the admins)."""

    APPLIED = "applied"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The last image that was pushed or named: what it was, when (seconds since 1970) and what came of it."""

    image: str
    version: str
    at: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Fields of a Deployment that will change by themselves, and when (seconds since 1970)."""

    at: float
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A Deployment's whole state. Versions are ``""`` where there is none; times are seconds since 1970.

    Attributes:
        airflow_version: the Certified version; stays set after a migration.
        runtime_version: the Runtime version; not empty means "on Runtime".
        runtime_airflow: the Airflow of the running Runtime, ``""`` on Certified.
        rollout: start and end of the latest restart of the pods.
        ahead: what the platform will do by itself, the earliest first.
        triggerer: it runs one.
        stopped: when components were stopped, by their name; the next rollout starts them again.
        heartbeats: the last ones of the pods before the latest rollout, by the component's name.
    """

    id: str
    release_name: str
    label: str
    workspace: str
    airflow_version: str = ""
    desired_airflow_version: str = ""
    runtime_version: str = ""
    desired_runtime_version: str = ""
    runtime_airflow: str = ""
    dag_deployment: str = "image"
    image: str = ""
    deploys: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    rollout: tuple[float, float] = (0.0, 0.0)
    last_push: Push | None = field(default=None)
    ahead: tuple[Ahead, ...] = ()
    triggerer: bool = False
    stopped: dict[str, float] = field(default_factory=dict)
    heartbeats: dict[str, float] = field(default_factory=dict)

    def at(self, now: float) -> Deployment:
        """Give the Deployment as it is at that time, with what has changed by itself until then."""
        state = self
        for step in self.ahead:
            if step.at <= now:
                state = replace(state, **step.changes, ahead=state.ahead[1:])
        return state

    @property
    def on_runtime(self) -> bool:
        """It runs Astro Runtime: only ``runtime_version`` tells, never ``airflow_version``."""
        return bool(self.runtime_version)

    @property
    def version(self) -> str:
        """The version that runs, in the terms of its distribution."""
        return self.runtime_version or self.airflow_version

    @property
    def airflow(self) -> str:
        """The Airflow that runs, ``x.y.z``."""
        return self.runtime_airflow if self.on_runtime else self.airflow_version

    @property
    def pending(self) -> str:
        """The version of a change that was started and not completed, ``""`` when idle."""
        if self.desired_runtime_version != self.runtime_version:
            return self.desired_runtime_version
        if self.desired_airflow_version != self.airflow_version:
            return self.desired_airflow_version
        return ""

    def health(self, now: float) -> Health:
        """Tell how Airflow answers at that time: first not at all, then without a scheduler, then well (inferred)."""
        start, end = self.rollout
        if now >= end:
            return Health.STOPPED if "scheduler" in self.stopped else Health.HEALTHY
        return Health.RESTARTING if now < (start + end) / 2 else Health.STARTING
