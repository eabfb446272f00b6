"""GraphQL over HTTP: each failure has its error, its message and its number of attempts."""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
import os
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel

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
from astro_deployment_runtime.houston import bounded_http
from astro_deployment_runtime.houston.transport import READ_SECONDS, Transport
from astro_deployment_runtime.support import retries
from astro_deployment_runtime.support.cancellation import cancel_event
from tests.contract.sandbox_server import TOKEN, settings
from tests.quick_retries import quick_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "https://houston.example.com/v1"
WHAT = "the platform's offer"
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
TLS = Path(__file__).parent / "tls"


class Answer(BaseModel):
    """The answer of these tests."""

    a: int


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Retry without pauses, with the usual number of attempts."""
    with quick_retries():
        yield


@contextlib.contextmanager
def opened(handler: Callable[[httpx.Request], httpx.Response], url: str = URL) -> Iterator[Transport]:
    """Open a transport to a Houston that is a function."""
    with contextlib.closing(Transport(settings(url), transport=httpx.MockTransport(handler))) as transport:
        yield transport


def read(transport: Transport) -> Answer:
    """Send a query."""
    return transport.read("query { a }", {"x": "1"}, Answer, what=WHAT)


def mutate(transport: Transport) -> None:
    """Send a mutation."""
    transport.mutate("mutation { a }", {"x": "1"}, what="start AC 2.3.0 on stars-1")


def answer(status: int = 200, **how: Any) -> httpx.Response:
    """Make an answer."""
    return httpx.Response(status, **how)


def said(message: str, data: Any = None) -> httpx.Response:
    """Make an answer of Houston with one error."""
    return answer(json={"errors": [{"message": message, "extensions": {"code": "X"}}], "data": data})


# Answers

TOKEN_MESSAGES = (
    "You do not have the appropriate permissions for that",
    "AUTH_TOKEN_REFRESH_FAILED",
    "Error: Unauthenticated",
)
#: A server that answers with these did not pass the request on. 408 or 409 may come after Houston acted.
NOT_PROCESSED = (404, 405, 407, 411, 413, 414, 415, 421, 425, 426, 431)
#: name: (the answer, what a read makes of it, what a mutation makes of it, part of the message)
ANSWERS: dict[str, tuple[Callable[[], httpx.Response], type[PlatformError], type[PlatformError], str]] = {
    "413": (
        lambda: answer(413, content=HTML),
        PlatformAnswerError,
        MutationNotSentError,
        "413: the request is too lar",
    ),
    "500": (
        lambda: answer(500, content=HTML),
        PlatformUnreachableError,
        UnknownOutcomeError,
        "HTTP status 500",
    ),
    "502": (
        lambda: answer(502, content=HTML),
        PlatformUnreachableError,
        UnknownOutcomeError,
        "HTTP status 502",
    ),
    "503": (
        lambda: answer(503, content=HTML),
        PlatformUnreachableError,
        UnknownOutcomeError,
        "HTTP status 503",
    ),
    "500 with an error": (
        lambda: answer(500, json={"errors": [{"message": f"boom {TOKEN}"}]}),
        PlatformUnreachableError,
        UnknownOutcomeError,
        "HTTP status 500",
    ),
    "401 from elsewhere": (
        lambda: answer(401, content=HTML),
        PlatformAnswerError,
        UnknownOutcomeError,
        "HTTP status 401, a page titled '502 Bad Gateway', and without Houston's JSON: a proxy or a gateway",
    ),
    "403 from elsewhere": (
        lambda: answer(403, text=TOKEN),
        PlatformAnswerError,
        UnknownOutcomeError,
        "HTTP status 403, and without Houston's JSON",
    ),
    "403 from a gateway in JSON": (
        lambda: answer(403, json={"message": "forbidden"}),
        PlatformAnswerError,
        UnknownOutcomeError,
        "and without Houston's JSON",
    ),
    "407": (
        lambda: answer(407, content=b"<TITLE lang=en>\n Log in &amp; go </title>"),
        PlatformAnswerError,
        UnknownOutcomeError,
        "HTTP status 407, a page titled 'Log in & go', and without Houston's JSON",
    ),
    **{
        f"{status} from Houston": (
            lambda status=status: answer(status, json={"errors": [{"message": "no such role"}]}),  # type: ignore[misc]
            TokenRefusedError,
            TokenRefusedError,
            f"(HTTP status {status}, no such role): it has expired, or may not do this",
        )
        for status in (401, 403)
    },
    **{
        text: (lambda text=text: said(text), TokenRefusedError, TokenRefusedError, text)  # type: ignore[misc]
        for text in TOKEN_MESSAGES
    },
    "302": (
        lambda: answer(302, headers={"location": f"https://me:{TOKEN}@login.example.com/in?state={TOKEN}#x"}),
        PlatformAnswerError,
        UnknownOutcomeError,
        "(HTTP status 302, a redirect to https://login.example.com/in): configure Houston's own",
    ),
    "404": (lambda: answer(404, content=HTML), PlatformAnswerError, MutationNotSentError, "HTTP status 404"),
    "404 in JSON": (lambda: answer(404, json={}), PlatformAnswerError, MutationNotSentError, "404 and no data"),
    **{
        str(status): (
            lambda status=status: answer(status, content=HTML),  # type: ignore[misc]
            PlatformAnswerError,
            MutationNotSentError if status in NOT_PROCESSED else UnknownOutcomeError,
            f"HTTP status {status}",
        )
        for status in (400, 405, 407, 408, 409, 410, 411, 414, 415, 418, 421, 425, 426, 431, 451)
    },
    "504": (
        lambda: answer(504, content=HTML),
        PlatformUnreachableError,
        UnknownOutcomeError,
        "HTTP status 504",
    ),
    "200 in HTML": (
        lambda: answer(content=HTML),
        PlatformAnswerError,
        UnknownOutcomeError,
        "no JSON, a page titled",
    ),
    "nothing": (lambda: answer(content=b""), PlatformAnswerError, UnknownOutcomeError, "200 and no JSON"),
    "half of it": (lambda: answer(content=b'{"da'), PlatformAnswerError, UnknownOutcomeError, "no JSON"),
    "no text": (lambda: answer(content=b"\xff\xfe\xfa"), PlatformAnswerError, UnknownOutcomeError, "no JSON"),
    "too deep": (lambda: answer(content=b"[" * 200_000), PlatformAnswerError, UnknownOutcomeError, "no JSON"),
    "a list": (lambda: answer(json=[1]), PlatformAnswerError, UnknownOutcomeError, "no JSON"),
    "no data": (lambda: answer(json={"data": None}), PlatformAnswerError, UnknownOutcomeError, "no data"),
    "data of another kind": (
        lambda: answer(json={"data": [1]}),
        PlatformAnswerError,
        UnknownOutcomeError,
        "no data",
    ),
    "an error": (lambda: said("the database is down"), PlatformRefusedError, PlatformRefusedError, "database is down"),
    "an invalid document": (
        lambda: answer(400, json={"errors": [{"message": 'Cannot query field "a"'}]}),
        PlatformRefusedError,
        PlatformRefusedError,
        'Cannot query field "a"',
    ),
    "two errors": (
        lambda: answer(json={"errors": [{"message": "one"}, "two"], "data": {"a": None}}),
        PlatformRefusedError,
        PlatformRefusedError,
        "one; two",
    ),
    "errors of another kind": (
        lambda: answer(text=json.dumps({"errors": {"message": f"your token {TOKEN}\x1b[31m \ud800 is bad"}})),
        PlatformRefusedError,
        PlatformRefusedError,
        "your token [token] [31m is bad",
    ),
    "an error beside data": (
        lambda: said("no such workspace", {"a": 1}),
        PlatformRefusedError,
        UnknownOutcomeError,
        "no such workspace",
    ),
    "a permission that lacks for a part": (
        lambda: said(TOKEN_MESSAGES[0], {"a": {"id": 1, "workspace": None}}),
        TokenRefusedError,
        UnknownOutcomeError,
        TOKEN_MESSAGES[0],
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_bad_answer_has_its_error(name: str) -> None:
    """A read is retried only if that may help, a mutation never. The message names the operation, never the token."""
    made, read_error, mutation_error, text = ANSWERS[name]
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return made()

    with opened(handler) as transport:
        with pytest.raises(PlatformError) as raised:
            read(transport)
        assert len(asked) == (retries.MAX_ATTEMPTS if read_error is PlatformUnreachableError else 1)
        asked.clear()
        with pytest.raises(PlatformError) as also_raised:
            mutate(transport)
        assert len(asked) == 1
    for error, expected, what in (
        (raised.value, read_error, WHAT),
        (also_raised.value, mutation_error, "start AC 2.3.0 on stars-1"),
    ):
        assert isinstance(error, expected)
        assert isinstance(error, TokenRefusedError) == (expected is TokenRefusedError)
        assert text in str(error)
        assert what in str(error)
        assert str(error).isprintable()
        for link in chain(error):
            assert TOKEN not in f"{link} {link!r}"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("data", [{}, {"a": None}, {"a": "many"}, {"b": 1}])
def test_an_answer_of_another_shape_names_the_field(data: dict[str, Any]) -> None:
    """The message names the operation, the field and what to check. It is not retried."""
    with (
        opened(lambda _: answer(json={"data": data})) as transport,
        pytest.raises(PlatformAnswerError, match=r"answer to the platform's offer is not .* promises: a: ") as got,
    ):
        read(transport)
    assert "is the platform 0.29 or later" in str(got.value)


def test_field_names_in_an_answer_are_quoted() -> None:
    """They are foreign text, too."""

    class Any_(BaseModel):  # noqa: N801 - a shape of the moment
        found: dict[str, int]

    with (
        opened(lambda _: answer(json={"data": {"found": {f"{TOKEN}\n": "x"}}})) as transport,
        pytest.raises(PlatformAnswerError, match=r"found\.\[token\]: Input") as raised,
    ):
        transport.read("query { found }", {}, Any_, what=WHAT)
    assert str(raised.value).isprintable()


def test_additional_fields_are_ignored() -> None:
    """Beside the data and inside."""
    with opened(lambda _: answer(json={"data": {"a": 1, "b": 2}, "extensions": {}, "errors": []})) as transport:
        assert read(transport) == Answer(a=1)
        mutate(transport)


def test_a_request_is_what_houston_expects() -> None:
    """A POST with the document, the variables and the raw token. The client's repr does not show the token."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(json={"data": {"a": 1}})

    with opened(handler) as transport:
        read(transport)
        assert TOKEN not in repr(vars(transport))
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["authorization"] == TOKEN
    assert request.read() == b'{"query":"query { a }","variables":{"x":"1"}}'


