"""Retries without pauses, for tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from unittest import mock

from astro_deployment_runtime.support import retries
from astro_deployment_runtime.support.cancellation import raise_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def quick_retries(attempts: int = retries.MAX_ATTEMPTS) -> Iterator[None]:
    """Retry at once, up to that many attempts. The pause of a rate limit stays."""
    with mock.patch.object(retries, "MAX_ATTEMPTS", attempts), mock.patch.object(retries, "sleep", _no_pause):
        yield


def _no_pause(_: float) -> None:
    raise_if_cancelled()
