"""The heartbeats of an Airflow: in even steps, independent of requests, and no more where a component was stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.deployment import Deployment, Health
from sandbox.errors import RefusedError
from sandbox.heartbeats import Component, last, running
from sandbox.image_labels import Labels
from tests.unit.sandbox.sample_platforms import Clock, certified, platform, runtime

if TYPE_CHECKING:
    from sandbox.platform_rules import Platform

SCHEDULER = Component.SCHEDULER


def beats(deployment: Deployment, clock: Clock, *later: float) -> list[float | None]:
    """The scheduler's last heartbeats at moments from now on, in seconds from now."""
    found = [last(deployment, SCHEDULER, clock.now + seconds, 5.0) for seconds in later]
    return [None if beat is None else beat - clock.now for beat in found]


def born(clock: Clock) -> Deployment:
    """A Deployment that is up since now."""
    return replace(certified("2.2.4"), created_at=clock.now)


def deployed(world: Platform) -> Deployment:
    """The same version again: the pods restart for 100 s."""
    return world.deploy(born(Clock()), "x", Labels(airflow="2.2.4"))


def test_a_heartbeat_comes_every_five_seconds() -> None:
    """It is the same for all who ask in between."""
    clock = Clock()
    assert beats(born(clock), clock, 0, 4.9, 5, 9, 12) == [0, 0, 5, 5, 10]


def test_a_stopped_component_beats_no_more() -> None:
    """Until a rollout; and which it was can be seen."""
    clock = Clock()
    world, deployment = platform(clock=clock), born(clock)
    clock.now += 7
    stopped = world.stop(world.stop(deployment, "scheduler"), "scheduler")
    assert stopped.health(clock.now) is Health.STOPPED
    assert beats(stopped, clock, 0, 1000) == [-2, -2]
    again = world.deploy(stopped, "x", Labels(airflow="2.2.4"))
    assert beats(again, clock, 50, 99, 100, 106) == [-2, -2, 100, 105]


def test_during_a_rollout_the_last_heartbeat_is_the_one_before() -> None:
    """It stays in the metadata database, and a scheduler that is stopped meanwhile gives no other."""
    clock = Clock()
    world = platform(clock=clock)
    rolling = deployed(world)
    assert beats(rolling, clock, 0, 99, 100, 104, 105) == [0, 0, 100, 100, 105]
    clock.now += 60
    assert beats(world.stop(rolling, "scheduler"), clock, 0, 1000) == [-60, -60]


def test_a_component_that_does_not_run_cannot_be_stopped() -> None:
    """Airflow 2 has no DAG processor of its own, and a triggerer runs where the fleet file says so."""
    with pytest.raises(RefusedError, match="solar-wind-9012 runs no dag_processor: it runs scheduler"):
        platform().stop(runtime("4.2.5", "2.2.5"), "dag_processor")
    third = replace(runtime("3.0-1", "3.0.0"), triggerer=True)
    assert running(third) == ("scheduler", "dag_processor", "triggerer")
    assert last(certified("2.2.4"), Component.TRIGGERER, 1.0, 5.0) is None
