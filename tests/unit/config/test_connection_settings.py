"""The connection settings: where they come from, and which of them are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.planning.base_images import BaseImages
from astro_deployment_runtime.support.urls import check_url, is_loopback

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "canary-token-4711"
URL = "https://houston.example.com/v1"
CONFIG = {"houstonUrl": URL, "token": TOKEN}
ENVIRONMENT = {"ASTRO_HOUSTON_URL": "https://houston.example.org/v1", "ASTRO_HOUSTON_TOKEN": "of-the-environment"}


def test_settings_come_from_the_stacks_config(tmp_path: Path) -> None:
    """All keys of the namespace; the environment does not count beside them."""
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    more = {"caFile": str(ca_file), "allowHttp": "true", "catalog": "guide"}
    settings = ConnectionSettings.load((CONFIG | more).get, {**ENVIRONMENT, "ASTRO_CATALOG": "published"})
    assert (settings.url, settings.token.get_secret_value()) == (URL, TOKEN)
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (ca_file, True, "guide")


def test_settings_come_from_the_environment_otherwise(tmp_path: Path) -> None:
    """Each where the config is silent or empty."""
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    more = {"ASTRO_CA_FILE": str(ca_file), "ASTRO_ALLOW_HTTP": " Yes ", "ASTRO_CATALOG": "guide"}
    settings = ConnectionSettings.load({"token": "", "catalog": None}.get, ENVIRONMENT | more)
    assert (settings.url, settings.token.get_secret_value()) == (
        "https://houston.example.org/v1",
        "of-the-environment",
    )
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (ca_file, True, "guide")


def test_what_may_be_left_out_has_a_safe_default() -> None:
    """The system's authorities, no plain http, the published feed."""
    settings = ConnectionSettings.load(CONFIG.get, {})
    assert (settings.ca_file, settings.allow_http, settings.catalog) == (None, False, "platform")
    assert settings.max_requests_per_second == 200


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("TRUE", True), ("no", False), ("false", False)])
def test_plain_http_is_allowed_by_a_clear_yes(value: str, allowed: bool) -> None:
    """Anything else is a no."""
    assert ConnectionSettings.load((CONFIG | {"allowHttp": value}).get, {}).allow_http is allowed


def test_how_often_houston_is_asked_is_a_number() -> None:
    """From the config, else from the environment."""
    assert ConnectionSettings.load((CONFIG | {"maxRequestsPerSecond": "0.5"}).get, {}).max_requests_per_second == 0.5
    assert ConnectionSettings.load(CONFIG.get, {"ASTRO_MAX_REQUESTS_PER_SECOND": "7"}).max_requests_per_second == 7


def test_base_images_may_be_mirrors() -> None:
    """From the config as JSON, which the engine makes of a mapping, or from the environment."""
    mirrors = '{"runtime": "registry.example.com/astro-runtime"}'
    for settings in (
        ConnectionSettings.load((CONFIG | {"baseImages": mirrors}).get, {"ASTRO_BASE_IMAGES": "no"}),
        ConnectionSettings.load(CONFIG.get, {"ASTRO_BASE_IMAGES": mirrors}),
    ):
        assert settings.base_images == BaseImages(runtime="registry.example.com/astro-runtime")
    with pytest.raises(InvalidSettingsError, match="astro:baseImages is 'no'"):
        ConnectionSettings.load(CONFIG.get, {"ASTRO_BASE_IMAGES": "no"})


