"""The executor's loop with the real client and the sandbox, on a clock that only the test advances."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest

from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.planning.versions import ReleaseId
from tests.simulation import ID, RELEASE, Simulation, runs, simulated

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.plan_model import Deployment


def test_walks_the_guides_path(simulation: Simulation) -> None:
    """Both hops are started, delivered and confirmed, once each and in order."""
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
    assert simulation.mutations() == [
        "updateDeploymentAirflow",
        "updateDeploymentImage",
        "updateDeploymentRuntime",
        "updateDeploymentImage",
    ]
    assert simulation.reports.infos == [
        "hop 1/2: deploying the image registry.example.com/team/airflow:certified-2.3.0",
        "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0",
        "hop 2/2: deploying the image registry.example.com/team/airflow:runtime-5.0.4",
        "hop 2/2: runs Astro Runtime 5.0.4, its Airflow is healthy at 2.3.0",
    ]


def test_deployment_at_its_target_is_not_changed(tmp_path: Path) -> None:
    """It is read once."""
    with simulated(tmp_path, version="5.0.4", distribution="runtime") as simulation:
        declaration = simulation.request()
        simulation.wire.requests.clear()
        ending = simulation.walk(declaration)
        assert ending.problem is None
        assert len(simulation.wire.requests) == 1
        assert simulation.clock.time == 1_000_000.0


@pytest.mark.slow
def test_waits_for_an_image_that_another_user_deploys(simulation: Simulation) -> None:
    """Without an image, the run says what to deploy, and continues once it is deployed."""
    simulation.clock.at(300, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
    simulation.clock.at(900, lambda: simulation.push("quay.io/astronomer/astro-runtime:5.0.4"))
    ending = simulation.walk(simulation.request(), image=None)
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
    assert "FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild" in simulation.reports.infos[0]
    assert sum("FROM" in line for line in simulation.reports.infos) == 2
    assert any(
        line.startswith("0") and line.endswith("/1h hop 1/2 AC 2.3.0: waiting for image")
        for line in simulation.reports.progresses
    )


@pytest.mark.slow
def test_progress_becomes_rarer_as_the_wait_grows(simulation: Simulation) -> None:
    """One line each time that the wait has grown by a tenth, so an hour's wait does not fill a log."""
    simulation.walk(simulation.request(timeout=1200.0), image=None)
    waiting = [line for line in simulation.reports.progresses if "waiting for image" in line]
    assert 20 < len(waiting) < 50


def test_reads_become_rarer_while_an_airflow_restarts(simulation: Simulation) -> None:
    """A rollout of a minute costs about twenty requests, not sixty. A healthy Airflow is confirmed a second later."""
    simulation.walk(simulation.request(delivers=True))
    hops, asked = 2, simulation.wire.requests.count("/stars-1/airflow/health")
    assert hops * 10 < asked < hops * 25
    healthy = [line for line in simulation.wire.requests if line.startswith("/stars-1")][-4:]
    assert healthy == ["/stars-1/airflow/health", "/stars-1/airflow/api/v1/version"] * 2


def test_airflow_is_not_read_right_after_a_delivery(simulation: Simulation) -> None:
    """The old Airflow would answer, and a migration to the equivalent Runtime keeps its version."""
    asked: list[tuple[float, str]] = []
    simulation.wire.before = lambda name: asked.append((simulation.clock.time, name))
    simulation.walk(simulation.request(delivers=True))
    deliveries = [place for place, (_, name) in enumerate(asked) if name == "updateDeploymentImage"]
    firsts = [next(time for time, name in asked[place:] if name.startswith("/stars-1")) for place in deliveries]
    waited = [first - asked[place][0] for first, place in zip(firsts, deliveries, strict=True)]
    assert waited == pytest.approx([1.125, 1.125])


