"""Single HTTP requests with the token, bounded in time and size, to Houston and to the Airflows.

Whatever a server does, no answer takes longer or grows larger than the limits below, and the user can cancel the run.
"""

from __future__ import annotations

import html
import re
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.support.cancellation import run_with_timeout
from astro_deployment_runtime.support.http_clients import ClientPool, proxy_for
from astro_deployment_runtime.support.rate_limits import ConcurrencyLimit
from astro_deployment_runtime.support.secret_masks import MASKS
from astro_deployment_runtime.support.urls import check_url

if TYPE_CHECKING:
    from astro_deployment_runtime.config.connection_settings import ConnectionSettings

REQUEST_SECONDS: Final = 30.0
"""Longest time for one request, from the connection to the last byte of its answer."""
MAX_ANSWER_BYTES: Final = 32 * 2**20
"""Largest answer, unpacked. Houston's answer about five hundred Deployments is about a hundred times smaller."""
MAX_CONCURRENT: Final = 32
"""Most pages of Airflows that are read at the same time; and, apart from them, most changes."""

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_MAX_QUOTE: Final = 300
_TITLE: Final = re.compile(rb"<title[^>]*>(.{1,300}?)</title>", re.IGNORECASE | re.DOTALL)
_TITLE_SEARCH_BYTES: Final = 2**16

ACCESS_DENIED: Final = (
    httpx.codes.UNAUTHORIZED,
    httpx.codes.FORBIDDEN,
    httpx.codes.PROXY_AUTHENTICATION_REQUIRED,
)
"""HTTP statuses with which Houston, an Airflow, or a proxy in front of them denies access."""


class _TooLargeError(httpx.RequestError):
    """An answer that is not read to its end."""


class BoundedHttp:
    """HTTP with the token. Safe to share among threads."""

    def __init__(self, settings: ConnectionSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        """Prepare. Nothing is sent yet. Tests may pass a transport.

        Raises:
            InvalidSettingsError: the CA file, or a variable of the environment, cannot be used.
        """
        self._token = settings.token
        self._allow_http = settings.allow_http
        # A limit here and not in the client: a request that waits for a connection could be sent after a timeout.
        self._pages = ConcurrencyLimit(MAX_CONCURRENT)
        self._clients = ClientPool(
            settings.url,
            ca_file=settings.ca_file,
            headers={"authorization": self._token.get_secret_value()},
            timeout=_TIMEOUT,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def send(self, method: str, url: str, json: object = None) -> httpx.Response:
        """Send one request, and read its whole answer.

        Raises:
            TimeoutError: it took longer than :data:`REQUEST_SECONDS`.
            httpx.HTTPError: it failed.
            RunInterruptedError: the user cancelled the run.
        """
        abandoned = threading.Event()

        def stop_if_abandoned(event: str, _: object) -> None:
            if event.endswith(".send_request_headers.started") and abandoned.is_set():
                raise httpx.ConnectTimeout("the request was given up")

        def exchange() -> httpx.Response:
            body, extensions = bytearray(), {"trace": stop_if_abandoned}
            with (
                self._clients.client() as client,
                client.stream(method, url, json=json, extensions=extensions) as response,
            ):
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise _TooLargeError(f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
                    if abandoned.is_set():
                        raise httpx.ReadTimeout("the request was given up")
                # The body is unpacked already.
                headers = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
                return httpx.Response(response.status_code, headers=headers, content=bytes(body))

        try:
            return run_with_timeout(exchange, seconds=REQUEST_SECONDS)
        except BaseException:
            abandoned.set()
            raise

    def get_page(self, url: str) -> httpx.Response | str:
        """Get a page of a Deployment's own Airflow; or return why there is no answer, as a clause.

        Raises:
            InvalidSettingsError: the proxy for that address cannot be used.
            RunInterruptedError: the user cancelled the run.
        """
        try:
            with self._pages:
                return self.send("GET", url)
        except TimeoutError:
            return f"no answer within {REQUEST_SECONDS:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self.reason(error, url)

    def may_send_token(self, url: str) -> bool:
        """Return whether the token may go there: unencrypted only to this machine, unless the settings allow more."""
        try:
            check_url(url, allow_http=self._allow_http)
        except InvalidSettingsError:
            return False
        return True

    def describe(self, response: httpx.Response) -> str:
        """Describe an answer as a clause: its status, the target of a redirect, the title of an HTML page."""
        status = f"HTTP status {response.status_code}"
        if response.is_redirect:
            return f"{status}, a redirect to {self._printable_url(response.headers['location'])}"
        return status + self.describe_title(response)

    def describe_title(self, response: httpx.Response) -> str:
        """Name the title of an HTML page, as the end of a clause; empty if there is none."""
        title = _TITLE.search(response.content[:_TITLE_SEARCH_BYTES])
        return f", a page titled {self.quote(html.unescape(title[1].decode(errors='replace')))!r}" if title else ""

    def reason(self, error: Exception, url: str) -> str:
        """Say why there was no answer, and which CA certificates or proxy were used."""
        reason = self.quote(str(error)) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            reason += f"; trusted are the CA certificates of {self._clients.trusted}"
        proxy = proxy_for(url)
        return f"{reason}; the proxy is {proxy}" if proxy else reason

    def quote(self, text: str) -> str:
        """Make a foreign text fit to print: short, one line, no control characters, no token."""
        text = text.replace(self._token.get_secret_value(), "[token]")
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        text = MASKS.mask(text)
        return text if len(text) <= _MAX_QUOTE else text[:_MAX_QUOTE] + "..."

    def _printable_url(self, url: str) -> str:
        """Write a URL without the parts that may be secret."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return "an invalid address"
        return self.quote(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())


def read_json(response: httpx.Response) -> object:
    """Return what an answer holds; None if it is not JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def is_json(response: httpx.Response) -> bool:
    """Return whether an answer is a JSON object, like refusals of Houston and Airflow, unlike those of a proxy."""
    return isinstance(read_json(response), dict)
