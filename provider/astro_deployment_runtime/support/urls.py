"""Checks of server URLs: https, or http to this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from astro_deployment_runtime.errors import InvalidSettingsError


def check_url(
    url: str,
    *,
    allow_http: bool,
    key: str = "astro:houstonUrl",
    example: str = "https://houston.BASEDOMAIN/v1",
    risk: str = "would send the token unencrypted to another machine",
) -> None:
    """Accept https to any server, and http to this machine only, unless http is allowed.

    Args:
        url: the address of a server.
        allow_http: accept http to other machines, too.
        key: the config key of the address, for messages.
        example: a valid address, for messages.
        risk: what plain http would do, for messages.

    Raises:
        InvalidSettingsError: the URL is anything else, or has credentials in it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        # UnicodeError is a ValueError: the host name cannot be encoded.
        raise InvalidSettingsError(f"{key} is not a URL: write {example}") from None
    if parts.username or parts.password:
        raise InvalidSettingsError(f"{key} carries credentials: remove them; the token for Houston is astro:token")
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable() or " " in url:
        raise InvalidSettingsError(f"{key} is {url!r}: write {example}")
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise InvalidSettingsError(
            f"{url!r} {risk}: use https, or allow it with 'pulumi config set astro:allowHttp true'"
        )


def is_loopback(host: str) -> bool:
    """Return whether this is a name or an address of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
