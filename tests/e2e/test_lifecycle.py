"""Pulumi's other commands and options: refresh, destroy, replace, protect, target, saved plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import START_RUNTIME, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


def test_preview_sees_drift_and_refresh_records_it(platform: StartSandbox, project: MakeProject) -> None:
    """Preview plans from the running version; refresh saves the observation and keeps the declaration."""
    sandbox = platform(deployment("stars-1", "4.2.4"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.4"})
    stack.up()
    sandbox.ask(START_RUNTIME, id="ckwstars1", v="4.2.5")
    sandbox.deploy("stars-1", "quay.io/astronomer/astro-runtime:4.2.5")
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    assert "Astro Runtime 4.2.5 > Astro Runtime 5.0.4" in stack.preview().text
    stack.run("refresh", "--yes", "--skip-preview", code=0)
    outputs = stack.outputs("stars-1")
    assert outputs["current_version"] == "Astro Runtime 4.2.5"
    assert outputs["runtime_version"] == "4.2.4"


def test_destroy_forgets_and_changes_nothing(platform: StartSandbox, project: MakeProject) -> None:
    """No Deployment can return to an earlier version, so destroy only forgets it and says so."""
    sandbox = platform(deployment("stars-1", "5.0.4"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    stack.up()
    destroyed = stack.run("destroy", "--yes", "--skip-preview", code=0)
    assert "stars-1 is forgotten, and nothing is changed on it; it last ran Astro Runtime 5.0.4" in destroyed.text
    assert stack.state() == []
    assert sandbox.mutations() == []


def test_a_deployment_that_was_deleted_is_gone_after_a_refresh(platform: StartSandbox, project: MakeProject) -> None:
    """Its resource leaves the state."""
    sandbox = platform(deployment("stars-1", "5.0.4"), deployment("dust-2", "5.0.4"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    stack.up()
    other = platform(deployment("dust-2", "5.0.4"))
    stack.environment["ASTRO_HOUSTON_URL"] = other.url
    stack.run("refresh", "--yes", "--skip-preview", code=0)
    assert stack.state() == []


def test_another_release_name_is_another_resource(platform: StartSandbox, project: MakeProject) -> None:
    """The provider forgets the old Deployment and adopts the new one."""
    sandbox = platform(deployment("stars-1", "5.0.4"), deployment("dust-2", "4.2.5"))
    stack = project(sandbox)
    stack.declare({"name": "data-eng", "releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    stack.up()
    stack.declare({"name": "data-eng", "releaseName": "dust-2", "runtimeVersion": "5.0.4", "image": IMAGE})
    assert "replace" in stack.preview().text
    stack.up()
    assert stack.outputs("data-eng")["deployment_id"] == "ckwdust2"
    assert sandbox.show("dust-2")["version"] == "5.0.4"
    stack.preview("--expect-no-changes")


def test_a_saved_plan_binds_the_update(platform: StartSandbox, project: MakeProject) -> None:
    """Check is deterministic, so that up does exactly what the saved preview planned."""
    sandbox = platform(deployment("stars-1", "2.2.3"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    plan = str(stack.folder / "plan.json")
    stack.preview(f"--save-plan={plan}")
    stack.run("up", "--yes", "--skip-preview", f"--plan={plan}", code=0)
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_target_upgrades_one_of_two(platform: StartSandbox, project: MakeProject) -> None:
    """The other stays unchanged."""
    sandbox = platform(deployment("stars-1", "4.2.5"), deployment("dust-2", "4.2.5"))
    stack = project(sandbox)
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4", "image": IMAGE} for name in ("stars-1", "dust-2")))
    stack.up("--target", "urn:pulumi:test::astro::pulumi-python:dynamic/astro:DeploymentRuntime::dust-2")
    assert sandbox.show("dust-2")["version"] == "5.0.4"
    assert sandbox.show("stars-1")["version"] == "4.2.5"


def test_deployments_are_upgraded_in_parallel_or_one_by_one(platform: StartSandbox, project: MakeProject) -> None:
    """With --parallel 200 twelve take about as long as one; --parallel 1 works too."""
    names = [f"release-{number}" for number in range(12)]
    sandbox = platform(*(deployment(name, "4.2.5") for name in names), rollout_seconds="1")
    stack = project(sandbox)
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4", "image": IMAGE} for name in names[:2]))
    stack.up("--parallel", "1")
    stack.declare(*({"releaseName": name, "runtimeVersion": "5.0.4", "image": IMAGE} for name in names))
    stack.up("--parallel", "200")
    assert {sandbox.show(name)["version"] for name in names} == {"5.0.4"}


def test_protect_and_ignore_changes_are_respected(platform: StartSandbox, project: MakeProject) -> None:
    """Pulumi's options have their usual meaning."""
    sandbox = platform(deployment("stars-1", "4.2.4"))
    stack = project(sandbox)
    program = (
        "import pulumi\n"
        "from astro_deployment_runtime import AstroDeploymentRuntime\n"
        "AstroDeploymentRuntime('data-eng', release_name='stars-1', runtime_version={version!r}, image={image!r},\n"
        "    opts=pulumi.ResourceOptions(protect=True, ignore_changes=['runtime_version']))\n"
    )
    stack.program(program.format(version="4.2.5", image=IMAGE))
    stack.up()
    assert sandbox.show("stars-1")["version"] == "4.2.5"
    stack.program(program.format(version="5.0.4", image=IMAGE))
    stack.preview("--expect-no-changes")
    assert "protected" in stack.run("destroy", "--yes", "--skip-preview", code=1).text
