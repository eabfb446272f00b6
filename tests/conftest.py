"""Settings for all tests: SIGINT for child processes, deterministic hypothesis, no coverage in property tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell ignores SIGINT in background jobs, and children inherit that: the programs under test would never see the
# Ctrl-C of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest-xdist sets COLUMNS, which would make the wrapping of texts depend on the test runner.
os.environ.pop("COLUMNS", None)

# Failures have to be reproducible. `make soak` selects the other profile with `--hypothesis-profile many`.
for name, examples in (("few", 100), ("many", 1000)):
    settings.register_profile(
        name, derandomize=True, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("few")

_UNTRACED: Final = tuple(Path(__file__).parent / name for name in ("property", "random_walks"))
"""Folders whose tests run the same lines thousands of times; the other tests cover these lines."""

_SLOW: Final = (*_UNTRACED, *(Path(__file__).parent / name for name in ("contract", "unit/tools")))
"""Folders that ``make quick`` leaves out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark folders as slow."""
    for item in items:
        if any(map(item.path.is_relative_to, _SLOW)):
            item.add_marker("slow")


@pytest.fixture(scope="module", autouse=True)
def _pause_coverage(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pause coverage for these modules: tracing takes longer than the tests."""
    coverage = Coverage.current() if any(map(request.path.is_relative_to, _UNTRACED)) else None
    if coverage is None:
        yield
        return
    coverage.stop()
    yield
    coverage.start()
