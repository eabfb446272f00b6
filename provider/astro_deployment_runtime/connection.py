"""How this package connects over HTTP: whom it trusts, which way it goes, and that it follows nobody elsewhere."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.settings import is_loopback

if TYPE_CHECKING:
    from pathlib import Path


def connected(url: str, *, ca_file: Path | None, **options: Any) -> httpx.Client:  # noqa: ANN401 - httpx's own
    """Make a client for one server; nothing is sent yet.

    Args:
        url: an address there.
        ca_file: the CA certificates that are trusted instead of the system's.
        options: of :class:`httpx.Client`.

    Raises:
        InvalidSettingsError: the CA file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettingsError(f"astro:caFile {str(ca_file)!r} holds no CA certificates") from error
    host = urlsplit(url).hostname or ""
    return httpx.Client(
        verify=context,
        follow_redirects=False,
        trust_env=True,
        # This machine is no proxy's business, above all not over plain http.
        mounts={f"all://{f'[{host}]' if ':' in host else host}": None} if is_loopback(host) else None,
        **options,
    )
