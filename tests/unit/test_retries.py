"""How often the platform is asked at most."""

from __future__ import annotations

import threading
import time

import pytest

from astro_deployment_runtime.errors import RunInterruptedError
from astro_deployment_runtime.patience import stop
from astro_deployment_runtime.retries import Pace


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
    token = stop.set(wish)
    began = time.monotonic()
    try:
        with pytest.raises(RunInterruptedError):
            pace.turn()
    finally:
        stop.reset(token)
    assert time.monotonic() - began < 5
