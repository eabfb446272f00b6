"""Settings of the connection to Houston: from the stack's config, else from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from astro_deployment_runtime.errors import InvalidSettingsError, UnreadableFileError
from astro_deployment_runtime.planning.base_images import BASE_IMAGES_VARIABLE, VENDORS, BaseImages
from astro_deployment_runtime.support.file_reading import MAX_CA_FILE_BYTES, read_file
from astro_deployment_runtime.support.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off", ""), False),
}
_RESOLVE: Final = ("held", "newest")
_LOWEST_RATE: Final = 0.1
_HIGHEST_RATE: Final = 10_000.0
_DEFAULT_RATE: Final = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """The connection settings, checked. Printing them shows no token."""

    url: str
    token: SecretStr
    ca_file: Path | None = None
    allow_http: bool = False
    catalog: str = "platform"
    """Feed with the channels and dates that the platform does not have: a catalog's name, a folder or a URL;
    ``platform``: the shipped feed."""
    resolve: str = "held"
    """``held``: a target such as ``5.x`` keeps the version that it was first resolved to; ``newest``: resolve again."""
    max_requests_per_second: float = _DEFAULT_RATE
    """Rate limit of the requests to Houston."""
    base_images: BaseImages = VENDORS
    """Repositories of the base images."""

    @classmethod
    def load(cls, config: Callable[[str], str | None], environment: Mapping[str, str]) -> ConnectionSettings:
        """Read and check the settings.

        Args:
            config: returns the value of a key of the ``astro`` namespace in the stack's config, or None.
            environment: variables that replace keys without a value: ``ASTRO_HOUSTON_URL``, ``ASTRO_HOUSTON_TOKEN``,
                ``ASTRO_CA_FILE``, ``ASTRO_ALLOW_HTTP``, ``ASTRO_CATALOG``, ``ASTRO_RESOLVE``,
                ``ASTRO_MAX_REQUESTS_PER_SECOND``, ``ASTRO_BASE_IMAGES``.

        Raises:
            InvalidSettingsError: a setting is missing, malformed, or would send the token unencrypted.
        """

        def setting(key: str, variable: str) -> str:
            return (config(key) or environment.get(variable) or "").strip()

        allow_http = _flag(setting("allowHttp", "ASTRO_ALLOW_HTTP"))
        url = setting("houstonUrl", "ASTRO_HOUSTON_URL")
        if not url:
            raise InvalidSettingsError(
                "Houston's address is not configured: run 'pulumi config set astro:houstonUrl "
                "https://houston.BASEDOMAIN/v1' or set the environment variable ASTRO_HOUSTON_URL"
            )
        check_url(url, allow_http=allow_http)
        token = setting("token", "ASTRO_HOUSTON_TOKEN")
        if not token:
            raise InvalidSettingsError(
                "no token for Houston is configured: run 'pulumi config set --secret astro:token' or set the "
                "environment variable ASTRO_HOUSTON_TOKEN"
            )
        if not (token.isascii() and token.isprintable()):
            raise InvalidSettingsError(
                "the token for Houston has characters that no token can have, for example a line break: set "
                "astro:token or ASTRO_HOUSTON_TOKEN again"
            )
        ca_file = setting("caFile", "ASTRO_CA_FILE")
        if ca_file:
            try:
                read_file(Path(ca_file), max_bytes=MAX_CA_FILE_BYTES)
            except UnreadableFileError as error:
                raise InvalidSettingsError(
                    f"astro:caFile {ca_file!r} {error.reason}. Name a PEM file of CA certificates"
                ) from None
        resolve = setting("resolve", "ASTRO_RESOLVE") or "held"
        if resolve not in _RESOLVE:
            raise InvalidSettingsError(f"astro:resolve is {resolve!r}: write {' or '.join(_RESOLVE)}")
        return cls(
            url=url,
            token=SecretStr(token),
            ca_file=Path(ca_file) if ca_file else None,
            allow_http=allow_http,
            catalog=setting("catalog", "ASTRO_CATALOG") or "platform",
            resolve=resolve,
            max_requests_per_second=_rate(setting("maxRequestsPerSecond", "ASTRO_MAX_REQUESTS_PER_SECOND")),
            base_images=BaseImages.load(setting("baseImages", BASE_IMAGES_VARIABLE)),
        )


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise InvalidSettingsError(f"astro:allowHttp is {text!r}: write true or false") from None


def _rate(text: str) -> float:
    try:
        rate = float(text) if text else _DEFAULT_RATE
    except ValueError:
        rate = 0.0
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise InvalidSettingsError(
            f"astro:maxRequestsPerSecond is {text!r}: write a number from {_LOWEST_RATE:g} to {_HIGHEST_RATE:g}"
        )
    return rate
