"""Check of Houston's address: https anywhere, http only to this machine, no credentials."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.support.urls import check_url, is_loopback

TOKEN = "canary-token-4711"


@pytest.mark.parametrize(
    "url",
    [
        "https://houston.example.com/v1",
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
def test_https_to_any_host_and_http_to_this_machine_are_accepted(url: str) -> None:
    """Without allowHttp."""
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
def test_http_to_another_machine_needs_allow_http(url: str) -> None:
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
def test_an_unusable_address_is_an_error_without_its_credentials(url: str, message: str) -> None:
    """Control characters are escaped."""
    with pytest.raises(InvalidSettingsError, match=message) as raised:
        check_url(url, allow_http=True)
    assert TOKEN not in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("example.com", False)],
)
def test_a_loopback_host_is_recognized(host: str, loopback: bool) -> None:
    """By name or by address."""
    assert is_loopback(host) is loopback
