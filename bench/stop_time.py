"""Time until all processes have ended: after Ctrl-C, and after a kill of the engine."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

from bench.sandbox_project import Table, fleet, seconds, verdict
from tests.e2e import processes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROUNDS: Final = 3
CTRL_C_BOUND: Final = 2.0
PLUGIN_BOUND: Final = 5.0
_FEW: Final = (1, 20)
_MANY: Final = 100


def measure() -> Table:
    """Let Deployments wait for an image, and end the run."""
    ctrl_c = {count: [_timed(count, _interrupt) for _ in range(ROUNDS)] for count in (*_FEW, _MANY)}
    killed = [_timed(1, _kill) for _ in range(ROUNDS)]
    rows = [
        *([f"Ctrl-C with {count} in flight, until `pulumi up` has ended", seconds(ctrl_c[count])] for count in ctrl_c),
        ["`kill -9` of the engine, until the plugin has ended", seconds(killed)],
    ]
    verdicts = [
        verdict(f"Ctrl-C with up to {_FEW[-1]} in flight, the longest", _longest(ctrl_c), CTRL_C_BOUND, " s"),
        verdict("the plugin without its engine, the longest", max(killed), PLUGIN_BOUND, " s"),
    ]
    return Table("stopping", ["what", "takes"], rows, verdicts)


def _longest(ctrl_c: Mapping[int, Sequence[float]]) -> float:
    return max(max(ctrl_c[count]) for count in _FEW)


def _timed(count: int, end: Callable[[subprocess.Popen[str]], None]) -> float:
    with _waiting(count) as process:
        before = time.perf_counter()
        end(process)
        return time.perf_counter() - before


@contextlib.contextmanager
def _waiting(count: int) -> Iterator[subprocess.Popen[str]]:
    """Yield a run with that many waiting hops."""
    with fleet(count) as (sandbox, project):
        names = [f"stars-{number}" for number in range(count)]
        project.declare(*({"releaseName": name, "runtimeVersion": "5.0.4"} for name in names))
        process = project.start("up", "--yes", "--skip-preview", "--parallel", str(count))
        # Read during the run: a full pipe would block the engine.
        reader = threading.Thread(target=process.communicate)
        reader.start()
        try:
            while len(sandbox.mutations()) < count:
                time.sleep(0.1)
            time.sleep(1)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            reader.join()


def _interrupt(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)  # a terminal signals the whole group
    process.wait(timeout=120)


def _kill(process: subprocess.Popen[str]) -> None:
    plugins = processes.plugins(process.pid)
    processes.kill(process.pid)
    if not processes.gone(plugins, within=60):
        raise SystemExit("the plugin lives on without its engine")
