"""HTTP clients: which CA certificates they trust, and which proxy they use. They follow no redirect.

The usual variables of the environment name proxies and CA certificates. A variable that cannot be used is an error that
names it. For a server that is reached without a proxy, the variables of proxies do not matter.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import os
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from astro_deployment_runtime.errors import InvalidSettingsError, UnreadableFileError
from astro_deployment_runtime.support.file_reading import MAX_CA_FILE_BYTES, read_file
from astro_deployment_runtime.support.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")
"""The name that OpenSSL expects for a certificate in a folder."""
_PASSWORD_FOR_PORT: Final = re.compile(r"(?<=[^:/\[\]]:)(?!\d+(?:/|$))[^/:\]]+")
"""A text instead of a port, as in ``http://user:password``."""
_HIGHEST_PORT: Final = 65_535


class ClientPool:
    """HTTP clients for one server, one for each request in flight. Safe to share among threads.

    One client for all threads is slower: for every request it looks through all of its connections, while all other
    threads wait. With 64 requests in flight it takes about three times as long (``python -m bench clients``).
    """

    def __init__(self, url: str, *, ca_file: Path | None, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        """Prepare. Nothing is sent yet.

        Args:
            url: an address of the server.
            ca_file: CA certificates to trust instead of the system's.
            options: options of :class:`httpx.Client`.

        Raises:
            InvalidSettingsError: the CA file cannot be used, or a variable of the environment that names a proxy, CA
                certificates or a TLS key log.
        """
        context = _tls_context(url, ca_file)
        self.trusted = f"astro:caFile {str(ca_file)!r}" if ca_file else _trusted_by_default()
        """The source of the trusted CA certificates, for messages."""
        self._options: dict[str, Any] = {
            "verify": context,
            "follow_redirects": False,
            **({} if options.get("transport") else _proxy_options(url, context)),
            **options,
        }
        self._idle: list[httpx.Client] = []
        self._closed = False

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Use a client alone for a while: the one that was used last, because its connections are still open."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = httpx.Client(**self._options)
        try:
            yield client
        finally:
            self._idle.append(client)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the connections. Those in use are closed when their request ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


# TLS


def _tls_context(url: str, ca_file: Path | None) -> ssl.SSLContext:
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    untrusted = None
    if ca_file is not None:
        if reason := _no_certificates(plain, ca_file):
            raise InvalidSettingsError(
                f"astro:caFile {str(ca_file)!r} holds no CA certificates ({reason}): name a PEM file"
            )
    else:
        untrusted = _trust_problem()
    problem = _key_log_problem() or untrusted
    if problem is None:
        return ssl.create_default_context(cadata=_certificates(ca_file) if ca_file else None)
    if urlsplit(url).scheme != "http":
        raise InvalidSettingsError(problem)
    if ca_file is None and untrusted is None:
        plain.load_default_certs()
    return plain


def _certificates(file: Path) -> str:
    """Read a file of certificates once. Comments between them may have characters outside ASCII, which are left out.

    Raises:
        UnreadableFileError: it cannot be read, or is empty. For an empty text, OpenSSL would trust the system's
            certificates.
    """
    text = read_file(file, max_bytes=MAX_CA_FILE_BYTES).decode("ascii", errors="ignore")
    if not text:
        raise UnreadableFileError(f"{file}: is empty", reason="is empty")
    return text


def _no_certificates(context: ssl.SSLContext, file: Path) -> str | None:
    """Load a file of certificates; or return why it has none, None if it has some."""
    try:
        context.load_verify_locations(cadata=_certificates(file))
    except UnreadableFileError as error:
        return error.reason
    except ssl.SSLError:
        return "it is not in PEM format"
    return None


def _key_log_problem() -> str | None:
    name = os.environ.get("SSLKEYLOGFILE")
    if not name:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = name
    except OSError as error:
        reason = error.strerror or str(error)
        return f"SSLKEYLOGFILE is {name!r}, which cannot be written ({reason}): name a file that can be, or unset it"
    return None


def _trust_problem() -> str | None:
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and (reason := _no_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Path(file))):
        return (
            f"SSL_CERT_FILE is {file!r}, which holds no CA certificates ({reason}): name a PEM file, unset it, or "
            "configure astro:caFile"
        )
    if not folders:
        return None
    usable = [folder for folder in folders.split(os.pathsep) if os.access(folder, os.R_OK | os.X_OK)]
    names = [name for folder in usable if Path(folder).is_dir() for name in os.listdir(folder)]  # noqa: PTH208 - names
    if any(map(Path.is_dir, map(Path, usable))) and (
        any(map(_HASHED.fullmatch, names)) or ssl.get_default_verify_paths().cafile
    ):
        return None
    return (
        f"SSL_CERT_DIR is {folders!r}, which names no folder of CA certificates that can be read: name one that "
        "'openssl rehash' has prepared, unset it, or configure astro:caFile"
    )


