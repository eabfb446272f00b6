"""A catalog at a URL: the vendor's two feeds, fetched with bounds, and kept on disk for when they cannot be.

What is fetched is public, so no token is sent, and it is only read; but it decides what may be walked on, so that it is
fetched over https alone. A copy is used without asking while it is fresh, and with a warning when nobody answers.
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
"""How long a copy of a feed is used without asking for a newer one."""

_FEED_SECONDS: Final = 30.0
"""For one feed, whatever it hangs on."""
_LARGEST_COPY: Final = 2 * len(vendor_feed.FILES) * MAX_FEED_BYTES
"""Of a copy in bytes: JSON doubles what it escapes."""
_TIMEOUT: Final = httpx.Timeout(15.0, connect=10.0)
_log = logging.getLogger(__name__)


class _UnavailableError(Exception):
    """A feed could not be fetched."""


def load(
    catalog: str, *, allow_http: bool = False, ca_file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Catalog:
    """Load a catalog by name, from a folder, or from a URL below which the vendor's two feeds are.

    Args:
        catalog: ``guide``, ``published``, a folder, or a URL.
        allow_http: plain http is allowed to other machines too.
        ca_file: the certificates that are trusted instead of the system's.
        environment: says where copies are kept (``XDG_CACHE_HOME``).

    Raises:
        InvalidSettingsError: the URL is none, or would be fetched in the clear.
        InvalidCatalogError: there is no such catalog, or it is not in the feeds' format; or the URL cannot be reached,
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
            "astro:catalog, mend the way there, or leave it out to use the shipped one"
        )
    day = kept.fetched.date()
    _log.warning("the catalog %s cannot be fetched (%s): a copy of %s is used", catalog, error, day)
    stale = f"the catalog {catalog} cannot be fetched, so a copy of {day} is used"
    return vendor_feed.parse(catalog, kept.texts, stale=stale)


class _Kept(NamedTuple):
    """What a copy holds: when the feeds were fetched, and their texts by the names of the files."""

    fetched: datetime
    texts: dict[str, bytes]


class _Copy:
    """The copy of one URL's feeds: one file, so that both are of one time."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        given = Path(environment.get("XDG_CACHE_HOME", ""))
        root = given if given.is_absolute() else Path(environment.get("HOME", "~")).expanduser() / ".cache"
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._file = root / "astro-deployment-runtime" / "feeds" / f"{name}.json"

    def read(self) -> _Kept | None:
        """Return what is kept; None: no usable copy."""
        with contextlib.suppress(
            UnreadableFileError, OSError, ValueError, OverflowError, RecursionError, KeyError, TypeError
        ):
            kept = json.loads(read_file(self._file, max_bytes=_LARGEST_COPY))
            texts = {name: str(kept["feeds"][name]).encode() for name in vendor_feed.FILES}
            return _Kept(datetime.fromtimestamp(float(kept["fetched"]), UTC), texts)
        return None

    def write(self, texts: Mapping[str, bytes]) -> None:
        """Keep a copy; where that is not possible, the next process fetches anew."""
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
            # The vendor publishes the files without their ending.
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