def test_printing_settings_shows_no_token() -> None:
    """Neither as text nor for a debugger."""
    settings = ConnectionSettings.load(CONFIG.get, {})
    assert TOKEN not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"houstonUrl": None}, "pulumi config set astro:houstonUrl"),
        ({"houstonUrl": "  "}, "or set ASTRO_HOUSTON_URL"),
        ({"token": None}, "pulumi config set --secret astro:token"),
        ({"token": " \n "}, "or set ASTRO_HOUSTON_TOKEN"),
        ({"token": f"{TOKEN}\nmore"}, "characters that no token has"),
        ({"token": f"{TOKEN}é"}, "characters that no token has"),
        ({"caFile": "/nowhere/ca.pem"}, "astro:caFile '/nowhere/ca.pem' cannot be read"),
        ({"caFile": "/"}, "astro:caFile '/' is a folder: name a regular file"),
        ({"maxRequestsPerSecond": "many"}, "astro:maxRequestsPerSecond is 'many': write a number from 0.1 to 10000"),
        ({"maxRequestsPerSecond": "0"}, "write a number"),
        ({"maxRequestsPerSecond": "nan"}, "write a number"),
    ],
)
def test_what_is_missing_or_wrong_is_told_with_what_to_do(changes: dict[str, str | None], message: str) -> None:
    """In one message, without the token."""
    with pytest.raises(InvalidSettingsError, match=message) as raised:
        ConnectionSettings.load((CONFIG | changes).get, {})
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", [f" {TOKEN}\n", f"\t{TOKEN}", f"Bearer {TOKEN}"])
def test_space_around_a_token_does_not_count(token: str) -> None:
    """A line break at the end comes from the clipboard."""
    assert ConnectionSettings.load((CONFIG | {"token": token}).get, {}).token.get_secret_value() == token.strip()


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://houston.example.com:8443/v1?a=b",
        "https://10.1.2.3/v1",
        "https://[2001:db8::1]/v1",
        "HTTPS://houston.example.com/v1",
        "https://bücher.example.com/v1",
        "http://127.0.0.1:8871/v1",
        "http://127.8.9.1/v1",
        "http://localhost:8871/v1",
        "http://[::1]:8871/v1",
    ],
)
def test_https_anywhere_and_http_to_this_machine(url: str) -> None:
    """These addresses are taken."""
    check_url(url, allow_http=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://houston.example.com/v1",
        "http://10.1.2.3/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://[2001:db8::1]/v1",
        "http://0.0.0.0/v1",
    ],
)
def test_http_to_another_machine_has_to_be_allowed(url: str) -> None:
    """It would send the token unencrypted."""
    with pytest.raises(InvalidSettingsError, match="would send the token unencrypted to another machine"):
        check_url(url, allow_http=False)
    check_url(url, allow_http=True)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("houston.example.com/v1", "write https://houston.BASEDOMAIN/v1"),
        ("ftp://houston.example.com/v1", "write https://houston.BASEDOMAIN/v1"),
        ("https:///v1", "write https://houston.BASEDOMAIN/v1"),
        ("https://exa mple.com/v1", "write https://houston.BASEDOMAIN/v1"),
        ("https://example.com/v1\x00", "write https://houston.BASEDOMAIN/v1"),
        ("https://example.com/\udc80", "write https://houston.BASEDOMAIN/v1"),
        ("https://example.com:99999/v1", "is not a URL"),
        ("https://example.com:port/v1", "is not a URL"),
        ("https://[::1/v1", "is not a URL"),
        ("https://a..b/v1", "is not a URL"),
        (f"https://{'a' * 64}.example.com/v1", "is not a URL"),
        (f"https://{TOKEN}@houston.example.com/v1", "carries credentials"),
        (f"https://user:{TOKEN}@houston.example.com/v1", "carries credentials"),
        (f"https://:{TOKEN}@houston.example.com/v1", "carries credentials"),
    ],
)
def test_what_is_no_address_is_refused(url: str, message: str) -> None:
    """Before anything is sent; credentials in it are not repeated."""
    with pytest.raises(InvalidSettingsError, match=message) as raised:
        check_url(url, allow_http=True)
    assert TOKEN not in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("example.com", False)],
)
def test_this_machine_has_a_few_names(host: str, loopback: bool) -> None:
    """By name or by number."""
    assert is_loopback(host) is loopback
