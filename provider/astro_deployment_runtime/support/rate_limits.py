"""Limits for requests: how many start in a second, and how many run at the same time."""

from __future__ import annotations

import threading
import time
from typing import Final

from astro_deployment_runtime.support.cancellation import raise_if_cancelled, sleep

_CHECK_SECONDS: Final = 0.5


class RateLimit:
    """Spaces requests evenly, up to a number in each second. Safe to share among threads."""

    def __init__(self, per_second: float) -> None:
        """Allow so many requests in each second."""
        self._spacing = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait until this request may start.

        Raises:
            RunInterruptedError: the user cancelled the run.
        """
        with self._lock:
            start = max(time.monotonic(), self._next)
            self._next = start + self._spacing
        sleep(start - time.monotonic())

    def block(self, seconds: float) -> None:
        """Let no further request start for so many seconds, because the server asked for a pause."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class ConcurrencyLimit:
    """Lets a number of requests run at the same time: ``with limit:``. Safe to share among threads."""

    def __init__(self, limit: int) -> None:
        """Allow so many at the same time."""
        self._free = threading.Semaphore(limit)

    def __enter__(self) -> None:
        """Wait until one more may run.

        Raises:
            RunInterruptedError: the user cancelled the run.
        """
        while not self._free.acquire(timeout=_CHECK_SECONDS):
            raise_if_cancelled()

    def __exit__(self, *_: object) -> None:
        """Let the next one run."""
        self._free.release()
