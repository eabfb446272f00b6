"""Retries: attempts with growing pauses, or after the pause that `Retry-After` asks for."""

from __future__ import annotations

import logging
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

import tenacity

from astro_deployment_runtime.errors import PlatformUnreachableError
from astro_deployment_runtime.support.cancellation import sleep

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

MAX_ATTEMPTS: Final = 5
MAX_RETRY_AFTER_SECONDS: Final = 45.0
"""Longest ``Retry-After`` that is honoured. A longer one fails immediately."""
MAX_RETRYING_SECONDS: Final = 60.0
"""No attempt starts later than this after the first one."""

_MIN_RETRY_AFTER_SECONDS: Final = 0.1
_GROWING_PAUSE: Final = tenacity.wait_exponential_jitter(multiplier=0.1, max=5, jitter=1)

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class TransientError(PlatformUnreachableError):
    """A failure that may be gone at the next attempt."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the pause that the server asks for, in seconds; None if it asks for none."""
        super().__init__(message)
        self.retry_after = retry_after


def call_with_retries(send: Callable[[], Result]) -> Result:
    """Call ``send`` until it succeeds. Only a :class:`TransientError` leads to another attempt.

    Raises:
        TransientError: the error of the last attempt.
        RunInterruptedError: the user cancelled the run during a pause.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_be_retried),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(MAX_ATTEMPTS), tenacity.stop_before_delay(MAX_RETRYING_SECONDS)
        ),
        wait=_pause,
        before_sleep=_log_retry,
        sleep=sleep,
        reraise=True,
    )
    return retrying(send)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that `Retry-After` asks for. If it is a date, compare it with the server's own clock."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - parsedate_to_datetime(response.headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


def _may_be_retried(error: BaseException) -> bool:
    return isinstance(error, TransientError) and (error.retry_after or 0) <= MAX_RETRY_AFTER_SECONDS


def _pause(state: tenacity.RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, TransientError) and error.retry_after is not None:
        return max(error.retry_after, _MIN_RETRY_AFTER_SECONDS)
    return _GROWING_PAUSE(state)


def _log_retry(state: tenacity.RetryCallState) -> None:
    _log.warning("%s; retrying in %.1f s", _error(state), state.upcoming_sleep)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
