"""An Astro project on disk: real commands test and deploy it along a path, from the check to the executor."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.config.resource_arguments import ProjectArguments, read_arguments
from astro_deployment_runtime.delivery import dockerfile
from astro_deployment_runtime.delivery.astro_project import AstroProject, ProjectDelivery
from astro_deployment_runtime.errors import (
    CommandInterruptedError,
    DeliveryFailedError,
    InvalidConfigError,
    InvalidProjectError,
)
from astro_deployment_runtime.execution.executor import walk
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.planning.base_images import VENDORS, BaseImages
from astro_deployment_runtime.planning.plan_model import Plan, WarningName
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from tests.contract import sandbox_server
from tests.simulation import ID, Recorder, Simulation, simulated
from tests.unit.delivery.cancellable_clock import CancellableClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from astro_deployment_runtime.execution.executor import WalkResult
    from astro_deployment_runtime.planning.plan_model import Deployment, Hop

TOKEN = "canary-token-4711"
SETTINGS = ConnectionSettings(url="https://houston.example.com/v1", token=SecretStr(TOKEN))
AC, RUNTIME = "quay.io/astronomer/ap-airflow", "quay.io/astronomer/astro-runtime"
BEFORE = f"# syntax=docker/dockerfile:1\r\nFROM {AC}:2.2.3-1-onbuild AS base\r\nRUN pip install x\r\n"
AFTER_ONE = BEFORE.replace("2.2.3-1-onbuild", "2.3.0-onbuild")
AFTER_TWO = BEFORE.replace(f"{AC}:2.2.3-1-onbuild", f"{RUNTIME}:5.0.4")
PATH = [ReleaseId.parse(each) for each in ("AC 2.2.3", "AC 2.3.0", "Runtime 5.0.4")]
URN = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Astro project, and a stub of the vendor's CLI on PATH that records its calls."""
    made = tmp_path / "airflow"
    (made / ".astro").mkdir(parents=True)
    (made / ".astro" / "config.yaml").write_text("project:\n  name: airflow\n", encoding="utf-8")
    (made / "Dockerfile").write_bytes(BEFORE.encode())
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", "inherited")
    astro(made, "")
    return made


def astro(folder: Path, text: str) -> None:
    """Make the stub run a script after it has recorded its arguments, the FROM line and the token."""
    program = folder.parent / "bin" / "astro"
    words = '"$* $(grep FROM Dockerfile | tr -d "\\r") $ASTRO_HOUSTON_TOKEN $ASTRO_HOUSTON_URL"'
    program.write_text(f"#!/bin/sh\necho {words} >> ../recorded_calls\n{text}\n", encoding="utf-8")
    program.chmod(0o755)


def recorded_calls(folder: Path) -> list[str]:
    """Return the calls of the stub."""
    path = folder.parent / "recorded_calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def declared(folder: Path | str, **more: str) -> AstroProject:
    """Declare the project."""
    return AstroProject.declared(ProjectArguments(path=str(folder), **more), SETTINGS)


def planned(simulation: Simulation, target: str = "5.0.4") -> tuple[Deployment, Sequence[Hop]]:
    """Return the Deployment and its path."""
    deployment, platform, catalog = simulation.client.observe(ID)
    found = plan(
        PlanRequest(current=deployment.current, target=RuntimeVersion.parse(target), catalog=catalog, platform=platform)
    )
    assert isinstance(found, Plan)
    return deployment, found.hops


def no_release(_: ReleaseId) -> bool:
    """Allow no release in the Dockerfile except the running one."""
    return False


def text(folder: Path) -> str:
    """Return the Dockerfile's text."""
    return (folder / "Dockerfile").read_bytes().decode()


def deliver(
    simulation: Simulation,
    made: AstroProject,
    *,
    seconds: float = 20.0,
    cancelled: Callable[[], bool] = lambda: False,
    releases: Sequence[ReleaseId] = PATH,
) -> list[str]:
    """Deliver the first hop, and return the messages."""
    deployment, hops = planned(simulation)
    said: list[str] = []
    delivery = ProjectDelivery(project=made, releases=frozenset(releases), clock=CancellableClock(cancelled))
    delivery.deliver(deployment, hops[0], seconds=seconds, say=said.append)
    return said


