"""Waits that a user can interrupt."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from astro_deployment_runtime.errors import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_SECONDS: Final = 0.1

stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)
"""The wish to stop what this thread does for a user; the host sets it for each call of the engine."""

Result = TypeVar("Result")


def go_on() -> None:
    """Return, unless the user has stopped the run.

    Raises:
        RunInterruptedError: so it is.
    """
    event = stop.get()
    if event is not None and event.is_set():
        raise RunInterruptedError("the run was interrupted")


def pause(seconds: float) -> None:
    """Wait.

    Raises:
        RunInterruptedError: the user has stopped the run, also if it was before.
    """
    if seconds > 0:
        event = stop.get()
        if event is None:
            time.sleep(seconds)
        else:
            event.wait(seconds)
    go_on()


def patiently(work: Callable[[], Result], *, seconds: float) -> Result:
    """Do a piece of work that may block, and wait for its end.

    Python cannot interrupt a thread that reads from a socket. So the work has a thread of its own, and that thread is
    left alone when nobody waits any more: its sockets' time-outs end it, and what it finds is thrown away.

    Raises:
        TimeoutError: it took longer than that.
        RunInterruptedError: the user has stopped the run.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            errors.append(error)

    thread = threading.Thread(target=run, name="asking", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        go_on()
        if time.monotonic() >= end:
            raise TimeoutError
        thread.join(_LOOK_SECONDS)
    if errors:
        raise errors[0]
    return results[0]
