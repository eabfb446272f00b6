"""Hops on an unsteady platform: it reverts, flaps, lags, clears a hop, goes down or keeps the old Airflow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from astro_deployment_runtime.execution.run_memory import SETTLE_SECONDS
from tests.simulation import ID, IMAGE, Simulation, runs, simulated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.deployment import Deployment

pytestmark = pytest.mark.slow

START, DELIVER = "updateDeploymentAirflow", "updateDeploymentImage"
BOTH = [START, DELIVER, "updateDeploymentRuntime", DELIVER]


def state(simulation: Simulation) -> Deployment:
    """Return the Deployment from the store, not through the API."""
    found = simulation.sandbox.find(deployment_id=ID)
    assert found is not None
    return found


class TestReverting:
    """Houston reports the new version, then the old one again."""

    @pytest.mark.parametrize("timeout", [10.0, 3600.0])
    @pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 45.0])
    def test_a_reverted_hop_is_not_started_again(self, tmp_path: Path, seconds: float, timeout: float) -> None:
        """One start, one delivery, and a message with what was observed, what runs and where to look."""
        with simulated(tmp_path, reverts_after=seconds) as simulation:
            began = simulation.clock.time
            ending = simulation.walk(simulation.request(delivers=True, timeout=timeout))
            assert simulation.mutations() == [START, DELIVER]
            assert simulation.clock.time - began < min(seconds, timeout) + SETTLE_SECONDS + 15
            if seconds < timeout:
                assert (runs(ending), ending.pending) == ("AC 2.2.3", None)
                assert "Houston reported AC 2.3.0" in str(ending.problem)
                assert "AC 2.2.3 for stars-1, with nothing pending" in str(ending.problem)
                assert "logs of its pods" in str(ending.problem)

    def test_an_upgrade_by_its_image_alone_is_not_delivered_again(self, tmp_path: Path) -> None:
        """No hop is ever pending there, so only the run's memory shows that it arrived."""
        with simulated(
            tmp_path, version="4.2.5", distribution="runtime", platform_version="0.36.0", reverts_after=3.0
        ) as simulation:
            ending = simulation.walk(simulation.request(delivers=True))
            assert simulation.mutations() == [DELIVER]
            assert "Houston reported Astro Runtime 5.0.4" in str(ending.problem)
            assert "reported Astro Runtime 4.2.5 for stars-1, with nothing pending" in str(ending.problem)

    def test_a_hop_that_arrives_and_reverts_between_two_reads_is_not_started_again(
        self, simulation: Simulation
    ) -> None:
        """The run has only observed that the hop is no longer pending, and says so."""

        def take_back() -> None:
            simulation.sandbox.store.save(
                replace(state(simulation), airflow_version="2.2.3", desired_airflow_version="2.2.3")
            )

        simulation.clock.at(60.0, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        simulation.clock.at(60.0, take_back)
        ending = simulation.walk(simulation.request(), image=None)
        assert (simulation.mutations(), ending.pending) == ([START], None)
        assert "Houston showed the hop to AC 2.3.0 as pending" in str(ending.problem)
        assert "somebody cancelled it, or Houston dropped it" in str(ending.problem)

    def test_the_next_run_starts_from_the_running_version(self, tmp_path: Path) -> None:
        """A user has looked at it, so the next run starts the hop once more."""
        with simulated(tmp_path, reverts_after=3.0) as simulation:
            first = simulation.walk(simulation.request(delivers=True))
            platform = replace(
                simulation.sandbox.platform, quirks=replace(simulation.sandbox.platform.quirks, reverts_after=None)
            )
            object.__setattr__(simulation.sandbox, "platform", platform)
            simulation.wire.requests.clear()
            again = simulation.walk(
                simulation.request(delivers=True), pending=str(first.pending) if first.pending else None
            )
            assert (runs(again), again.problem) == ("Astro Runtime 5.0.4", None)
            assert simulation.mutations() == BOTH

    def test_nothing_is_sent_after_a_confirmed_hop_reverts(self, tmp_path: Path) -> None:
        """Also if the next hop has already started."""
        with simulated(tmp_path, reverts_after=100.0) as simulation:
            simulation.clock.at(10, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            ending = simulation.walk(simulation.request(), image=None)
            assert "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0" in simulation.reports.infos
            assert simulation.mutations() == [START, "updateDeploymentRuntime"]
            assert (runs(ending), ending.pending) == ("AC 2.2.3", None)
            assert "Houston reported AC 2.3.0" in str(ending.problem)

    def test_a_hop_that_is_pending_again_stays_ours(self, simulation: Simulation) -> None:
        """The platform goes back to the old version and still desires the new one."""
        before: list[Deployment] = []
        simulation.clock.at(1, lambda: before.append(state(simulation)))
        simulation.clock.at(20, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        simulation.clock.at(30, lambda: simulation.sandbox.store.save(before[0]))
        ending = simulation.walk(simulation.request(), image=None)
        assert (runs(ending), str(ending.pending)) == ("AC 2.2.3", "AC 2.3.0")
        assert "with the hop to AC 2.3.0 pending" in str(ending.problem)
        assert simulation.mutations() == [START]

    def test_a_resumed_run_notices_a_revert(self, tmp_path: Path) -> None:
        """Its first read has the new version, the next reads have the old one."""
        with simulated(tmp_path, reverts_after=30.0) as simulation:
            simulation.clock.cancel_at = simulation.clock.time + 10
            first = simulation.walk(simulation.request(delivers=True))
            simulation.clock.cancel_at = None
            ending = simulation.walk(simulation.request(delivers=True), pending=str(first.pending))
            assert "Houston reported AC 2.3.0" in str(ending.problem)
            assert simulation.mutations() == [START, DELIVER]

    def test_a_revert_is_noticed_with_verify_houston(self, tmp_path: Path) -> None:
        """Nothing is sent after it, also without an answer of the Airflow."""
        with simulated(tmp_path, reverts_after=30.0) as simulation:
            simulation.clock.at(10, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            ending = simulation.walk(simulation.request(ask_airflow=False), image=None)
            assert simulation.mutations() == [START, "updateDeploymentRuntime"]
            assert "Houston reported AC 2.3.0" in str(ending.problem)

    @pytest.mark.parametrize(
        ("new", "old", "rollout", "confirm"),
        [
            pytest.param(2.0, 2.0, 0.0, True, id="at each read"),
            pytest.param(9.0, 4.0, 0.0, True, id="healthy immediately"),
            pytest.param(13.0, 5.0, 0.0, True, id="long enough to be confirmed"),
            pytest.param(30.0, 8.0, 20.0, True, id="after a rollout"),
            pytest.param(1.0, 9.5, 0.0, False, id="verify houston"),
            pytest.param(13.0, 5.0, 0.0, False, id="verify houston, long enough to be confirmed"),
        ],
    )
    def test_endless_flapping_ends_the_run(
        self, tmp_path: Path, new: float, old: float, rollout: float, confirm: bool
    ) -> None:
        """The timers of a hop never restart: at most three of them, and each mutation is sent once."""
        with simulated(tmp_path, rollout_seconds=rollout) as simulation:
            kept: list[Deployment] = []

            def forth() -> None:
                if kept:
                    simulation.sandbox.store.save(kept.pop())
                simulation.clock.at(new, back)

            def back() -> None:
                now = state(simulation)
                if now.version == "2.3.0":
                    kept.append(now)
                    simulation.sandbox.store.save(
                        replace(
                            now, airflow_version="2.2.3", desired_airflow_version="2.2.3", desired_runtime_version=""
                        )
                    )
                simulation.clock.at(old, forth)

            simulation.clock.at(20, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            simulation.clock.at(20 + new, back)
            began, timeout = simulation.clock.time, 120.0
            ending = simulation.walk(simulation.request(ask_airflow=confirm, timeout=timeout), image=None)
            assert ending.problem is not None
            assert simulation.clock.time - began <= 20 + 2 * timeout + 30
            assert len(simulation.mutations()) == len(set(simulation.mutations()))

    def test_a_short_revert_does_not_end_the_run(self, simulation: Simulation) -> None:
        """The hop is confirmed once Houston has reported the new version for the settling time."""
        kept: list[Deployment] = []

        def back() -> None:
            kept.append(state(simulation))
            simulation.sandbox.store.save(replace(kept[0], airflow_version="2.2.3", desired_airflow_version="2.2.3"))

        simulation.clock.at(20, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        simulation.clock.at(40, back)
        simulation.clock.at(46, lambda: simulation.sandbox.store.save(kept[0]))
        simulation.clock.at(300, lambda: simulation.push("quay.io/astronomer/astro-runtime:5.0.4"))
        ending = simulation.walk(simulation.request(), image=None)
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert any("hop 1/2: fell back to AC 2.2.3" in line for line in simulation.reports.progresses)

    def test_the_status_column_shows_a_revert(self, tmp_path: Path) -> None:
        """While the run checks whether the old version stays."""
        with simulated(tmp_path, reverts_after=3.0) as simulation:
            simulation.walk(simulation.request(delivers=True))
            assert any(line.endswith("hop 1/2: fell back to AC 2.2.3") for line in simulation.reports.progresses)


class TestLagging:
    """Houston reports the state of before, or neither the old nor the new version."""

    @pytest.mark.parametrize(("stale", "cleared"), [(1.0, 0.0), (8.0, 0.0), (0.0, 2.0), (0.0, 6.0), (3.0, 6.0)])
    @pytest.mark.parametrize("delivers", [True, False])
    def test_a_lag_does_not_end_the_run(self, tmp_path: Path, stale: float, cleared: float, delivers: bool) -> None:
        """The run reports no cancel by another user, and sends nothing twice."""
        with simulated(tmp_path, stale_seconds=stale, clears_desired=cleared) as simulation:
            if not delivers:
                simulation.clock.at(60, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
                simulation.clock.at(300, lambda: simulation.push("quay.io/astronomer/astro-runtime:5.0.4"))
            ending = simulation.walk(simulation.request(delivers=delivers), image=IMAGE if delivers else None)
            assert (runs(ending), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
            assert simulation.mutations() == (BOTH if delivers else BOTH[::2])

    def test_a_stale_answer_after_a_cancelled_hop_is_no_foreign_hop(self, tmp_path: Path) -> None:
        """A stale replica still shows the hop that this run has just cancelled."""
        with simulated(tmp_path, pending="2.2.4", stale_seconds=6.0) as simulation:
            ending = simulation.walk(simulation.request(delivers=True, ours=True), pending="AC 2.2.4")
            assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
            assert simulation.mutations() == [START, *BOTH]

    def test_a_cancelled_hop_is_not_cancelled_again_on_a_stale_answer(self, tmp_path: Path) -> None:
        """That would cancel the hop that the run has started since."""
        with simulated(tmp_path, pending="2.2.4", stale_seconds=6.0) as simulation:
            ending = simulation.walk(simulation.request(delivers=True, accept=("cancel-pending",)))
            assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
            assert simulation.mutations() == [START, *BOTH]

    def test_a_hop_that_stays_cleared_ends_the_run(self, tmp_path: Path) -> None:
        """After the settling time. The message has only what was observed."""
        with simulated(tmp_path, clears_desired=1000.0) as simulation:
            ending = simulation.walk(simulation.request(delivers=True))
            assert "Houston showed the hop to AC 2.3.0 as pending, and has reported" in str(ending.problem)
            assert "This run had delivered its image: the rollout failed, or somebody cancelled the hop" in str(
                ending.problem
            )
            assert (simulation.mutations(), ending.pending) == ([START, DELIVER], None)

    def test_a_cancel_by_another_user_counts_after_the_settling_time(self, simulation: Simulation) -> None:
        """Not before."""
        cancelled = simulation.clock.time + 60
        simulation.clock.at(60, lambda: simulation.sandbox.change(ID, simulation.sandbox.platform.cancel))
        ending = simulation.walk(simulation.request(), image=None)
        assert "somebody cancelled it" in str(ending.problem)
        assert SETTLE_SECONDS <= simulation.clock.time - cancelled < SETTLE_SECONDS + 12
        assert ending.pending is None

    def test_a_foreign_hop_that_replaces_ours_is_refused_after_the_settling_time(self, simulation: Simulation) -> None:
        """The next run does not treat it as ours."""
        platform = simulation.sandbox.platform
        simulation.clock.at(
            60, lambda: simulation.sandbox.change(ID, lambda each: platform.start_airflow(each, "2.2.4"))
        )
        ending = simulation.walk(simulation.request(), image=None)
        assert "PENDING: AC 2.2.4 is pending" in str(ending.problem)
        assert (ending.pending, simulation.mutations()) == (None, [START])


class TestOutage:
    """Houston does not answer."""

    def outage_from(self, simulation: Simulation, after: str, seconds: float, status: int | None) -> None:
        """Start an outage at the first such mutation: no connection, or a page with that status."""
        until: list[float] = []

        def before(name: str) -> None:
            if (
                status is None
                and until
                and name.startswith(("appConfig", "deployment"))
                and simulation.clock.time < until[0]
            ):
                raise httpx.ConnectError("refused")

        def answered(name: str, response: httpx.Response) -> httpx.Response:
            if name == after and not until:
                until.append(simulation.clock.time + seconds)
            elif status and until and name.startswith(("appConfig", "deployment")) and simulation.clock.time < until[0]:
                return httpx.Response(status, text="<html>Service Unavailable</html>")
            return response

        simulation.wire.before, simulation.wire.after = before, answered

    @pytest.mark.parametrize(
        ("mutation", "status"), [(START, None), (START, 503), (DELIVER, None), (DELIVER, 502), (BOTH[2], 503)]
    )
    def test_an_outage_right_after_a_mutation_does_not_end_the_run(
        self, simulation: Simulation, mutation: str, status: int | None
    ) -> None:
        """Until the hop's timeout. Nothing is sent twice."""
        self.outage_from(simulation, mutation, 100, status)
        ending = simulation.walk(simulation.request(delivers=True))
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert simulation.mutations() == BOTH
        assert any("Houston does not answer" in line for line in simulation.reports.progresses)

    @pytest.mark.parametrize("status", [None, 503])
    def test_an_outage_ends_the_run_at_the_timeout(self, simulation: Simulation, status: int | None) -> None:
        """The message says that Houston does not answer, and its last report."""
        self.outage_from(simulation, START, 1e9, status)
        began = simulation.clock.time
        ending = simulation.walk(simulation.request(delivers=True, timeout=60.0))
        assert 60 <= simulation.clock.time - began < 75
        assert "Houston did not answer within 1m (timeout)" in str(ending.problem)
        assert "Houston last reported AC 2.2.3 for stars-1, with nothing pending" in str(ending.problem)
        assert str(ending.pending) == "AC 2.3.0"

    def test_cancel_ends_the_wait_in_an_outage(self, simulation: Simulation) -> None:
        """The state has the started hop."""
        self.outage_from(simulation, START, 1e9, None)
        simulation.clock.cancel_at = simulation.clock.time + 30
        ending = simulation.walk(simulation.request(delivers=True))
        assert str(ending.problem).startswith("interrupted; the hop to AC 2.3.0 may have been started")

    def test_a_start_lost_in_an_outage_is_decided_after_it(self, simulation: Simulation) -> None:
        """Reads right after an outage may be stale: they must last before the start is repeated."""
        self.outage_from(simulation, START, 60, None)
        lost = [True]
        watched = simulation.wire.after

        def after(name: str, response: httpx.Response) -> httpx.Response:
            response = watched(name, response)
            if name == START and lost:
                lost.clear()
                raise httpx.ReadError("connection reset")
            return response

        simulation.wire.after = after
        ending = simulation.walk(simulation.request(delivers=True))
        assert (runs(ending), simulation.mutations()) == ("Astro Runtime 5.0.4", BOTH)


def lag_airflow_version(simulation: Simulation, seconds: float) -> Callable[[str, httpx.Response], httpx.Response]:
    """Make Houston report the Airflow of Runtime 4.2.5 for the arrived Runtime 5.0.4, for some time."""
    until = simulation.clock.time + seconds

    def after(name: str, response: httpx.Response) -> httpx.Response:
        if "deployment" not in name.split() or simulation.clock.time >= until:
            return response
        old, new = '"runtimeAirflowVersion": "2.2.5"', '"runtimeAirflowVersion": "2.3.0"'
        return httpx.Response(200, text=json.dumps(response.json()).replace(new, old))

    return after


class TestOtherAirflow:
    """The target runs another Airflow version than planned."""

    def test_a_hop_that_keeps_the_old_airflow_stops_the_run(self, tmp_path: Path) -> None:
        """At once, with all three versions."""
        with simulated(
            tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True, rollout_seconds=20
        ) as simulation:
            began = simulation.clock.time
            ending = simulation.walk(simulation.request(delivers=True))
            assert "Houston reports Astro Runtime 5.0.4 with Airflow 2.2.5 for stars-1" in str(ending.problem)
            assert "its Airflow reports 2.2.5 too" in str(ending.problem)
            assert "the platform offers Astro Runtime 5.0.4 with Airflow 2.3.0" in str(ending.problem)
            assert simulation.clock.time - began < 40
            assert str(ending.pending) == "Astro Runtime 5.0.4"

    def test_the_next_run_confirms_the_running_airflow(self, tmp_path: Path) -> None:
        """A wrong catalog does not block a Deployment for good. The message repeats the catalog's version."""
        with simulated(
            tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True, rollout_seconds=20
        ) as simulation:
            first = simulation.walk(simulation.request(delivers=True))
            again = simulation.walk(simulation.request(delivers=True), pending=str(first.pending))
            assert (runs(again), again.problem, again.pending) == ("Astro Runtime 5.0.4", None, None)
            assert (
                "its Airflow is healthy at 2.2.5 (the platform offers it with Airflow 2.3.0)"
                in simulation.reports.infos[-1]
            )
            assert simulation.mutations() == ["updateDeploymentRuntime", DELIVER]

    def test_the_next_run_accepts_the_airflows_own_version(self, tmp_path: Path) -> None:
        """The first run was interrupted, and Houston still reports the old Airflow."""
        with simulated(tmp_path, version="4.2.5", distribution="runtime", rollout_seconds=20) as simulation:
            simulation.wire.after = lag_airflow_version(simulation, 1e9)
            simulation.clock.cancel_at = simulation.clock.time + 8
            first = simulation.walk(simulation.request(delivers=True))
            simulation.clock.cancel_at = None
            again = simulation.walk(simulation.request(delivers=True), pending=str(first.pending))
            assert again.problem is None
            assert "its Airflow is healthy at 2.3.0" in simulation.reports.infos[-1]

    def test_another_airflow_version_stops_the_run_with_verify_houston(self, tmp_path: Path) -> None:
        """After the settling time. The message does not name the Airflow as the source."""
        with simulated(tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True) as simulation:
            ending = simulation.walk(simulation.request(delivers=True, ask_airflow=False))
            assert "its Airflow was not asked (verify: houston)" in str(ending.problem)
            again = simulation.walk(simulation.request(delivers=True, ask_airflow=False), pending=str(ending.pending))
            assert again.problem is None

    @pytest.mark.parametrize("seconds", [5.0, 1e9])
    def test_the_airflows_own_version_counts_if_houston_lags(self, tmp_path: Path, seconds: float) -> None:
        """Houston reports the old version for a while or always. The Airflow reports the planned one."""
        with simulated(tmp_path, version="4.2.5", distribution="runtime", rollout_seconds=20) as simulation:
            simulation.wire.after = lag_airflow_version(simulation, seconds)
            ending = simulation.walk(simulation.request(delivers=True))
            assert ending.problem is None
            assert any("its Airflow is healthy at 2.3.0" in line for line in simulation.reports.infos)

    def test_health_is_read_at_the_address_of_the_reported_major_version(self, tmp_path: Path) -> None:
        """Airflow 3 was planned, and Airflow 2 answers at its own addresses."""
        with simulated(
            tmp_path, version="13.11.0", distribution="runtime", catalog="published", keeps_airflow=True
        ) as simulation:
            ending = simulation.walk(simulation.request("3.1-12", delivers=True, accept=()))
            assert "with Airflow 2.11.2 for stars-1, its Airflow reports 2.11.2 too" in str(ending.problem)
            assert "offers Astro Runtime 3.1-12 with Airflow 3.1.7" in str(ending.problem)
