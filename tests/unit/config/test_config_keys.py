"""Warnings about unknown keys of a stack's config."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.config.config_keys import CONNECTION, FLEET, unknown_key_warnings
from astro_deployment_runtime.config.connection_settings import ConnectionSettings


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("deployment", "deployments"),
        ("Deployments", "deployments"),
        ("excludes", "exclude"),
        ("selector", "selectors"),
        ("default", "defaults"),
        ("wave", "waves"),
        ("on_refusal", "onRefusal"),
        ("onrefusals", "onRefusal"),
        ("houstonURL", "houstonUrl"),
        ("houston-url", "houstonUrl"),
        ("tokens", "token"),
        ("cafile", "caFile"),
        ("maxRequestPerSecond", "maxRequestsPerSecond"),
        ("allowHTTP", "allowHttp"),
    ],
)
def test_the_warning_about_a_misspelt_key_names_the_closest_known_key(given: str, meant: str) -> None:
    """Case, hyphens and underscores do not matter."""
    (line,) = unknown_key_warnings([f"astro:{given}"])
    assert line == (
        f"astro:{given} is not read: did you mean astro:{meant}? If the key belongs to your own program, ignore this."
    )


def test_the_warning_about_a_key_unlike_all_known_ones_lists_them() -> None:
    """Keys of other namespaces are ignored."""
    (line,) = unknown_key_warnings(["astro:region", "astro:deployments", "aws:region", "mine:deployment"])
    assert line.startswith("astro:region is not read: known keys: defaults, deployments, ")


def test_every_key_that_the_settings_read_is_known() -> None:
    """No key of ours leads to a warning."""
    read: list[str] = []

    def config(key: str) -> str | None:
        read.append(key)
        return {"houstonUrl": "https://h", "token": "canary-4711", "resolve": None}.get(key)

    ConnectionSettings.load(config, {})
    assert sorted(read) == sorted(CONNECTION)
    assert unknown_key_warnings(f"astro:{key}" for key in (*FLEET, *CONNECTION)) == []
