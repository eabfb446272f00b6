"""How a run confirms an arrival: on the sandbox, whose Airflows say healthy for 30 s after their scheduler died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.execution.stage import ID, Stage, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

HEALTH = "/stars-1/airflow/health"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """AC 2.2.3 on a platform that is as fast and as slow as a real one: short rollouts, a heartbeat every 5 s."""
    with opened(tmp_path, rollout_seconds=6.0, heartbeat_seconds=5.0) as made:
        yield made


def stop(stage: Stage, component: str) -> None:
    """Kill a component of the Airflow."""
    stage.sandbox.change(ID, lambda deployment: stage.sandbox.platform.stop(deployment, component))


def dies_in_the_rollout(stage: Stage) -> None:
    """Have the scheduler of the next image die before it comes up."""

    def delivered(name: str, response: httpx.Response) -> httpx.Response:
        if name == "updateDeploymentImage":
            stage.clock.at(4, lambda: stop(stage, "scheduler"))
        return response

    stage.wire.after = delivered


def test_the_next_hop_waits_for_a_heartbeat_of_the_new_scheduler(stage: Stage) -> None:
    """Airflow says healthy from the middle of the rollout on, with the heartbeat of the scheduler before."""
    sent: list[tuple[float, str]] = []
    stage.wire.before = lambda name: sent.append((stage.clock.time, name))
    ending = stage.walk(stage.declare(delivers=True))
    assert (str(ending.deployment.current), ending.problem) == ("Astro Runtime 5.0.4", None)
    mutations = {name: time for time, name in sent if name.startswith("update")}
    delivered = next(time for time, name in sent if name == "updateDeploymentImage")
    # The rollout takes 6 s, and the first heartbeat after it that moves comes 5 s later.
    assert mutations["updateDeploymentRuntime"] - delivered >= 6


def test_a_dead_scheduler_that_counts_as_healthy_confirms_nothing(stage: Stage) -> None:
    """It died in the rollout: the run waits, says why, and ends at the time-out without another change."""
    dies_in_the_rollout(stage)
    ending = stage.walk(stage.declare(delivers=True, timeout=25.0))
    assert str(ending.deployment.current) == "AC 2.3.0"
    assert ending.problem is not None
    assert "was not confirmed healthy at 2.3.0 within 00:25 (timeout)" in ending.problem
    assert "healthy at 2.3.0, but the heartbeat of its scheduler has not moved since 1970-01-12T" in ending.problem
    assert stage.mutations() == ["updateDeploymentAirflow", "updateDeploymentImage"]
    assert any("has not moved since" in text for text in stage.told.progresses)


def test_a_dead_scheduler_is_unhealthy_after_half_a_minute(stage: Stage) -> None:
    """Then Airflow says so itself."""
    dies_in_the_rollout(stage)
    ending = stage.walk(stage.declare(delivers=True, timeout=60.0))
    assert "(its scheduler is unhealthy)" in str(ending.problem)


@pytest.mark.slow
def test_an_airflow_that_never_moves_its_heartbeat_is_asked_less_and_less_often(stage: Stage) -> None:
    """A page every few seconds for an hour, not every second."""
    old = {"status": "healthy", "latest_scheduler_heartbeat": "2020-01-01T00:00:00+00:00"}
    stage.wire.replace[HEALTH] = {"metadatabase": {"status": "healthy"}, "scheduler": old}
    ending = stage.walk(stage.declare(delivers=True))
    assert "has not moved since 2020-01-01T00:00:00+00:00" in str(ending.problem)
    assert stage.mutations() == ["updateDeploymentAirflow", "updateDeploymentImage"]
    assert 600 < stage.wire.requests.count(HEALTH) < 1000


def test_an_airflow_without_heartbeats_is_confirmed_later(stage: Stage) -> None:
    """After longer than a dead scheduler counts as healthy."""
    stage.wire.replace[HEALTH] = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}
    began = stage.clock.time
    ending = stage.walk(stage.declare(delivers=True))
    assert ending.problem is None
    assert 2 * 40 < stage.clock.time - began < 2 * 60


def test_an_unhealthy_triggerer_is_warned_of_once(tmp_path: Path) -> None:
    """It is in the status text of each hop, and holds none up."""
    with opened(tmp_path) as stage:
        parts = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler")}
        stage.wire.replace[HEALTH] = parts | {"triggerer": {"status": "unhealthy"}}
        ending = stage.walk(stage.declare(delivers=True))
        assert ending.problem is None
        warning = "stars-1: its triggerer is unhealthy. The run goes on; look at the Deployment's pods"
        assert stage.told.warnings == [warning]
        assert sum("its triggerer is unhealthy" in text for text in stage.told.infos) == 2
