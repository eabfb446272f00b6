"""How often a run reads a Deployment: soon after a change, less and less often in a long wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """Seconds between two reads of a Deployment."""

    first: float = 1.5
    """After a change. The time that Houston and the Airflow need for their answers is included."""
    confirming: float = 1.0
    """Between two reads of an Airflow that is healthy."""
    longest: float = 5.0
    """In a long wait."""


POLLING: Final = Polling()
"""The intervals of a run, unless a test chooses others."""