def test_a_read_is_retried_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    """Each retry is logged, with its cause and without the token."""
    answers = iter([answer(503, text=TOKEN), answer(429), answer(json={"data": {"a": 7}})])
    with opened(lambda _: next(answers)) as transport, caplog.at_level(logging.WARNING):
        assert read(transport) == Answer(a=7)
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        f"{URL} answered {WHAT} with HTTP status 503",
        f"{URL} answered {WHAT} with HTTP status 429",
    ]


@pytest.mark.parametrize("headers", [{}, {"retry-after": "0"}, {"retry-after": "1"}])
def test_a_mutation_is_sent_again_after_429(headers: dict[str, str]) -> None:
    """It was not processed. Retry-After is honoured."""
    answers = iter(
        [answer(429, headers=headers), answer(429, headers=headers), answer(json={"data": {"a": {"id": 7}}})]
    )
    asked: list[float] = []

    def handler(_: httpx.Request) -> httpx.Response:
        asked.append(time.monotonic())
        return next(answers)

    with opened(handler) as transport:
        assert transport.mutate("mutation { a }", {}, what=WHAT) == {"a": {"id": 7}}
    assert len(asked) == 3
    assert asked[2] - asked[0] >= 2 * float(headers.get("retry-after", 0))


@pytest.mark.parametrize(("headers", "times"), [({}, retries.MAX_ATTEMPTS), ({"retry-after": "3600"}, 1)])
def test_a_mutation_that_stays_rate_limited_was_not_sent(headers: dict[str, str], times: int) -> None:
    """The attempts are bounded. A long Retry-After is not waited out."""
    asked: list[int] = []

    def handler(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return answer(429, headers=headers)

    with opened(handler) as transport:
        with pytest.raises(MutationNotSentError, match=r"429.*, so it was not processed$") as raised:
            mutate(transport)
        assert len(asked) == times
        assert not isinstance(raised.value, UnknownOutcomeError)
        asked.clear()
        with pytest.raises(PlatformUnreachableError, match="HTTP status 429"):
            read(transport)
        assert len(asked) == times


def test_a_cancelled_run_does_not_wait_for_a_rate_limit() -> None:
    """The mutation is not sent."""
    asked: list[int] = []
    cancelled = threading.Event()

    def handler(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        threading.Timer(0.5, cancelled.set).start()
        return answer(429, headers={"retry-after": "40"})

    token = cancel_event.set(cancelled)
    began = time.monotonic()
    try:
        with opened(handler) as transport, pytest.raises(RunInterruptedError):
            mutate(transport)
    finally:
        cancel_event.reset(token)
    assert (len(asked), time.monotonic() - began < 10) == (1, True)


def test_a_lost_answer_after_429_has_an_unknown_outcome() -> None:
    """The 429 before it does not matter."""
    answers = iter([answer(429), answer(503, content=HTML), answer(json={"data": {"a": 1}})])
    with (
        opened(lambda _: next(answers)) as transport,
        pytest.raises(UnknownOutcomeError, match="HTTP status 503"),
    ):
        mutate(transport)
    assert next(answers).json() == {"data": {"a": 1}}


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        (['Cannot query field "label" on type "Deployment". Did you mean "id"?'], {("Deployment", "label")}),
        (
            ["Cannot query field 'a' on type 'B'", "x" * 400, 'Cannot query field "c" on type "D".'],
            {("B", "a"), ("D", "c")},
        ),
        (['Field "featureFlags" of type "Flags" must have a selection of subfields.'], {("", "featureFlags")}),
        (['Field "urls" must not have a selection since type "JSON" has no subfields.'], {("", "urls")}),
    ],
)
def test_unknown_fields_are_collected_from_all_messages(messages: list[str], fields: set[tuple[str, str]]) -> None:
    """Even if the printed text is cut."""
    given = {"errors": [{"message": message} for message in messages]}
    with opened(lambda _: answer(400, json=given)) as transport, pytest.raises(UnsupportedFieldsError) as raised:
        read(transport)
    assert raised.value.fields == fields


