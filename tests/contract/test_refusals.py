"""Refusals by the check, before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.errors import AstroRuntimeError
from tests.contract import sandbox_server
from tests.contract.in_process_engine import InProcessEngine
from tests.contract.test_runs import changes, row

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("runs", "target", "rule"),
    [
        pytest.param(("5.0.4", "guide"), "4.2.5", "NO-REVERT", id="downgrade"),
        pytest.param(("2.3.0", "guide"), "4.2.5", "NO-REVERT", id="migration to a lower Airflow"),
        pytest.param(("2.2.3", "guide"), "9.9.9", "OFFERED", id="not on offer"),
        pytest.param(("2.2.3", "published"), "9.6.0", "YANKED", id="yanked"),
    ],
)
def test_refused_target_names_its_rule(runs: tuple[str, str], target: str, rule: str, tmp_path: Path) -> None:
    """A preview and a run say what to do next, and change nothing."""
    version, catalog = runs
    with sandbox_server.serving(tmp_path, rows=[row(version)], catalog=catalog) as platform:
        engine = InProcessEngine(platform.url, catalog=catalog)
        reason = engine.refusal(runtime_version=target)
        assert f"{rule}: " in reason
        assert "Next: " in reason
        assert engine.up(runtime_version=target) == reason
        assert (changes(platform), engine.saved) == ([], None)


def test_platform_without_migration_is_named(tmp_path: Path) -> None:
    """Platform 0.33.2 cannot migrate."""
    with sandbox_server.serving(tmp_path, rows=[row("2.2.3")], version="0.33.2") as platform:
        assert "PLATFORM: " in InProcessEngine(platform.url).refusal(runtime_version="5.0.4")


def test_base_image_without_dags_needs_acceptance(tmp_path: Path) -> None:
    """The base image holds no DAGs. Where DAGs come from a volume, that does not matter."""
    declared: dict[str, Any] = {"runtime_version": "5.0.4", "image": "{base}"}
    mounted = row("2.3.0") | {"id": sandbox_server.DUST, "releaseName": "mounted-2", "dagDeployment": "volume"}
    with sandbox_server.serving(tmp_path, rows=[row("2.3.0"), mounted]) as platform:
        engine = InProcessEngine(platform.url)
        assert "holds none of your DAGs" in engine.refusal(**declared)
        for accepted in ({"accept": ["base-image"]}, {"release_name": "mounted-2"}):
            lines = engine.preview(**declared, **accepted).lines
            assert "Hop 1 delivers quay.io/astronomer/astro-runtime:5.0.4" in lines


def test_unknown_release_name_is_quoted(tmp_path: Path) -> None:
    """With the number of Deployments that the token can see."""
    with sandbox_server.serving(tmp_path, rows=[row("2.3.0")]) as platform:
        reason = InProcessEngine(platform.url).refusal(release_name="starz-1", runtime_version="5.0.4")
        assert "no Deployment with the release name 'starz-1', but 1 others" in reason


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
def test_unusable_connection_is_explained(variables: dict[str, str], told: str, tmp_path: Path) -> None:
    """The message says what is wrong."""
    given = {"release_name": "stars-1", "runtime_version": "5.0.4", "accept": []}
    with sandbox_server.serving(tmp_path, rows=[row("2.3.0")]) as platform:
        try:
            lifecycle = InProcessEngine(platform.url).connect(**variables)
        except AstroRuntimeError as error:
            reason = str(error)
        else:
            ((_, reason),) = lifecycle.check("", {}, given).failures
            lifecycle.close()
        assert told in reason
