"""GraphQL over HTTP to Houston: reads, which are retried, and mutations, which are not.

A mutation is not retried because a lost answer does not show whether it took effect. The one exception is HTTP status
429, with which nothing was processed. Exceptions of httpx become those of :mod:`~astro_deployment_runtime.errors` here
and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from astro_deployment_runtime.errors import (
    MutationNotSentError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RunInterruptedError,
    TokenRefusedError,
    UnknownOutcomeError,
    UnsupportedFieldsError,
)
from astro_deployment_runtime.houston.bounded_http import (
    ACCESS_DENIED,
    MAX_CONCURRENT,
    REQUEST_SECONDS,
    BoundedHttp,
    read_json,
)
from astro_deployment_runtime.support.cancellation import run_with_timeout
from astro_deployment_runtime.support.http_clients import proxy_for
from astro_deployment_runtime.support.rate_limits import ConcurrencyLimit, RateLimit
from astro_deployment_runtime.support.retries import (
    MAX_RETRY_AFTER_SECONDS,
    TransientError,
    call_with_retries,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings

READ_SECONDS: Final = 110.0
"""Longest time for a read with all its attempts."""

_NOT_SENT_ERRORS: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Errors that happen before a request is sent."""

_NOT_PROCESSED_STATUSES: Final = frozenset({404, 405, 407, 411, 413, 414, 415, 421, 425, 426, 431})
"""HTTP statuses which prove that Houston did not process the request: wrong address, too large, unsupported form.

408, 5xx and the statuses that a GraphQL server may send after it acted prove nothing. 429 is handled apart: such a
mutation is sent again."""

_UNKNOWN_FIELD: Final = re.compile(
    r"""Cannot query field ["'](?P<name>\w+)["'] on type ["'](?P<kind>\w+)["']"""
    r"""|Field ["'](?P<odd>\w+)["'] (?:of type|must not have)"""
)
"""Messages of GraphQL servers about a field that their schema lacks, or has with another type."""

_TOKEN_MESSAGES: Final = (
    "You do not have the appropriate permissions for that",
    "AUTH_TOKEN_REFRESH_FAILED",
    "Unauthenticated",
)
"""Houston's messages about a token that is wrong, has expired, or lacks a permission. They do not tell which."""

Answer = TypeVar("Answer", bound=BaseModel)
_DataAndErrors = tuple[dict[str, Any] | None, Sequence[Any]]
"""The data of a GraphQL answer, and its errors. At least one of them is not empty."""


