"""The loop, with the real client and the real sandbox around it, on a clock that only the test moves."""

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
    from astro_deployment_runtime.planning.model import Deployment


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
        "hop 1/2 - upgrade to AC 2.3.0: deploying the image registry.example.com/team/airflow:certified-2.3.0",
        "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0",
        "hop 2/2 - migrate to Astro Runtime 5.0.4: deploying the image registry.example.com/team/airflow:runtime-5.0.4",
        "hop 2/2: runs Astro Runtime 5.0.4, its Airflow is healthy at 2.3.0",
    ]


def test_nothing_to_do_changes_nothing(tmp_path: Path) -> None:
    """A Deployment at its target is read once and left alone."""
    with simulated(tmp_path, version="5.0.4", distribution="runtime") as simulation:
        declaration = simulation.request()
        simulation.wire.requests.clear()
        ending = simulation.walk(declaration)
        assert ending.problem is None
        assert len(simulation.wire.requests) == 1
        assert simulation.clock.time == 1_000_000.0


@pytest.mark.slow
def test_waits_for_an_image_that_somebody_deploys(simulation: Simulation) -> None:
    """Without an image the run says what to deploy, and goes on when it is there."""
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
    """An hour's wait does not fill a log: a line each time that a tenth of the wait so far has passed."""
    simulation.walk(simulation.request(timeout=1200.0), image=None)
    waiting = [line for line in simulation.reports.progresses if "waiting for image" in line]
    assert 20 < len(waiting) < 50


def test_an_airflow_that_restarts_is_asked_less_and_less_often(simulation: Simulation) -> None:
    """A rollout of a minute costs some twenty questions, not sixty; what is healthy is confirmed a second later."""
    simulation.walk(simulation.request(delivers=True))
    hops, asked = 2, simulation.wire.requests.count("/stars-1/airflow/health")
    assert hops * 10 < asked < hops * 25
    healthy = [line for line in simulation.wire.requests if line.startswith("/stars-1")][-4:]
    assert healthy == ["/stars-1/airflow/health", "/stars-1/airflow/api/v1/version"] * 2


def test_no_airflow_is_asked_in_the_moment_of_a_delivery(simulation: Simulation) -> None:
    """What answers then is what ran before, and a migration to the equivalent Runtime keeps the version of Airflow."""
    asked: list[tuple[float, str]] = []
    simulation.wire.before = lambda name: asked.append((simulation.clock.time, name))
    simulation.walk(simulation.request(delivers=True))
    deliveries = [place for place, (_, name) in enumerate(asked) if name == "updateDeploymentImage"]
    firsts = [next(time for time, name in asked[place:] if name.startswith("/stars-1")) for place in deliveries]
    waited = [first - asked[place][0] for first, place in zip(firsts, deliveries, strict=True)]
    assert waited == pytest.approx([1.125, 1.125])