def _trusted_by_default() -> str:
    given = [f"{name} {value!r}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if (value := os.environ.get(name))]
    return " and ".join(given) or "the system"


# Proxies


def proxy_for(url: str) -> str | None:
    """Return the variable and the proxy that an address is reached through, for messages, without credentials."""
    if _bypassed(url):
        return None
    found = _variable(urlsplit(url).scheme) or _variable("all")
    return f"{found[0]}={_masked(found[1])!r}" if found else None


def _proxy_options(url: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the options of a client that are about proxies."""
    problem = _proxy_problem()
    if problem is None:
        # This machine is never reached through a proxy: over plain http the proxy would see the token.
        host = urlsplit(url).hostname or ""
        hosts = {*_LOOPBACK, f"[{host}]" if ":" in host else host} if is_loopback(host) else ()
        return {"trust_env": True, "mounts": {f"all://{each}": None for each in hosts}}
    if not _bypassed(url):
        raise InvalidSettingsError(problem)
    return {"trust_env": False, "mounts": {"all://": _WithoutProxies(problem, context)}}


class _WithoutProxies(httpx.BaseTransport):
    """Reaches only what needs no proxy. For anything else, it raises the error about the variable of a proxy."""

    def __init__(self, problem: str, context: ssl.SSLContext) -> None:
        self._problem = problem
        self._direct = httpx.HTTPTransport(verify=context)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not _bypassed(str(request.url)):
            raise InvalidSettingsError(self._problem)
        return self._direct.handle_request(request)

    def close(self) -> None:
        self._direct.close()


def _bypassed(url: str) -> bool:
    """Return whether an address is reached without a proxy, whatever the variables name."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return is_loopback(host) or bool(proxy_bypass_environment(f"{host}:{parts.port}" if parts.port else host))


def _variable(kind: str) -> tuple[str, str] | None:
    """Return the variable of that kind that is used, and its value. Lower case comes first."""
    wanted = f"{kind}_proxy"
    names = [wanted] if wanted in os.environ else [name for name in os.environ if name.lower() == wanted]
    return next(((name, os.environ[name]) for name in names if os.environ[name]), None)


def _proxy_problem() -> str | None:
    """Say which variable cannot be used, and why; None if all can."""
    excepted = _variable("no")
    hosts = [entry.strip() for entry in excepted[1].split(",")] if excepted else []
    if "*" in hosts:
        return None
    for kind in ("https", "http", "all"):
        found = _variable(kind)
        if found and (reason := _unusable(found[1])):
            return (
                f"{found[0]} is {_masked(found[1])!r}, {reason}: write the address of an HTTP proxy, such as "
                "http://proxy.example.com:3128, or unset it"
            )
    wrong = [entry for entry in hosts if entry and not _is_host(entry)]
    if excepted and wrong:
        return (
            f"{excepted[0]} is {excepted[1]!r}, where {wrong[0]!r} is not a host: write names, domains and addresses "
            "with commas between, an IPv6 address without brackets and without a range"
        )
    return None


def _unusable(proxy: str) -> str | None:
    """Say why a proxy cannot be used; None if it can."""
    try:
        url = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
        port = url.port or 0
    except (ValueError, httpx.InvalidURL):
        return "which is not an address"
    if url.scheme in {"socks5", "socks5h"} and importlib.util.find_spec("socksio") is None:
        return "which is a SOCKS proxy, and those are not supported"
    if not url.scheme or " " in proxy or ("://" not in proxy and "/" in proxy) or port > _HIGHEST_PORT:
        return "which is not an address"
    if url.scheme not in {"http", "https", "socks5", "socks5h"}:
        return f"and a proxy over {url.scheme} is not supported"
    return None if url.host else "which names no host"


def _is_host(entry: str) -> bool:
    """Return whether httpx understands an entry of ``NO_PROXY``."""
    with contextlib.suppress(ValueError, httpx.InvalidURL):
        address = entry.partition("/")[0]
        if address.count(":") > 1:
            ipaddress.IPv6Address(entry)
        else:
            httpx.URL(entry if "://" in entry else f"all://{entry.lstrip('*.')}")
        return True
    return False


def _masked(proxy: str) -> str:
    """Return a proxy's address without its credentials, even if they are in the wrong place."""
    before, at, host = proxy.rpartition("@")
    if at:
        scheme, mark, _ = before.partition("://")
        return f"{scheme}{mark}***@{host}" if mark else f"***@{host}"
    return _PASSWORD_FOR_PORT.sub("***", proxy)
