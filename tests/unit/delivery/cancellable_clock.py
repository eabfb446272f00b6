"""Real time for deliveries, with a cancel once a condition is met."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CancellableClock:
    """Real time, with a cancel once a condition is met."""

    def __init__(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        self.cancelled = cancelled

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self.cancelled()
