"""Many questions of the same kind, asked by many threads: put to the platform as one."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from astro_deployment_runtime.errors import PlatformError
from astro_deployment_runtime.patience import go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LARGEST_BATCH: Final = 500
"""Keys in one question. A thousand would come near the 100 kB at which servers of Houston's kind refuse a request."""

GATHER_SECONDS: Final = 0.1
"""How long the first of a batch waits for others."""
_JITTER: Final = 0.2
"""So that several processes do not ask in step."""
_LOOK_SECONDS: Final = 0.5
"""How often one who waits looks for the user's wish to stop."""

Answer = TypeVar("Answer")


class _Batch(Generic[Answer]):
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.answers: Mapping[str, Answer] = {}
        self.error: BaseException | None = None
        self.over = threading.Event()


class Batcher(Generic[Answer]):
    """Asks for what threads want to know, one question at a time. Safe to share among threads.

    Whoever comes while a question is under way gets the answer to the next one, so that no answer is older than the
    wish for it.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[str]], Mapping[str, Answer]],
        *,
        interval: float = 0.0,
        gather: float = GATHER_SECONDS,
    ) -> None:
        """Prepare to ask.

        Args:
            ask: gives the answer for each of these keys.
            interval: the shortest time from question to question, in seconds; twice what the last answer took where
                that is longer, so that a slow platform is asked less often.
            gather: how long a question waits for others to join, in seconds.
        """
        self.ask: Final = ask
        """Asks at once, of what is given."""
        self._interval = interval
        self._gather = gather
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._open: _Batch[Answer] | None = None
        self._due = 0.0

    def get(self, key: str) -> Answer:
        """Ask about a key, together with all who ask about others meanwhile.

        Raises:
            RunInterruptedError: the user has stopped the run.
            PlatformError: what ``ask`` raised.
        """
        with self._lock:
            batch = self._open
            if batch is None or len(batch.keys) >= LARGEST_BATCH:
                batch = self._open = _Batch()
                threading.Thread(target=self._serve, args=(batch,), name="batch", daemon=True).start()
            batch.keys.append(key)
        while not batch.over.wait(_LOOK_SECONDS):
            go_on()
        if isinstance(batch.error, PlatformError):
            # Each thread raises one of its own: a traceback grows where an exception is raised.
            raise type(batch.error)(str(batch.error)) from batch.error
        if batch.error is not None:
            raise batch.error
        return batch.answers[key]

    def _serve(self, batch: _Batch[Answer]) -> None:
        with self._asking:
            time.sleep(max(self._gather, self._due - time.monotonic()))
            with self._lock:
                if self._open is batch:
                    self._open = None
            began = time.monotonic()
            try:
                batch.answers = self.ask(_distinct(batch.keys))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                batch.error = error
            pause = max(self._interval, 2 * (time.monotonic() - began)) if self._interval else 0.0
            self._due = began + pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
            batch.over.set()


def _distinct(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(keys))
