"""HTTP clients: reuse, CA certificates, and the proxies that the environment names."""

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

# Each client reads the CA certificates of the machine: together that takes a third of a minute.
pytestmark = pytest.mark.slow

URL = "https://houston.example.com/v1"
LOOPBACK = ("http://127.0.0.1:8871/v1", "http://localhost:8871/v1", "http://[::1]:8871/v1")
CERTIFICATE = Path(__file__).parents[2] / "contract" / "tls" / "certificate.pem"
TLS = ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset all variables that a test does not set."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in TLS:
            monkeypatch.delenv(name)


def made(url: str = URL, ca_file: Path | None = None) -> Iterator[httpx.Client]:
    """Make a client, which reads the variables."""
    clients = ClientPool(url, ca_file=ca_file)
    with clients.client() as client:
        yield client
    clients.close()


def problem(url: str = URL, ca_file: Path | None = None) -> str:
    """Return the error about the settings."""
    with pytest.raises(InvalidSettingsError) as raised:
        ClientPool(url, ca_file=ca_file)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_client_is_reused_and_never_shared() -> None:
    """The most recently used client comes first."""
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


def test_a_client_in_use_is_closed_after_its_request() -> None:
    """Also if its request fails."""
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


def test_an_unusable_ca_file_fails_at_once() -> None:
    """Not only with the first request."""
    with pytest.raises(InvalidSettingsError, match=r"astro:caFile .* holds no CA certificates"):
        ClientPool(URL, ca_file=Path(__file__))


SPELLINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "Https_Proxy")
SOCKS = "which is a SOCKS proxy, and those are not supported"
BAD_PROXIES = {
    "ftp://proxy.example.com": "and a proxy over ftp is not supported",
    "file:///etc/proxy": "and a proxy over file is not supported",
    "http://": "which names no host",
    "http://:3128": "which names no host",
    "http://proxy.example.com:99999": "which is not an address",
    "http://[::1": "which is not an address",
    "http://a proxy": "which is not an address",
    "://proxy": "which is not an address",
    "socks5:/proxy": "which is not an address",
    **(
        {}
        if importlib.util.find_spec("socksio")
        else {f"{kind}://127.0.0.1:1080": SOCKS for kind in ("socks5", "socks5h")}
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("value", BAD_PROXIES)
def test_an_unusable_proxy_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its variable and its value. Houston on this machine does not depend on it."""
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
def test_credentials_of_a_proxy_are_masked(value: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if they are in the wrong place."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert problem().startswith(f"HTTPS_PROXY is {shown!r}, ")


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("entry", ["[::1]", "fe80::/10", "[fe80::1]:443", "houston.example.org:https", "::g"])
def test_an_invalid_entry_of_no_proxy_is_named(name: str, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its variable, its whole value and the entry. Houston on this machine does not depend on it."""
    value = f"localhost, {entry},example.org"
    monkeypatch.setenv(name, value)
    assert problem().startswith(f"{name} is {value!r}, where {entry!r} is not a host: write ")
    for url in LOOPBACK:
        assert list(made(url))


@pytest.mark.parametrize(
    "value", ["*", "", "::1", "127.0.0.1,localhost", "10.0.0.0/8", ".example.org,*.example.org,example.org:8443", " , "]
)
def test_valid_entries_of_no_proxy_are_accepted(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form that httpx accepts."""
    monkeypatch.setenv("NO_PROXY", value)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128/")
    assert list(made())


@pytest.mark.parametrize(
    "excepted", ["houston.example.com", ".example.com", "example.com", "*", "a,houston.example.com:443"]
)
def test_an_unusable_proxy_does_not_matter_for_excepted_hosts(excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY excepts Houston."""
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy.example.com")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert list(made("https://houston.example.com:443/v1"))


def test_a_request_through_an_unusable_proxy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to an Airflow elsewhere, with Houston on this machine."""
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy.example.com")
    for client in made(LOOPBACK[0]):
        with pytest.raises(InvalidSettingsError, match=r"ALL_PROXY is 'ftp://proxy\.example\.com'"):
            client.get("https://deployments.example.com/stars-1/airflow/health")
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1:1/stars-1/airflow/health")


def test_the_lower_case_variable_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is empty: then there is no proxy."""
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


def test_an_unwritable_tls_key_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the CA file is. Without TLS it does not matter."""
    for name in (tmp_path, tmp_path / "no" / "keys"):
        monkeypatch.setenv("SSLKEYLOGFILE", str(name))
        for ca_file in (None, CERTIFICATE):
            assert problem(ca_file=ca_file).startswith(f"SSLKEYLOGFILE is {str(name)!r}, which cannot be written (")
        assert list(made(LOOPBACK[0]))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert list(made())


def test_an_unusable_ssl_cert_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, or without certificates. Without TLS, or with astro:caFile, it does not matter."""
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


def test_an_unusable_ssl_cert_dir_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a file, or not prepared by 'openssl rehash'. One usable folder is enough."""
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: type("Paths", (), {"cafile": None}))
    for name in (str(tmp_path / "missing"), str(CERTIFICATE), str(tmp_path), f"{tmp_path}{os.pathsep}/missing"):
        monkeypatch.setenv("SSL_CERT_DIR", name)
        assert problem().startswith(f"SSL_CERT_DIR is {name!r}, which names no folder of CA certificates that can be")
        assert list(made(ca_file=CERTIFICATE))
        assert list(made(LOOPBACK[0]))
    (tmp_path / "0a1b2c3d.0").write_bytes(CERTIFICATE.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", f"/missing{os.pathsep}{tmp_path}")
    assert list(made())
