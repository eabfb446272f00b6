"""Fixtures that several folders of unit tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import Simulation, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    """A platform with one Deployment on AC 2.2.3, as in the guide."""
    with simulated(tmp_path) as made:
        yield made
