"""Waiting, stopping and resuming: nothing is lost, and no hop starts twice."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import START_AIRFLOW, START_RUNTIME, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project
    from tests.e2e.sandbox_process import Sandbox

_AC = "quay.io/astronomer/ap-airflow:2.3.0-onbuild"
_RUNTIME = "quay.io/astronomer/astro-runtime:5.0.4"
_CANCEL = "mutation($id: Uuid!) { cancelRuntimeUpdate(deploymentUuid: $id) { id } }"


def ready(platform: StartSandbox, project: MakeProject, runs: str = "2.2.3", **entry: Any) -> tuple[Sandbox, Project]:
    """One Deployment, declared for Astro Runtime 5.0.4."""
    sandbox = platform(deployment("stars-1", runs))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", **entry})
    return sandbox, stack


def test_up_waits_for_images_that_somebody_deploys(platform: StartSandbox, project: MakeProject) -> None:
    """Each hop starts, then the run asks for its image with the FROM line and the Deployment's name."""
    sandbox, stack = ready(platform, project)
    first = sandbox.deploy_when_pending("stars-1", _AC)
    process = stack.start("up", "--yes", "--skip-preview")
    first.join()
    sandbox.deploy_when_pending("stars-1", _RUNTIME).join()
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert f"FROM {_AC}" in printed
    assert "/1h hop 1/2 AC 2.3.0: waiting for image" in printed
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_a_timeout_saves_the_pending_hop_and_the_next_up_resumes(platform: StartSandbox, project: MakeProject) -> None:
    """The hop does not start a second time."""
    sandbox, stack = ready(platform, project, timeout="2s")
    up = stack.up(code=1)
    assert "Houston took no image within 2s (timeout)" in up.text
    assert stack.outputs("stars-1")["pending"] == "AC 2.3.0"
    assert stack.outputs("stars-1")["current_version"] == "AC 2.2.3"
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1
    assert stack.outputs("stars-1").get("pending") is None


def test_not_waiting_ends_with_the_image_to_deploy(platform: StartSandbox, project: MakeProject) -> None:
    """With wait: false every run exits with an error until the target is reached, so that pipelines can alternate."""
    sandbox, stack = ready(platform, project, wait=False)
    up = stack.up(code=1)
    assert f"FROM {_AC}" in up.text
    sandbox.deploy("stars-1", _AC)
    assert f"FROM {_RUNTIME}" in stack.up(code=1).text
    sandbox.deploy("stars-1", _RUNTIME)
    assert "stars-1: confirm that Astro Runtime 5.0.4 is healthy" in stack.preview().text
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    stack.preview("--expect-no-changes")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_up_at_once_with_the_state_saved(
    platform: StartSandbox, project: MakeProject, number: signal.Signals
) -> None:
    """Ctrl-C, or a pipeline's SIGTERM: the pending hop is in the state, and the next up goes on.

    Two seconds on an idle machine, more on a busy one.
    """
    sandbox, stack = ready(platform, project)
    process = stack.start("up", "--yes", "--skip-preview")
    while not sandbox.show("stars-1")["pending"]:
        time.sleep(0.1)
    time.sleep(1)
    began = time.monotonic()
    process.send_signal(number)
    printed, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 15
    assert process.returncode != 0
    assert "the hop to AC 2.3.0 stays started" in printed
    assert stack.outputs("stars-1")["pending"] == "AC 2.3.0"
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    stack.up()
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1


def test_our_own_pending_hop_is_cancelled_when_the_declaration_is_reverted(
    platform: StartSandbox, project: MakeProject
) -> None:
    """Preview shows the cancellation before the first hop, up does it."""
    sandbox, stack = ready(platform, project, wait=False)
    stack.up(code=1)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.0.11", "image": IMAGE})
    preview = stack.preview()
    assert "-  cancel" in preview.text
    assert sandbox.show("stars-1")["pending"] == "2.3.0"
    stack.up()
    assert sandbox.show("stars-1")["version"] == "4.0.11"