def test_slow_answers_do_not_delay_the_confirmation(simulation: Simulation) -> None:
    """A read is due some time after the last one, whatever the run has read in between."""
    looks: list[float] = []

    def answer(name: str) -> None:
        if name == "deployment":
            looks.append(simulation.clock.time)
        elif name == "/stars-1/airflow/health":
            simulation.clock.time += 0.75

    simulation.wire.before = answer
    simulation.walk(simulation.request(delivers=True))
    assert [later - sooner for sooner, later in pairwise(looks[-3:])] == pytest.approx([0.75, 0.75])


@pytest.mark.slow
def test_the_client_may_delay_a_read_by_a_quarter_of_the_wait(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait grows from 1.5 s to 5 s. In that quarter, other reads may join the batch."""
    left: list[float] = []

    def observed(id_: str, catalog: Catalog, *, within: float) -> Deployment:
        left.append(within)
        return Houston.observe_deployment(simulation.client, id_, catalog, within=within)

    monkeypatch.setattr(simulation.client, "observe_deployment", observed)
    simulation.walk(simulation.request(), image=None)
    assert (left[0], left[-1]) == (0.375, 1.25)
    assert left == sorted(left)


def test_a_timeout_ends_the_run_and_keeps_the_hop(simulation: Simulation) -> None:
    """The state has the pending hop. The next run adopts it and does not start it again."""
    ending = simulation.walk(simulation.request(timeout=60.0), image=None)
    assert str(ending.pending) == "AC 2.3.0"
    assert ending.problem is not None
    assert "Houston took no image within 1m" in ending.problem
    assert simulation.mutations() == ["updateDeploymentAirflow"]
    again = simulation.walk(simulation.request(delivers=True), pending="AC 2.3.0")
    assert runs(again) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentAirflow") == 1


def test_the_timeout_names_the_likely_cause_of_a_missing_image(simulation: Simulation) -> None:
    """Houston ignores an image whose labels do not match."""
    simulation.clock.at(10, lambda: simulation.push("registry.example.com/team/airflow:certified-2.2.3"))
    ending = simulation.walk(simulation.request(timeout=60.0), image=None)
    assert "Houston silently ignores any other image" in str(ending.problem)
    assert str(ending.pending) == "AC 2.3.0"


def test_without_wait_each_run_continues_where_the_last_one_ended(simulation: Simulation) -> None:
    """Each run does what it can, and ends with what to deploy."""
    first = simulation.walk(simulation.request(wait=False), image=None)
    assert str(first.pending) == "AC 2.3.0"
    assert first.problem is not None
    assert "FROM quay.io/astronomer/ap-airflow:2.3.0-onbuild" in first.problem
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    too_early = simulation.walk(simulation.request(wait=False), image=None, pending="AC 2.3.0")
    assert str(too_early.pending) == "AC 2.3.0"
    assert "not confirmed healthy" in str(too_early.problem)
    simulation.clock.wait(100)
    second = simulation.walk(simulation.request(wait=False), image=None, pending="AC 2.3.0")
    assert str(second.pending) == "Astro Runtime 5.0.4"
    simulation.push("quay.io/astronomer/astro-runtime:5.0.4")
    simulation.clock.wait(100)
    last = simulation.walk(simulation.request(wait=False), image=None, pending="Astro Runtime 5.0.4")
    assert (last.pending, last.problem) == (None, None)


def test_cancel_ends_a_wait_and_saves_the_started_hop(simulation: Simulation) -> None:
    """At once."""
    simulation.clock.cancel_at = simulation.clock.time + 100
    ending = simulation.walk(simulation.request(), image=None)
    assert str(ending.pending) == "AC 2.3.0"
    assert ending.problem == "interrupted; the hop to AC 2.3.0 stays started. Run `pulumi up` to resume."


def test_cancel_before_the_first_mutation_changes_nothing(simulation: Simulation) -> None:
    """The run sends no mutation."""
    simulation.clock.cancel_at = simulation.clock.time
    ending = simulation.walk(simulation.request(delivers=True))
    assert ending.pending is None
    assert simulation.mutations() == []


def test_a_pending_hop_on_the_path_is_adopted(tmp_path: Path) -> None:
    """If another user started it and it is the next hop, the run continues it. It does not become ours."""
    with simulated(tmp_path, pending="2.3.0") as simulation:
        ending = simulation.walk(simulation.request(timeout=30.0), image=None)
        assert ending.pending is None
        assert simulation.mutations() == []
        done = simulation.walk(simulation.request(delivers=True))
        assert runs(done) == "Astro Runtime 5.0.4"
        assert simulation.mutations()[0] == "updateDeploymentImage"


@pytest.mark.parametrize("pending", ["2.2.4", "4.0.11"])
def test_a_pending_hop_of_ours_off_the_path_is_cancelled_first(tmp_path: Path, pending: str) -> None:
    """Requesting the current version cancels a Certified upgrade, and cancelRuntimeUpdate a migration."""
    saved = f"{'AC' if pending.startswith('2.') else 'Astro Runtime'} {pending}"
    with simulated(tmp_path, pending=pending) as simulation:
        declaration = simulation.request(delivers=True, ours=True)
        assert str(declaration.cancel) == saved
        ending = simulation.walk(declaration, pending=saved)
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert simulation.mutations()[0] == ("updateDeploymentAirflow" if pending == "2.2.4" else "cancelRuntimeUpdate")
        assert len(simulation.mutations()) == 5


def test_a_foreign_pending_hop_is_refused_also_when_it_was_planned_as_ours(tmp_path: Path) -> None:
    """The saved output decides who started it, also in the last check before the cancel."""
    with simulated(tmp_path, pending="2.2.4") as simulation:
        ending = simulation.walk(simulation.request(delivers=True, ours=True), pending=None)
        assert ending.problem is not None
        assert "PENDING" in ending.problem
        assert simulation.mutations() == []


def test_a_hop_that_another_user_cancels_is_not_started_again(simulation: Simulation) -> None:
    """Not by the run that saw it pending."""
    simulation.clock.at(
        60, lambda: simulation.client.cancel(simulation.client.observe(ID)[0], ReleaseId.parse("AC 2.3.0"))
    )
    ending = simulation.walk(simulation.request(), image=None)
    assert "somebody cancelled it" in str(ending.problem)
    assert ending.pending is None
    assert simulation.mutations().count("updateDeploymentAirflow") == 2, "one start and one cancel"


def test_hops_of_another_user_are_not_repeated(simulation: Simulation) -> None:
    """The rest of the path is still legal."""
    declaration = simulation.request(delivers=True)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    simulation.wire.requests.clear()
    ending = simulation.walk(declaration)
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations() == ["updateDeploymentRuntime", "updateDeploymentImage"]


def test_a_changed_path_ends_the_run(simulation: Simulation) -> None:
    """The run follows only the path that the preview showed."""
    declaration = simulation.request("4.2.5", delivers=True)
    simulation.client.start(simulation.client.observe(ID)[0], ReleaseId.parse("AC 2.2.4"))
    simulation.push("quay.io/astronomer/ap-airflow:2.2.4-onbuild")
    ending = simulation.walk(declaration)
    assert ending.problem is not None
    assert (
        "the preview showed AC 2.2.3 > AC 2.2.5 > Astro Runtime 4.2.5, and from here it is AC 2.2.4 > AC 2.2.5"
        in ending.problem
    )
    assert "pulumi preview" in ending.problem


def lose_answers(simulation: Simulation, name: str, *, times: int = 1, acted: bool) -> None:
    """Lose the answers of a mutation, before or after the platform handles it."""
    left = [times]

    def before(request: str) -> None:
        if request == name and left[0] and not acted:
            left[0] -= 1
            raise httpx.ReadError("connection reset")

    def after(request: str, response: httpx.Response) -> httpx.Response:
        if request == name and left[0] and acted:
            left[0] -= 1
            raise httpx.ReadError("connection reset")
        return response

    simulation.wire.before, simulation.wire.after = before, after


@pytest.mark.parametrize("name", ["updateDeploymentAirflow", "updateDeploymentImage", "updateDeploymentRuntime"])
def test_a_mutation_with_a_lost_answer_and_an_effect_is_not_repeated(simulation: Simulation, name: str) -> None:
    """The run reads first, then decides."""
    lose_answers(simulation, name, acted=True)
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
    assert len(simulation.mutations()) == 4
    assert "may have taken effect" in simulation.reports.warnings[0]


def test_a_lost_start_is_repeated_after_some_seconds(simulation: Simulation) -> None:
    """Only if the reads of these seconds show no effect."""
    lose_answers(simulation, "updateDeploymentAirflow", acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentAirflow") == 2


def test_a_lost_delivery_is_repeated_after_some_seconds(simulation: Simulation) -> None:
    """A restart of Houston costs some seconds, not the whole timeout."""
    lose_answers(simulation, "updateDeploymentImage", acted=False)
    began = simulation.clock.time
    ending = simulation.walk(simulation.request(delivers=True))
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentImage") == 3
    assert simulation.clock.time - began < 300


def test_three_lost_starts_end_the_run(simulation: Simulation) -> None:
    """Three attempts without an effect need a user."""
    lose_answers(simulation, "updateDeploymentAirflow", times=99, acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    assert "shows no effect" in str(ending.problem)
    assert simulation.mutations() == ["updateDeploymentAirflow"] * 3


def test_a_mutation_without_a_connection_is_repeated(simulation: Simulation) -> None:
    """It cannot have had an effect, so even a delivery is safe to repeat."""
    left = [1]

    def before(request: str) -> None:
        if request == "updateDeploymentImage" and left[0]:
            left[0] -= 1
            raise httpx.ConnectError("refused")

    simulation.wire.before = before
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)


@pytest.mark.parametrize("status", [429, 413])
def test_an_unprocessed_mutation_had_no_effect(simulation: Simulation, status: int) -> None:
    """The run continues, and reports no possible effect."""
    left = {"updateDeploymentAirflow": 1, "updateDeploymentImage": 1}

    def before(request: str) -> httpx.Response | None:
        if left.get(request):
            left[request] -= 1
            return httpx.Response(status, headers={"retry-after": "0"})
        return None

    simulation.wire.before = before
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
    assert simulation.mutations().count("updateDeploymentAirflow") == 2
    assert not [text for text in simulation.reports.warnings if "may have taken effect" in text]


def test_a_mutation_that_never_reaches_houston_is_not_pending(simulation: Simulation) -> None:
    """The run ends with the cause, and does not claim that it sent the mutation."""
    simulation.wire.before = lambda request: httpx.Response(413) if request == "updateDeploymentAirflow" else None
    ending = simulation.walk(simulation.request(delivers=True))
    assert ending.pending is None
    assert str(ending.problem).startswith("this run could not ask Houston to start AC 2.3.0 (")
    assert "HTTP status 413: the request is too large" in str(ending.problem)


def test_an_answer_about_another_deployment_ends_the_run(simulation: Simulation) -> None:
    """The run neither uses nor saves its version."""
    declaration = simulation.request(delivers=True)
    other = {"id": "ckw1other", "releaseName": "other-2", "runtimeVersion": "5.0.4", "desiredRuntimeVersion": "5.0.4"}
    simulation.wire.replace = {"deployment": {"data": {"d0": {**other, "runtimeAirflowVersion": "2.3.0"}}}}
    ending = simulation.walk(declaration)
    assert (str(ending.deployment.current), ending.deployment.id) == ("AC 2.3.0", ID)
    assert "answered with ckw1other (other-2): that answer is not used" in str(ending.problem)


def test_a_refused_mutation_ends_the_run_with_houstons_words(simulation: Simulation) -> None:
    """For a Viewer's token, the message says what is forbidden. No hop is pending."""
    declaration = simulation.request(delivers=True)
    simulation.wire.replace = {
        "updateDeploymentAirflow": {"errors": [{"message": "This Deployment is locked"}], "data": None}
    }
    ending = simulation.walk(declaration)
    assert ending.pending is None
    assert "This Deployment is locked" in str(ending.problem)


@pytest.mark.slow
def test_a_wait_continues_after_an_outage(simulation: Simulation) -> None:
    """Houston may restart while the run waits for an image."""
    declaration = simulation.request()
    down = [False]

    def before(_: str) -> None:
        if down[0]:
            raise httpx.ConnectError("refused")

    def toggle() -> None:
        down[0] = not down[0]

    simulation.wire.before = before
    simulation.clock.at(30, toggle)
    simulation.clock.at(90, toggle)
    simulation.clock.at(200, lambda: simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild"))
    simulation.clock.at(500, lambda: simulation.push("quay.io/astronomer/astro-runtime:5.0.4"))
    ending = simulation.walk(declaration, image=None)
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
    assert any("Houston does not answer" in line for line in simulation.reports.progresses)


def test_a_deployment_deleted_during_a_wait_ends_the_run(simulation: Simulation) -> None:
    """The last observation is saved, and the message has the reason."""
    simulation.clock.at(60, simulation.delete)
    ending = simulation.walk(simulation.request(), image=None)
    assert "no Deployment with the id" in str(ending.problem)
    assert ending.deployment.release_name == RELEASE


def test_an_arrival_that_an_earlier_run_did_not_see_healthy_is_confirmed_first(simulation: Simulation) -> None:
    """A resumed run confirms it before it starts the next hop."""
    declaration = simulation.request(delivers=True)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    started = simulation.clock.time
    ending = simulation.walk(declaration, pending="AC 2.3.0")
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.reports.infos[0] == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0"
    assert simulation.clock.time - started > 120, "two roll-outs of 60 s"


def test_an_airflow_that_never_comes_back_ends_the_run(tmp_path: Path) -> None:
    """Houston's report alone is not an arrival."""
    with simulated(tmp_path, rollout_seconds=10_000.0) as simulation:
        ending = simulation.walk(simulation.request(delivers=True, timeout=120.0))
        assert str(ending.pending) == "AC 2.3.0"
        assert "was not confirmed healthy at 2.3.0" in str(ending.problem)


def test_no_text_of_a_run_contains_the_token(simulation: Simulation) -> None:
    """Also after errors."""
    lose_answers(simulation, "updateDeploymentAirflow", times=99, acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    told = "\n".join(
        [*simulation.reports.infos, *simulation.reports.warnings, *simulation.reports.progresses, str(ending)]
    )
    assert "canary" not in told


def test_verify_houston_needs_no_airflow(simulation: Simulation) -> None:
    """For a webserver that this host cannot reach. The run says that it reads no Airflow."""
    ending = simulation.walk(simulation.request(delivers=True, ask_airflow=False))
    assert (runs(ending), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
    assert not any("airflow/" in request for request in simulation.wire.requests)
    assert "hop 1/2: Houston reports AC 2.3.0 (verify: houston)" in simulation.reports.infos


def test_verify_houston_also_applies_to_a_resumed_run(simulation: Simulation) -> None:
    """It does not confirm the hop that an earlier run started."""
    declaration = simulation.request(delivers=True, ask_airflow=False)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    assert runs(simulation.walk(declaration, pending="AC 2.3.0")) == "Astro Runtime 5.0.4"
    assert not any("airflow/" in request for request in simulation.wire.requests)


@pytest.mark.slow
def test_a_late_image_gets_one_hint_per_hop(simulation: Simulation) -> None:
    """The hint names the label to check."""
    simulation.walk(simulation.request(timeout=1200.0), image=None)
    (hint,) = simulation.reports.warnings
    assert "io.astronomer.docker.airflow.version is probably not 2.3.0" in hint
    assert "docker inspect --format '{{json .Config.Labels}}' IMAGE" in hint


def test_at_the_target_a_foreign_pending_hop_is_only_a_warning(tmp_path: Path) -> None:
    """The engine may start a run that has nothing to do. It changes nothing."""
    with simulated(tmp_path, version="4.2.5", distribution="runtime", pending="5.0.4") as simulation:
        ending = simulation.walk(simulation.request("4.2.5"))
        assert (ending.problem, simulation.mutations()) == (None, [])
        assert simulation.reports.warnings[0].startswith("warning pending: ")
