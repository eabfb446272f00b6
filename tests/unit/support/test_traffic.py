"""How requests go out: evenly, and so many side by side."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from astro_deployment_runtime.errors import RunInterruptedError
from astro_deployment_runtime.support.cancellation import cancel_event
from astro_deployment_runtime.support.traffic import Pace, Turnstile


def test_turns_come_evenly() -> None:
    """However many threads wait for one."""
    pace = Pace(50)
    times: list[float] = []

    def take() -> None:
        pace.turn()
        times.append(time.monotonic())

    began = time.monotonic()
    threads = [threading.Thread(target=take) for _ in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for number, taken in enumerate(sorted(times)):
        assert taken - began >= number / 50 - 0.001


def test_a_rest_moves_the_next_turn() -> None:
    """It is not made shorter by a shorter one."""
    pace = Pace(1000)
    pace.rest(0.3)
    pace.rest(0.1)
    began = time.monotonic()
    pace.turn()
    assert time.monotonic() - began >= 0.29


def test_a_user_who_stops_the_run_does_not_wait_for_a_turn() -> None:
    """Whoever waits is told at once."""
    pace, wish = Pace(1), threading.Event()
    pace.rest(30)
    threading.Timer(0.1, wish.set).start()
    token = cancel_event.set(wish)
    began = time.monotonic()
    try:
        with pytest.raises(RunInterruptedError):
            pace.turn()
    finally:
        cancel_event.reset(token)
    assert time.monotonic() - began < 5


def test_so_many_are_in_at_the_same_time() -> None:
    """The next one enters when one leaves, also by an error."""
    turnstile, inside, most = Turnstile(3), 0, 0
    lock = threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        with contextlib.suppress(TimeoutError), turnstile:
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1
            raise TimeoutError

    threads = [threading.Thread(target=enter) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (inside, most) == (0, 3)


def test_a_user_who_stops_the_run_does_not_wait_for_a_place() -> None:
    """Whoever is in does not matter."""
    turnstile, wish = Turnstile(1), threading.Event()
    wish.set()
    token = cancel_event.set(wish)
    try:
        with turnstile, pytest.raises(RunInterruptedError), turnstile:
            pass
    finally:
        cancel_event.reset(token)
