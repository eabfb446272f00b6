"""Batches: what many threads ask for at the same time is loaded in one request."""

from __future__ import annotations

import math
import random
import threading
import time
from copy import copy
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from astro_deployment_runtime.errors import PlatformError
from astro_deployment_runtime.support.cancellation import raise_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GATHER_SECONDS: Final = 0.1
"""Seconds that the first caller of a batch waits for others."""
_JITTER: Final = 0.2
"""Random share of that time, so that several processes do not send in step."""
_CHECK_SECONDS: Final = 0.5
"""Seconds after which a waiting thread checks again whether the user cancelled the run."""

Value = TypeVar("Value")


class _Batch(Generic[Value]):
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.deadline = math.inf
        self.deadline_changed = threading.Event()
        self.values: Mapping[str, Value] = {}
        self.error: BaseException | None = None
        self.done = threading.Event()


class BatchLoader(Generic[Value]):
    """Loads values for many threads, one batch at a time. Safe to share among threads.

    A caller that comes while a batch is being loaded joins the next one, so that no value is older than the call.
    """

    def __init__(
        self,
        load_now: Callable[[Sequence[str]], Mapping[str, Value]],
        *,
        gather: float = GATHER_SECONDS,
        backs_off: bool = False,
    ) -> None:
        """Prepare. Nothing is loaded yet.

        Args:
            load_now: loads the value of each of these keys.
            gather: longest time, in seconds, that a caller waits for others to join.
            backs_off: start batches at least twice as far apart as the last one took, so that a slow platform is asked
                less often.
        """
        self.load_now: Final = load_now
        """Loads values without a batch."""
        self._gather = gather
        self._backs_off = backs_off
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._open: _Batch[Value] | None = None
        self._next_start = 0.0

    def load(self, key: str, *, within: float = math.inf) -> Value:
        """Load the value of a key, in one batch with the keys of other callers.

        Args:
            key: what to load.
            within: seconds in which the batch has to be sent, if that is sooner than for all. A batch is sent at the
                earliest deadline of its members.

        Raises:
            RunInterruptedError: the user cancelled the run.
            PlatformError: what ``load_now`` raised.
        """
        wait = min(within, self._gather) * random.uniform(1 - _JITTER, 1)  # noqa: S311 - no secret
        deadline = time.monotonic() + wait
        with self._lock:
            batch = self._open
            if batch is None:
                batch = self._open = _Batch()
                threading.Thread(target=self._serve, args=(batch,), name="batch", daemon=True).start()
            batch.keys.append(key)
            if deadline < batch.deadline:
                batch.deadline = deadline
                batch.deadline_changed.set()
        while not batch.done.wait(_CHECK_SECONDS):
            raise_if_cancelled()
        if isinstance(batch.error, PlatformError):
            # Each thread raises its own copy: a traceback grows where an exception is raised.
            raise copy(batch.error) from batch.error
        if batch.error is not None:
            raise batch.error
        return batch.values[key]

    def _serve(self, batch: _Batch[Value]) -> None:
        with self._loading:
            while (seconds := max(batch.deadline, self._next_start) - time.monotonic()) > 0:
                batch.deadline_changed.wait(min(seconds, _CHECK_SECONDS))
                batch.deadline_changed.clear()
            with self._lock:
                self._open = None
            started = time.monotonic()
            try:
                batch.values = self.load_now(list(dict.fromkeys(batch.keys)))
            except BaseException as error:  # noqa: BLE001 - the waiting threads raise it
                batch.error = error
            if self._backs_off:
                self._next_start = started + 2 * (time.monotonic() - started)
            batch.done.set()
