"""Which failures are retried, how often, and after which pause."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from astro_deployment_runtime.errors import PlatformAnswerError, PlatformError, RunInterruptedError
from astro_deployment_runtime.support import retries
from astro_deployment_runtime.support.cancellation import cancel_event
from astro_deployment_runtime.support.retries import TransientError, call_with_retries, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which do not take place."""
    found: list[float] = []
    monkeypatch.setattr(retries, "sleep", found.append)
    return found


def failing(*errors: PlatformError) -> Callable[[], int]:
    """Raise these errors in turn, then return the number of calls."""
    left = list(errors)

    def send() -> int:
        if left:
            raise left.pop(0)
        return len(errors) + 1

    return send


def test_a_transient_error_is_retried(pauses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """The pauses grow, and each retry is logged with its cause."""
    assert call_with_retries(failing(*(TransientError(f"failure {number}") for number in range(4)))) == 5
    for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.8), strict=True):
        assert least <= pause <= least + 1
    assert [re.sub(r"\d\.\d", "N", record.getMessage()) for record in caplog.records] == [
        f"failure {number}; retrying in N s" for number in range(4)
    ]


def test_the_last_error_is_raised(pauses: list[float]) -> None:
    """After as many attempts as are allowed."""
    with pytest.raises(TransientError, match="failure 4"):
        call_with_retries(failing(*(TransientError(f"failure {number}") for number in range(9))))
    assert len(pauses) == retries.MAX_ATTEMPTS - 1


def test_other_errors_are_not_retried(pauses: list[float]) -> None:
    """A refusal stays a refusal."""
    with pytest.raises(PlatformAnswerError):
        call_with_retries(failing(PlatformAnswerError("x")))
    assert pauses == []


@pytest.mark.parametrize(("asked", "pause"), [(0.0, 0.1), (-1.0, 0.1), (7.0, 7.0), (45.0, 45.0)])
def test_retry_after_replaces_the_growing_pause(asked: float, pause: float, pauses: list[float]) -> None:
    """A date in the past does not mean "at once"."""
    assert call_with_retries(failing(TransientError("x", retry_after=asked))) == 2
    assert pauses == [pause]


def test_a_long_retry_after_is_not_waited_out(pauses: list[float]) -> None:
    """It fails at once."""
    with pytest.raises(TransientError):
        call_with_retries(failing(TransientError("x", retry_after=45.1)))
    assert pauses == []


def test_all_pauses_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt starts later than a minute after the first one."""
    monkeypatch.setattr(retries, "MAX_RETRYING_SECONDS", 0.25)
    with pytest.raises(TransientError):
        call_with_retries(failing(*(TransientError("x", retry_after=0.1) for _ in range(4))))


def test_a_cancelled_run_does_not_wait_for_the_next_attempt() -> None:
    """The pause ends at once, and nothing more is sent."""
    cancelled = threading.Event()
    cancelled.set()
    token = cancel_event.set(cancelled)
    try:
        with pytest.raises(RunInterruptedError):
            call_with_retries(failing(TransientError("x", retry_after=30)))
    finally:
        cancel_event.reset(token)


@pytest.mark.parametrize("header", ["soon", "", "Mon, 05 Jan 2026 10:00:01 GMT", "-5", "Mon, 05 Jan 2026 10:00:01"])
def test_an_unusable_retry_after_is_ignored(header: str) -> None:
    """A date counts only beside the server's own date."""
    assert retry_after(httpx.Response(429, headers={"retry-after": header})) is None


def test_a_retry_after_is_seconds_or_a_date() -> None:
    """A date is compared with the server's clock."""
    date = {"date": "Mon, 05 Jan 2026 10:00:01 GMT", "retry-after": "Mon, 05 Jan 2026 10:00:31 GMT"}
    assert retry_after(httpx.Response(429, headers=date)) == 30
    assert retry_after(httpx.Response(429, headers={"retry-after": "7"})) == 7