def test_check_shows_the_from_lines_and_commands(simulation: Simulation, folder: Path) -> None:
    """For each hop. Nothing is written."""
    checked = declared(folder, test="astro dev parse").check(*planned(simulation), no_release)
    assert checked.warnings == []
    assert checked.lines == [
        f"Hop 1 writes FROM {AC}:2.3.0-onbuild AS base",
        f"Hop 2 writes FROM {RUNTIME}:5.0.4 AS base",
        "Hop 2 leaves -onbuild out: images of Astro Runtime copy a project in without it.",
        f"Each hop then runs 'astro dev parse' and 'astro deploy {{deployment_id}} --force' in {folder}.",
    ]
    assert text(folder) == BEFORE
    assert recorded_calls(folder) == []


def test_check_accepts_the_file_of_an_interrupted_run(simulation: Simulation, folder: Path) -> None:
    """A file that already names the started hop does not change."""
    (folder / "Dockerfile").write_bytes(AFTER_ONE.encode())
    checked = declared(folder).check(*planned(simulation), PATH.__contains__)
    assert checked.lines[0] == f"Hop 1 writes FROM {AC}:2.3.0-onbuild AS base"


def test_all_problems_are_reported_together(
    simulation: Simulation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another Deployment's Dockerfile, a program that does not exist, and one that is not a file."""
    (folder / "Dockerfile").write_text(f"FROM {RUNTIME}:4.2.5\n", encoding="utf-8")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InvalidProjectError) as refused:
        declared(folder, test="./check {version}").check(*planned(simulation), no_release)
    base, test, deploy = str(refused.value).splitlines()
    assert f"builds on Astro Runtime 4.2.5 ('{RUNTIME}:4.2.5'), and stars-1 runs AC 2.2.3" in base
    assert "from which the path to Astro Runtime 5.0.4 does not lead there: is it the project of another" in base
    assert base.endswith(f"let line 1 name AC 2.2.3, for example {AC}:2.2.3-onbuild")
    assert "'./check', which './check {version}' runs, is not an executable file in" in test
    assert "is not on PATH: install it, or name another command" in deploy


def test_a_folder_that_is_not_an_astro_project_is_refused(simulation: Simulation, folder: Path, tmp_path: Path) -> None:
    """The message says what is missing and where."""
    cases: list[tuple[Path, str]] = [(tmp_path / "none", "is not a folder"), (tmp_path, "is not an Astro project")]
    for path, why in cases:
        with pytest.raises(InvalidProjectError, match=why):
            declared(path).check(*planned(simulation), no_release)
    (folder / "Dockerfile").unlink()
    with pytest.raises(InvalidProjectError, match=r"its Dockerfile cannot be read \(No such file"):
        declared(folder).check(*planned(simulation), no_release)
    (folder / "Dockerfile").write_text("FROM python:3.9\n", encoding="utf-8")
    with pytest.raises(InvalidProjectError, match="none of the vendor's images"):
        declared(folder).check(*planned(simulation), no_release)


def test_a_path_may_begin_at_home_or_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It resolves to the same folder, so the same project is recognised."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    (folder.parent / "link").symlink_to(folder)
    assert {declared(path).folder for path in ("airflow", "~/airflow", "./x/../airflow", "link")} == {folder}


def test_a_delivery_writes_tests_and_deploys(simulation: Simulation, folder: Path) -> None:
    """In that order, in the project's folder. Only the deploy command gets the token."""
    (folder / "Dockerfile").chmod(0o640)
    astro(folder, 'echo "doing $2"')
    said = deliver(simulation, declared(folder, test="astro dev parse"))
    assert said == ["astro: doing parse", f"astro: doing {ID}"]
    assert text(folder) == AFTER_ONE
    assert (folder / "Dockerfile").stat().st_mode & 0o777 == 0o640
    line = f"FROM {AC}:2.3.0-onbuild AS base"
    assert recorded_calls(folder) == [
        f"dev parse {line}  {SETTINGS.url}",
        f"deploy {ID} --force {line} {TOKEN} {SETTINGS.url}",
    ]
    assert sorted(path.name for path in folder.iterdir()) == [".astro", "Dockerfile"]


