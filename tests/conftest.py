"""For all tests: what they start can be interrupted, examples are the same on every run, and laws are not traced."""

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

# A shell starts what runs in its background with SIGINT ignored, and children inherit that: the programs under test
# would never see the Ctrl-C that the tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest-xdist tells its processes a width, and a text would then be wrapped or not by how the tests are run.
os.environ.pop("COLUMNS", None)

# A failure is for everybody, and repeats. `--hypothesis-profile many`, which `make soak` gives, takes the other one.
for name, examples in (("few", 100), ("many", 1000)):
    settings.register_profile(
        name, derandomize=True, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("few")

_LAWS: Final = tuple(Path(__file__).parent / name for name in ("property", "machine"))
"""Folders whose tests go through the same lines thousands of times; the other tests cover these lines."""

_SLOW: Final = (*_LAWS, *(Path(__file__).parent / name for name in ("contract", "unit/tools")))
"""Folders that ``make quick`` leaves out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark folders as slow."""
    for item in items:
        if any(map(item.path.is_relative_to, _SLOW)):
            item.add_marker("slow")


@pytest.fixture(scope="module", autouse=True)
def _traced_where_it_tells(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stop measuring coverage for a module of laws: tracing takes longer than the tests."""
    coverage = Coverage.current() if any(map(request.path.is_relative_to, _LAWS)) else None
    if coverage is None:
        yield
        return
    coverage.stop()
    yield
    coverage.start()