def test_a_foreign_pending_hop_off_the_path_is_refused(platform: StartSandbox, project: MakeProject) -> None:
    """For a new resource and for one with a state; the user can accept its cancellation by name."""
    sandbox, stack = ready(platform, project, wait=False)
    sandbox.ask(START_AIRFLOW, id="ckwstars1", v="2.2.4")
    assert "PENDING: " in stack.preview(code=1).text
    sandbox.ask(_CANCEL, id="ckwstars1")
    stack.up(code=1)
    assert stack.outputs("stars-1")["pending"] == "AC 2.3.0"
    sandbox.ask(_CANCEL, id="ckwstars1")
    sandbox.ask(START_AIRFLOW, id="ckwstars1", v="2.2.4")
    refused = stack.preview(code=1)
    assert "PENDING: " in refused.text
    assert "cancel-pending" in refused.text
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE, "accept": ["cancel-pending"]})
    assert "-  cancel" in stack.preview().text
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_a_pending_hop_on_the_path_is_adopted(platform: StartSandbox, project: MakeProject) -> None:
    """The run does not start it again, regardless of its owner."""
    sandbox, stack = ready(platform, project, image=IMAGE)
    sandbox.ask(START_AIRFLOW, id="ckwstars1", v="2.3.0")
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert sandbox.mutations().count("updateDeploymentAirflow") == 1


def test_a_deployment_that_runs_more_than_declared_can_be_kept(platform: StartSandbox, project: MakeProject) -> None:
    """Somebody upgraded by hand: refused with the version to declare, or kept with accept: [newer]."""
    _, stack = ready(platform, project, runs="5.0.4")
    stack.up()
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.5"})
    assert "runtimeVersion: 5.0.4" in stack.preview(code=1).text
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.5", "accept": ["newer"]})
    assert "warning newer" in stack.preview("--expect-no-changes").text


def test_at_the_target_a_foreign_pending_hop_is_only_warned_of(platform: StartSandbox, project: MakeProject) -> None:
    """A hop that somebody else starts from the target is not refused."""
    sandbox = platform(deployment("stars-1", "4.2.5"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.5"})
    stack.up()
    sandbox.ask(START_RUNTIME, id="ckwstars1", v="5.0.4")
    assert "warning pending" in stack.preview("--expect-no-changes").text


def test_a_deployment_that_is_deleted_during_the_wait_ends_the_run(
    platform: StartSandbox, project: MakeProject, tmp_path: Path
) -> None:
    """The state holds the last observation; a refresh then forgets the Deployment."""
    sandbox, stack = ready(platform, project)
    process = stack.start("up", "--yes", "--skip-preview")
    while not sandbox.show("stars-1")["pending"]:
        time.sleep(0.1)
    sandbox.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "sandbox0" / "sandbox.db")) as store, store:
        store.execute("DELETE FROM deployments")
    other = yaml.safe_dump([deployment("dust-2", "5.0.4")])
    (tmp_path / "sandbox0" / "fleet.yaml").write_text(other, encoding="utf-8")
    sandbox.start()
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no Deployment with the id" in printed
    assert stack.outputs("stars-1")["current_version"] == "AC 2.2.3"
    stack.run("refresh", "--yes", "--skip-preview", code=0)
    assert stack.state() == []


def test_a_path_that_changed_since_the_check_is_not_walked(platform: StartSandbox, project: MakeProject) -> None:
    """A manual upgrade during hop 1 changes the path: the run stops, and the next preview shows the new path."""
    sandbox, stack = ready(platform, project)
    process = stack.start("up", "--yes", "--skip-preview")
    while not sandbox.show("stars-1")["pending"]:
        time.sleep(0.1)
    with sandbox.unseen():
        sandbox.ask(START_AIRFLOW, id="ckwstars1", v="2.2.5")
        sandbox.deploy("stars-1", "quay.io/astronomer/ap-airflow:2.2.5-onbuild")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4, and from here it is AC 2.2.5 > AC 2.3.0" in printed
    assert "AC 2.2.5 > AC 2.3.0 > Astro Runtime 5.0.4" in stack.preview().text


def test_a_saved_plan_is_used_up_by_partial_progress(platform: StartSandbox, project: MakeProject) -> None:
    """The rest of the path differs from the saved one, so the engine requires a new plan."""
    sandbox, stack = ready(platform, project, wait=False)
    plan = str(stack.folder / "plan.json")
    stack.preview(f"--save-plan={plan}")
    stack.run("up", "--yes", "--skip-preview", f"--plan={plan}", code=1)
    sandbox.deploy("stars-1", _AC)
    again = stack.run("up", "--yes", "--skip-preview", f"--plan={plan}", code=1)
    assert "violates plan" in again.text
    assert f"FROM {_RUNTIME}" in stack.up(code=1).text
