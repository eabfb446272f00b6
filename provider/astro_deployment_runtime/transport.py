"""GraphQL over HTTP to Houston: one request, its answer, and every way in which that can fail.

A read is retried; a mutation never is, because a lost answer does not tell whether it took effect. All foreign
exceptions are mapped to the tree in :mod:`~astro_deployment_runtime.errors` here and nowhere else. Retries are logged.
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import stamina
from pydantic import BaseModel, ValidationError
from stamina.instrumentation import set_on_retry_hooks

from astro_deployment_runtime.errors import (
    DoubtfulMutationError,
    InvalidSettingsError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
)
from astro_deployment_runtime.settings import check_url, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stamina.instrumentation import RetryDetails

    from astro_deployment_runtime.settings import Settings

_log = logging.getLogger(__name__)

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_ATTEMPTS: Final = 5
_RETRY_SECONDS: Final = 45.0
_LONGEST_QUOTE: Final = 300

_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What happens before a request leaves: there was no connection to send it over."""

_TOKEN_MESSAGES: Final = (
    "You do not have the appropriate permissions for that",
    "AUTH_TOKEN_REFRESH_FAILED",
    "Unauthenticated",
)
"""What Houston says of a token that is wrong, has expired, or may not do this. It does not tell which."""

Answer = TypeVar("Answer", bound=BaseModel)


class _TransientError(PlatformUnreachableError):
    """A failure of a read that may be gone at the next attempt."""


def _log_retry(details: RetryDetails) -> None:
    _log.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)


class Transport:
    """One HTTP client for one Houston. Safe to share among threads."""

    def __init__(self, settings: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        """Prepare a client; nothing is sent yet. A transport may be handed in, by tests.

        Raises:
            InvalidSettingsError: the CA file cannot be used.
        """
        set_on_retry_hooks([_log_retry])
        self.url = settings.url
        self._token = settings.token
        self._allow_http = settings.allow_http
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidSettingsError(f"astro:caFile {str(settings.ca_file)!r} holds no CA certificates") from error
        host = urlsplit(settings.url).hostname or ""
        self._client = httpx.Client(
            headers={"authorization": self._token.get_secret_value()},
            timeout=_TIMEOUT,
            transport=transport,
            verify=context,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
            follow_redirects=False,
            trust_env=True,
            # This machine is no proxy's business, above all not over plain http.
            mounts={f"all://{f'[{host}]' if ':' in host else host}": None} if is_loopback(host) else None,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def read(self, document: str, variables: Mapping[str, str], answer: type[Answer], *, what: str) -> Answer:
        """Ask, again if need be, until there is an answer of that shape.

        Raises:
            PlatformError: one of its kinds; ``what`` names the operation in the message.
        """
        for attempt in stamina.retry_context(on=_TransientError, attempts=_ATTEMPTS, timeout=_RETRY_SECONDS):
            with attempt:
                data = self._ask(document, variables, what)
        try:
            return answer.model_validate(data)
        except ValidationError as error:
            mistake = error.errors(include_url=False, include_input=False)[0]
            path = ".".join(map(str, mistake["loc"]))
            raise PlatformAnswerError(
                f"Houston's answer to {what} is not what its schema promises: {self.quote(path)}: {mistake['msg']}. "
                f"Is {self.url} the address of Houston, and is the platform between 0.29 and 0.36?"
            ) from None

    def mutate(self, document: str, variables: Mapping[str, str], *, what: str) -> None:
        """Send once. What it did has to be read afterwards, whatever the answer.

        Raises:
            PlatformRefusedError: Houston says no, and says why.
            DoubtfulMutationError: there was no answer that settles whether it took effect.
            PlatformUnreachableError: it was not sent.
        """
        try:
            self._ask(document, variables, what, changes=True)
        except PlatformRefusedError:
            raise
        except PlatformError as error:
            if isinstance(error.__cause__, _UNSENT):
                raise
            raise DoubtfulMutationError(
                f"the answer to {what} was lost, so it may have taken effect: {error}"
            ) from error

    def may_ask(self, url: str) -> bool:
        """Tell whether the token may be sent there: not unencrypted to another machine, unless that is allowed."""
        try:
            check_url(url, allow_http=self._allow_http)
        except InvalidSettingsError:
            return False
        return True

    def get(self, url: str) -> httpx.Response | None:
        """Get a page of the Deployment's own Airflow with the same token; None where nothing answers."""
        try:
            return self._client.get(url)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def _ask(self, document: str, variables: Mapping[str, str], what: str, *, changes: bool = False) -> dict[str, Any]:
        try:
            response = self._client.post(self.url, json={"query": document, "variables": dict(variables)})
        except httpx.TimeoutException as error:
            raise _TransientError(f"{self.url} did not answer {what} in time ({type(error).__name__})") from error
        except httpx.TransportError as error:
            raise _TransientError(
                f"{self.url} cannot be reached for {what} ({self.quote(str(error) or type(error).__name__)}): is "
                "astro:houstonUrl right, and is Houston up and allowed through the network's proxies?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformAnswerError(f"{self.url}: {what}: {self.quote(str(error))}") from error
        return self._read_answer(response, what, changes=changes)

    def _read_answer(self, response: httpx.Response, what: str, *, changes: bool) -> dict[str, Any]:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _TransientError(f"{self.url} answered {what} with HTTP status {status}")
        if response.is_redirect:
            raise PlatformAnswerError(
                f"{self.url} answered {what} with a redirect, which is not followed with a token: configure Houston's "
                "own address"
            )
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise TokenRefusedError(self._refused_token(what, f"HTTP status {status}"))
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise PlatformAnswerError(
                f"{self.url} answered {what} with HTTP status {status} and no JSON: is that the address of Houston "
                "(https://houston.BASEDOMAIN/v1)?"
            )
        data = body.get("data")
        if errors := body.get("errors"):
            refusal = self._refusal(errors, what)
            if changes and isinstance(data, dict) and any(value is not None for value in data.values()):
                # Done, and only something in the answer could not be told, for example for want of a permission.
                raise PlatformAnswerError(f"Houston answered with data and with an error: {refusal}")
            raise refusal
        if not response.is_success or not isinstance(data, dict):
            raise PlatformAnswerError(f"{self.url} answered {what} with HTTP status {status} and no data")
        return data

    def _refusal(self, errors: object, what: str) -> PlatformRefusedError:
        entries = errors if isinstance(errors, list) else [errors]
        messages = [str(entry.get("message")) if isinstance(entry, dict) else str(entry) for entry in entries]
        text = self.quote("; ".join(messages))
        if any(known in message for known in _TOKEN_MESSAGES for message in messages):
            return TokenRefusedError(self._refused_token(what, text))
        return PlatformRefusedError(f"Houston refuses {what}: {text}")

    def _refused_token(self, what: str, text: str) -> str:
        return (
            f"Houston refuses the token for {what} ({text}): it has expired, or may not do this. Changing versions "
            "needs a service account with the role Deployment Editor or more; set astro:token or ASTRO_HOUSTON_TOKEN"
        )

    def quote(self, text: str) -> str:
        """Make a foreign text fit to print: short, one line, no control characters, no token."""
        text = text.replace(self._token.get_secret_value(), "[token]")
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."
