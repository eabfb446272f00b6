"""What pytest is told under mutation testing: import everything anew, and ask the quick tests first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure() -> None:
    """Forget the package and its tests.

    Each mutant runs in a process forked from one that ran the tests before. What a module made on import, such as a
    catalog, would have been made by the code without the mutation.
    """
    for name in [name for name in sys.modules if name.startswith(("astro_deployment_runtime", "tests."))]:
        del sys.modules[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask the tests of single modules first: most mutants fall there."""
    order = ["unit", "golden", "property"]
    items.sort(key=lambda item: (order.index(item.path.parent.name), item.nodeid))
