"""How requests are spaced, and how many run at the same time."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from astro_deployment_runtime.errors import RunInterruptedError
from astro_deployment_runtime.support.cancellation import cancel_event
from astro_deployment_runtime.support.rate_limits import ConcurrencyLimit, RateLimit


def test_requests_are_spaced_evenly() -> None:
    """However many threads wait."""
    limit = RateLimit(50)
    times: list[float] = []

    def start() -> None:
        limit.wait()
        times.append(time.monotonic())

    began = time.monotonic()
    threads = [threading.Thread(target=start) for _ in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for number, started in enumerate(sorted(times)):
        assert started - began >= number / 50 - 0.001


def test_the_longest_block_counts() -> None:
    """A shorter one does not replace it."""
    limit = RateLimit(1000)
    limit.block(0.3)
    limit.block(0.1)
    began = time.monotonic()
    limit.wait()
    assert time.monotonic() - began >= 0.29


def test_a_cancelled_run_does_not_wait_for_the_rate_limit() -> None:
    """The wait ends at once."""
    limit, cancelled = RateLimit(1), threading.Event()
    limit.block(30)
    threading.Timer(0.1, cancelled.set).start()
    token = cancel_event.set(cancelled)
    began = time.monotonic()
    try:
        with pytest.raises(RunInterruptedError):
            limit.wait()
    finally:
        cancel_event.reset(token)
    assert time.monotonic() - began < 5


def test_no_more_than_the_limit_run_at_the_same_time() -> None:
    """The next one starts when one ends, also by an error."""
    limit, running, most = ConcurrencyLimit(3), 0, 0
    lock = threading.Lock()

    def run() -> None:
        nonlocal running, most
        with contextlib.suppress(TimeoutError), limit:
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            raise TimeoutError

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (running, most) == (0, 3)


def test_a_cancelled_run_does_not_wait_for_the_concurrency_limit() -> None:
    """Even if nothing ever leaves."""
    limit, cancelled = ConcurrencyLimit(1), threading.Event()
    cancelled.set()
    token = cancel_event.set(cancelled)
    try:
        with limit, pytest.raises(RunInterruptedError), limit:
            pass
    finally:
        cancel_event.reset(token)
