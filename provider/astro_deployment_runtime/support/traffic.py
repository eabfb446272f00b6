"""How requests go out: again after a failure, evenly, and so many side by side."""

from __future__ import annotations

import logging
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

import stamina
from stamina.instrumentation import set_on_retry_hooks

from astro_deployment_runtime.errors import PlatformUnreachableError
from astro_deployment_runtime.support.cancellation import raise_if_cancelled, sleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    from stamina.instrumentation import RetryDetails

LONGEST_WISH: Final = 45.0
"""For how many seconds the platform may wish to be left alone; what wishes for longer is an error at once."""

_ATTEMPTS: Final = 5
_FIRST_PAUSE: Final = 0.1
_LOOK_SECONDS: Final = 0.5

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class TransientError(PlatformUnreachableError):
    """A failure that may be gone at the next attempt."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the platform's own wish, in seconds, where it has one."""
        super().__init__(message)
        self.retry_after = retry_after


def attempts() -> Iterator[stamina.Attempt]:
    """Give attempts, with growing pauses between them; a :class:`TransientError` in one leads to the next."""
    set_on_retry_hooks([_log_retry])
    return iter(stamina.retry_context(on=_pause, attempts=_ATTEMPTS, timeout=LONGEST_WISH))


def until_processed(send: Callable[[], Result]) -> Result:
    """Send what was not processed again, as :func:`attempts` would; the pauses end when the user stops the run.

    Raises:
        TransientError: of ``send``, the last one.
        RunInterruptedError: the user has stopped the run between two attempts.
    """
    end = time.monotonic() + LONGEST_WISH
    for number in range(_ATTEMPTS - 1):
        try:
            return send()
        except TransientError as error:
            seconds = _FIRST_PAUSE * 2**number if error.retry_after is None else error.retry_after
            if time.monotonic() + seconds > end:
                raise
            _log.warning("%s; trying again in %.1f s", error, seconds)
        sleep(seconds)
    return send()


def _pause(error: Exception) -> bool | float:
    """Tell whether to try again, and after how many seconds where the other side has a wish."""
    if not isinstance(error, TransientError):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after <= LONGEST_WISH and max(error.retry_after, 0.1)


def _log_retry(details: RetryDetails) -> None:
    _log.warning("%s; trying again in %.1f s", details.caused_by, details.wait_for)


def retry_after(response: httpx.Response) -> float | None:
    """Read the header, seconds or a date; a date is compared with the sender's own clock."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - parsedate_to_datetime(response.headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


class Pace:
    """Lets so many requests begin in a second, evenly. Safe to share among threads."""

    def __init__(self, per_second: float) -> None:
        """Begin with nobody waiting."""
        self._apart = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def turn(self) -> None:
        """Wait for one's turn.

        Raises:
            RunInterruptedError: the user has stopped the run.
        """
        with self._lock:
            mine = max(time.monotonic(), self._next)
            self._next = mine + self._apart
        sleep(mine - time.monotonic())

    def rest(self, seconds: float) -> None:
        """Give nobody a new turn for a while: the platform wishes to be left alone."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class Turnstile:
    """Lets so many in at the same time: ``with turnstile:``. Safe to share among threads."""

    def __init__(self, places: int) -> None:
        """Begin with all places free."""
        self._places = threading.Semaphore(places)

    def __enter__(self) -> None:
        """Wait for a place.

        Raises:
            RunInterruptedError: the user has stopped the run.
        """
        while not self._places.acquire(timeout=_LOOK_SECONDS):
            raise_if_cancelled()

    def __exit__(self, *_: object) -> None:
        """Leave it to the next."""
        self._places.release()