def test_bytes_that_are_not_utf_8_are_kept(simulation: Simulation, folder: Path) -> None:
    """A comment may be in another encoding."""
    (folder / "Dockerfile").write_bytes(b"# caf\xe9\n" + BEFORE.encode())
    deliver(simulation, declared(folder))
    assert (folder / "Dockerfile").read_bytes() == b"# caf\xe9\n" + AFTER_ONE.encode()


def test_a_linked_dockerfile_stays_a_link(simulation: Simulation, folder: Path) -> None:
    """The link's target is replaced."""
    (folder / "Dockerfile").rename(folder.parent / "shared")
    (folder / "Dockerfile").symlink_to("../shared")
    deliver(simulation, declared(folder))
    assert (folder / "Dockerfile").is_symlink()
    assert (folder.parent / "shared").read_bytes() == AFTER_ONE.encode()


@pytest.mark.parametrize("command", ["test", "deploy"])
def test_a_failure_restores_the_file_and_says_so(simulation: Simulation, folder: Path, command: str) -> None:
    """Byte for byte. After a failed test, nothing is deployed."""
    (folder / "fail").write_text("#!/bin/sh\necho 'no module x'; exit 7\n", encoding="utf-8")
    (folder / "fail").chmod(0o755)
    with pytest.raises(DeliveryFailedError) as failed:
        deliver(simulation, declared(folder, **{command: "./fail"}))
    assert str(failed.value).splitlines() == [
        "'./fail' failed with exit code 7; it printed last:",
        "  no module x",
        f"The Dockerfile of {folder} builds on what runs again: {AC}:2.2.3-1-onbuild",
    ]
    assert text(folder) == BEFORE
    assert recorded_calls(folder) == []


def test_a_timeout_restores_the_file(simulation: Simulation, folder: Path) -> None:
    """Both commands share the time that is left for the hop."""
    astro(folder, "exec sleep 60")
    with pytest.raises(DeliveryFailedError, match=r"did not end within 0\.3s"):
        deliver(simulation, declared(folder), seconds=0.3)
    assert text(folder) == BEFORE


def test_a_cancel_restores_the_file(simulation: Simulation, folder: Path) -> None:
    """The message names the stopped command."""
    astro(folder, "exec sleep 60")
    with pytest.raises(CommandInterruptedError) as stopped:
        deliver(simulation, declared(folder), cancelled=lambda: bool(recorded_calls(folder)))
    first, second = str(stopped.value).splitlines()
    assert first == f"'astro deploy {ID} --force' was stopped"
    assert second.endswith(f"builds on what runs again: {AC}:2.2.3-1-onbuild")
    assert text(folder) == BEFORE


def test_other_changes_of_a_command_are_kept(simulation: Simulation, folder: Path) -> None:
    """Only the FROM line is restored."""
    astro(folder, "echo '# pinned' >> Dockerfile; exit 1")
    with pytest.raises(DeliveryFailedError):
        deliver(simulation, declared(folder))
    assert text(folder) == AFTER_ONE.replace("2.3.0-onbuild", "2.2.3-onbuild") + "# pinned\n"


def test_a_file_that_already_names_the_hop_is_reset_to_the_running_release(
    simulation: Simulation, folder: Path
) -> None:
    """Also if an interrupted run left it so."""
    (folder / "Dockerfile").write_bytes(AFTER_ONE.encode())
    astro(folder, "exit 1")
    with pytest.raises(DeliveryFailedError):
        deliver(simulation, declared(folder))
    assert text(folder) == AFTER_ONE.replace("2.3.0-onbuild", "2.2.3-onbuild")


def test_a_file_that_cannot_be_restored_is_reported(simulation: Simulation, folder: Path) -> None:
    """With the reason, beside the failure itself."""
    astro(folder, "rm Dockerfile; exit 1")
    with pytest.raises(DeliveryFailedError) as failed:
        deliver(simulation, declared(folder))
    assert "The FROM line could not be put back to AC 2.2.3, which still runs" in str(failed.value)
    assert "failed with exit code 1" in str(failed.value)


