"""Versions of platforms."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.planning.platform_version import PlatformVersion


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.30.4", (0, 30, 4)),
        (" 0.30.4\n", (0, 30, 4)),
        ("v0.30.4", (0, 30, 4)),
        ("V1.0.0", (1, 0, 0)),
        ("1.1.0-rc.1", (1, 1, 0)),
        ("2.1.0-rc1", (2, 1, 0)),
        ("2.1.0rc1", (2, 1, 0)),
        ("1.0.1-dev", (1, 0, 1)),
        ("1.0.1.dev3", (1, 0, 1)),
        ("0.30.4+build.7", (0, 30, 4)),
        ("0.30.4-alpha.2+build", (0, 30, 4)),
        ("0.30.4_hotfix", (0, 30, 4)),
        ("0.30.4.1", (0, 30, 4)),
        ("1.1", (1, 1, 0)),
        ("1.1-rc1", (1, 1, 0)),
    ],
)
def test_only_the_number_of_a_version_counts(text: str, number: tuple[int, int, int]) -> None:
    """Prefix and suffix do not matter. The text stays as Houston writes it."""
    version = PlatformVersion.parse(text)
    assert (version.number, str(version)) == (number, text.strip())
    assert version.at_least(*number)
    assert not version.at_least(number[0], number[1], number[2] + 1)


@pytest.mark.parametrize(
    "text", ["", "trunk", "1", "0.30.x", "x0.30.4", "0.30.4 and more", "\u0661.2.3", "1.2.9999999"]
)
def test_an_unreadable_version_counts_as_the_oldest(text: str) -> None:
    """The rules then refuse every hop."""
    version = PlatformVersion.parse(text)
    assert version.number is None
    assert not version.at_least(0, 0)
