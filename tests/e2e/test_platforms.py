"""Platforms differ in how a version changes: two phases up to 0.35, by image alone from 0.36 on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.world import IMAGE, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


@pytest.mark.parametrize(
    ("version", "runs", "mutations"),
    [
        ("0.29.2", "2.3.0", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.35.2", "4.2.5", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.36.0", "2.3.0", ["updateDeploymentRuntime", "updateDeploymentImage"]),
        ("0.36.0", "4.2.5", ["updateDeploymentImage"]),
        ("1.0.1", "4.2.5", ["updateDeploymentImage"]),
        ("1.1.0", "4.2.5", ["updateDeploymentImage"]),
    ],
)
def test_each_generation_gets_what_it_understands(
    platform: StartSandbox, project: MakeProject, version: str, runs: str, mutations: list[str]
) -> None:
    """A migration is started everywhere that it exists; a Runtime upgrade only where versions can be desired."""
    sandbox = platform(deployment("stars-1", runs), platform_version=version)
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    stack.up()
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert sandbox.mutations() == mutations
    stack.preview("--expect-no-changes")


def test_an_upgrade_by_image_alone_can_wait_for_somebody(platform: StartSandbox, project: MakeProject) -> None:
    """Nothing is started and nothing is pending; the time-out and the next run are the same as elsewhere."""
    sandbox = platform(deployment("stars-1", "4.2.5"), platform_version="1.1.0")
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "timeout": "2s"})
    assert "FROM quay.io/astronomer/astro-runtime:5.0.4" in stack.up(code=1).text
    assert sandbox.mutations() == []
    sandbox.deploy("stars-1", "quay.io/astronomer/astro-runtime:5.0.4")
    stack.up()
    assert stack.outputs("stars-1")["current_version"] == "Astro Runtime 5.0.4"


def test_overwriting_the_environment_has_to_be_accepted(platform: StartSandbox, project: MakeProject) -> None:
    """From 2.1 on an image can only be named together with the whole environment."""
    sandbox = platform(deployment("stars-1", "4.2.5"), platform_version="2.1.0")
    stack = project(sandbox)
    entry = {"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE}
    stack.declare(entry)
    assert "overwrites the environment variables" in stack.preview(code=1).text
    stack.declare({**entry, "accept": ["overwrite-environment"]})
    stack.up()
    assert sandbox.mutations() == ["upsertDeployment"]
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_a_platform_that_takes_no_named_image_is_told_so_early(platform: StartSandbox, project: MakeProject) -> None:
    """Below 0.29.2 images can only be pushed."""
    sandbox = platform(deployment("stars-1", "2.3.0"), platform_version="0.29.0")
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    assert "possible from 0.29.2 on" in stack.preview(code=1).text


@pytest.mark.parametrize(
    ("version", "runs", "path"),
    [
        ("1.1.0", "8.10.0", "Astro Runtime 8.10.0 > Astro Runtime 13.11.0 > Astro Runtime 3.1-21"),
        ("0.36.0", "2.4.3", "AC 2.4.3 > Astro Runtime 6.10.0 > Astro Runtime 13.11.0 > Astro Runtime 3.1-21"),
    ],
)
def test_airflow_3_is_reached_through_its_gate(
    platform: StartSandbox, project: MakeProject, version: str, runs: str, path: str
) -> None:
    """Where the platform offers it: by a release with Airflow 2.7 or later; its own health and version confirm it."""
    sandbox = platform(deployment("stars-1", runs), platform_version=version, catalog="published")
    stack = project(sandbox)
    stack.environment["ASTRO_CATALOG"] = "published"
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "3.1-x", "image": IMAGE})
    shown = stack.preview().lines("stars-1")
    assert "FROM astrocrpublic.azurecr.io/runtime:3.1-21" in "\n".join(shown)
    assert "3.1-x stands for Astro Runtime 3.1-21." in shown
    up = stack.up()
    assert "its Airflow is healthy at 3.1.8" in up.text
    saved = stack.outputs("stars-1")
    assert (saved["path"], saved["airflow_version"], saved["target"]) == (path, "3.1.8", "3.1-21")
    stack.preview("--expect-no-changes")
