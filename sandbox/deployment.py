"""The state of one Deployment. ``platform_rules`` changes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Health(StrEnum):
    """The answers of a Deployment's Airflow at a moment."""

    RESTARTING = "restarting"
    STARTING = "starting"
    HEALTHY = "healthy"
    STOPPED = "scheduler stopped"


class Outcome(StrEnum):
    """The platform's reaction to an image. Only the real platform reports it, by e-mail to the admins."""

    APPLIED = "applied"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The last image that was pushed or named, its time (seconds since 1970) and its outcome."""

    image: str
    version: str
    at: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Fields of a Deployment that change without a request, and when (seconds since 1970)."""

    at: float
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The whole state of a Deployment. A missing version is ``""``; times are seconds since 1970.

    Attributes:
        airflow_version: the Certified version; stays set after a migration.
        runtime_version: the Runtime version; not empty means "on Runtime".
        runtime_airflow: the Airflow of the running Runtime, ``""`` on Certified.
        rollout: start and end of the latest restart of the pods.
        ahead: changes that the platform makes without a request, the earliest first.
        triggerer: whether it runs one.
        stopped: the time at which each component was stopped, by name; the next rollout starts them again.
        heartbeats: the last heartbeats before the latest rollout, by the component's name.
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
        """Return the Deployment at that time, with the changes that need no request."""
        state = self
        for step in self.ahead:
            if step.at <= now:
                state = replace(state, **step.changes, ahead=state.ahead[1:])
        return state

    @property
    def on_runtime(self) -> bool:
        """Whether it runs Astro Runtime: ``runtime_version`` decides, never ``airflow_version``."""
        return bool(self.runtime_version)

    @property
    def version(self) -> str:
        """The running version, as its distribution names it."""
        return self.runtime_version or self.airflow_version

    @property
    def airflow(self) -> str:
        """The running Airflow, ``x.y.z``."""
        return self.runtime_airflow if self.on_runtime else self.airflow_version

    @property
    def pending(self) -> str:
        """The version of a started change that is not completed, ``""`` when idle."""
        if self.desired_runtime_version != self.runtime_version:
            return self.desired_runtime_version
        if self.desired_airflow_version != self.airflow_version:
            return self.desired_airflow_version
        return ""

    def health(self, now: float) -> Health:
        """Return the Airflow's health at that time: no answer, then no scheduler, then healthy (inferred)."""
        start, end = self.rollout
        if now >= end:
            return Health.STOPPED if "scheduler" in self.stopped else Health.HEALTHY
        return Health.RESTARTING if now < (start + end) / 2 else Health.STARTING