class Transport:
    """GraphQL requests to one Houston. Safe to share among threads."""

    def __init__(self, settings: ConnectionSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        """Prepare. Nothing is sent yet. Tests may pass a transport for httpx.

        Raises:
            InvalidSettingsError: the CA file, or a variable of the environment, cannot be used.
        """
        self.url = settings.url
        self.http = BoundedHttp(settings, transport=transport)
        self._rate_limit = RateLimit(settings.max_requests_per_second)
        self._mutations = ConcurrencyLimit(MAX_CONCURRENT)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def read(self, document: str, variables: Mapping[str, str], answer: type[Answer], *, what: str) -> Answer:
        """Send a query, with retries, and return its answer in that shape.

        Args:
            document: the GraphQL query.
            variables: its variables.
            answer: the shape of the answer.
            what: names the operation in messages.

        Raises:
            PlatformError: one of its kinds.
            RunInterruptedError: the user cancelled the run.
        """
        data, errors = self._query(document, variables, what)
        if errors:
            raise self._refusal(errors, what)
        return self.parse(data, answer, what)

    def read_parts(
        self, document: str, variables: Mapping[str, str], *, what: str
    ) -> tuple[dict[str, Any], dict[str, PlatformRefusedError]]:
        """Send a query whose aliases may fail one by one. Return its data, and by alias what Houston refuses.

        Raises:
            PlatformError: one of its kinds; a refusal if Houston does not tell which alias it is about.
            RunInterruptedError: the user cancelled the run.
        """
        data, errors = self._query(document, variables, what)
        paths = [error.get("path") if isinstance(error, dict) else None for error in errors]
        if data is None or not all(isinstance(path, list) and path for path in paths):
            raise self._refusal(errors, what)
        aliases = [str(path[0]) for path in paths if path]
        return data, {
            alias: self._refusal([error for of, error in zip(aliases, errors, strict=True) if of == alias], what)
            for alias in aliases
        }

    def parse(self, data: object, answer: type[Answer], what: str) -> Answer:
        """Check the data of an answer against a shape.

        Raises:
            PlatformAnswerError: the data have another shape.
        """
        try:
            return answer.model_validate(data)
        except ValidationError as error:
            mistake = error.errors(include_url=False, include_input=False)[0]
            path = ".".join(map(str, mistake["loc"]))
            raise PlatformAnswerError(
                f"Houston's answer to {what} is not what its schema promises: {self.http.quote(path)}: "
                f"{mistake['msg']}. Is {self.url} the address of Houston, and is the platform 0.29 or later?"
            ) from None

    def mutate(self, document: str, variables: Mapping[str, str], *, what: str) -> dict[str, Any]:
        """Send a mutation once; again only after HTTP status 429, with which it was not processed.

        Whatever the answer, read the Deployment afterwards to see what the mutation did.

        Returns:
            The answer's data.

        Raises:
            PlatformRefusedError: Houston refuses it, and says why.
            UnknownOutcomeError: no answer tells whether it took effect.
            MutationNotSentError: it was certainly not processed.
            RunInterruptedError: the user cancelled the run, and it was not sent.
        """

        def send() -> dict[str, Any]:
            with self._mutations:
                self._rate_limit.wait()
                return self._send_mutation(document, variables, what)

        try:
            return call_with_retries(send)
        except TransientError as error:
            raise MutationNotSentError(f"{error}, so it was not processed") from error

    def _query(self, document: str, variables: Mapping[str, str], what: str) -> _DataAndErrors:
        def send() -> _DataAndErrors:
            self._rate_limit.wait()
            return self._read_answer(self._post(document, variables, what), what)

        try:
            return run_with_timeout(lambda: call_with_retries(send), seconds=READ_SECONDS)
        except TimeoutError:
            raise PlatformUnreachableError(f"{self.url} did not answer {what} within {READ_SECONDS:.0f} s") from None

    def _send_mutation(self, document: str, variables: Mapping[str, str], what: str) -> dict[str, Any]:
        """Send a mutation. A :class:`TransientError` means that it can be sent again."""
        status = None
        try:
            response = self._post(document, variables, what)
            status = response.status_code
            data, errors = self._read_answer(response, what)
            if errors:
                refusal = self._refusal(errors, what)
                if data is None or all(value is None for value in data.values()):
                    raise refusal
                # It took effect. Only a part of the answer failed, for example for lack of a permission.
                raise PlatformAnswerError(f"Houston answered with data and with an error: {refusal}")
        except PlatformRefusedError:
            raise
        except (PlatformError, RunInterruptedError) as error:
            if status == httpx.codes.TOO_MANY_REQUESTS:
                raise
            if isinstance(error.__cause__, _NOT_SENT_ERRORS):
                raise MutationNotSentError(f"{error}; {what} was not sent") from error
            if status in _NOT_PROCESSED_STATUSES:
                raise MutationNotSentError(str(error)) from error
            raise UnknownOutcomeError(f"the answer to {what} was lost, so it may have taken effect: {error}") from error
        return data or {}

    def _post(self, document: str, variables: Mapping[str, str], what: str) -> httpx.Response:
        try:
            return self.http.send("POST", self.url, {"query": document, "variables": dict(variables)})
        except TimeoutError as error:
            raise TransientError(
                f"{self.url} did not answer {what} in time ({REQUEST_SECONDS:.0f} s in all)"
            ) from error
        except httpx.TimeoutException as error:
            raise TransientError(f"{self.url} did not answer {what} in time ({type(error).__name__})") from error
        except httpx.ProxyError as error:
            raise TransientError(
                f"the proxy on the way to {self.url} did not let {what} through "
                f"({self.http.reason(error, self.url)}): have it allow Houston, or name Houston's host in NO_PROXY"
            ) from error
        except httpx.TransportError as error:
            raise TransientError(
                f"{self.url} cannot be reached for {what} ({self.http.reason(error, self.url)}): is "
                "astro:houstonUrl right, and is Houston up and allowed through the network's proxies?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformAnswerError(f"{self.url}: {what}: {self.http.quote(str(error))}") from error

    def _read_answer(self, response: httpx.Response, what: str) -> _DataAndErrors:
        status = response.status_code
        answered = f"{self.url} answered {what} with"
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self._transient_error(response, f"{answered} HTTP status {status}")
        if response.is_redirect:
            raise PlatformAnswerError(
                f"{answered} a redirect, which is not followed with a token ({self.http.describe(response)}): "
                "configure Houston's own address"
            )
        body = read_json(response)
        if status in ACCESS_DENIED and not (isinstance(body, dict) and body.get("errors")):
            proxy = proxy_for(self.url)
            raise PlatformAnswerError(
                f"{answered} {self.http.describe(response)}, and without Houston's JSON: a proxy or a gateway on the "
                f"way denies access, not Houston{f' (the proxy is {proxy})' if proxy else ''}. Have it allow Houston, "
                "or correct astro:houstonUrl; if it checks Houston's tokens itself, check astro:token"
            )
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise PlatformAnswerError(
                f"{answered} HTTP status 413: the request is too large for Houston, or for a proxy in front of it. "
                "Requests have at most 100 kB: have that limit raised to it"
            )
        if not isinstance(body, dict):
            raise PlatformAnswerError(
                f"{answered} HTTP status {status} and no JSON{self.http.describe_title(response)}: is that the address "
                "of Houston (https://houston.BASEDOMAIN/v1)?"
            )
        data, errors = body.get("data"), body.get("errors") or []
        data = data if isinstance(data, dict) else None
        if errors and status in ACCESS_DENIED:
            raise TokenRefusedError(_token_refused(what, f"HTTP status {status}, {self._messages(errors)[1]}"))
        if not errors and (data is None or not response.is_success):
            raise PlatformAnswerError(f"{answered} HTTP status {status} and no data")
        return data, errors if isinstance(errors, list) else [errors]

    def _transient_error(self, response: httpx.Response, answered: str) -> TransientError:
        """Make the error for HTTP status 429 or 5xx. A `Retry-After` pauses all requests of this process."""
        seconds = retry_after(response)
        if seconds is not None and seconds > MAX_RETRY_AFTER_SECONDS:
            answered += f" and Retry-After {seconds:.0f} s, longer than the {MAX_RETRY_AFTER_SECONDS:.0f} s of a retry"
        elif seconds is not None:
            self._rate_limit.block(seconds)
        return TransientError(answered, retry_after=seconds)

    def _refusal(self, errors: object, what: str) -> PlatformRefusedError:
        messages, text = self._messages(errors)
        if any(known in message for known in _TOKEN_MESSAGES for message in messages):
            return TokenRefusedError(_token_refused(what, text))
        if unknown := [match for message in messages for match in _UNKNOWN_FIELD.finditer(message)]:
            refusal = UnsupportedFieldsError(f"Houston refuses {what}: {text}")
            refusal.fields = frozenset((match["kind"] or "", match["name"] or match["odd"]) for match in unknown)
            return refusal
        return PlatformRefusedError(f"Houston refuses {what}: {text}")

    def _messages(self, errors: object) -> tuple[list[str], str]:
        """Return the messages of GraphQL errors, and one printable text of all of them."""
        entries = errors if isinstance(errors, list) else [errors]
        messages = [str(entry.get("message")) if isinstance(entry, dict) else str(entry) for entry in entries]
        return messages, self.http.quote("; ".join(messages))


def _token_refused(what: str, text: str) -> str:
    return (
        f"Houston refuses the token for {what} ({text}): it has expired, or may not do this. Changing versions needs a "
        "service account with the role Deployment Editor or more; set astro:token or ASTRO_HOUSTON_TOKEN"
    )
