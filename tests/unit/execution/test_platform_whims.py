"""What a platform may do to a hop while a run watches: revert it, flap, lag, clear, go down, keep the old Airflow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
import stamina

from astro_deployment_runtime.execution.decisions import SETTLE_SECONDS
from tests.unit.execution.stage import ID, IMAGE, Stage, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astro_deployment_runtime.execution.executor import Ending
    from sandbox.deployment import Deployment

pytestmark = pytest.mark.slow

START, DELIVER = "updateDeploymentAirflow", "updateDeploymentImage"
BOTH = [START, DELIVER, "updateDeploymentRuntime", DELIVER]


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """AC 2.2.3, as in the guide."""
    with opened(tmp_path) as made:
        yield made


def runs(ending: Ending) -> str:
    """What the Deployment was seen to run last."""
    return str(ending.deployment.current)


def state(stage: Stage) -> Deployment:
    """The Deployment behind the API."""
    found = stage.sandbox.find(deployment_id=ID)
    assert found is not None
    return found


class TestReverting:
    """Houston reports the new version, then the old one again."""

    @pytest.mark.parametrize("timeout", [10.0, 3600.0])
    @pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 45.0])
    def test_a_hop_that_is_taken_back_is_not_started_again(
        self, tmp_path: Path, seconds: float, timeout: float
    ) -> None:
        """One start, one delivery, and an end that says what was seen, what runs and where to look."""
        with opened(tmp_path, reverts_after=seconds) as stage:
            began = stage.clock.time
            ending = stage.walk(stage.declare(delivers=True, timeout=timeout))
            assert stage.mutations() == [START, DELIVER]
            assert stage.clock.time - began < min(seconds, timeout) + SETTLE_SECONDS + 15
            if seconds < timeout:
                assert (runs(ending), ending.pending) == ("AC 2.2.3", None)
                assert "Houston reported AC 2.3.0" in str(ending.problem)
                assert "reports AC 2.2.3 for stars-1, with nothing pending" in str(ending.problem)
                assert "logs of its pods" in str(ending.problem)

    def test_an_upgrade_by_its_image_alone_is_not_delivered_again(self, tmp_path: Path) -> None:
        """There nothing is ever started nor pending, so that only the memory of the run tells."""
        with opened(
            tmp_path, version="4.2.5", distribution="runtime", platform_version="0.36.0", reverts_after=3.0
        ) as stage:
            ending = stage.walk(stage.declare(delivers=True))
            assert stage.mutations() == [DELIVER]
            assert "Houston reported Astro Runtime 5.0.4" in str(ending.problem)
            assert "reports Astro Runtime 4.2.5 for stars-1, with nothing pending" in str(ending.problem)

    def test_a_hop_that_came_and_went_between_two_looks_is_not_started_again(self, stage: Stage) -> None:
        """The run has seen that it is pending no more, and says no more than that."""

        def take_back() -> None:
            stage.sandbox.store.save(replace(state(stage), airflow_version="2.2.3", desired_airflow_version="2.2.3"))

        stage.clock.at(60.0, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        stage.clock.at(60.0, take_back)
        ending = stage.walk(stage.declare(), image=None)
        assert (stage.mutations(), ending.pending) == ([START], None)
        assert "Houston showed the hop to AC 2.3.0 as pending" in str(ending.problem)
        assert "somebody cancelled it, or Houston dropped it" in str(ending.problem)

    def test_the_next_run_begins_from_what_runs(self, tmp_path: Path) -> None:
        """Somebody has looked: the hop is started once more, in that run."""
        with opened(tmp_path, reverts_after=3.0) as stage:
            first = stage.walk(stage.declare(delivers=True))
            platform = replace(
                stage.sandbox.platform, quirks=replace(stage.sandbox.platform.quirks, reverts_after=None)
            )
            object.__setattr__(stage.sandbox, "platform", platform)
            stage.wire.requests.clear()
            again = stage.walk(stage.declare(delivers=True), pending=str(first.pending) if first.pending else None)
            assert (runs(again), again.problem) == ("Astro Runtime 5.0.4", None)
            assert stage.mutations() == BOTH

    def test_nothing_is_sent_after_a_confirmed_hop_was_taken_back(self, tmp_path: Path) -> None:
        """Also when the next hop was started already."""
        with opened(tmp_path, reverts_after=100.0) as stage:
            stage.clock.at(10, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            ending = stage.walk(stage.declare(), image=None)
            assert "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0" in stage.told.infos
            assert stage.mutations() == [START, "updateDeploymentRuntime"]
            assert (runs(ending), ending.pending) == ("AC 2.2.3", None)
            assert "Houston reported AC 2.3.0" in str(ending.problem)

    def test_a_hop_that_is_pending_again_stays_ours(self, stage: Stage) -> None:
        """The platform goes back to the old version and still desires the new one."""
        before: list[Deployment] = []
        stage.clock.at(1, lambda: before.append(state(stage)))
        stage.clock.at(20, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        stage.clock.at(30, lambda: stage.sandbox.store.save(before[0]))
        ending = stage.walk(stage.declare(), image=None)
        assert (runs(ending), str(ending.pending)) == ("AC 2.2.3", "AC 2.3.0")
        assert "with the hop to AC 2.3.0 pending" in str(ending.problem)
        assert stage.mutations() == [START]

    def test_what_an_earlier_run_saw_arrive_is_watched_too(self, tmp_path: Path) -> None:
        """The first look of a resumed run has the new version, the next ones the old."""
        with opened(tmp_path, reverts_after=30.0) as stage:
            stage.clock.cancel_at = stage.clock.time + 10
            first = stage.walk(stage.declare(delivers=True))
            stage.clock.cancel_at = None
            ending = stage.walk(stage.declare(delivers=True), pending=str(first.pending))
            assert "Houston reported AC 2.3.0" in str(ending.problem)
            assert stage.mutations() == [START, DELIVER]

    def test_houstons_word_is_watched_where_it_is_enough(self, tmp_path: Path) -> None:
        """Without the Airflow's answer too, nothing is sent after the hop was taken back."""
        with opened(tmp_path, reverts_after=30.0) as stage:
            stage.clock.at(10, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            ending = stage.walk(stage.declare(confirm=False), image=None)
            assert stage.mutations() == [START, "updateDeploymentRuntime"]
            assert "Houston reported AC 2.3.0" in str(ending.problem)

    @pytest.mark.parametrize(
        ("new", "old", "rollout", "confirm"),
        [
            pytest.param(2.0, 2.0, 0.0, True, id="at each look"),
            pytest.param(9.0, 4.0, 0.0, True, id="healthy at once"),
            pytest.param(13.0, 5.0, 0.0, True, id="for long enough to be confirmed"),
            pytest.param(30.0, 8.0, 20.0, True, id="after a rollout"),
            pytest.param(1.0, 9.5, 0.0, False, id="by Houston's word"),
            pytest.param(13.0, 5.0, 0.0, False, id="by Houston's word, for long enough"),
        ],
    )
    def test_flapping_for_ever_comes_to_an_end(
        self, tmp_path: Path, new: float, old: float, rollout: float, confirm: bool
    ) -> None:
        """The clocks of a hop run once: three of them at most, and each mutation is sent once."""
        with opened(tmp_path, rollout_seconds=rollout) as stage:
            kept: list[Deployment] = []

            def forth() -> None:
                if kept:
                    stage.sandbox.store.save(kept.pop())
                stage.clock.at(new, back)

            def back() -> None:
                now = state(stage)
                if now.version == "2.3.0":
                    kept.append(now)
                    stage.sandbox.store.save(
                        replace(
                            now, airflow_version="2.2.3", desired_airflow_version="2.2.3", desired_runtime_version=""
                        )
                    )
                stage.clock.at(old, forth)

            stage.clock.at(20, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
            stage.clock.at(20 + new, back)
            began, timeout = stage.clock.time, 120.0
            ending = stage.walk(stage.declare(confirm=confirm, timeout=timeout), image=None)
            assert ending.problem is not None
            assert stage.clock.time - began <= 20 + 2 * timeout + 30
            assert len(stage.mutations()) == len(set(stage.mutations()))

    def test_a_short_fall_back_is_waited_out(self, stage: Stage) -> None:
        """The hop is confirmed when Houston has reported the new version for long enough again."""
        kept: list[Deployment] = []

        def back() -> None:
            kept.append(state(stage))
            stage.sandbox.store.save(replace(kept[0], airflow_version="2.2.3", desired_airflow_version="2.2.3"))

        stage.clock.at(20, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
        stage.clock.at(40, back)
        stage.clock.at(46, lambda: stage.sandbox.store.save(kept[0]))
        stage.clock.at(300, lambda: stage.push("quay.io/astronomer/astro-runtime:5.0.4"))
        ending = stage.walk(stage.declare(), image=None)
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert any("Houston reports AC 2.2.3 after AC 2.3.0" in line for line in stage.told.progresses)

    def test_it_reads_as_what_it_is_in_the_status_column(self, tmp_path: Path) -> None:
        """While the run waits whether the old version lasts."""
        with opened(tmp_path, reverts_after=3.0) as stage:
            stage.walk(stage.declare(delivers=True))
            assert any(
                line.startswith("hop 1/2 - Houston reports AC 2.2.3 after AC 2.3.0, waiting whether that lasts")
                for line in stage.told.progresses
            )


class TestLagging:
    """Houston answers with what was, or with neither the old nor the new."""

    @pytest.mark.parametrize(("stale", "cleared"), [(1.0, 0.0), (8.0, 0.0), (0.0, 2.0), (0.0, 6.0), (3.0, 6.0)])
    @pytest.mark.parametrize("delivers", [True, False])
    def test_it_is_waited_out(self, tmp_path: Path, stale: float, cleared: float, delivers: bool) -> None:
        """Nobody is said to have cancelled, and nothing is sent twice."""
        with opened(tmp_path, stale_seconds=stale, clears_desired=cleared) as stage:
            if not delivers:
                stage.clock.at(60, lambda: stage.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
                stage.clock.at(300, lambda: stage.push("quay.io/astronomer/astro-runtime:5.0.4"))
            ending = stage.walk(stage.declare(delivers=delivers), image=IMAGE if delivers else None)
            assert (runs(ending), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
            assert stage.mutations() == (BOTH if delivers else BOTH[::2])

    def test_a_stale_answer_after_a_cancelled_hop_is_no_foreign_hop(self, tmp_path: Path) -> None:
        """The replica still shows the hop that this run has just cancelled."""
        with opened(tmp_path, pending="2.2.4", stale_seconds=6.0) as stage:
            ending = stage.walk(stage.declare(delivers=True, ours=True), pending="AC 2.2.4")
            assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
            assert stage.mutations() == [START, *BOTH]

    def test_a_cancelled_hop_is_not_cancelled_again_on_a_stale_answer(self, tmp_path: Path) -> None:
        """That would cancel the hop that was started since."""
        with opened(tmp_path, pending="2.2.4", stale_seconds=6.0) as stage:
            ending = stage.walk(stage.declare(delivers=True, accept=("cancel-pending",)))
            assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
            assert stage.mutations() == [START, *BOTH]

    def test_what_stays_cleared_ends_the_run(self, tmp_path: Path) -> None:
        """After the settling time, with no more than was seen."""
        with opened(tmp_path, clears_desired=1000.0) as stage:
            ending = stage.walk(stage.declare(delivers=True))
            assert "Houston showed the hop to AC 2.3.0 as pending, and for the last 1" in str(ending.problem)
            assert "This run had delivered its image: the rollout failed, or somebody cancelled it" in str(
                ending.problem
            )
            assert (stage.mutations(), ending.pending) == ([START, DELIVER], None)

    def test_a_human_who_cancels_is_believed_after_the_settling_time(self, stage: Stage) -> None:
        """Not before."""
        cancelled = stage.clock.time + 60
        stage.clock.at(60, lambda: stage.sandbox.change(ID, stage.sandbox.platform.cancel))
        ending = stage.walk(stage.declare(), image=None)
        assert "somebody cancelled it" in str(ending.problem)
        assert SETTLE_SECONDS <= stage.clock.time - cancelled < SETTLE_SECONDS + 12
        assert ending.pending is None

    def test_a_foreign_hop_that_replaces_ours_is_refused_after_the_settling_time(self, stage: Stage) -> None:
        """It is not taken for ours in the next run."""
        platform = stage.sandbox.platform
        stage.clock.at(60, lambda: stage.sandbox.change(ID, lambda each: platform.start_airflow(each, "2.2.4")))
        ending = stage.walk(stage.declare(), image=None)
        assert "PENDING: AC 2.2.4 is pending" in str(ending.problem)
        assert (ending.pending, stage.mutations()) == (None, [START])


class TestOutage:
    """Houston does not answer."""

    def down(self, stage: Stage, after: str, seconds: float, status: int | None) -> None:
        """From the first such mutation on, for so long: no connection, or a page with that status."""
        until: list[float] = []

        def before(name: str) -> None:
            if (
                status is None
                and until
                and name.startswith(("appConfig", "deployment"))
                and stage.clock.time < until[0]
            ):
                raise httpx.ConnectError("refused")

        def answered(name: str, response: httpx.Response) -> httpx.Response:
            if name == after and not until:
                until.append(stage.clock.time + seconds)
            elif status and until and name.startswith(("appConfig", "deployment")) and stage.clock.time < until[0]:
                return httpx.Response(status, text="<html>Service Unavailable</html>")
            return response

        stage.wire.before, stage.wire.after = before, answered

    @pytest.mark.parametrize(
        ("mutation", "status"), [(START, None), (START, 503), (DELIVER, None), (DELIVER, 502), (BOTH[2], 503)]
    )
    def test_right_after_a_mutation_it_is_waited_out(self, stage: Stage, mutation: str, status: int | None) -> None:
        """As long as the time of the hop allows; nothing is sent twice."""
        self.down(stage, mutation, 100, status)
        ending = stage.walk(stage.declare(delivers=True))
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert stage.mutations() == BOTH
        assert any("still waiting" in line for line in stage.told.progresses)

    @pytest.mark.parametrize("status", [None, 503])
    def test_it_is_bounded_by_the_time_out(self, stage: Stage, status: int | None) -> None:
        """The end tells that Houston does not answer, and what it reported last."""
        self.down(stage, START, 1e9, status)
        began = stage.clock.time
        ending = stage.walk(stage.declare(delivers=True, timeout=60.0))
        assert 60 <= stage.clock.time - began < 75
        assert "Houston did not answer within 01:00 (timeout)" in str(ending.problem)
        assert "Houston last reported AC 2.2.3 for stars-1, with nothing pending" in str(ending.problem)
        assert str(ending.pending) == "AC 2.3.0"

    def test_ctrl_c_ends_it(self, stage: Stage) -> None:
        """What was started is remembered."""
        self.down(stage, START, 1e9, None)
        stage.clock.cancel_at = stage.clock.time + 30
        ending = stage.walk(stage.declare(delivers=True))
        assert str(ending.problem).startswith("interrupted; the hop to AC 2.3.0 may have been started")

    def test_a_start_whose_answer_was_lost_in_it_is_judged_after_it(self, stage: Stage) -> None:
        """What Houston shows right after an outage may be stale: it has to last before a start is sent again."""
        self.down(stage, START, 60, None)
        lost = [True]
        watched = stage.wire.after

        def after(name: str, response: httpx.Response) -> httpx.Response:
            response = watched(name, response)
            if name == START and lost:
                lost.clear()
                raise httpx.ReadError("connection reset")
            return response

        stage.wire.after = after
        ending = stage.walk(stage.declare(delivers=True))
        assert (runs(ending), stage.mutations()) == ("Astro Runtime 5.0.4", BOTH)


def lags(stage: Stage, seconds: float) -> Callable[[str, httpx.Response], httpx.Response]:
    """For so long Houston reports the Airflow of Runtime 4.2.5 for Runtime 5.0.4, which has arrived."""
    until = stage.clock.time + seconds

    def after(name: str, response: httpx.Response) -> httpx.Response:
        if "deployment" not in name.split() or stage.clock.time >= until:
            return response
        old, new = '"runtimeAirflowVersion": "2.2.5"', '"runtimeAirflowVersion": "2.3.0"'
        return httpx.Response(200, text=json.dumps(response.json()).replace(new, old))

    return after


class TestOtherAirflow:
    """The Airflow of the hop's target is not the one that was planned."""

    def test_a_hop_that_keeps_the_old_airflow_stops_the_run(self, tmp_path: Path) -> None:
        """At once, with all three versions."""
        with opened(tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True, rollout_seconds=20) as stage:
            began = stage.clock.time
            ending = stage.walk(stage.declare(delivers=True))
            assert "Houston reports Astro Runtime 5.0.4 with Airflow 2.2.5 for stars-1" in str(ending.problem)
            assert "its Airflow tells 2.2.5 too" in str(ending.problem)
            assert "the platform offers Astro Runtime 5.0.4 with Airflow 2.3.0" in str(ending.problem)
            assert stage.clock.time - began < 40
            assert str(ending.pending) == "Astro Runtime 5.0.4"

    def test_the_next_run_confirms_what_runs(self, tmp_path: Path) -> None:
        """So a wrong offer blocks nobody for good; it says again what is on offer."""
        with opened(tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True, rollout_seconds=20) as stage:
            first = stage.walk(stage.declare(delivers=True))
            again = stage.walk(stage.declare(delivers=True), pending=str(first.pending))
            assert (runs(again), again.problem, again.pending) == ("Astro Runtime 5.0.4", None, None)
            assert "its Airflow is healthy at 2.2.5 (on offer with Airflow 2.3.0)" in stage.told.infos[-1]
            assert stage.mutations() == ["updateDeploymentRuntime", DELIVER]

    def test_the_next_run_takes_the_airflows_own_word_too(self, tmp_path: Path) -> None:
        """The first run was interrupted, and Houston still reports the old Airflow."""
        with opened(tmp_path, version="4.2.5", distribution="runtime", rollout_seconds=20) as stage:
            stage.wire.after = lags(stage, 1e9)
            stage.clock.cancel_at = stage.clock.time + 8
            first = stage.walk(stage.declare(delivers=True))
            stage.clock.cancel_at = None
            again = stage.walk(stage.declare(delivers=True), pending=str(first.pending))
            assert again.problem is None
            assert "its Airflow is healthy at 2.3.0" in stage.told.infos[-1]

    def test_houstons_word_alone_stops_it_too_where_it_is_enough(self, tmp_path: Path) -> None:
        """After the settling time: nobody claims that the Airflow told it."""
        with opened(tmp_path, version="4.2.5", distribution="runtime", keeps_airflow=True) as stage:
            ending = stage.walk(stage.declare(delivers=True, confirm=False))
            assert "its Airflow was not asked (verify: houston)" in str(ending.problem)
            again = stage.walk(stage.declare(delivers=True, confirm=False), pending=str(ending.pending))
            assert again.problem is None

    @pytest.mark.parametrize("seconds", [5.0, 1e9])
    def test_the_airflows_own_word_counts_where_houston_lags(self, tmp_path: Path, seconds: float) -> None:
        """Houston reports the old Airflow for a while, or for ever; the Airflow tells the planned one."""
        with opened(tmp_path, version="4.2.5", distribution="runtime", rollout_seconds=20) as stage:
            stage.wire.after = lags(stage, seconds)
            ending = stage.walk(stage.declare(delivers=True))
            assert ending.problem is None
            assert any("its Airflow is healthy at 2.3.0" in line for line in stage.told.infos)

    def test_an_airflow_of_another_major_version_is_asked_as_what_houston_reports(self, tmp_path: Path) -> None:
        """Airflow 3 was planned, and Airflow 2 answers at its own addresses."""
        with opened(
            tmp_path, version="13.11.0", distribution="runtime", catalog="published", keeps_airflow=True
        ) as stage:
            ending = stage.walk(stage.declare("3.1-12", delivers=True, accept=()))
            assert "with Airflow 2.11.2 for stars-1, its Airflow tells 2.11.2 too" in str(ending.problem)
            assert "offers Astro Runtime 3.1-12 with Airflow 3.1.7" in str(ending.problem)