def test_a_file_that_cannot_be_written_stays(
    simulation: Simulation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unchanged, and no temporary file is left."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DeliveryFailedError, match="cannot be written: No space left on device"):
        deliver(simulation, declared(folder))
    assert text(folder) == BEFORE
    assert sorted(path.name for path in folder.iterdir()) == [".astro", "Dockerfile"]


def test_another_error_restores_the_file_too(simulation: Simulation, folder: Path) -> None:
    """The error itself is raised unchanged."""
    deployment, hops = planned(simulation)
    astro(folder, "echo x; exec sleep 60")

    def say(_: str) -> None:
        raise ZeroDivisionError

    delivery = ProjectDelivery(project=declared(folder), releases=frozenset(PATH), clock=CancellableClock())
    with pytest.raises(ZeroDivisionError):
        delivery.deliver(deployment, hops[0], seconds=20.0, say=say)
    assert text(folder) == BEFORE


def test_a_project_that_changed_since_the_preview_is_not_overwritten(simulation: Simulation, folder: Path) -> None:
    """Its release is not on the path that the preview showed."""
    (folder / "Dockerfile").write_text(f"FROM {RUNTIME}:4.2.5\n", encoding="utf-8")
    with pytest.raises(InvalidProjectError, match=r"builds on Astro Runtime 4\.2\.5 now"):
        deliver(simulation, declared(folder))
    assert recorded_calls(folder) == []


def test_two_runs_cannot_use_one_folder(simulation: Simulation, folder: Path) -> None:
    """The second run says so, and changes nothing."""
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(DeliveryFailedError, match="another run is deploying from this folder"):
            deliver(simulation, declared(folder))
    finally:
        os.close(handle)
    deliver(simulation, declared(folder))
    assert text(folder) == AFTER_ONE


def walked(simulation: Simulation, made: AstroProject, *, pending: str | None = None, **more: Any) -> WalkResult:
    """Run the executor as an update does."""
    return walk(
        ID,
        simulation.request(delivers=True, **more),
        delivery=ProjectDelivery(project=made, releases=frozenset(PATH), clock=simulation.clock),
        saved_hop=ReleaseId.parse(pending) if pending else None,
        client=simulation.client,
        clock=simulation.clock,
        reporter=simulation.reports,
    )


def pushed(simulation: Simulation, folder: Path) -> None:
    """Deploy the image of the stub's build as soon as the run waits."""
    built = folder.parent / "built"

    def look() -> None:
        if built.exists():
            simulation.push(built.read_text(encoding="utf-8").strip())
            built.unlink()
        simulation.clock.at(1.0, look)

    look()
    astro(folder, "grep FROM Dockerfile | cut -d ' ' -f 2 > ../built; echo building")


def test_a_run_deploys_the_project_for_each_hop(simulation: Simulation, folder: Path) -> None:
    """Each hop is started, written, tested, deployed once and confirmed. The file ends at the target."""
    pushed(simulation, folder)
    ending = walked(simulation, declared(folder, test="astro dev parse"))
    assert (str(ending.deployment.current), ending.pending, ending.problem) == ("Astro Runtime 5.0.4", None, None)
    assert text(folder) == AFTER_TWO
    assert [line.split()[0] for line in recorded_calls(folder)] == ["dev", "deploy", "dev", "deploy"]
    assert simulation.mutations() == ["updateDeploymentAirflow", "updateDeploymentRuntime"]
    assert simulation.reports.infos[0] == (
        f"hop 1/2: building {folder} on AC 2.3.0, with 'astro dev parse' and 'astro deploy {{deployment_id}} --force'"
    )
    assert "00:00/1h hop 1/2: astro: building" in simulation.reports.progresses


def test_the_next_run_resumes_after_a_failed_deployment(simulation: Simulation, folder: Path) -> None:
    """The hop stays started and is not started again. In between, the file names the running release."""
    astro(folder, "echo 'no docker'; exit 1")
    ending = walked(simulation, declared(folder))
    assert str(ending.pending) == "AC 2.3.0"
    assert ending.problem is not None
    assert "'astro deploy ckw1stars --force' failed with exit code 1; it printed last:\n  no docker" in ending.problem
    assert "The hop stays started" in ending.problem
    assert text(folder) == BEFORE
    pushed(simulation, folder)
    again = walked(simulation, declared(folder), pending="AC 2.3.0")
    assert (str(again.deployment.current), again.problem) == ("Astro Runtime 5.0.4", None)
    assert simulation.mutations().count("updateDeploymentAirflow") == 1


def test_a_cancelled_deployment_ends_the_run_at_once(simulation: Simulation, folder: Path) -> None:
    """The message names the started hop, the stopped command and the restored release."""
    astro(folder, "echo started; exec sleep 60")
    progress = simulation.reports.progress

    class CancellingReporter(Recorder):
        """Cancels the run after the first output of the command."""

        def progress(self, text: str) -> None:
            progress(text)
            if text.endswith("astro: started"):
                simulation.clock.cancel_at = simulation.clock.time

    simulation.reports = CancellingReporter(
        simulation.reports.infos, simulation.reports.warnings, simulation.reports.progresses
    )
    ending = walked(simulation, declared(folder))
    assert str(ending.pending) == "AC 2.3.0"
    assert str(ending.problem).startswith("interrupted; the hop to AC 2.3.0 stays started")
    (warning,) = simulation.reports.warnings
    assert warning.startswith("'astro deploy ckw1stars --force' was stopped\nThe Dockerfile of ")
    assert text(folder) == BEFORE


def test_delivering_without_a_delivery_is_a_bug(simulation: Simulation) -> None:
    """It is not reported as the user's mistake."""
    with pytest.raises(AssertionError, match="there is no delivery"):
        simulation.walk(simulation.request(delivers=True), image=None)


def test_no_output_of_a_run_contains_the_token(simulation: Simulation, folder: Path) -> None:
    """Neither a message nor the result, whatever the command prints."""
    astro(folder, 'echo "$ASTRO_HOUSTON_TOKEN"; exit 1')
    ending = walked(simulation, declared(folder))
    told = simulation.reports
    assert TOKEN not in "".join([*told.infos, *told.warnings, *told.progresses, str(ending), repr(declared(folder))])
    assert "***" in str(ending.problem)


@pytest.fixture
def lifecycle(tmp_path: Path) -> Iterator[DeploymentLifecycle]:
    """The provider's lifecycle, for a fleet of four."""
    (tmp_path / "fleet").mkdir()
    with sandbox_server.serving(tmp_path / "fleet") as running:
        yield DeploymentLifecycle(running.client, SETTINGS)


def given(release: str, folder: Path, **more: Any) -> dict[str, Any]:
    """Return inputs as the engine sends them."""
    return {"release_name": release, "runtime_version": "5.0.4", "project": {"path": str(folder)}, **more}


def test_a_check_of_the_resource_shows_the_project(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """After the plan. If there is nothing to do, the project is not read."""
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert checked.failures == ()
    assert checked.lines[-4:-2] == (
        f"Hop 1 writes FROM {AC}:2.3.0-onbuild AS base",
        f"Hop 2 writes FROM {RUNTIME}:5.0.4 AS base",
    )
    assert checked.inputs["project"] == {"path": str(folder)}
    idle = lifecycle.check(f"{URN}two", {}, given("wind-3", folder.parent / "none", runtime_version="4.2.5"))
    assert (idle.failures, idle.lines) == ((), ())


def test_two_resources_on_one_folder_are_refused(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """However the path is written. The same resource may check again."""
    assert lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).failures == ()
    assert lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).failures == ()
    ((argument, reason),) = lifecycle.check(f"{URN}two", {}, given("dust-2", folder / ".")).failures
    assert argument == "project"
    assert "is also declared for stars-1: its Dockerfile names one release" in reason


def test_a_bad_project_is_a_failure_of_its_argument(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """Preview finds it, before anything starts."""
    wrong = {"path": str(folder), "deploy": f"astro --token {TOKEN}"}
    ((argument, reason),) = lifecycle.check(f"{URN}one", {}, given("stars-1", folder, project=wrong)).failures
    assert argument == "project"
    assert "project.deploy holds the token" in reason
    assert TOKEN not in reason


def test_an_update_delivers_the_project(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """The executor calls the delivery with the releases of the path that the preview showed."""
    astro(folder, "exit 1")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    outputs, problem = lifecycle.apply(checked.inputs, clock=CancellableClock(), reporter=Recorder())
    assert "failed with exit code 1" in str(problem)
    assert outputs["pending"] == "AC 2.3.0"
    assert text(folder) == BEFORE
    with pytest.raises(AssertionError, match="there is no connection for its commands"):
        DeploymentLifecycle(lifecycle.houston).apply(checked.inputs, clock=CancellableClock(), reporter=Recorder())


def test_without_pending_hops_a_file_at_the_next_hop_is_an_interrupted_run(tmp_path: Path, folder: Path) -> None:
    """The platform starts hops by image, so nothing is ever pending."""
    (folder / "Dockerfile").write_text(f"FROM {RUNTIME}:5.0.4\n", encoding="utf-8")
    with simulated(tmp_path, version="4.2.5", distribution="runtime", platform_version="0.36.0") as simulation:
        made = DeploymentLifecycle(simulation.client, SETTINGS)
        checked = made.check(f"{URN}one", {}, {**given("stars-1", folder), "release_name": "stars-1"})
        assert checked.failures == ()
        assert f"Hop 1 writes FROM {RUNTIME}:5.0.4" in checked.lines


def test_a_resource_has_either_an_image_or_a_project() -> None:
    """In either spelling. Each mistake names its key."""
    entry = {"name": "a", "releaseName": "stars-1", "runtimeVersion": "5.0.4", "project": {"path": "../airflow"}}
    (read,) = read_fleet_config({"deployments": [entry]}).deployments
    assert read.project == ProjectArguments(path="../airflow", deploy="astro deploy {deployment_id} --force")
    with pytest.raises(InvalidConfigError, match=r"deployments\[0\]: image and project are both given"):
        read_fleet_config({"deployments": [entry | {"image": "a:{version}"}]})
    with pytest.raises(InvalidConfigError, match=r"project\.path: is missing"):
        read_arguments({"release_name": "stars-1", "runtime_version": "5.0.4", "project": {"test": "x"}})


def test_placeholders_have_the_values_of_the_hop(simulation: Simulation) -> None:
    """The image is that of the FROM line."""
    deployment, hops = planned(simulation)
    assert declared("airflow").placeholder_values(deployment, hops[0], AFTER_ONE) == {
        "deployment_id": ID,
        "release_name": "stars-1",
        "version": "2.3.0",
        "image": dockerfile.parse(AFTER_ONE).image,
    }


@pytest.mark.parametrize("named", ["AC 2.2.4", "AC 2.2.5", "AC 2.3.0", "Runtime 5.0.4"])
def test_a_file_may_name_any_release_up_to_the_target(lifecycle: DeploymentLifecycle, folder: Path, named: str) -> None:
    """An earlier run may have left a release that is no longer on the path, because its hop was cancelled."""
    (folder / "Dockerfile").write_text(f"FROM {VENDORS.image(ReleaseId.parse(named))}\n", encoding="utf-8")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert checked.failures == ()
    assert f"Hop 1 writes FROM {AC}:2.3.0-onbuild" in checked.lines
    astro(folder, "exit 1")
    _, problem = lifecycle.apply(checked.inputs, clock=CancellableClock(), reporter=Recorder())
    assert "failed with exit code 1" in str(problem)
    assert text(folder) == f"FROM {AC}:2.2.3-onbuild\n"


@pytest.mark.parametrize("named", ["AC 2.2.2", "AC 2.4.0", "Runtime 5.0.5", "Runtime 6.0.0"])
def test_a_file_below_the_running_release_or_above_the_target_is_refused(
    lifecycle: DeploymentLifecycle, folder: Path, named: str
) -> None:
    """It is probably another Deployment's."""
    (folder / "Dockerfile").write_text(f"FROM {VENDORS.image(ReleaseId.parse(named))}\n", encoding="utf-8")
    ((argument, reason),) = lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).failures
    assert argument == "project"
    assert "is it the project of another Deployment?" in reason


def test_after_a_timeout_the_file_stays_and_the_next_preview_accepts_it(simulation: Simulation, folder: Path) -> None:
    """The deploy command succeeded, so the image may still arrive. Cancelling the hop does not change that."""
    ending = walked(simulation, declared(folder), timeout=30.0)
    assert "the image was deployed, and Houston did not take it" in str(ending.problem)
    assert text(folder) == AFTER_ONE
    simulation.client.cancel(ending.deployment, PATH[1])
    checked = DeploymentLifecycle(simulation.client, SETTINGS).check(f"{URN}one", {}, given("stars-1", folder))
    assert checked.failures == ()
    assert f"Hop 1 writes FROM {AC}:2.3.0-onbuild AS base" in checked.lines


def plain(folder: Path, *lines: str) -> None:
    """Write the Dockerfile."""
    (folder / "Dockerfile").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def warned(lines: Sequence[str]) -> list[str]:
    """Return the warnings of a preview that are about the project."""
    of_projects = {WarningName.IMAGE_VARIANT, WarningName.OTHER_STAGE, WarningName.DEPLOY_CONFIRMATION}
    return [line.strip() for line in lines if line.strip().split()[1].rstrip(":") in of_projects]


def test_a_variant_is_kept_and_named(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """Preview names the image. It does not ask the registry."""
    plain(folder, f"FROM {AC}:2.2.3-fips-onbuild")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert f"Hop 1 needs the variant fips: make sure that {AC}:2.3.0-fips-onbuild exists." in checked.lines
    plain(folder, f"FROM {AC}:2.2.3")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert f"Hop 2 needs the variant base: make sure that {RUNTIME}:5.0.4-base exists." in checked.lines


def test_a_variant_that_is_known_not_to_exist_is_a_warning(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """It can be accepted, and denied."""
    plain(folder, f"FROM {AC}:2.2.3-base")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    (warning, *_) = warned(checked.lines)
    assert warning == ("warning image-variant: hop 1: -base: no image of Certified has it, and 2.3.0-base is written")
    accepted = lifecycle.check(f"{URN}one", {}, given("stars-1", folder, accept=["image-variant"]))
    assert not [line for line in warned(accepted.lines) if "image-variant" in line]
    ((argument, reason),) = lifecycle.check(f"{URN}one", {}, given("stars-1", folder, deny=["image-variant"])).failures
    assert argument == "project"
    assert reason.startswith("denied: image-variant: hop 1: -base")
    assert reason.endswith("Correct that, or remove image-variant from deny.")


def test_another_image_of_the_vendors_is_a_warning(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """With its line. Only the last stage is rewritten, and that line is not."""
    plain(folder, f"FROM {AC}:2.2.3 AS deps", "RUN x", f"FROM {AC}:2.2.3-onbuild", "COPY --from=deps /a /a")
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert warned(checked.lines)[0] == (
        f"warning other-stage: line 1 of the Dockerfile names {AC}:2.2.3, and the last stage does not build on it: "
        "only line 3 changes"
    )
    assert f"Hop 1 writes FROM {AC}:2.3.0-onbuild" in checked.lines


@pytest.mark.parametrize(
    ("lines", "hops"),
    [
        ((f"FROM {AC}:2.2.3-onbuild",), ""),
        ((f"FROM {AC}:2.2.3-2-onbuild AS base",), ""),
        ((f"FROM {AC}:2.2.3",), f"hop 1 ({AC}:2.3.0), hop 2 ({RUNTIME}:5.0.4-base)"),
        (("ARG V=2.2.3-onbuild", f"FROM {AC}:$V"), f"hop 1 ({AC}:$V), hop 2 ({RUNTIME}:$V)"),
        (
            ("FROM python:3.11 AS b", f"FROM {AC}:2.2.3-onbuild"),
            f"hop 1 ({AC}:2.3.0-onbuild), hop 2 ({RUNTIME}:5.0.4)",
        ),
    ],
)
def test_a_deploy_command_that_may_ask_for_confirmation_is_a_warning(
    lifecycle: DeploymentLifecycle, folder: Path, lines: tuple[str, ...], hops: str
) -> None:
    """The vendor's CLI asks about tags that are not on offer, and does not resolve an ARG."""
    plain(folder, *lines)
    checked = lifecycle.check(f"{URN}one", {}, given("stars-1", folder))
    assert checked.failures == ()
    expected = (
        f"warning deploy-confirmation: 'astro deploy' may ask to confirm the image of {hops}, and cancels when nobody "
        f"answers: run 'astro config set show_warnings false' in the project's folder first"
    )
    assert warned(checked.lines) == ([expected] if hops else [])


def test_a_deploy_command_that_never_asks_has_no_warning(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """By a setting in the project's config, or because the command is not the vendor's."""
    plain(folder, f"FROM {AC}:2.2.3")
    own = {"path": str(folder), "deploy": "true"}
    assert warned(lifecycle.check(f"{URN}one", {}, given("stars-1", folder, project=own)).lines) == []
    config = folder / ".astro" / "config.yaml"
    for setting in ("show_warnings: false", 'show_warnings: "False"  # here'):
        config.write_text(f"project:\n  name: airflow\n{setting}\n", encoding="utf-8")
        assert warned(lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).lines) == []
    config.write_text("# show_warnings: false\nproject:\n  show_warnings: false\n", encoding="utf-8")
    assert len(warned(lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).lines)) == 1


MIRRORS = BaseImages(certified="localhost:5000/astronomer/ap-airflow", runtime="registry.example.com/astro-runtime")


def test_a_platform_with_mirrors_names_them_everywhere(lifecycle: DeploymentLifecycle, folder: Path) -> None:
    """In the plan, in the FROM lines of the check, and in the file."""
    mirrored = DeploymentLifecycle(lifecycle.houston, replace(SETTINGS, base_images=MIRRORS))
    plain(folder, f"FROM {MIRRORS.certified}:2.2.3-onbuild")
    checked = mirrored.check(f"{URN}one", {}, given("stars-1", folder))
    assert checked.failures == ()
    assert f"     FROM {MIRRORS.certified}:2.3.0-onbuild" in checked.lines
    assert f"     FROM {MIRRORS.runtime}:5.0.4" in checked.lines
    assert f"Hop 1 writes FROM {MIRRORS.certified}:2.3.0-onbuild" in checked.lines
    assert f"Hop 2 writes FROM {MIRRORS.runtime}:5.0.4" in checked.lines
    astro(folder, "echo {image}; exit 1")
    project = {"path": str(folder), "deploy": "astro deploy {image}"}
    checked = mirrored.check(f"{URN}one", {}, given("stars-1", folder, project=project))
    mirrored.apply(checked.inputs, clock=CancellableClock(), reporter=Recorder())
    image = f"{MIRRORS.certified}:2.3.0-onbuild"
    assert recorded_calls(folder)[-1].startswith(f"deploy {image} FROM {image}")
    assert text(folder) == f"FROM {MIRRORS.certified}:2.2.3-onbuild\n"
    ((_, reason),) = lifecycle.check(f"{URN}one", {}, given("stars-1", folder)).failures
    assert "name its repository in astro:baseImages" in reason


def test_a_template_names_mirrors_and_one_is_a_bare_image(lifecycle: DeploymentLifecycle) -> None:
    """`{base}` is the mirror's image, which has none of the user's DAGs either."""
    mirrored = DeploymentLifecycle(lifecycle.houston, replace(SETTINGS, base_images=MIRRORS))
    inputs = {"release_name": "stars-1", "runtime_version": "5.0.4", "image": "{base}"}
    ((argument, reason),) = mirrored.check(f"{URN}one", {}, inputs).failures
    assert (argument, reason.split()[0]) == ("image", f"{MIRRORS.certified}:2.3.0-onbuild")
    checked = mirrored.check(f"{URN}one", {}, inputs | {"accept": ["base-image"]})
    assert f"Hop 2 delivers {MIRRORS.runtime}:5.0.4" in checked.lines
