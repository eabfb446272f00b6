"""Keys of a stack's config that nothing reads, and what is said of them."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.config.config_keys import CONNECTION, FLEET, nearest, unknown_keys
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.errors import InvalidSettingsError


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
def test_a_misspelt_key_is_warned_of_with_the_nearest_known_one(given: str, meant: str) -> None:
    """Whatever its case and its hyphens."""
    (line,) = unknown_keys([f"astro:{given}"])
    assert line == (
        f"astro:{given} is not read: did you mean astro:{meant}? If the key is your program's own, ignore this."
    )


def test_a_key_that_is_like_none_is_warned_of_with_all_known_ones() -> None:
    """A project that is named astro may have such keys, so it is no refusal."""
    (line,) = unknown_keys(["astro:region", "astro:deployments", "aws:region", "mine:deployment"])
    assert line.startswith("astro:region is not read: known are defaults, deployments, ")
    assert nearest("region", FLEET) is None


def test_every_key_that_is_read_is_known() -> None:
    """What the settings ask for."""
    asked: list[str] = []

    def config(key: str) -> str | None:
        asked.append(key)
        return {"houstonUrl": "https://h", "token": "canary-4711", "resolve": None}.get(key)

    ConnectionSettings.load(config, {})
    assert sorted(asked) == sorted(CONNECTION)
    assert unknown_keys(f"astro:{key}" for key in (*FLEET, *CONNECTION)) == []


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", " true ", "false", "0", "no", "off", ""])
def test_plain_http_is_allowed_by_any_usual_word(text: str) -> None:
    """And denied by its contrary."""
    given = {"houstonUrl": "https://h", "token": "canary-4711", "allowHttp": text}
    assert ConnectionSettings.load(given.get, {}).allow_http == (text.strip().lower() in {"true", "1", "yes", "on"})


def test_what_is_no_flag_is_refused() -> None:
    """It is not taken for false in silence."""
    given = {"houstonUrl": "https://h", "token": "canary-4711", "allowHttp": "perhaps"}
    with pytest.raises(InvalidSettingsError, match="astro:allowHttp is 'perhaps': write true or false"):
        ConnectionSettings.load(given.get, {})
