"""Network faults, over a real socket: each is a clear error or a successful retry, within bounded time."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from astro_deployment_runtime.errors import (
    PlatformAnswerError,
    PlatformUnreachableError,
    RunInterruptedError,
    UnknownOutcomeError,
)
from astro_deployment_runtime.houston import bounded_http
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.support.cancellation import cancel_event
from tests.contract.sandbox_server import TOKEN, settings
from tests.quick_retries import quick_retries
from tests.recording_proxy import Answer, Dropped, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.recording_proxy import Request

DONE = '{"data": {"a": 7}}'


class Found(BaseModel):
    """The answer of these tests."""

    a: int


@pytest.fixture
def houston() -> Iterator[Proxy]:
    """A server instead of Houston, which each test controls."""
    with Proxy().listening() as proxy:
        yield proxy


@pytest.fixture
def transport(houston: Proxy) -> Iterator[Transport]:
    """A transport to that server."""
    with contextlib.closing(Transport(settings(f"{houston.root}/v1"))) as made:
        yield made


def read(transport: Transport) -> Found:
    """Send a query."""
    return transport.read("query { a }", {}, Found, what="the offer")


def mutate(transport: Transport) -> None:
    """Send a mutation."""
    transport.mutate("mutation { a }", {}, what="start AC 2.3.0")


def playing(*answers: Answer | None) -> Callable[[Request], Answer]:
    """Give these answers in turn, None for a dropped connection; then the right one."""
    left = iter(answers)

    def before(_: Request) -> Answer:
        found = next(left, Answer.of(200, DONE))
        if found is None:
            raise Dropped
        return found

    return before


def dripping(seconds: float, chunk: bytes = b" ") -> Answer:
    """An answer that takes that long, in small chunks."""

    def chunks() -> Iterator[bytes]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield chunk
            time.sleep(0.02)

    return Answer(status=200, headers={"content-type": "application/json"}, body=b"", chunks=chunks())


def test_a_read_survives_resets_and_error_pages(houston: Proxy, transport: Transport) -> None:
    """Four bad answers, then a good one."""
    houston.before = playing(None, *(Answer.of(status, "<html>oh</html>") for status in (500, 502, 503)))
    with quick_retries():
        assert read(transport) == Found(a=7)
    assert len(houston.requests) == 5


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "1"},
        {"date": "Mon, 05 Jan 2026 10:00:00 GMT", "retry_after": "Mon, 05 Jan 2026 10:00:01 GMT"},
    ],
)
def test_retry_after_is_honoured(
    headers: dict[str, str], houston: Proxy, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """After a 429, in seconds or as a date of the server's clock."""
    houston.before = playing(Answer.of(429, "{}", **headers))
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        assert read(transport) == Found(a=7)
    assert time.monotonic() - began >= 1
    assert [record.getMessage() for record in caplog.records] == [
        f"{houston.root}/v1 answered the offer with HTTP status 429; retrying in 1.0 s"
    ]


