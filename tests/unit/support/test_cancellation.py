"""Waiting for work that may block: not for ever, and not against the user's wish."""

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
def wishing(event: threading.Event) -> Iterator[None]:
    """Let the event be this thread's wish to stop."""
    token = cancel_event.set(event)
    try:
        yield
    finally:
        cancel_event.reset(token)


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """What blocks until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_gives_what_the_work_gives() -> None:
    """With nobody who could stop it, too."""
    assert run_with_timeout(lambda: 7, seconds=1) == 7


def test_raises_what_the_work_raises() -> None:
    """The same exception, with its traceback."""
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(lambda: 1 // 0, seconds=1)


def test_waits_no_longer_than_told(blocked: threading.Event) -> None:
    """The work is left alone."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        run_with_timeout(blocked.wait, seconds=0.2)
    assert time.monotonic() - began < 2


def test_a_wish_to_stop_is_granted_at_once(blocked: threading.Event) -> None:
    """Also while the work is blocked."""
    event = threading.Event()
    threading.Timer(0.2, event.set).start()
    began = time.monotonic()
    with wishing(event), pytest.raises(RunInterruptedError):
        run_with_timeout(blocked.wait, seconds=60)
    assert time.monotonic() - began < 2


def test_goes_on_while_nobody_wishes_to_stop() -> None:
    """Only an event that is set stops."""
    event = threading.Event()
    with wishing(event):
        raise_if_cancelled()
        event.set()
        with pytest.raises(RunInterruptedError):
            raise_if_cancelled()
    raise_if_cancelled()
