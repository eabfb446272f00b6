"""Intervals between two reads of a Deployment: short after a change, longer and longer in a long wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """Seconds between two reads of a Deployment."""

    first: float = 1.5
    """After a change. The time that Houston and the Airflow need for their answers is included."""
    confirming: float = 1.0
    """Between two reads of an Airflow that is healthy."""
    longest: float = 5.0
    """In a long wait."""


POLLING: Final = Polling()
"""The intervals of a run, unless a test chooses others."""

_GROWTH: Final = 1.3
"""Factor from one interval of a wait to the next."""
_SHARED_PART: Final = 0.25
"""Part of each interval in which the client may wait for reads of other Deployments. It sends them as one request, so a
hundred Deployments cost few requests, and no Deployment waits longer than alone."""


class PollSchedule:
    """When the next read of a Deployment is due."""

    def __init__(self, polling: Polling, now: float) -> None:
        self._polling = polling
        self._interval = polling.first
        self._last_read = now

    def restart(self) -> None:
        """Read soon again, because something has changed."""
        self._interval = self._polling.first

    def confirm(self) -> None:
        """Read at the pace at which a healthy Airflow is confirmed."""
        self._interval = self._polling.confirming

    def read(self, now: float) -> None:
        """Count the next interval from this read."""
        self._last_read = now

    def seconds_left(self, now: float) -> float:
        """Return the seconds until the client may read."""
        return max(0.0, self._last_read + self._interval * (1 - _SHARED_PART) - now)

    def next_window(self) -> float:
        """Return the seconds within which the client has to read, and make the next interval longer."""
        window = self._interval * _SHARED_PART
        self._interval = min(self._polling.longest, self._interval * _GROWTH)
        return window