def test_an_airflow_that_answers_slowly_is_confirmed_no_later(simulation: Simulation) -> None:
    """A look is due some time after the last one, whatever was asked in between."""
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
def test_a_part_of_each_wait_is_left_to_the_client(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of what grows from a second and a half to five, in which others may join."""
    left: list[float] = []

    def observed(id_: str, catalog: Catalog, *, within: float) -> Deployment:
        left.append(within)
        return Houston.observe_deployment(simulation.client, id_, catalog, within=within)

    monkeypatch.setattr(simulation.client, "observe_deployment", observed)
    simulation.walk(simulation.request(), image=None)
    assert (left[0], left[-1]) == (0.375, 1.25)
    assert left == sorted(left)


def test_a_hop_that_takes_too_long_ends_the_run_and_cancels_nothing(simulation: Simulation) -> None:
    """The time-out saves what is pending; the next run takes it up and does not start it again."""
    ending = simulation.walk(simulation.request(timeout=60.0), image=None)
    assert str(ending.pending) == "AC 2.3.0"
    assert ending.problem is not None
    assert "Houston took no image within 1m" in ending.problem
    assert simulation.mutations() == ["updateDeploymentAirflow"]
    again = simulation.walk(simulation.request(delivers=True), pending="AC 2.3.0")
    assert runs(again) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentAirflow") == 1


def test_a_wrong_image_is_noticed_by_its_absence(simulation: Simulation) -> None:
    """Houston ignores an image whose labels do not match in silence; the time-out says what is likely wrong."""
    simulation.clock.at(10, lambda: simulation.push("registry.example.com/team/airflow:certified-2.2.3"))
    ending = simulation.walk(simulation.request(timeout=60.0), image=None)
    assert "Houston silently ignores any other image" in str(ending.problem)
    assert str(ending.pending) == "AC 2.3.0"


def test_not_waiting_hands_over_and_resumes(simulation: Simulation) -> None:
    """With wait=False each run does what it can and ends with what to deploy."""
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


def test_interrupted_at_once_with_what_was_started(simulation: Simulation) -> None:
    """Cancel ends the wait and remembers the hop."""
    simulation.clock.cancel_at = simulation.clock.time + 100
    ending = simulation.walk(simulation.request(), image=None)
    assert str(ending.pending) == "AC 2.3.0"
    assert ending.problem == "interrupted; the hop to AC 2.3.0 stays started. Run `pulumi up` to resume."


def test_interrupted_before_anything_was_started(simulation: Simulation) -> None:
    """A run that is cancelled before its first mutation changes nothing."""
    simulation.clock.cancel_at = simulation.clock.time
    ending = simulation.walk(simulation.request(delivers=True))
    assert ending.pending is None
    assert simulation.mutations() == []


def test_a_pending_hop_on_the_path_is_adopted(tmp_path: Path) -> None:
    """What somebody else started is continued when it is the next hop, but it does not become ours."""
    with simulated(tmp_path, pending="2.3.0") as simulation:
        ending = simulation.walk(simulation.request(timeout=30.0), image=None)
        assert ending.pending is None
        assert simulation.mutations() == []
        done = simulation.walk(simulation.request(delivers=True))
        assert runs(done) == "Astro Runtime 5.0.4"
        assert simulation.mutations()[0] == "updateDeploymentImage"


@pytest.mark.parametrize("pending", ["2.2.4", "4.0.11"])
def test_a_pending_hop_of_ours_off_the_path_is_cancelled_first(tmp_path: Path, pending: str) -> None:
    """A Certified upgrade is cancelled by wishing for the current version, a migration by cancelRuntimeUpdate."""
    saved = f"{'AC' if pending.startswith('2.') else 'Astro Runtime'} {pending}"
    with simulated(tmp_path, pending=pending) as simulation:
        declaration = simulation.request(delivers=True, ours=True)
        assert str(declaration.cancel) == saved
        ending = simulation.walk(declaration, pending=saved)
        assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
        assert simulation.mutations()[0] == ("updateDeploymentAirflow" if pending == "2.2.4" else "cancelRuntimeUpdate")
        assert len(simulation.mutations()) == 5


def test_a_foreign_pending_hop_is_refused_also_when_it_was_planned_as_ours(tmp_path: Path) -> None:
    """The saved output decides whose it is, at the last moment too."""
    with simulated(tmp_path, pending="2.2.4") as simulation:
        ending = simulation.walk(simulation.request(delivers=True, ours=True), pending=None)
        assert ending.problem is not None
        assert "PENDING" in ending.problem
        assert simulation.mutations() == []


def test_a_human_who_cancels_is_not_overruled(simulation: Simulation) -> None:
    """A hop that was pending and is no longer is not started again by the same run."""
    simulation.clock.at(
        60, lambda: simulation.client.cancel(simulation.client.observe(ID)[0], ReleaseId.parse("AC 2.3.0"))
    )
    ending = simulation.walk(simulation.request(), image=None)
    assert "somebody cancelled it" in str(ending.problem)
    assert ending.pending is None
    assert simulation.mutations().count("updateDeploymentAirflow") == 2, "one start and one cancel"


def test_a_human_who_upgrades_meanwhile_leaves_a_legal_rest(simulation: Simulation) -> None:
    """Hops that others have done are not done again."""
    declaration = simulation.request(delivers=True)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    simulation.wire.requests.clear()
    ending = simulation.walk(declaration)
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations() == ["updateDeploymentRuntime", "updateDeploymentImage"]


def test_a_path_that_changed_is_not_walked(simulation: Simulation) -> None:
    """Only what was shown is done: another path needs another preview."""
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


def losing(simulation: Simulation, name: str, *, times: int = 1, acted: bool) -> None:
    """Lose the answers of a mutation, after the platform acted on it or before it saw it."""
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
def test_a_lost_answer_of_a_mutation_that_took_effect_is_not_repeated(simulation: Simulation, name: str) -> None:
    """After a doubtful mutation the run reads, then decides."""
    losing(simulation, name, acted=True)
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)
    assert len(simulation.mutations()) == 4
    assert "may have taken effect" in simulation.reports.warnings[0]


def test_a_start_that_never_arrived_is_sent_again_after_a_while(simulation: Simulation) -> None:
    """Only when reading shows for some seconds that it was not taken."""
    losing(simulation, "updateDeploymentAirflow", acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentAirflow") == 2


def test_a_delivery_that_never_arrived_is_sent_again_after_a_while(simulation: Simulation) -> None:
    """A Houston that ends before it saw the image costs some seconds, not the time-out."""
    losing(simulation, "updateDeploymentImage", acted=False)
    began = simulation.clock.time
    ending = simulation.walk(simulation.request(delivers=True))
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.mutations().count("updateDeploymentImage") == 3
    assert simulation.clock.time - began < 300


def test_a_start_that_never_arrives_ends_the_run(simulation: Simulation) -> None:
    """Three attempts without effect are a reason to stop and look."""
    losing(simulation, "updateDeploymentAirflow", times=99, acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    assert "shows no effect" in str(ending.problem)
    assert simulation.mutations() == ["updateDeploymentAirflow"] * 3


def test_a_mutation_that_was_never_sent_is_sent_again(simulation: Simulation) -> None:
    """No connection means no effect: also a delivery may be repeated then."""
    left = [1]

    def before(request: str) -> None:
        if request == "updateDeploymentImage" and left[0]:
            left[0] -= 1
            raise httpx.ConnectError("refused")

    simulation.wire.before = before
    ending = simulation.walk(simulation.request(delivers=True))
    assert (runs(ending), ending.problem) == ("Astro Runtime 5.0.4", None)


@pytest.mark.parametrize("status", [429, 413])
def test_a_mutation_that_is_not_processed_is_not_in_doubt(simulation: Simulation, status: int) -> None:
    """The run goes on, and says nothing of an effect that it may have had."""
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
    """The run ends with what stands in the way, and does not say that Houston was asked."""
    simulation.wire.before = lambda request: httpx.Response(413) if request == "updateDeploymentAirflow" else None
    ending = simulation.walk(simulation.request(delivers=True))
    assert ending.pending is None
    assert str(ending.problem).startswith("this run could not ask Houston to start AC 2.3.0 (")
    assert "HTTP status 413: the request is too large" in str(ending.problem)


def test_an_answer_about_another_deployment_ends_the_run(simulation: Simulation) -> None:
    """Its version is not taken for that of the one that is walked, nor saved."""
    declaration = simulation.request(delivers=True)
    other = {"id": "ckw1other", "releaseName": "other-2", "runtimeVersion": "5.0.4", "desiredRuntimeVersion": "5.0.4"}
    simulation.wire.replace = {"deployment": {"data": {"d0": {**other, "runtimeAirflowVersion": "2.3.0"}}}}
    ending = simulation.walk(declaration)
    assert (str(ending.deployment.current), ending.deployment.id) == ("AC 2.3.0", ID)
    assert "answered with ckw1other (other-2): that answer is not used" in str(ending.problem)


def test_a_refused_mutation_ends_the_run_with_houstons_words(simulation: Simulation) -> None:
    """A viewer's token is told what it may not do; nothing is pending."""
    declaration = simulation.request(delivers=True)
    simulation.wire.replace = {
        "updateDeploymentAirflow": {"errors": [{"message": "This Deployment is locked"}], "data": None}
    }
    ending = simulation.walk(declaration)
    assert ending.pending is None
    assert "This Deployment is locked" in str(ending.problem)


def test_an_outage_while_waiting_is_waited_out(simulation: Simulation) -> None:
    """Houston may restart while we wait for an image."""
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


def test_a_deployment_that_is_deleted_while_we_wait_ends_the_run(simulation: Simulation) -> None:
    """What was observed last is saved, and the reason is told."""
    simulation.clock.at(60, simulation.delete)
    ending = simulation.walk(simulation.request(), image=None)
    assert "no Deployment with the id" in str(ending.problem)
    assert ending.deployment.release_name == RELEASE


def test_an_arrival_that_an_earlier_run_did_not_see_healthy_is_confirmed_first(simulation: Simulation) -> None:
    """A resumed run confirms what arrived before it starts the next hop."""
    declaration = simulation.request(delivers=True)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    started = simulation.clock.time
    ending = simulation.walk(declaration, pending="AC 2.3.0")
    assert runs(ending) == "Astro Runtime 5.0.4"
    assert simulation.reports.infos[0] == "hop 1/2: runs AC 2.3.0, its Airflow is healthy at 2.3.0"
    assert simulation.clock.time - started > 120, "two roll-outs of 60 s"


def test_an_airflow_that_never_comes_back_ends_the_run(tmp_path: Path) -> None:
    """Houston's word alone is no arrival."""
    with simulated(tmp_path, rollout_seconds=10_000.0) as simulation:
        ending = simulation.walk(simulation.request(delivers=True, timeout=120.0))
        assert str(ending.pending) == "AC 2.3.0"
        assert "was not confirmed healthy at 2.3.0" in str(ending.problem)


def test_no_text_of_a_run_holds_the_token(simulation: Simulation) -> None:
    """Whatever goes wrong."""
    losing(simulation, "updateDeploymentAirflow", times=99, acted=False)
    ending = simulation.walk(simulation.request(delivers=True))
    told = "\n".join(
        [*simulation.reports.infos, *simulation.reports.warnings, *simulation.reports.progresses, str(ending)]
    )
    assert "canary" not in told


def test_houstons_word_is_enough_where_that_was_declared(simulation: Simulation) -> None:
    """For a Deployment whose webserver cannot be reached: no Airflow is asked, and the user is told so."""
    ending = simulation.walk(simulation.request(delivers=True, ask_airflow=False))
    assert (runs(ending), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
    assert not any("airflow/" in request for request in simulation.wire.requests)
    assert "hop 1/2: Houston reports AC 2.3.0 (verify: houston)" in simulation.reports.infos


def test_a_resumed_run_takes_houstons_word_too(simulation: Simulation) -> None:
    """What an earlier run started and did not see arrive is not confirmed either."""
    declaration = simulation.request(delivers=True, ask_airflow=False)
    simulation.client.start(simulation.client.observe(ID)[0], declaration.path[1])
    simulation.push("quay.io/astronomer/ap-airflow:2.3.0-onbuild")
    assert runs(simulation.walk(declaration, pending="AC 2.3.0")) == "Astro Runtime 5.0.4"
    assert not any("airflow/" in request for request in simulation.wire.requests)


@pytest.mark.slow
def test_after_a_while_the_run_says_what_is_likely_wrong_with_an_image(simulation: Simulation) -> None:
    """Once per hop, with the label to look at."""
    simulation.walk(simulation.request(timeout=1200.0), image=None)
    (hint,) = simulation.reports.warnings
    assert "io.astronomer.docker.airflow.version is probably not 2.3.0" in hint
    assert "docker inspect --format '{{json .Config.Labels}}' IMAGE" in hint


def test_at_the_target_a_foreign_pending_hop_is_warned_of_and_left(tmp_path: Path) -> None:
    """A run that the engine wants although nothing is left to do changes nothing."""
    with simulated(tmp_path, version="4.2.5", distribution="runtime", pending="5.0.4") as simulation:
        ending = simulation.walk(simulation.request("4.2.5"))
        assert (ending.problem, simulation.mutations()) == (None, [])
        assert simulation.reports.warnings[0].startswith("warning pending: ")
