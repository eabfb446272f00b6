"""Waits that end when the user cancels the run: sleeping, and running work with a timeout."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Final, TypeVar

from astro_deployment_runtime.errors import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable

_CHECK_SECONDS: Final = 0.1

cancel_event: ContextVar[threading.Event | None] = ContextVar("cancel_event", default=None)
"""Set when the user cancels what this thread does. The plugin's server sets the variable for each request."""

Result = TypeVar("Result")


def raise_if_cancelled() -> None:
    """Return, unless the user cancelled the run.

    Raises:
        RunInterruptedError: the user cancelled the run.
    """
    event = cancel_event.get()
    if event is not None and event.is_set():
        raise RunInterruptedError("the run was interrupted")


def sleep(seconds: float) -> None:
    """Sleep, but no longer than until the user cancels the run.

    Raises:
        RunInterruptedError: the user cancelled the run, during the sleep or before it.
    """
    if seconds > 0:
        event = cancel_event.get()
        if event is None:
            time.sleep(seconds)
        else:
            event.wait(seconds)
    raise_if_cancelled()


def run_with_timeout(work: Callable[[], Result], *, seconds: float) -> Result:
    """Run blocking work in a thread of its own, and wait for its result.

    Python cannot interrupt a thread that reads from a socket. After a timeout or a cancellation that thread is
    abandoned: the timeouts of its sockets end it, and its result is dropped.

    Raises:
        TimeoutError: the work took longer than that.
        RunInterruptedError: the user cancelled the run.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            errors.append(error)

    # With the caller's context, so that nested waits end too when the user cancels the run.
    thread = threading.Thread(target=copy_context().run, args=(run,), name="timeout", daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        raise_if_cancelled()
        if time.monotonic() >= end:
            raise TimeoutError
        thread.join(_CHECK_SECONDS)
    if errors:
        raise errors[0]
    return results[0]
