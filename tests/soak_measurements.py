"""Measurements of this run for the tables of ``docs/reliability.md``: a file of JSON lines for each kind."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def note(kind: str, row: Mapping[str, Any]) -> None:
    """Add a row, if ``ASTRO_MEASURED`` names a folder; processes may do so concurrently."""
    folder = os.environ.get("ASTRO_MEASURED")
    if not folder:
        return
    with (Path(folder) / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(row) + "\n")
