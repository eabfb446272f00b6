"""GraphQL over HTTP to Houston: one request, its answer, and every way in which that can fail.

A read is retried; a mutation never is, because a lost answer does not tell whether it took effect. All foreign
exceptions are mapped to the tree in :mod:`~astro_deployment_runtime.errors` here and nowhere else. Retries are logged.
Whatever the other side does, no answer takes longer or grows larger than is told here, and the user can stop the run.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from astro_deployment_runtime.errors import (
    InvalidSettingsError,
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
from astro_deployment_runtime.support.cancellation import run_with_timeout
from astro_deployment_runtime.support.http_clients import Clients, proxy_of
from astro_deployment_runtime.support.rate_limits import ConcurrencyLimit, RateLimit
from astro_deployment_runtime.support.retries import (
    MAX_RETRY_AFTER_SECONDS,
    TransientError,
    call_with_retries,
    retry_after,
)
from astro_deployment_runtime.support.secret_masks import MASKS
from astro_deployment_runtime.support.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_ANSWER_SECONDS: Final = 30.0
"""For one request and the whole of its answer, from the beginning, whatever it hangs on."""
_READ_SECONDS: Final = 110.0
"""For a read with all its attempts."""
_SIDE_BY_SIDE: Final = 32
"""Changes of Houston's at the same time; and as many questions to Airflows."""
_LARGEST_ANSWER: Final = 32 * 2**20
"""In bytes, unpacked: some hundred times what Houston tells of five hundred Deployments."""
_LONGEST_QUOTE: Final = 300
_TITLE: Final = re.compile(rb"<title[^>]*>(.{1,300}?)</title>", re.IGNORECASE | re.DOTALL)
_TITLE_WITHIN: Final = 2**16
"""Bytes of a page in which its title is looked for."""
REFUSED: Final = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.PROXY_AUTHENTICATION_REQUIRED)
"""The statuses by which somebody refuses access: Houston, an Airflow, or what stands in front of them."""

_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What happens before a request leaves: there was no connection to send it over."""

_NOT_PROCESSED: Final = frozenset({404, 405, 407, 411, 413, 414, 415, 421, 425, 426, 431})
"""HTTP statuses which prove that Houston did not process the request: wrong address, too large, unsupported form.

408, 5xx and statuses that a GraphQL server may send after it acted prove nothing. After 429 a mutation is sent again,
so it is not here."""

_NO_FIELD: Final = re.compile(
    r"""Cannot query field ["'](?P<name>\w+)["'] on type ["'](?P<kind>\w+)["']"""
    r"""|Field ["'](?P<odd>\w+)["'] (?:of type|must not have)"""
)
"""What GraphQL servers say of a field that their schema lacks, or has as something else."""

_TOKEN_MESSAGES: Final = (
    "You do not have the appropriate permissions for that",
    "AUTH_TOKEN_REFRESH_FAILED",
    "Unauthenticated",
)
"""What Houston says of a token that is wrong, has expired, or may not do this. It does not tell which."""

Answer = TypeVar("Answer", bound=BaseModel)
_Found = TypeVar("_Found")
_Told = tuple[dict[str, Any] | None, Sequence[Any]]
"""The data of an answer, and the errors beside it; one of the two there is."""


class _TooLargeError(httpx.RequestError):
    """An answer that is not read to its end."""


