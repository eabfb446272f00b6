"""Mapping of the platform's version and flags. The contract tests cover Deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.houston.graphql_answers import AppConfig
from astro_deployment_runtime.houston.model_mapping import map_platform

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.platform_version import Platform


def read(version: str, flags: dict[str, Any] | None = None) -> Platform:
    """Map a platform of that version with these flags."""
    return map_platform(AppConfig.model_validate({"version": version, "featureFlags": flags}))


@pytest.mark.parametrize(
    ("version", "flags", "by_image"),
    [
        ("0.35.2", None, False),
        ("0.35.2", {"disableDesiredRuntimeVersion": True}, True),
        ("0.36.0", None, True),
        ("0.36.0", {"disableDesiredRuntimeVersion": False}, False),
        ("1.0.0", {}, True),
        ("1.1.0", {"disableDesiredRuntimeVersion": False}, True),
        ("2.1.0", None, True),
        ("0.36.0-rc.1", None, True),
        ("v0.36.0", None, True),
        ("1.1.0-rc.1", {"disableDesiredRuntimeVersion": False}, True),
        ("nobody knows", None, False),
    ],
)
def test_a_platform_upgrades_by_image_by_its_flag_or_version(
    version: str, flags: dict[str, Any] | None, by_image: bool
) -> None:
    """The flag counts, or else the version. From 1.1 on there is no other way."""
    assert read(version, flags).upgrades_by_image is by_image


@pytest.mark.parametrize(
    ("version", "takes"), [("0.29.1", False), ("0.29.2", True), ("0.29.2-rc1", True), ("2.1.0", True)]
)
def test_images_are_deployed_by_name_from_0_29_2_on(version: str, takes: bool) -> None:
    """Below, somebody has to push them."""
    assert read(version).takes_images is takes


@pytest.mark.parametrize(("version", "overwrites"), [("2.0.9", False), ("2.1.0-rc1", True), ("2.1.0", True)])
def test_upsert_overwrites_the_environment(version: str, overwrites: bool) -> None:
    """From 2.1 on, it is the only mutation that deploys an image by name."""
    assert read(version).overwrites_environment is overwrites


def test_runtime_is_enabled_unless_the_flag_says_no() -> None:
    """A platform may not tell the flag."""
    assert read("0.30.4", {"astroRuntimeEnabled": False}).runtime_enabled is False
    assert read("0.30.4", {}).runtime_enabled is True