def test_a_partial_refusal_names_its_alias() -> None:
    """An error without a path is about the whole query."""
    errors = [{"message": "no", "path": ["d1", "label"]}, {"message": TOKEN_MESSAGES[0], "path": ["d2"]}]
    given = {"data": {"d0": {"id": 1}, "d1": None, "d2": None}, "errors": errors}
    with opened(lambda _: answer(json=given)) as transport:
        data, refused = transport.read_parts("query { d0 }", {}, what=WHAT)
        assert data == given["data"]
        assert set(refused) == {"d1", "d2"}
        assert isinstance(refused["d2"], TokenRefusedError)
        errors.append({"message": "all of it"})
        with pytest.raises(PlatformRefusedError, match=r"Houston refuses the token .*no; .*all of it"):
            transport.read_parts("query { d0 }", {}, what=WHAT)


def test_a_long_message_is_cut() -> None:
    """A page of text helps nobody."""
    with opened(lambda _: said("x" * 5000)) as transport, pytest.raises(PlatformRefusedError) as raised:
        read(transport)
    assert len(str(raised.value)) < 400
    assert str(raised.value).endswith("xxx...")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "plain"),
        ("  a\r\n\tb  ", "a b"),
        ("\x1b]0;title\x07", "]0;title"),
        ("a\u202eb\u2066c\u200bd", "a b c d"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
        ("half \ud83d an emoji", "half an emoji"),
        (f"Bearer {TOKEN}, {TOKEN}", "Bearer [token], [token]"),
    ],
)
def test_foreign_text_is_made_printable(text: str, quoted: str) -> None:
    """One line without control characters, unencodable characters or the token."""
    with opened(lambda _: answer()) as transport:
        assert transport.http.quote(text) == quoted
        transport.http.quote(text).encode()


