"""URLs of servers: which ones may be used, and what addresses this machine itself."""

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
    """Accept https anywhere, and http to this machine only, unless http is allowed.

    Args:
        url: the address.
        allow_http: plain http is allowed to other machines too.
        key: where it is configured.
        example: what one looks like.
        risk: what plain http would do.

    Raises:
        InvalidSettingsError: the URL is anything else, or carries credentials.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        # Also a name that no resolver could take: UnicodeError is a ValueError.
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
    """Tell whether this is a name or an address of this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
