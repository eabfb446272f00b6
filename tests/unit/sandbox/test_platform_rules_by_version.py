"""The platform's rules that came or went with a version of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.errors import RefusedError
from sandbox.image_labels import Labels
from sandbox.platform_rules import misfits
from sandbox.platform_version import Generation
from tests.unit.sandbox.sample_platforms import certified, platform, runtime

if TYPE_CHECKING:
    from sandbox.deployment import Deployment

START = certified("2.2.4")


def test_platform_0_33_2_cannot_migrate() -> None:
    """A migration is refused there and works again in 0.33.3; a Runtime upgrade works in both."""
    with pytest.raises(RefusedError, match=r"fixed in 0\.33\.3"):
        platform("0.33.2").start_runtime(START, "4.1.0")
    assert platform("0.33.3").start_runtime(START, "4.1.0").pending == "4.1.0"
    assert platform("0.33.2").start_runtime(runtime("4.2.4", "2.2.5"), "4.2.5").pending == "4.2.5"


def test_from_0_36_an_image_alone_upgrades_a_runtime() -> None:
    """No desired version is needed, and none is accepted but the current one."""
    world, deployment = platform("0.36.0"), runtime("4.2.5", "2.2.5")
    after = world.deploy(deployment, "astro-runtime:5.0.4", Labels(runtime="5.0.4"))
    assert (after.version, after.pending) == ("5.0.4", "")
    assert after.airflow == "2.3.0"
    with pytest.raises(RefusedError, match="disabled on this platform"):
        world.start_runtime(deployment, "5.0.4")
    assert world.start_runtime(deployment, "4.2.5").pending == ""


@pytest.mark.parametrize(("label", "reason"), [("4.2.4", "lower than 4.2.5"), ("4.9.9", "not available")])
def test_from_0_36_an_image_that_is_no_upgrade_is_ignored(label: str, reason: str) -> None:
    """A lower or unknown Runtime changes nothing, silently."""
    after = platform("0.36.0").deploy(runtime("4.2.5", "2.2.5"), "image", Labels(runtime=label))
    assert after.version == "4.2.5"
    assert after.last_push is not None
    assert reason in after.last_push.reason


def test_on_0_36_a_migration_still_needs_its_desired_version() -> None:
    """A Runtime image alone does not migrate; with the desired version it does."""
    world = platform("0.36.0")
    assert not world.deploy(START, "image", Labels(runtime="4.1.0")).on_runtime
    assert world.deploy(world.start_runtime(START, "4.1.0"), "image", Labels(runtime="4.1.0")).on_runtime


@pytest.mark.parametrize(
    ("deployment", "version", "expected"),
    [
        (START, "0.36.0", []),
        (START, "0.37.0", ["Astronomer Certified cannot exist on platform 0.37.0"]),
        (runtime("4.2.4", "2.2.5", desired="4.2.5"), "1.0.0", []),
        (runtime("4.2.4", "2.2.5", desired="4.2.5"), "1.1.0", ["platform 1.1.0 has no pending changes"]),
        (runtime("4.2.4", "2.2.5"), "2.1.0", []),
    ],
)
def test_a_state_that_a_platform_cannot_have_is_named(
    deployment: Deployment, version: str, expected: list[str]
) -> None:
    """Certified ended with 0.36, pending changes with 1.0."""
    assert misfits(deployment, Generation.of(version)) == expected
