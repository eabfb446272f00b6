"""Clients of a server: used again, never by two at a time, and made only where the environment's variables are fit."""

from __future__ import annotations

import importlib.util
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.support.http_clients import ClientPool, proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://houston.example.com/v1"
LOOPBACK = ("http://127.0.0.1:8871/v1", "http://localhost:8871/v1", "http://[::1]:8871/v1")
CERTIFICATE = Path(__file__).parents[2] / "contract" / "tls" / "certificate.pem"
TLS = ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing set that a test does not set."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in TLS:
            monkeypatch.delenv(name)


def made(url: str = URL, ca_file: Path | None = None) -> Iterator[httpx.Client]:
    """Make a client, which is when the variables are read."""
    clients = ClientPool(url, ca_file=ca_file)
    with clients.client() as client:
        yield client
    clients.close()


def problem(url: str = URL, ca_file: Path | None = None) -> str:
    """Tell the mistake in the settings."""
    with pytest.raises(InvalidSettingsError) as raised:
        ClientPool(url, ca_file=ca_file)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_client_is_used_again_and_never_by_two() -> None:
    """The one that was used last comes first."""
    clients = ClientPool(URL, ca_file=None)
    with clients.client() as first:
        with clients.client() as second:
            assert first is not second
        with clients.client() as third:
            assert third is second
    with clients.client() as again:
        assert again is first
    clients.close()
    assert first.is_closed
    assert second.is_closed


def test_a_client_in_use_is_closed_when_it_comes_back() -> None:
    """Whatever comes of its use."""
    clients = ClientPool(URL, ca_file=None)

    def broken() -> None:
        with clients.client() as client:
            used.append(client)
            clients.close()
            assert not client.is_closed
            raise KeyError

    used: list[object] = []
    with pytest.raises(KeyError):
        broken()
    assert getattr(used[0], "is_closed", None) is True


def test_certificates_that_cannot_be_used_are_told_at_once() -> None:
    """Not when the first request is made."""
    with pytest.raises(InvalidSettingsError, match=r"astro:caFile .* holds no CA certificates"):
        ClientPool(URL, ca_file=Path(__file__))


SPELLINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "Https_Proxy")
SOCKS = "which is a SOCKS proxy, and those are not supported"
BAD_PROXIES = {
    "ftp://proxy.example.com": "and a proxy over ftp is not supported",
    "file:///etc/proxy": "and a proxy over file is not supported",
    "http://": "which names no host",
    "http://:3128": "which names no host",
    "http://proxy.example.com:99999": "which is no address",
    "http://[::1": "which is no address",
    "http://a proxy": "which is no address",
    "://proxy": "which is no address",
    "socks5:/proxy": "which is no address",
    **(
        {}
        if importlib.util.find_spec("socksio")
        else {f"{kind}://127.0.0.1:1080": SOCKS for kind in ("socks5", "socks5h")}
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("value", BAD_PROXIES)
def test_a_proxy_that_cannot_be_used_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable and its value, in one sentence; Houston on this machine does not depend on it."""
    monkeypatch.setenv(name, value)
    assert problem().startswith(f"{name} is {value!r}, {BAD_PROXIES[value]}: ")
    for url in LOOPBACK:
        assert list(made(url))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ftp://me:s3cret@proxy.example.com:21", "ftp://***@proxy.example.com:21"),
        ("socks4://me:s3cret@proxy", "socks4://***@proxy"),
        ("http://me:s3@cret@proxy:x", "http://***@proxy:x"),
        ("http://me:s3#cret@proxy", "http://***@proxy"),
        ("http:/me:s3cret@proxy", "***@proxy"),
        ("http://me:s3cret", "http://me:***"),
        ("me:s3cret", "me:***"),
    ],
)
def test_no_credentials_of_a_proxy_are_shown(value: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they are in the wrong place."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert problem().startswith(f"HTTPS_PROXY is {shown!r}, ")


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("entry", ["[::1]", "fe80::/10", "[fe80::1]:443", "houston.example.org:https", "::g"])
def test_an_exception_that_is_no_host_is_named(name: str, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable, the whole value and the part of it; Houston on this machine does not depend on it."""
    value = f"localhost, {entry},example.org"
    monkeypatch.setenv(name, value)
    assert problem().startswith(f"{name} is {value!r}, where {entry!r} is no host: write ")
    for url in LOOPBACK:
        assert list(made(url))


@pytest.mark.parametrize(
    "value", ["*", "", "::1", "127.0.0.1,localhost", "10.0.0.0/8", ".example.org,*.example.org,example.org:8443", " , "]
)
def test_exceptions_that_httpx_understands_are_left_alone(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that worked is refused."""
    monkeypatch.setenv("NO_PROXY", value)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128/")
    assert list(made())


@pytest.mark.parametrize(
    "excepted", ["houston.example.com", ".example.com", "example.com", "*", "a,houston.example.com:443"]
)
def test_a_proxy_that_would_not_be_used_does_not_count(excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Houston is excepted from it."""
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy.example.com")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert list(made("https://houston.example.com:443/v1"))


def test_what_goes_through_a_proxy_that_cannot_be_used_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Airflow elsewhere, though Houston is on this machine."""
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy.example.com")
    for client in made(LOOPBACK[0]):
        with pytest.raises(InvalidSettingsError, match=r"ALL_PROXY is 'ftp://proxy\.example\.com'"):
            client.get("https://deployments.example.com/stars-1/airflow/health")
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1:1/stars-1/airflow/health")


def test_the_variable_that_counts_is_the_one_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is empty: then there is no proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example.com")
    monkeypatch.setenv("https_proxy", "http://me:s3cret@proxy.example.com:3128")
    assert list(made())
    assert proxy_for(URL) == "https_proxy='http://***@proxy.example.com:3128'"
    monkeypatch.setenv("https_proxy", "")
    assert list(made())
    assert proxy_for(URL) is None
    monkeypatch.setenv("ALL_PROXY", "proxy.example.com:1")
    assert proxy_for(URL) == "ALL_PROXY='proxy.example.com:1'"
    assert proxy_for(LOOPBACK[0]) is None


def test_a_log_of_keys_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has nothing to do with the CA file; where there is no TLS, it does not count."""
    for name in (tmp_path, tmp_path / "no" / "keys"):
        monkeypatch.setenv("SSLKEYLOGFILE", str(name))
        for ca_file in (None, CERTIFICATE):
            assert problem(ca_file=ca_file).startswith(f"SSLKEYLOGFILE is {str(name)!r}, which cannot be written (")
        assert list(made(LOOPBACK[0]))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert list(made())


def test_a_file_of_certificates_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, or none; where certificates are configured otherwise, or not needed, it does not count."""
    malformed = tmp_path / "none.pem"
    malformed.write_text("no certificate", encoding="utf-8")
    for name in (tmp_path / "missing.pem", tmp_path, malformed):
        monkeypatch.setenv("SSL_CERT_FILE", str(name))
        assert problem().startswith(f"SSL_CERT_FILE is {str(name)!r}, which holds no CA certificates (")
        assert list(made(ca_file=CERTIFICATE))
        assert list(made(LOOPBACK[0]))
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert list(made())
    assert ClientPool(URL, ca_file=None).trusted == f"SSL_CERT_FILE {str(CERTIFICATE)!r}"


def test_a_folder_of_certificates_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a file, or without what 'openssl rehash' makes; one of several is enough."""
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: type("Paths", (), {"cafile": None}))
    for name in (str(tmp_path / "missing"), str(CERTIFICATE), str(tmp_path), f"{tmp_path}{os.pathsep}/missing"):
        monkeypatch.setenv("SSL_CERT_DIR", name)
        assert problem().startswith(f"SSL_CERT_DIR is {name!r}, which names no folder of CA certificates that can be")
        assert list(made(ca_file=CERTIFICATE))
        assert list(made(LOOPBACK[0]))
    (tmp_path / "0a1b2c3d.0").write_bytes(CERTIFICATE.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", f"/missing{os.pathsep}{tmp_path}")
    assert list(made())
