"""Catalog at a URL: the vendor's two feeds, fetched with limits on time and size, and cached on disk.

The feeds are public, so no token is sent. They decide which releases a path may lead through, so they are fetched only
over https. A fresh copy is used without a request. An older copy is used with a warning if the server does not answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.errors import InvalidCatalogError, UnreadableFileError
from astro_deployment_runtime.support.atomic_write import replace_file
from astro_deployment_runtime.support.cancellation import run_with_timeout
from astro_deployment_runtime.support.file_reading import MAX_FEED_BYTES, MIB, read_file
from astro_deployment_runtime.support.http_clients import ClientPool
from astro_deployment_runtime.support.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.planning.catalog import Catalog

FRESH_SECONDS: Final = 3600
"""Seconds that a copy is used without a request for a newer one."""

_FEED_SECONDS: Final = 30.0
"""Deadline for one feed, in seconds."""
_LARGEST_COPY: Final = 2 * len(vendor_feed.FILES) * MAX_FEED_BYTES
"""Maximum size of a copy, in bytes. JSON doubles the characters that it escapes."""
_TIMEOUT: Final = httpx.Timeout(15.0, connect=10.0)
_log = logging.getLogger(__name__)


class _UnavailableError(Exception):
    """A feed could not be fetched."""


def load(
    catalog: str, *, allow_http: bool = False, ca_file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Catalog:
    """Load a catalog by name, from a folder, or from the URL of a folder with the vendor's two feeds.

    Args:
        catalog: ``guide``, ``published``, a folder, or a URL.
        allow_http: whether unencrypted http to other machines is allowed.
        ca_file: the CA certificates to trust instead of the system's.
        environment: the environment, which gives the folder of copies (``XDG_CACHE_HOME``).

    Raises:
        InvalidSettingsError: the URL is invalid or unencrypted.
        InvalidCatalogError: the catalog does not exist or is not in the feeds' format; or the URL cannot be reached
            and there is no copy.
        RunInterruptedError: the user stopped the run.
    """
    if "://" not in catalog:
        return vendor_feed.load(catalog)
    check_url(
        catalog,
        allow_http=allow_http,
        key="astro:catalog",
        example="https://HOST/PATH, or the path of a folder",
        risk="would be fetched unencrypted from another machine",
    )
    copy = _Copy(catalog, environment)
    kept = copy.read()
    if kept and timedelta() <= datetime.now(UTC) - kept.fetched < timedelta(seconds=FRESH_SECONDS):
        return vendor_feed.parse(catalog, kept.texts)
    try:
        fetched = _fetch(catalog, ca_file)
    except _UnavailableError as error:
        return _stale(catalog, kept, error)
    parsed = vendor_feed.parse(catalog, fetched)
    copy.write(fetched)
    return parsed


def _stale(catalog: str, kept: _Kept | None, error: _UnavailableError) -> Catalog:
    if kept is None:
        raise InvalidCatalogError(
            f"the catalog {catalog!r} cannot be fetched ({error}), and there is no copy of it on this machine: correct "
            "astro:catalog, fix the connection, or remove astro:catalog to use the shipped catalog"
        )
    day = kept.fetched.date()
    _log.warning("the catalog %s cannot be fetched (%s): a copy of %s is used", catalog, error, day)
    stale = f"the catalog {catalog} cannot be fetched, so a copy of {day} is used"
    return vendor_feed.parse(catalog, kept.texts, stale=stale)


class _Kept(NamedTuple):
    """Content of a copy: the time of the fetch, and the feeds' texts by file name."""

    fetched: datetime
    texts: dict[str, bytes]


class _Copy:
    """Copy of one URL's feeds on disk. Both are in one file, so they are from the same fetch."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        given = Path(environment.get("XDG_CACHE_HOME", ""))
        root = given if given.is_absolute() else Path(environment.get("HOME", "~")).expanduser() / ".cache"
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._file = root / "astro-deployment-runtime" / "feeds" / f"{name}.json"

    def read(self) -> _Kept | None:
        """Return the copy; None: there is no usable one."""
        with contextlib.suppress(
            UnreadableFileError, OSError, ValueError, OverflowError, RecursionError, KeyError, TypeError
        ):
            kept = json.loads(read_file(self._file, max_bytes=_LARGEST_COPY))
            texts = {name: str(kept["feeds"][name]).encode() for name in vendor_feed.FILES}
            return _Kept(datetime.fromtimestamp(float(kept["fetched"]), UTC), texts)
        return None

    def write(self, texts: Mapping[str, bytes]) -> None:
        """Save a copy. If that fails, the next process fetches the feeds again."""
        kept = {
            "fetched": time.time(),
            "feeds": {name: text.decode(json.detect_encoding(text)) for name, text in texts.items()},
        }
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, json.dumps(kept).encode(), mode=0o600)


def _fetch(url: str, ca_file: Path | None) -> dict[str, bytes]:
    with contextlib.closing(ClientPool(url, ca_file=ca_file, timeout=_TIMEOUT)) as clients, clients.client() as client:
        texts = {}
        for name in vendor_feed.FILES:
            # The vendor publishes the files without the extension.
            address = f"{url.rstrip('/')}/{name.removesuffix('.json')}"
            try:
                texts[name] = run_with_timeout(partial(_get, client, address), seconds=_FEED_SECONDS)
            except TimeoutError:
                raise _UnavailableError(f"{address}: no answer within {_FEED_SECONDS:g} s") from None
        return texts


def _get(client: httpx.Client, address: str) -> bytes:
    text = bytearray()
    try:
        with client.stream("GET", address) as response:
            if response.status_code != httpx.codes.OK:
                raise _UnavailableError(f"{address}: answers {response.status_code}")
            for chunk in response.iter_bytes():
                text += chunk
                if len(text) > MAX_FEED_BYTES:
                    raise _UnavailableError(f"{address}: more than {MAX_FEED_BYTES // MIB} MiB")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _UnavailableError(f"{address}: {str(error) or type(error).__name__}") from error
    return bytes(text)
