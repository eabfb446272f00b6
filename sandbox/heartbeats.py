"""The last heartbeat of each component of a Deployment's Airflow at a moment, independent of requests.

A component beats at a fixed interval from the moment at which its pods were up, until it is stopped. The pods of a
rollout begin with the last heartbeat of the pods before them, which stays in the metadata database.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sandbox import versions

if TYPE_CHECKING:
    from sandbox.deployment import Deployment

THRESHOLD_SECONDS: Final = 30.0
"""Age in seconds at which a heartbeat counts as unhealthy: Airflow's ``scheduler_health_check_threshold``."""


class Component(StrEnum):
    """A process of Airflow with heartbeats."""

    SCHEDULER = "scheduler"
    DAG_PROCESSOR = "dag_processor"
    TRIGGERER = "triggerer"


def last(deployment: Deployment, component: Component, now: float, every: float) -> float | None:
    """Return the last heartbeat, in seconds since 1970; ``None`` for a component that never ran."""
    if component not in running(deployment):
        return None
    up = max(deployment.rollout[1], deployment.created_at)
    until = min(now, deployment.stopped.get(component, now))
    if until < up:
        return deployment.heartbeats.get(component)
    return up + (until - up) // every * every


def all_of(deployment: Deployment, now: float, every: float) -> dict[str, float]:
    """Return the last heartbeats of all components that have one."""
    found = {component: last(deployment, component, now, every) for component in running(deployment)}
    return {component: beat for component, beat in found.items() if beat is not None}


def running(deployment: Deployment) -> tuple[Component, ...]:
    """List the components that a Deployment runs: Airflow 3 has a separate DAG processor."""
    third = versions.numbers(deployment.airflow) >= (3,)
    return (
        Component.SCHEDULER,
        *((Component.DAG_PROCESSOR,) if third else ()),
        *((Component.TRIGGERER,) if deployment.triggerer else ()),
    )