def test_retry_after_pauses_all_requests(
    houston: Proxy, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """Also a mutation of another thread."""
    houston.before = playing(Answer.of(429, "{}", retry_after="1"))
    reading = threading.Thread(target=read, args=(transport,))
    reading.start()
    while not caplog.records:
        time.sleep(0.01)
    began = time.monotonic()
    mutate(transport)
    reading.join()
    assert time.monotonic() - began >= 0.8
    assert len(houston.requests) == 3


def test_a_long_retry_after_fails_at_once(houston: Proxy, transport: Transport) -> None:
    """A person decides about an hour."""
    houston.before = playing(Answer.of(429, "{}", retry_after="3600"))
    with pytest.raises(PlatformUnreachableError, match="429 and Retry-After 3600 s, longer than the 45 s of a retry"):
        read(transport)
    assert len(houston.requests) == 1


def test_an_endless_answer_times_out(houston: Proxy, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte satisfies the timeout between bytes, but not the one of the whole request."""
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", 0.3)
    houston.before = lambda _: dripping(5)
    began = time.monotonic()
    with quick_retries(2), pytest.raises(PlatformUnreachableError, match="in time"):
        read(transport)
    assert len(houston.requests) == 2
    with pytest.raises(UnknownOutcomeError):
        mutate(transport)
    assert transport.http.get_page(f"{houston.root}/stars-1/airflow/health") == "no answer within 0 s"
    assert time.monotonic() - began < 4


def test_endless_headers_time_out(houston: Proxy, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client does not even see an answer."""
    over = threading.Event()
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", 0.3)

    def hang(_: Request) -> Answer:
        over.wait(10)
        raise Dropped

    houston.before = hang
    try:
        with quick_retries(1), pytest.raises(PlatformUnreachableError, match="offer in time"):
            read(transport)
        with pytest.raises(UnknownOutcomeError):
            mutate(transport)
        assert transport.http.get_page(f"{houston.root}/stars-1/airflow/health") == "no answer within 0 s"
    finally:
        over.set()


def test_a_mutation_that_timed_out_is_not_sent_later(
    houston: Proxy, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host name resolves only after the deadline. Nobody would read what the mutation did then."""
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", 0.2)
    resolve, resolved = socket.getaddrinfo, threading.Event()

    def slowly(*words: Any, **more: Any) -> Any:
        time.sleep(0.6)
        resolved.set()
        return resolve(*words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with pytest.raises(UnknownOutcomeError):
        mutate(transport)
    assert resolved.wait(5)
    time.sleep(0.3)
    assert houston.requests == []


def test_an_answer_larger_than_the_limit_is_an_error(houston: Proxy, transport: Transport) -> None:
    """More than 32 MiB are not read."""
    houston.before = lambda _: dripping(30, chunk=b" " * 8 * 2**20)
    with pytest.raises(PlatformAnswerError, match="the answer is larger than 32 MiB"):
        read(transport)
    with pytest.raises(UnknownOutcomeError, match="larger than 32 MiB"):
        mutate(transport)
    assert transport.http.get_page(f"{houston.root}/stars-1/airflow/health") == "the answer is larger than 32 MiB"


def test_a_slow_answer_is_read(houston: Proxy, transport: Transport) -> None:
    """Within the deadline."""

    def slowly() -> Iterator[bytes]:
        for part in (DONE[:9], DONE[9:]):
            time.sleep(0.3)
            yield part.encode()

    houston.before = playing(Answer(status=200, headers={}, body=b"", chunks=slowly()))
    assert read(transport) == Found(a=7)
    assert len(houston.requests) == 1


@pytest.mark.parametrize("what", ["answer", "pause"])
def test_a_cancelled_run_does_not_wait_for_houston(what: str, houston: Proxy, transport: Transport) -> None:
    """Neither for an answer nor for the next attempt. A mutation that was sent has an unknown outcome."""
    over, cancelled = threading.Event(), threading.Event()

    def hang(_: Request) -> Answer:
        threading.Timer(0.1, cancelled.set).start()
        if what == "answer":
            over.wait(10)
        return Answer.of(429, "{}", retry_after="30")

    houston.before = hang
    token = cancel_event.set(cancelled)
    try:
        began = time.monotonic()
        with pytest.raises(RunInterruptedError):
            read(transport)
        with pytest.raises(RunInterruptedError):
            mutate(transport)
        assert len(houston.requests) == 1
        cancelled.clear()
        threading.Timer(0.1, cancelled.set).start()
        # One that has to wait for its turn is not sent.
        with pytest.raises(UnknownOutcomeError if what == "answer" else RunInterruptedError):
            mutate(transport)
        assert len(houston.requests) == (2 if what == "answer" else 1)
        assert time.monotonic() - began < 3
    finally:
        cancel_event.reset(token)
        over.set()


def test_the_token_follows_no_redirect(houston: Proxy, transport: Transport) -> None:
    """To another host, neither from Houston nor from an Airflow."""
    with Proxy().listening() as other:
        houston.before = lambda _: Answer.of(302, "<html></html>", location=f"{other.root}/v1")
        with pytest.raises(PlatformAnswerError, match="redirect, which is not followed with a token"):
            read(transport)
        page = transport.http.get_page(f"{houston.root}/stars-1/airflow/health")
        assert not isinstance(page, str)
        assert not page.is_success
        assert other.requests == []
    assert all(TOKEN in json.dumps(headers) for headers in houston.headers)
