"""Many questions of the same kind, asked by many threads: put to the platform as one."""

from __future__ import annotations

import math
import random
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from astro_deployment_runtime.errors import PlatformError
from astro_deployment_runtime.support.cancellation import go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

GATHER_SECONDS: Final = 0.1
"""How long the first of a batch waits for others."""
_JITTER: Final = 0.2
"""That part of it is left to chance, so that several processes do not ask in step."""
_LOOK_SECONDS: Final = 0.5
"""How often one who waits looks for the user's wish to stop."""

Answer = TypeVar("Answer")


class _Batch(Generic[Answer]):
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.due = math.inf
        self.sooner = threading.Event()
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
        gather: float = GATHER_SECONDS,
        spares: bool = False,
    ) -> None:
        """Prepare to ask.

        Args:
            ask: gives the answer for each of these keys.
            gather: how long whoever asks waits for others to join at most, in seconds.
            spares: from question to question passes at least twice the time that the last answer took, so that a slow
                platform is asked less often.
        """
        self.ask: Final = ask
        """Asks at once, of what is given."""
        self._gather = gather
        self._spares = spares
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._open: _Batch[Answer] | None = None
        self._spared_until = 0.0

    def get(self, key: str, *, within: float = math.inf) -> Answer:
        """Ask about a key, together with all who ask about others meanwhile.

        Args:
            key: what is asked about.
            within: for how many seconds others may be waited for, where that is less than for all. A question is asked
                when the first of those who wait for it wants it asked.

        Raises:
            RunInterruptedError: the user has stopped the run.
            PlatformError: what ``ask`` raised.
        """
        wait = min(within, self._gather) * random.uniform(1 - _JITTER, 1)  # noqa: S311 - no secret
        due = time.monotonic() + wait
        with self._lock:
            batch = self._open
            if batch is None:
                batch = self._open = _Batch()
                threading.Thread(target=self._serve, args=(batch,), name="batch", daemon=True).start()
            batch.keys.append(key)
            if due < batch.due:
                batch.due = due
                batch.sooner.set()
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
            self._await_others(batch)
            with self._lock:
                if self._open is batch:
                    self._open = None
            began = time.monotonic()
            try:
                batch.answers = self.ask(_distinct(batch.keys))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                batch.error = error
            if self._spares:
                self._spared_until = began + 2 * (time.monotonic() - began)
            batch.over.set()

    def _await_others(self, batch: _Batch[Answer]) -> None:
        while (seconds := max(batch.due, self._spared_until) - time.monotonic()) > 0:
            batch.sooner.wait(min(seconds, _LOOK_SECONDS))
            batch.sooner.clear()


def _distinct(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(keys))
