"""Two resources that declare the same Deployment, and two Deployments that share a project folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import InvalidProjectError, RefusedError
from astro_deployment_runtime.lifecycle.declaration_registry import DeclarationRegistry
from tests.contract.sandbox_server import STARS

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle

PREFIX = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::"


def test_two_resources_for_one_deployment_are_refused(lifecycle: DeploymentLifecycle) -> None:
    """The first resource keeps it, also if the second declares it by its id. Each may be checked again."""
    by_name = {"release_name": "stars-1", "runtime_version": "5.0.4"}
    by_id = {"deployment_id": STARS, "runtime_version": "5.0.4"}
    assert lifecycle.check(f"{PREFIX}a", {}, by_name).failures == ()
    ((argument, reason),) = lifecycle.check(f"{PREFIX}b", {}, by_id).failures
    assert (argument, reason.startswith("stars-1 is declared twice, here and as 'a'")) == ("runtime_version", True)
    assert lifecycle.check(f"{PREFIX}a", {}, by_name).failures == ()


def test_a_fresh_registry_knows_no_resource(lifecycle: DeploymentLifecycle) -> None:
    """So a fleet can be planned before the engine checks the same Deployments under their URNs, and again after it."""
    given = {"release_name": "stars-1", "runtime_version": "5.0.4"}
    for _ in range(2):
        assert lifecycle.check("data-eng", {}, given, registry=DeclarationRegistry()).failures == ()
        assert lifecycle.check(f"{PREFIX}data-eng", {}, given).failures == ()


def test_declaring_without_a_urn_is_never_refused(lifecycle: DeploymentLifecycle) -> None:
    """A host that does not tell the URN may check every resource."""
    deployment = lifecycle.houston.find(release_name="stars-1")
    registry = DeclarationRegistry()
    for urn in ("", f"{PREFIX}a", ""):
        registry.declare(deployment, urn)
    with pytest.raises(RefusedError, match="declared twice, here and as 'a'"):
        registry.declare(deployment, f"{PREFIX}b")


def test_a_project_folder_serves_one_deployment(lifecycle: DeploymentLifecycle, tmp_path: Path) -> None:
    """However its path is written."""
    stars, dust = (lifecycle.houston.find(release_name=name) for name in ("stars-1", "dust-2"))
    registry = DeclarationRegistry()
    for path in (tmp_path, tmp_path / "." / "a" / ".."):
        registry.use_project(str(path), stars)
    with pytest.raises(InvalidProjectError, match=r"is also declared for stars-1: .*give dust-2 its own checkout"):
        registry.use_project(str(tmp_path / "."), dust)