class Transport:
    """HTTP to one Houston. Safe to share among threads."""

    def __init__(self, settings: ConnectionSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        """Prepare a client; nothing is sent yet. A transport may be handed in, by tests.

        Raises:
            InvalidSettingsError: the CA file cannot be used.
        """
        self.url = settings.url
        self._token = settings.token
        self._allow_http = settings.allow_http
        self._rate_limit = RateLimit(settings.max_requests_per_second)
        # Apart, so that Airflows that do not answer hold up no change; and here, because a request that waits for a
        # connection must not be sent after the caller gave up.
        self._changing, self._asking = ConcurrencyLimit(_SIDE_BY_SIDE), ConcurrencyLimit(_SIDE_BY_SIDE)
        self._clients = Clients(
            settings.url,
            ca_file=settings.ca_file,
            headers={"authorization": self._token.get_secret_value()},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._clients.close()

    def read(self, document: str, variables: Mapping[str, str], answer: type[Answer], *, what: str) -> Answer:
        """Ask, again if need be, until there is an answer of that shape.

        Raises:
            PlatformError: one of its kinds; ``what`` names the operation in the message.
            RunInterruptedError: the user has stopped the run.
        """
        data, errors = self._ask_patiently(document, variables, what)
        if errors:
            raise self._refusal(errors, what)
        return self.shaped(data, answer, what)

    def read_parts(
        self, document: str, variables: Mapping[str, str], *, what: str
    ) -> tuple[dict[str, Any], dict[str, PlatformRefusedError]]:
        """Ask likewise for what is answered part by part; second, by alias, what Houston refuses of it.

        Raises:
            PlatformError: one of its kinds; a refusal where Houston does not tell which part it is about.
            RunInterruptedError: the user has stopped the run.
        """
        data, errors = self._ask_patiently(document, variables, what)
        paths = [error.get("path") if isinstance(error, dict) else None for error in errors]
        if data is None or not all(isinstance(path, list) and path for path in paths):
            raise self._refusal(errors, what)
        aliases = [str(path[0]) for path in paths if path]
        return data, {
            alias: self._refusal([error for of, error in zip(aliases, errors, strict=True) if of == alias], what)
            for alias in aliases
        }

    def shaped(self, data: object, answer: type[Answer], what: str) -> Answer:
        """Read the data of an answer.

        Raises:
            PlatformAnswerError: they have another shape.
        """
        try:
            return answer.model_validate(data)
        except ValidationError as error:
            mistake = error.errors(include_url=False, include_input=False)[0]
            path = ".".join(map(str, mistake["loc"]))
            raise PlatformAnswerError(
                f"Houston's answer to {what} is not what its schema promises: {self.quote(path)}: {mistake['msg']}. "
                f"Is {self.url} the address of Houston, and is the platform 0.29 or later?"
            ) from None

    def _ask_patiently(self, document: str, variables: Mapping[str, str], what: str) -> _Told:
        def send() -> _Told:
            self._rate_limit.wait()
            return self._read_answer(self._post(document, variables, what), what)

        return self._within(_READ_SECONDS, lambda: call_with_retries(send), what)

    def mutate(self, document: str, variables: Mapping[str, str], *, what: str) -> dict[str, Any]:
        """Send once; again only where Houston limits the rate, so that it was not processed.

        What it did has to be read afterwards, whatever the answer.

        Returns:
            The answer's data.

        Raises:
            PlatformRefusedError: Houston says no, and says why.
            UnknownOutcomeError: there was no answer that settles whether it took effect.
            MutationNotSentError: it was not processed, for certain.
            RunInterruptedError: the user has stopped the run; it was not sent.
        """

        def send() -> dict[str, Any]:
            with self._changing:
                self._rate_limit.wait()
                return self._change(document, variables, what)

        try:
            return call_with_retries(send)
        except TransientError as error:
            raise MutationNotSentError(f"{error}, so it was not processed") from error

    def _change(self, document: str, variables: Mapping[str, str], what: str) -> dict[str, Any]:
        """Send a mutation; a :class:`TransientError` means that it can be sent again."""
        status = None
        try:
            response = self._post(document, variables, what)
            status = response.status_code
            data, errors = self._read_answer(response, what)
            if errors:
                refusal = self._refusal(errors, what)
                if data is None or all(value is None for value in data.values()):
                    raise refusal
                # Done, and only something in the answer could not be told, for example for want of a permission.
                raise PlatformAnswerError(f"Houston answered with data and with an error: {refusal}")
        except PlatformRefusedError:
            raise
        except (PlatformError, RunInterruptedError) as error:
            if status == httpx.codes.TOO_MANY_REQUESTS:
                raise
            if isinstance(error.__cause__, _UNSENT) or status in _NOT_PROCESSED:
                raise MutationNotSentError(f"{error}; {what} was not sent" if status is None else str(error)) from error
            raise UnknownOutcomeError(f"the answer to {what} was lost, so it may have taken effect: {error}") from error
        return data or {}

    def may_ask(self, url: str) -> bool:
        """Tell whether the token may be sent there: not unencrypted to another machine, unless that is allowed."""
        try:
            check_url(url, allow_http=self._allow_http)
        except InvalidSettingsError:
            return False
        return True

    def get(self, url: str) -> httpx.Response | str:
        """Get a page of the Deployment's own Airflow with the same token; or why there is none, as a clause.

        Raises:
            InvalidSettingsError: the proxy on the way there cannot be used.
            RunInterruptedError: the user has stopped the run.
        """
        try:
            with self._asking:
                return self._exchange("GET", url)
        except TimeoutError:
            return f"no answer within {_ANSWER_SECONDS:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._reason(error, url)

    def described(self, response: httpx.Response) -> str:
        """Say what came, as a clause: the status, where it redirects to, the title of a page in HTML."""
        status = f"HTTP status {response.status_code}"
        if response.is_redirect:
            return f"{status}, a redirect to {self._place(response.headers['location'])}"
        return status + self._titled(response)

    def _titled(self, response: httpx.Response) -> str:
        title = _TITLE.search(response.content[:_TITLE_WITHIN])
        return f", a page titled {self.quote(html.unescape(title[1].decode(errors='replace')))!r}" if title else ""

    def _place(self, url: str) -> str:
        """Write an address without what may be secret in it."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return "a place that is no address"
        return self.quote(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())

    def _reason(self, error: Exception, url: str) -> str:
        """Say why nothing answered, and what on this side has a part in it."""
        reason = self.quote(str(error)) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            reason += f"; trusted are the CA certificates of {self._clients.trusted}"
        proxy = proxy_of(url)
        return f"{reason}; the proxy is {proxy}" if proxy else reason

    def _within(self, seconds: float, work: Callable[[], _Found], what: str) -> _Found:
        try:
            return run_with_timeout(work, seconds=seconds)
        except TimeoutError:
            raise PlatformUnreachableError(f"{self.url} did not answer {what} within {seconds:.0f} s") from None

    def _exchange(self, method: str, url: str, json: object = None) -> httpx.Response:
        """Send one request, and read its answer as far as is bearable.

        Raises:
            TimeoutError: it took too long, from the connection to the last byte.
            httpx.HTTPError: it failed.
            RunInterruptedError: the user has stopped the run.
        """
        given_up = threading.Event()

        def watch(event: str, _: object) -> None:
            if event.endswith(".send_request_headers.started") and given_up.is_set():
                raise httpx.ConnectTimeout("the request was given up")

        def exchange() -> httpx.Response:
            body, more = bytearray(), {"trace": watch}
            with self._clients.one() as client, client.stream(method, url, json=json, extensions=more) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_ANSWER:
                        raise _TooLargeError(f"the answer is larger than {_LARGEST_ANSWER >> 20} MiB")
                    if given_up.is_set():
                        raise httpx.ReadTimeout("the request was given up")
                # What was unpacked is not packed any more.
                headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
                return httpx.Response(response.status_code, headers=headers, content=bytes(body))

        try:
            return run_with_timeout(exchange, seconds=_ANSWER_SECONDS)
        except BaseException:
            given_up.set()
            raise

    def _post(self, document: str, variables: Mapping[str, str], what: str) -> httpx.Response:
        try:
            return self._exchange("POST", self.url, {"query": document, "variables": dict(variables)})
        except TimeoutError as error:
            raise TransientError(
                f"{self.url} did not answer {what} in time ({_ANSWER_SECONDS:.0f} s in all)"
            ) from error
        except httpx.TimeoutException as error:
            raise TransientError(f"{self.url} did not answer {what} in time ({type(error).__name__})") from error
        except httpx.ProxyError as error:
            raise TransientError(
                f"the proxy on the way to {self.url} did not let {what} through ({self._reason(error, self.url)}): "
                "have it allow Houston, or name Houston's host in NO_PROXY"
            ) from error
        except httpx.TransportError as error:
            raise TransientError(
                f"{self.url} cannot be reached for {what} ({self._reason(error, self.url)}): is "
                "astro:houstonUrl right, and is Houston up and allowed through the network's proxies?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformAnswerError(f"{self.url}: {what}: {self.quote(str(error))}") from error

    def _read_answer(self, response: httpx.Response, what: str) -> _Told:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            after, wish = retry_after(response), ""
            if after is not None and after > MAX_RETRY_AFTER_SECONDS:
                wish = f", and wants to be left alone for {after:.0f} s"
            elif after is not None:
                self._rate_limit.block(after)
            raise TransientError(f"{self.url} answered {what} with HTTP status {status}{wish}", retry_after=after)
        if response.is_redirect:
            raise PlatformAnswerError(
                f"{self.url} answered {what} with a redirect, which is not followed with a token "
                f"({self.described(response)}): configure Houston's own address"
            )
        body = _json(response)
        if status in REFUSED and not (isinstance(body, dict) and body.get("errors")):
            proxy = proxy_of(self.url)
            raise PlatformAnswerError(
                f"{self.url} answered {what} with {self.described(response)}, and not in Houston's words: a proxy or a "
                f"gateway on the way refuses access, not Houston{f' (the proxy is {proxy})' if proxy else ''}. Have it "
                "allow Houston, or correct astro:houstonUrl; where it checks Houston's tokens itself, check astro:token"
            )
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise PlatformAnswerError(
                f"{self.url} answered {what} with HTTP status 413: the request is too large for it, or for a proxy in "
                "front of it. Requests have at most 100 kB: have that limit raised to it"
            )
        if not isinstance(body, dict):
            raise PlatformAnswerError(
                f"{self.url} answered {what} with HTTP status {status} and no JSON{self._titled(response)}: is that "
                "the address of Houston (https://houston.BASEDOMAIN/v1)?"
            )
        data, errors = body.get("data"), body.get("errors") or []
        data = data if isinstance(data, dict) else None
        if errors and status in REFUSED:
            raise TokenRefusedError(self._refused_token(what, f"HTTP status {status}, {self._messages(errors)[1]}"))
        if not errors and (data is None or not response.is_success):
            raise PlatformAnswerError(f"{self.url} answered {what} with HTTP status {status} and no data")
        return data, errors if isinstance(errors, list) else [errors]

    def _refusal(self, errors: object, what: str) -> PlatformRefusedError:
        messages, text = self._messages(errors)
        if any(known in message for known in _TOKEN_MESSAGES for message in messages):
            return TokenRefusedError(self._refused_token(what, text))
        if lacking := [match for message in messages for match in _NO_FIELD.finditer(message)]:
            refusal = UnsupportedFieldsError(f"Houston refuses {what}: {text}")
            refusal.fields = frozenset((match["kind"] or "", match["name"] or match["odd"]) for match in lacking)
            return refusal
        return PlatformRefusedError(f"Houston refuses {what}: {text}")

    def _messages(self, errors: object) -> tuple[list[str], str]:
        """Return Houston's messages, and one text of them that is fit to print."""
        entries = errors if isinstance(errors, list) else [errors]
        messages = [str(entry.get("message")) if isinstance(entry, dict) else str(entry) for entry in entries]
        return messages, self.quote("; ".join(messages))

    def _refused_token(self, what: str, text: str) -> str:
        return (
            f"Houston refuses the token for {what} ({text}): it has expired, or may not do this. Changing versions "
            "needs a service account with the role Deployment Editor or more; set astro:token or ASTRO_HOUSTON_TOKEN"
        )

    def quote(self, text: str) -> str:
        """Make a foreign text fit to print: short, one line, no control characters, no token."""
        text = text.replace(self._token.get_secret_value(), "[token]")
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        text = MASKS.mask(text)
        return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."


def _json(response: httpx.Response) -> object:
    """Return what an answer holds; None where that is no JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def is_json(response: httpx.Response) -> bool:
    """Return whether an answer holds an object in JSON, as Houston's and an Airflow's do and a proxy's do not."""
    return isinstance(_json(response), dict)
