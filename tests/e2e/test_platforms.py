"""An old and a new platform on the engine; ``tests/contract/test_runs.py`` has each generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


def test_a_new_platform_upgrades_by_image_alone(platform: StartSandbox, project: MakeProject) -> None:
    """No hop is started, so a timeout leaves nothing pending, and the next run sees an image that somebody deployed."""
    sandbox = platform(deployment("stars-1", "4.2.5"), platform_version="1.1.0")
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "timeout": "2s"})
    assert "FROM quay.io/astronomer/astro-runtime:5.0.4" in stack.up(code=1).text
    assert sandbox.mutations() == []
    sandbox.deploy("stars-1", "quay.io/astronomer/astro-runtime:5.0.4")
    stack.up()
    assert stack.outputs("stars-1")["current_version"] == "Astro Runtime 5.0.4"


def test_airflow_3_is_reached_from_certified(platform: StartSandbox, project: MakeProject) -> None:
    """On a platform that still migrates, with the newest release of a line and the FROM line of its own registry."""
    sandbox = platform(deployment("stars-1", "2.4.3"), platform_version="0.36.0", catalog="published")
    stack = project(sandbox, {"ASTRO_CATALOG": "published"})
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "3.1-x", "image": IMAGE})
    shown = stack.preview().lines("stars-1")
    assert "FROM astrocrpublic.azurecr.io/runtime:3.1-21" in "\n".join(shown)
    assert "3.1-x resolves to Astro Runtime 3.1-21." in shown
    assert "its Airflow is healthy at 3.1.8" in stack.up().text
    stack.preview("--expect-no-changes")
