"""Blocking work with a timeout, which ends when the user cancels the run."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import RunInterruptedError
from astro_deployment_runtime.support.cancellation import cancel_event, raise_if_cancelled, run_with_timeout

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def cancelled_by(event: threading.Event) -> Iterator[None]:
    """Make this the event that cancels the current thread."""
    token = cancel_event.set(event)
    try:
        yield
    finally:
        cancel_event.reset(token)


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """Blocks until the test ends."""
    event = threading.Event()
    yield event
    event.set()


def test_the_result_is_returned() -> None:
    """Also outside of any run."""
    assert run_with_timeout(lambda: 7, seconds=1) == 7


def test_the_error_is_raised() -> None:
    """The same exception, with its traceback."""
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(lambda: 1 // 0, seconds=1)


def test_a_timeout_ends_the_wait(blocked: threading.Event) -> None:
    """The blocked work is abandoned."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        run_with_timeout(blocked.wait, seconds=0.2)
    assert time.monotonic() - began < 2


def test_a_cancelled_run_does_not_wait(blocked: threading.Event) -> None:
    """Even while the work is blocked."""
    event = threading.Event()
    threading.Timer(0.2, event.set).start()
    began = time.monotonic()
    with cancelled_by(event), pytest.raises(RunInterruptedError):
        run_with_timeout(blocked.wait, seconds=60)
    assert time.monotonic() - began < 2


def test_only_a_set_event_cancels() -> None:
    """Without an event, or with one that is not set, the run continues."""
    event = threading.Event()
    with cancelled_by(event):
        raise_if_cancelled()
        event.set()
        with pytest.raises(RunInterruptedError):
            raise_if_cancelled()
    raise_if_cancelled()
