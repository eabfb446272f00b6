"""What can never be undone, and what cannot be used, is refused before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.world import IMAGE, VIEWER, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


@pytest.mark.parametrize(
    ("runs", "declared", "rule"),
    [
        pytest.param(("5.0.4", "guide"), {"runtimeVersion": "4.2.5"}, "NO-REVERT", id="downgrade"),
        pytest.param(("2.3.0", "guide"), {"runtimeVersion": "4.2.5"}, "NO-REVERT", id="migration to a lower Airflow"),
        pytest.param(("2.2.3", "guide"), {"runtimeVersion": "9.9.9"}, "OFFERED", id="not on offer"),
        pytest.param(("2.2.3", "published"), {"runtimeVersion": "9.6.0"}, "YANKED", id="yanked"),
    ],
)
def test_illegal_targets_are_refused_with_their_rule(
    platform: StartSandbox, project: MakeProject, runs: tuple[str, str], declared: dict[str, Any], rule: str
) -> None:
    """Preview and up name the rule, exit with an error, and change nothing."""
    version, catalog = runs
    sandbox = platform(deployment("stars-1", version), catalog=catalog)
    stack = project(sandbox, ASTRO_CATALOG=catalog)
    stack.declare({"releaseName": "stars-1", "image": IMAGE, **declared})
    preview = stack.preview(code=1)
    assert f"{rule}: " in preview.text
    assert "Next: " in preview.text
    up = stack.up(code=1)
    assert f"{rule}: " in up.text
    assert sandbox.mutations() == []


def test_a_platform_that_cannot_migrate_is_told(platform: StartSandbox, project: MakeProject) -> None:
    """Platform 0.33.2 cannot migrate."""
    sandbox = platform(deployment("stars-1", "2.2.3"), platform_version="0.33.2")
    stack = project(sandbox)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    assert "PLATFORM: " in stack.preview(code=1).text


def test_a_bare_base_image_is_refused_unless_accepted(platform: StartSandbox, project: MakeProject) -> None:
    """It holds none of the user's DAGs, which matters where DAGs come with the image."""
    sandbox = platform(deployment("stars-1", "2.3.0"), deployment("mounted-2", "2.3.0", dagDeployment="volume"))
    stack = project(sandbox)
    entry = {"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": "{base}"}
    stack.declare(entry)
    assert "holds none of your DAGs" in stack.preview(code=1).text
    stack.declare({**entry, "accept": ["base-image"]}, {**entry, "releaseName": "mounted-2"})
    assert "Hop 1 delivers quay.io/astronomer/astro-runtime:5.0.4" in stack.preview().text


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
        "astro:deployments[0].runtimeVersion: 5 is not a text: put the version in quotes",
        "astro:deployments[0].timeout: 'soon' is not a duration",
        "astro:deployments[1].colour",
    ):
        assert part in shown
    assert sandbox.requests() == []


def test_a_deployment_that_is_not_there_is_named(platform: StartSandbox, project: MakeProject) -> None:
    """A mistyped release name is refused, with how many others the token can see."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox)
    stack.declare({"releaseName": "starz-1", "runtimeVersion": "5.0.4"})
    assert "no Deployment with the release name 'starz-1'" in stack.preview(code=1).text


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({"ASTRO_HOUSTON_TOKEN": "wrong"}, "refuses the token", id="wrong token"),
        pytest.param({"ASTRO_HOUSTON_TOKEN": ""}, "no token for Houston is configured", id="no token"),
        pytest.param({"ASTRO_HOUSTON_URL": ""}, "address is not configured", id="no address"),
        pytest.param({"ASTRO_HOUSTON_URL": "http://houston.example.com/v1"}, "unencrypted", id="http to elsewhere"),
        pytest.param({"ASTRO_HOUSTON_URL": "http://127.0.0.1:9/v1"}, "cannot be reached", id="nothing listens"),
        pytest.param({"ASTRO_CATALOG": "/nowhere"}, "cannot be used", id="no catalog"),
    ],
)
def test_an_unusable_connection_is_told(
    platform: StartSandbox, project: MakeProject, variables: dict[str, str], told: str
) -> None:
    """What is wrong and where to set it right, without a traceback."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox, **variables)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    assert told in stack.preview(code=1).text


def test_a_viewers_token_may_look_and_not_change(platform: StartSandbox, project: MakeProject) -> None:
    """Preview works with it; up says what the token may not do, and saves that nothing is pending."""
    sandbox = platform(deployment("stars-1", "2.3.0"))
    stack = project(sandbox, ASTRO_HOUSTON_TOKEN=VIEWER)
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE})
    stack.preview()
    up = stack.up(code=1)
    assert "Deployment Editor" in up.text
    assert stack.outputs("stars-1").get("pending") is None
    assert sandbox.show("stars-1")["pending"] == ""
