"""A pytest plugin for mutation testing: import everything again, and run the quick tests first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure() -> None:
    """Forget the package and its tests.

    Each mutant runs in a fork of a process that has run the tests. A module's global values, such as a catalog, would
    come from the code without the mutation.
    """
    for name in [name for name in sys.modules if name.startswith(("astro_deployment_runtime", "tests."))]:
        del sys.modules[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of single modules first: they kill most mutants."""
    order = ["unit", "golden", "property"]
    items.sort(key=lambda item: (min(map(order.index, set(order) & set(item.path.parts))), item.nodeid))
