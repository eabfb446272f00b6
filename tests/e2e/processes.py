"""The child processes of a process, and whether they end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import Final

PLUGIN: Final = re.compile(r"astro_deployment_runtime\.plugin|quick/(native_)?plugin\.py|native/__main__\.py")


def command(pid: int) -> str:
    """Return the command line of a process; empty if it has ended, also for a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def _parent(pid: str) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return 0


def below(pid: int) -> dict[int, str]:
    """Return every living descendant of a process, with its command line."""
    parents = {int(entry.name): _parent(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found: dict[int, str] = {}
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new and child not in found}
        found |= {child: command(child) for child in new}
    return {child: line for child, line in found.items() if line}


def plugins(engine: int) -> list[int]:
    """Return our plugin processes below an engine."""
    return [pid for pid, line in below(engine).items() if PLUGIN.search(line)]


def kill(pid: int) -> None:
    """Kill a process, if it still lives."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def gone(pids: list[int], *, within: float) -> bool:
    """Return whether all of them end within that many seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(map(command, pids)):
            return True
        time.sleep(0.02)
    return False