# Exceptions

#: Our error for each exception of httpx in a read, and whether a mutation was certainly not sent.
EXCEPTIONS: dict[type[Exception], tuple[type[PlatformError], bool]] = {
    httpx.TimeoutException: (PlatformUnreachableError, False),
    httpx.ConnectTimeout: (PlatformUnreachableError, True),
    httpx.ReadTimeout: (PlatformUnreachableError, False),
    httpx.WriteTimeout: (PlatformUnreachableError, False),
    httpx.PoolTimeout: (PlatformUnreachableError, True),
    httpx.TransportError: (PlatformUnreachableError, False),
    httpx.NetworkError: (PlatformUnreachableError, False),
    httpx.ConnectError: (PlatformUnreachableError, True),
    httpx.ReadError: (PlatformUnreachableError, False),
    httpx.WriteError: (PlatformUnreachableError, False),
    httpx.CloseError: (PlatformUnreachableError, False),
    httpx.ProtocolError: (PlatformUnreachableError, False),
    httpx.LocalProtocolError: (PlatformUnreachableError, False),
    httpx.RemoteProtocolError: (PlatformUnreachableError, False),
    httpx.ProxyError: (PlatformUnreachableError, True),
    httpx.UnsupportedProtocol: (PlatformUnreachableError, True),
    httpx.HTTPError: (PlatformAnswerError, False),
    httpx.RequestError: (PlatformAnswerError, False),
    httpx.DecodingError: (PlatformAnswerError, False),
    httpx.TooManyRedirects: (PlatformAnswerError, False),
    httpx.InvalidURL: (PlatformAnswerError, False),
}
#: Raised only where httpx is used otherwise than here: streams, cookies, raise_for_status.
NEVER_RAISED = {
    httpx.HTTPStatusError,
    httpx.CookieConflict,
    httpx.StreamError,
    httpx.StreamClosed,
    httpx.StreamConsumed,
    httpx.RequestNotRead,
    httpx.ResponseNotRead,
}


