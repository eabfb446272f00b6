"""Batches: which reads share a request, and when it is sent."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import RunInterruptedError, UnsupportedFieldsError
from astro_deployment_runtime.houston.batch_loader import BatchLoader
from astro_deployment_runtime.support.cancellation import cancel_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Platform:
    """Answers with the number of the batch, and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.times: list[float] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(keys))
        self.times.append(time.monotonic())
        number = len(self.asked)
        assert self.open.wait(10)
        return dict.fromkeys(keys, number)


def together(*work: Callable[[], object]) -> list[object]:
    """Run all at the same time. Return what each returned or raised."""
    found: list[object] = [None] * len(work)

    def do(index: int) -> None:
        try:
            found[index] = work[index]()
        except Exception as error:  # noqa: BLE001 - told to the test
            found[index] = error

    threads = [threading.Thread(target=do, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return found


def test_simultaneous_loads_share_a_batch() -> None:
    """Each thread gets the value of its own key. A key is loaded once."""
    platform = Platform()
    loader = BatchLoader(platform)
    assert together(*(lambda key=key: loader.load(key) for key in "abca")) == [1, 1, 1, 1]
    assert [sorted(keys) for keys in platform.asked] == [["a", "b", "c"]]


def test_a_load_during_a_batch_joins_the_next_one() -> None:
    """A value that is already on its way may be older than what the caller just did."""
    platform = Platform()
    platform.open.clear()
    loader = BatchLoader(platform, gather=0)
    first = threading.Thread(target=loader.load, args=("a",))
    first.start()
    while not platform.asked:
        time.sleep(0.01)
    late: list[int] = []
    second = threading.Thread(target=lambda: late.append(loader.load("a")))
    second.start()
    time.sleep(0.1)
    assert len(platform.asked) == 1, "one question at a time"
    platform.open.set()
    first.join(10)
    second.join(10)
    assert late == [2]


def test_a_batch_is_sent_at_the_earliest_deadline() -> None:
    """No caller waits longer than the loader allows."""
    platform = Platform()
    loader = BatchLoader(platform, gather=60)
    assert together(lambda: loader.load("a", within=30), lambda: loader.load("b", within=0.3)) == [1, 1]
    assert BatchLoader(platform, gather=0).load("a", within=60) == 2


@pytest.mark.slow
def test_batches_have_jitter() -> None:
    """Each wait is random within its bound."""
    platform = Platform()
    loader = BatchLoader(platform, gather=0.2)
    for _ in range(4):
        loader.load("a")
    apart = [after - before for before, after in pairwise(platform.times)]
    assert min(apart) >= 0.2 * 0.8
    assert len(set(apart)) == 3


@pytest.mark.slow
def test_a_loader_backs_off_from_a_slow_platform() -> None:
    """The pause after a batch is at least as long as the batch took."""

    def apart(*, backs_off: bool) -> float:
        platform = Platform()

        def slow(keys: Sequence[str]) -> dict[str, int]:
            time.sleep(0.3)
            return platform(keys)

        loader = BatchLoader(slow, gather=0, backs_off=backs_off)
        loader.load("a")
        loader.load("a")
        return platform.times[1] - platform.times[0]

    assert apart(backs_off=True) >= 0.6
    assert apart(backs_off=False) < 0.6


def test_all_callers_of_a_batch_get_its_error() -> None:
    """Each raises its own copy, with the error's attributes. The next batch is loaded as usual."""
    fails = iter([True, False])
    lacking = frozenset({("Deployment", "label")})

    def ask(keys: Sequence[str]) -> dict[str, int]:
        if next(fails):
            error = UnsupportedFieldsError("no such field")
            error.fields = lacking
            raise error
        return dict.fromkeys(keys, 7)

    loader = BatchLoader(ask)
    errors = together(lambda: loader.load("a"), lambda: loader.load("b"))
    assert [(str(error), getattr(error, "fields", None)) for error in errors] == [("no such field", lacking)] * 2
    assert all(isinstance(error, UnsupportedFieldsError) for error in errors)
    assert errors[0] is not errors[1]
    assert loader.load("a") == 7


def test_an_unexpected_error_is_raised_unchanged() -> None:
    """It is a mistake in this package, which is not hidden."""
    error = ZeroDivisionError()

    def ask(_: Sequence[str]) -> dict[str, int]:
        raise error

    with pytest.raises(ZeroDivisionError) as raised:
        BatchLoader(ask, gather=0).load("a")
    assert raised.value is error


def test_a_cancelled_run_does_not_wait_for_its_batch() -> None:
    """The batch continues without it."""
    platform = Platform()
    platform.open.clear()
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    token = cancel_event.set(cancelled)
    try:
        with pytest.raises(RunInterruptedError):
            BatchLoader(platform, gather=0).load("a")
    finally:
        cancel_event.reset(token)
        platform.open.set()
