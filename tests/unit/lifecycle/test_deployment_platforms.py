"""How an image gets to platforms of other generations, as a check judges it; against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from tests.contract import sandbox_server

if TYPE_CHECKING:
    from pathlib import Path

    from astro_deployment_runtime.lifecycle.deployment import DeploymentCheck

IMAGE = "registry.example.com/data-eng/airflow:{distribution}-{version}"


def checked(folder: Path, version: str, **more: Any) -> DeploymentCheck:
    """Check a resource's inputs on a platform of that version."""
    given = {"release_name": "many-0", "runtime_version": "5.0.4", "accept": [], **more}
    with sandbox_server.serving(folder, rows=sandbox_server.many(1, 1), version=version) as served:
        return DeploymentLifecycle(served.client).check("", {}, given)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0.29.1", "cannot be told to deploy an image by its name, which is possible from 0.29.2 on: leave image out"),
        ("2.1.0", "overwrites the environment variables that many-0 has in Houston: leave image out"),
    ],
)
def test_an_image_that_the_platform_does_not_take_safely_is_refused(tmp_path: Path, version: str, message: str) -> None:
    """With the way out; where there is nothing to do, nothing is deployed and nothing refused."""
    ((argument, reason),) = checked(tmp_path, version, image=IMAGE).failures
    assert (argument, message in reason) == ("image", True)
    assert checked(tmp_path, version).failures == ()
    assert checked(tmp_path, version, image=IMAGE, runtime_version="4.2.5").failures == ()


def test_the_overwriting_of_an_environment_can_be_accepted(tmp_path: Path) -> None:
    """By its name."""
    assert checked(tmp_path, "2.1.0", image=IMAGE, accept=["overwrite-environment"]).failures == ()


@pytest.mark.parametrize("version", ["0.29.2", "0.36.0", "1.1.0", "2.0.0"])
def test_an_image_is_taken_by_all_other_platforms(tmp_path: Path, version: str) -> None:
    """From 0.29.2 on, and before there was nothing but upserts."""
    found = checked(tmp_path, version, image=IMAGE)
    assert (found.failures, found.inputs["hops"]) == ((), 1)
