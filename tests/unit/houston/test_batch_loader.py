"""Questions that are put together: who waits for which answer, and how often is asked."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.errors import PlatformUnreachableError, RunInterruptedError
from astro_deployment_runtime.houston.batch_loader import BatchLoader
from astro_deployment_runtime.support.cancellation import cancel_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Platform:
    """Answers with the number of the question, and remembers what it was asked."""

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
    """Do all at the same time; gives what each returned or raised."""
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


def test_what_is_asked_at_the_same_time_is_one_question() -> None:
    """Each thread gets the answer for its own key; a key that two ask for is asked once."""
    platform = Platform()
    loader = BatchLoader(platform)
    assert together(*(lambda key=key: loader.load(key) for key in "abca")) == [1, 1, 1, 1]
    assert [sorted(keys) for keys in platform.asked] == [["a", "b", "c"]]


def test_who_comes_while_a_question_is_under_way_gets_the_next_answer() -> None:
    """An answer that was on its way already may be older than what the asker did just now."""
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


def test_a_question_is_asked_when_the_first_of_those_who_wait_wants_it() -> None:
    """Who can wait longer is answered with him, and nobody longer than for all."""
    platform = Platform()
    loader = BatchLoader(platform, gather=60)
    assert together(lambda: loader.load("a", within=30), lambda: loader.load("b", within=0.3)) == [1, 1]
    assert BatchLoader(platform, gather=0).load("a", within=60) == 2


def test_questions_do_not_keep_step() -> None:
    """A part of the wait is left to chance, and none is longer than it was allowed to be by much."""
    platform = Platform()
    loader = BatchLoader(platform, gather=0.2)
    for _ in range(4):
        loader.load("a")
    apart = [after - before for before, after in pairwise(platform.times)]
    assert min(apart) >= 0.2 * 0.8
    assert len(set(apart)) == 3


@pytest.mark.slow
def test_a_slow_platform_is_asked_less_often() -> None:
    """At least as long as it took is left between an answer and the next question, where it is to be spared."""

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


def test_all_who_asked_learn_why_there_is_no_answer() -> None:
    """Each raises an error of its own; the next question is asked as ever."""
    fails = iter([True, False])

    def ask(keys: Sequence[str]) -> dict[str, int]:
        if next(fails):
            raise PlatformUnreachableError("Houston is down")
        return dict.fromkeys(keys, 7)

    loader = BatchLoader(ask)
    errors = together(lambda: loader.load("a"), lambda: loader.load("b"))
    assert [(type(error), str(error)) for error in errors] == [(PlatformUnreachableError, "Houston is down")] * 2
    assert errors[0] is not errors[1]
    assert loader.load("a") == 7


def test_what_is_no_error_of_the_platform_is_raised_as_it_is() -> None:
    """A mistake of ours is not hidden."""
    error = ZeroDivisionError()

    def ask(_: Sequence[str]) -> dict[str, int]:
        raise error

    with pytest.raises(ZeroDivisionError) as raised:
        BatchLoader(ask, gather=0).load("a")
    assert raised.value is error


def test_a_user_who_stops_the_run_does_not_wait_for_an_answer() -> None:
    """The question goes on without them."""
    platform = Platform()
    platform.open.clear()
    wish = threading.Event()
    threading.Timer(0.1, wish.set).start()
    token = cancel_event.set(wish)
    try:
        with pytest.raises(RunInterruptedError):
            BatchLoader(platform, gather=0).load("a")
    finally:
        cancel_event.reset(token)
        platform.open.set()
