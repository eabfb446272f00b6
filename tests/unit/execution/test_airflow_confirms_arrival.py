"""How the Airflow confirms an arrival: in the sandbox, it reports healthy for 30 s after its scheduler died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import ID, Simulation, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

HEALTH = "/stars-1/airflow/health"


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    """AC 2.2.3 on a platform with realistic times: short rollouts, a heartbeat every 5 s."""
    with simulated(tmp_path, rollout_seconds=6.0, heartbeat_seconds=5.0) as made:
        yield made


def stop(simulation: Simulation, component: str) -> None:
    """Kill a component of the Airflow."""
    simulation.sandbox.change(ID, lambda deployment: simulation.sandbox.platform.stop(deployment, component))


def kill_scheduler_in_the_rollout(simulation: Simulation) -> None:
    """Make the scheduler of the next image die before it starts."""

    def delivered(name: str, response: httpx.Response) -> httpx.Response:
        if name == "updateDeploymentImage":
            simulation.clock.at(4, lambda: stop(simulation, "scheduler"))
        return response

    simulation.wire.after = delivered


def test_the_next_hop_waits_for_a_heartbeat_of_the_new_scheduler(simulation: Simulation) -> None:
    """During the rollout, Airflow already reports healthy, with the old scheduler's heartbeat."""
    sent: list[tuple[float, str]] = []
    simulation.wire.before = lambda name: sent.append((simulation.clock.time, name))
    ending = simulation.walk(simulation.request(delivers=True))
    assert (str(ending.deployment.current), ending.problem) == ("Astro Runtime 5.0.4", None)
    mutations = {name: time for time, name in sent if name.startswith("update")}
    delivered = next(time for time, name in sent if name == "updateDeploymentImage")
    # The rollout takes 6 s, and the new scheduler's first heartbeat comes 5 s later.
    assert mutations["updateDeploymentRuntime"] - delivered >= 6


def test_a_dead_scheduler_that_is_reported_healthy_does_not_confirm(simulation: Simulation) -> None:
    """It died in the rollout. The run waits, says why, and ends at the timeout without another mutation."""
    kill_scheduler_in_the_rollout(simulation)
    ending = simulation.walk(simulation.request(delivers=True, timeout=25.0))
    assert str(ending.deployment.current) == "AC 2.3.0"
    assert ending.problem is not None
    assert "was not confirmed healthy at 2.3.0 within 25s (timeout)" in ending.problem
    assert "healthy at 2.3.0, but the heartbeat of its scheduler has not moved since 1970-01-12T" in ending.problem
    assert simulation.mutations() == ["updateDeploymentAirflow", "updateDeploymentImage"]
    assert any("no new heartbeat" in text for text in simulation.reports.progresses)


def test_a_dead_scheduler_is_unhealthy_after_half_a_minute(simulation: Simulation) -> None:
    """From then on, Airflow itself reports it."""
    kill_scheduler_in_the_rollout(simulation)
    ending = simulation.walk(simulation.request(delivers=True, timeout=60.0))
    assert ": its scheduler is unhealthy." in str(ending.problem)


@pytest.mark.slow
def test_reads_become_rarer_while_the_heartbeat_does_not_move(simulation: Simulation) -> None:
    """In an hour's wait, one request every few seconds, not every second."""
    old = {"status": "healthy", "latest_scheduler_heartbeat": "2020-01-01T00:00:00+00:00"}
    simulation.wire.replace[HEALTH] = {"metadatabase": {"status": "healthy"}, "scheduler": old}
    ending = simulation.walk(simulation.request(delivers=True))
    assert "has not moved since 2020-01-01T00:00:00+00:00" in str(ending.problem)
    assert simulation.mutations() == ["updateDeploymentAirflow", "updateDeploymentImage"]
    assert 600 < simulation.wire.requests.count(HEALTH) < 1000


def test_an_airflow_without_heartbeats_is_confirmed_later(simulation: Simulation) -> None:
    """Only after longer than a dead scheduler is reported healthy."""
    simulation.wire.replace[HEALTH] = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}
    began = simulation.clock.time
    ending = simulation.walk(simulation.request(delivers=True))
    assert ending.problem is None
    assert 2 * 40 < simulation.clock.time - began < 2 * 60


def test_an_unhealthy_triggerer_is_one_warning(tmp_path: Path) -> None:
    """It is in the status text of each hop, and delays none."""
    with simulated(tmp_path) as simulation:
        parts = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler")}
        simulation.wire.replace[HEALTH] = parts | {"triggerer": {"status": "unhealthy"}}
        ending = simulation.walk(simulation.request(delivers=True))
        assert ending.problem is None
        warning = "stars-1: its triggerer is unhealthy. The run continues. Check the pods of this Deployment."
        assert simulation.reports.warnings == [warning]
        assert sum("its triggerer is unhealthy" in text for text in simulation.reports.infos) == 2
