"""Connection settings: sources, defaults, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.planning.base_images import BaseImages

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "canary-token-4711"
URL = "https://houston.example.com/v1"
CONFIG = {"houstonUrl": URL, "token": TOKEN}
ENVIRONMENT = {"ASTRO_HOUSTON_URL": "https://houston.example.org/v1", "ASTRO_HOUSTON_TOKEN": "of-the-environment"}


def test_the_stacks_config_wins_over_the_environment(tmp_path: Path) -> None:
    """For each key."""
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    more = {"caFile": str(ca_file), "allowHttp": "true", "catalog": "guide"}
    settings = ConnectionSettings.load((CONFIG | more).get, {**ENVIRONMENT, "ASTRO_CATALOG": "published"})
    assert (settings.url, settings.token.get_secret_value()) == (URL, TOKEN)
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (ca_file, True, "guide")


def test_a_key_that_is_missing_or_empty_comes_from_the_environment(tmp_path: Path) -> None:
    """Each key by itself."""
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    more = {"ASTRO_CA_FILE": str(ca_file), "ASTRO_ALLOW_HTTP": " Yes ", "ASTRO_CATALOG": "guide"}
    settings = ConnectionSettings.load({"token": "", "catalog": None}.get, ENVIRONMENT | more)
    assert (settings.url, settings.token.get_secret_value()) == (
        "https://houston.example.org/v1",
        "of-the-environment",
    )
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (ca_file, True, "guide")


def test_optional_settings_have_safe_defaults() -> None:
    """The system's certificates, no plain http, the platform's own offer."""
    settings = ConnectionSettings.load(CONFIG.get, {})
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (None, False, "platform")
    assert settings.max_requests_per_second == 200


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", " true ", "false", "0", "no", "off", ""])
def test_allow_http_is_a_boolean(text: str) -> None:
    """In any of the usual spellings."""
    allowed = text.strip().lower() in {"true", "1", "yes", "on"}
    assert ConnectionSettings.load((CONFIG | {"allowHttp": text}).get, {}).allow_http is allowed


def test_the_rate_limit_is_a_number() -> None:
    """From the config or the environment."""
    assert ConnectionSettings.load((CONFIG | {"maxRequestsPerSecond": "0.5"}).get, {}).max_requests_per_second == 0.5
    assert ConnectionSettings.load(CONFIG.get, {"ASTRO_MAX_REQUESTS_PER_SECOND": "7"}).max_requests_per_second == 7


def test_base_images_can_be_mirrors() -> None:
    """The engine gives a mapping in the config as JSON; the environment variable has JSON too."""
    mirrors = '{"runtime": "registry.example.com/astro-runtime"}'
    for settings in (
        ConnectionSettings.load((CONFIG | {"baseImages": mirrors}).get, {"ASTRO_BASE_IMAGES": "no"}),
        ConnectionSettings.load(CONFIG.get, {"ASTRO_BASE_IMAGES": mirrors}),
    ):
        assert settings.base_images == BaseImages(runtime="registry.example.com/astro-runtime")
    with pytest.raises(InvalidSettingsError, match="astro:baseImages is 'no'"):
        ConnectionSettings.load(CONFIG.get, {"ASTRO_BASE_IMAGES": "no"})


def test_printing_settings_shows_no_token() -> None:
    """Neither str() nor repr()."""
    settings = ConnectionSettings.load(CONFIG.get, {})
    assert TOKEN not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"houstonUrl": None}, "pulumi config set astro:houstonUrl"),
        ({"houstonUrl": "  "}, "or set the environment variable ASTRO_HOUSTON_URL"),
        ({"token": None}, "pulumi config set --secret astro:token"),
        ({"token": " \n "}, "or set the environment variable ASTRO_HOUSTON_TOKEN"),
        ({"token": f"{TOKEN}\nmore"}, "characters that no token can have"),
        ({"token": f"{TOKEN}é"}, "characters that no token can have"),
        ({"caFile": "/nowhere/ca.pem"}, "astro:caFile '/nowhere/ca.pem' cannot be read"),
        ({"caFile": "/"}, "astro:caFile '/' is a folder: name a regular file"),
        ({"allowHttp": "perhaps"}, "astro:allowHttp is 'perhaps': write true or false"),
        ({"maxRequestsPerSecond": "many"}, "astro:maxRequestsPerSecond is 'many': write a number from 0.1 to 10000"),
        ({"maxRequestsPerSecond": "0"}, "write a number"),
        ({"maxRequestsPerSecond": "nan"}, "write a number"),
    ],
)
def test_an_error_says_what_to_do_and_does_not_show_the_token(changes: dict[str, str | None], message: str) -> None:
    """For each setting that can be wrong."""
    with pytest.raises(InvalidSettingsError, match=message) as raised:
        ConnectionSettings.load((CONFIG | changes).get, {})
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", [f" {TOKEN}\n", f"\t{TOKEN}", f"Bearer {TOKEN}"])
def test_space_around_a_token_is_removed(token: str) -> None:
    """The clipboard often adds a line break."""
    assert ConnectionSettings.load((CONFIG | {"token": token}).get, {}).token.get_secret_value() == token.strip()
