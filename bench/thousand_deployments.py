"""A thousand Deployments at once: the plugin's memory, and a slow platform that loses answers."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

from bench.sandbox_project import TARGET, Table, fleet, verdict
from tests.e2e import processes
from tests.e2e.pulumi_project import IMAGE

COUNT: Final = 1000
MEMORY_BOUND: Final = 200.0
_UP: Final = ("up", "--yes", "--skip-preview", "--parallel", str(COUNT))
_WEATHER: Final = {"delay_seconds": "0.5", "failing_percent": "5", "rollout_seconds": "5"}
_MOST_RUNS: Final = 5


def memory() -> Table:
    """Let a thousand wait for an image, and measure the plugin."""
    with fleet(COUNT) as (sandbox, project):
        names = [f"stars-{number}" for number in range(COUNT)]
        project.declare(*({"releaseName": name, "runtimeVersion": TARGET} for name in names))
        process = project.start(*_UP)
        # Read during the run: a full pipe would block the engine, and with it the plugin.
        reader = threading.Thread(target=process.communicate)
        reader.start()
        try:
            while sum(request["fields"] == ["updateDeploymentAirflow"] for request in sandbox.requests()) < COUNT:
                if not reader.is_alive():
                    raise SystemExit("the run ended early")
                time.sleep(1)
            time.sleep(10)
            [plugin] = processes.plugins(process.pid)
            peak = _kilobytes(plugin, "VmHWM") / 1024
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            reader.join()
    rows = [["the plugin, at its peak", f"{peak:.0f} MiB"]]
    found = verdict(f"the plugin's memory with {COUNT} Deployments in flight", peak, MEMORY_BOUND, " MiB")
    return Table("memory", [f"{COUNT} Deployments in flight", "memory"], rows, [found])


def weather() -> Table:
    """Upgrade a thousand over answers that take half a second, of which one in twenty is lost."""
    rows = []
    with fleet(COUNT, **_WEATHER) as (sandbox, project):
        names = [{"releaseName": f"stars-{number}"} for number in range(COUNT)]
        # The defaults hold the image: a stack's config has to fit into one environment variable.
        project.declare(*names, defaults={"runtimeVersion": TARGET, "image": IMAGE})
        for run in range(1, _MOST_RUNS + 1):
            before = time.perf_counter()
            process = project.start(*_UP)
            process.communicate()
            arrived = sum(row["version"] == TARGET for row in sandbox.fleet())
            took = time.perf_counter() - before
            rows.append(
                [str(run), f"{took:.0f} s", str(process.returncode), str(arrived), str(len(sandbox.requests()))]
            )
            if process.returncode == 0:
                break
    ended = "All arrived." if process.returncode == 0 else "**Not all arrived.**"
    head = ["`pulumi up`", "took", "exit code", "arrived by then", "requests by then"]
    return Table("weather", head, rows, [f"- {ended}"])


def _kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])