def test_every_exception_of_httpx_is_covered() -> None:
    """A new one fails here, so that somebody decides how to map it."""
    known = {kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)}
    assert known == EXCEPTIONS.keys() | NEVER_RAISED


@pytest.mark.parametrize("kind", EXCEPTIONS)
@pytest.mark.parametrize("text", [f"it broke {TOKEN}", ""])
def test_every_exception_of_httpx_has_its_error(kind: type[Exception], text: str) -> None:
    """A mutation that was not sent is unreachable. One that may have been sent has an unknown outcome."""
    read_error, unsent = EXCEPTIONS[kind]
    asked = []

    def handler(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        raise kind(text)

    with opened(handler) as transport:
        with pytest.raises(read_error, match=WHAT) as raised:
            read(transport)
        assert len(asked) == (retries.MAX_ATTEMPTS if read_error is PlatformUnreachableError else 1)
        asked.clear()
        with pytest.raises(MutationNotSentError if unsent else UnknownOutcomeError) as also_raised:
            mutate(transport)
        assert len(asked) == 1
        assert TOKEN not in f"{raised.value}{also_raised.value}"
        assert "start AC 2.3.0 on stars-1" in str(also_raised.value)
        told = transport.http.get_page("https://deployments.example.com/stars-1/airflow/health")
        assert told == (text.replace(TOKEN, "[token]") or kind.__name__)


def test_a_broken_content_encoding_is_an_error() -> None:
    """The header says gzip, and the body is none."""
    with (
        opened(lambda _: answer(headers={"content-encoding": "gzip"}, content=b"no gzip")) as transport,
        pytest.raises(PlatformAnswerError, match=WHAT),
    ):
        read(transport)


# Sockets


@contextlib.contextmanager
def misbehaving(behave: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """Listen on a free port and do that with each connection; gives the address and counts the connections."""
    count: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                count.append(1)
                with connection:
                    behave(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", count
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_a_closed_port_is_unreachable(unused_port: int) -> None:
    """A mutation was not sent."""
    with contextlib.closing(Transport(settings(f"http://127.0.0.1:{unused_port}/v1"))) as transport:
        for do in (read, mutate):
            with pytest.raises(PlatformUnreachableError, match=r"cannot be reached .*[Rr]efused.*houstonUrl right"):
                do(transport)
        assert "refused" in str(transport.http.get_page(f"http://127.0.0.1:{unused_port}/health"))


@pytest.fixture
def unused_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_reset_before_the_answer() -> None:
    """A read is retried. A mutation has an unknown outcome after one attempt."""

    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with misbehaving(reset) as (url, count), contextlib.closing(Transport(settings(url))) as transport:
        with pytest.raises(PlatformUnreachableError, match="cannot be reached for the platform's offer"):
            read(transport)
        assert len(count) == retries.MAX_ATTEMPTS
        with pytest.raises(UnknownOutcomeError, match=r"the answer to start AC 2\.3\.0 .* may have taken effect"):
            mutate(transport)
        assert len(count) == retries.MAX_ATTEMPTS + 1


def test_a_truncated_answer_is_an_error() -> None:
    """It has fewer bytes than announced."""

    def half(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":')

    with misbehaving(half) as (url, _), contextlib.closing(Transport(settings(url))) as transport:
        with pytest.raises(PlatformUnreachableError, match="cannot be reached"):
            read(transport)
        with pytest.raises(UnknownOutcomeError):
            mutate(transport)


def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutation that was sent has an unknown outcome."""
    done = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(65536)
        done.wait(5)

    monkeypatch.setattr(bounded_http, "_TIMEOUT", httpx.Timeout(0.05))
    monkeypatch.setattr(retries, "MAX_ATTEMPTS", 1)
    with misbehaving(silent) as (url, _), contextlib.closing(Transport(settings(url))) as transport:
        with pytest.raises(UnknownOutcomeError, match=r"did not answer start AC 2\.3\.0 on stars-1 in time \(ReadTim"):
            mutate(transport)
        done.set()


def trickling(connection: socket.socket) -> None:
    """Answer with headers that go on and on, a byte at a time."""
    connection.recv(65536)
    with contextlib.suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 60:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


def test_trickling_headers_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte satisfies the timeout between bytes. The deadline starts with the request."""
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", 0.3)
    with misbehaving(trickling) as (url, _), contextlib.closing(Transport(settings(url))) as transport:
        began = time.monotonic()
        with quick_retries(1), pytest.raises(PlatformUnreachableError, match="0 s in all"):
            read(transport)
        with pytest.raises(UnknownOutcomeError):
            mutate(transport)
        assert transport.http.get_page(url) == "no answer within 0 s"
        assert time.monotonic() - began < 2


def test_all_times_are_bounded() -> None:
    """A read with all its attempts takes under two minutes."""
    timeout = bounded_http._TIMEOUT
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (10.0, 30.0, 30.0, 30.0)
    assert bounded_http.REQUEST_SECONDS == 30.0
    assert retries.MAX_RETRYING_SECONDS + bounded_http.REQUEST_SECONDS < READ_SECONDS < 120


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached_without_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    """Over plain http a proxy would see the token."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    def obey(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"data": {"a": 1}}')

    with (
        misbehaving(obey) as (url, _),
        contextlib.closing(Transport(settings(url.replace("127.0.0.1", host)))) as transport,
    ):
        assert read(transport) == Answer(a=1)


def test_another_machine_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    """If the proxy is down, nothing was sent."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port}")
    with (
        contextlib.closing(Transport(settings(URL))) as transport,
        pytest.raises(PlatformUnreachableError, match="the network's proxies"),
    ):
        mutate(transport)


THROUGH = "the proxy on the way to {url} did not let the platform's offer through (403 Forbidden; the proxy is {via}): "
ITSELF = (
    "{url} answered the platform's offer with HTTP status 403, a page titled 'Blocked', and without Houston's JSON: a "
    "proxy or a gateway on the way denies access, not Houston (the proxy is {via}). "
)


@pytest.mark.parametrize(("url", "words"), [(URL, THROUGH), (URL.replace("https", "http"), ITSELF)])
def test_a_refusal_of_the_proxy_is_not_reported_as_houstons(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the proxy, without its credentials."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        page = b"<title>Blocked</title>"
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\n\r\n%s" % (len(page), page))

    for name in ("NO_PROXY", "no_proxy", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    name = f"{url.partition(':')[0].upper()}_PROXY"
    with misbehaving(refuse) as (proxy, _):
        port = proxy.rpartition(":")[2].partition("/")[0]
        monkeypatch.setenv(name, f"http://me:{TOKEN}@127.0.0.1:{port}")
        with (
            contextlib.closing(Transport(settings(url, allow_http=True))) as transport,
            pytest.raises(PlatformError) as raised,
        ):
            read(transport)
    assert words.format(url=url, via=f"{name}='http://***@127.0.0.1:{port}'") in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_houston_may_have_the_ipv6_loopback_address() -> None:
    """With its brackets."""
    with opened(lambda _: answer(json={"data": {"a": 1}}), "http://[::1]:8871/v1") as transport:
        assert read(transport) == Answer(a=1)


@pytest.mark.parametrize(
    ("url", "allowed", "may"),
    [
        ("https://deployments.example.com/stars-1/airflow", False, True),
        ("http://127.0.0.1:8871/stars-1/airflow", False, True),
        ("http://deployments.example.com/stars-1/airflow", False, False),
        ("http://deployments.example.com/stars-1/airflow", True, True),
        ("https://user:secret@deployments.example.com", True, False),
        ("ftp://deployments.example.com", True, False),
        ("https://[", True, False),
    ],
)
def test_the_token_is_not_sent_unencrypted(url: str, allowed: bool, may: bool) -> None:
    """Nor to an address that Houston tells."""
    with contextlib.closing(Transport(settings(URL, allow_http=allowed))) as transport:
        assert transport.http.may_send_token(url) is may


# TLS


@contextlib.contextmanager
def over_tls() -> Iterator[str]:
    """Answer over TLS with a certificate that nobody has heard of."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")

    def obey(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"data": {"a": 1}}')

    with misbehaving(obey) as (url, _):
        yield url.replace("http:", "https:")


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    """Nothing is sent. The message says what is wrong."""
    with over_tls() as url, contextlib.closing(Transport(settings(url))) as transport:
        with pytest.raises(PlatformUnreachableError, match=r"CERTIFICATE_VERIFY_FAILED.*; trusted are the CA certif"):
            mutate(transport)
        assert "CERTIFICATE_VERIFY_FAILED" in str(transport.http.get_page(url))


def test_a_certificate_of_the_ca_file_is_accepted() -> None:
    """A platform may have its own certificate authority."""
    with over_tls() as url, contextlib.closing(Transport(settings(url, ca_file=TLS / "certificate.pem"))) as transport:
        assert read(transport) == Answer(a=1)


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_a_ca_file_without_certificates_is_an_error(tmp_path: Path, content: str | None) -> None:
    """When the client is made, even if the file is gone by then."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidSettingsError, match=r"astro:caFile '.*ca\.pem' holds no CA certificates"):
        Transport(settings(URL, ca_file=path))


def test_the_environment_is_not_changed() -> None:
    """No test here leaves a variable behind."""
    assert not any("canary" in value for value in os.environ.values())
