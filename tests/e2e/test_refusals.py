"""Refusals on the engine, which change nothing; ``tests/contract/test_refusals.py`` has each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


def test_two_resources_for_one_deployment_are_refused(platform: StartSandbox, project: MakeProject) -> None:
    """One Deployment has one version."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox)
    stack.declare(
        {"name": "first", "releaseName": "stars-1", "runtimeVersion": "5.0.4"},
        {"name": "second", "deploymentId": "ckwstars1", "runtimeVersion": "5.0.4"},
    )
    assert "is declared twice" in stack.preview(code=1).text


def test_a_mistaken_config_is_reported_as_a_whole(platform: StartSandbox, project: MakeProject) -> None:
    """Every mistake with its path, in one message and without a traceback."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox)
    stack.declare(
        {"releaseName": "stars-1", "runtimeVersion": 5.0, "timeout": "soon"},
        {"name": "other", "releaseName": "dust-2", "runtimeVersion": "5.0.4", "colour": "blue"},
    )
    shown = stack.preview(code=1).text
    for part in (
        "astro:deployments[0].runtimeVersion: 5 is not a string: put the version in quotes",
        "astro:deployments[0].timeout: 'soon' is not a duration",
        "astro:deployments[1].colour",
    ):
        assert part in shown
    assert sandbox.requests() == []


def test_a_downgrade_is_refused_with_its_rule(platform: StartSandbox, project: MakeProject) -> None:
    """Preview and up name the rule, exit with an error, and change nothing."""
    sandbox = platform(deployment("stars-1", "5.0.4"))
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "4.2.5", "image": IMAGE})
    for refused in (stack.preview(code=1), stack.up(code=1)):
        assert "NO-REVERT: " in refused.text
        assert "Next: " in refused.text
    assert sandbox.mutations() == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({"ASTRO_HOUSTON_TOKEN": ""}, "no token for Houston is configured", id="no token"),
        pytest.param({"ASTRO_HOUSTON_URL": "http://127.0.0.1:9/v1"}, "cannot be reached", id="nothing listens"),
    ],
)
def test_an_unusable_connection_is_reported(
    platform: StartSandbox, project: MakeProject, variables: dict[str, str], told: str
) -> None:
    """Missing settings, and a missing server, without a traceback."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox, variables)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    assert told in stack.preview(code=1).text
