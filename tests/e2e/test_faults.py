"""Faults between the plugin and the platform, on the real engine: a run continues, or says why not and can be resumed.

These are two examples; ``tests/contract/test_runs.py`` has all faults.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e import processes
from tests.e2e.crash_run import opened
from tests.e2e.sandbox_process import TOKEN
from tests.fault_proxy import FAULTS, Faults, pages, revoked
from tests.recording_proxy import Answer, Dropped, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PATH: Final = ("2.4.3", "6.10.0", "7.6.0")


@pytest.mark.parametrize("fault", [pages, revoked], ids=lambda fault: fault.__name__)
def test_a_run_continues_after_a_fault_or_can_be_resumed(
    fault: Callable[[Faults], None], tmp_path: Path, engine: Path
) -> None:
    """A fault that ends a run names the problem, and the next run does not refuse its remains."""
    with opened(tmp_path, engine, _PATH) as case:
        faults = Faults(case.proxy)
        fault(faults)
        code, printed = case.up()
        faults.end()
        told = FAULTS[fault]
        assert (code != 0, told in " ".join(printed.split())) == (bool(told), True), printed
        assert "Traceback" not in printed
        assert TOKEN not in printed
        again, printed = case.up()
        assert again == 0, printed
        row = case.sandbox.show("stars-1")
        assert (row["version"], row["pending"], row["health"]) == ("7.6.0", "", "healthy")
        end = case.end()
        assert (end["errors"], end["unfinished"]) == ([[]], [])
        started = [
            request["variables"]["version"] for request in case.sandbox.requests() if "version" in request["variables"]
        ]
        assert started == ["6.10.0", "7.6.0"]


def hang(over: threading.Event) -> Callable[[Request], Answer | None]:
    """Answer nothing until the end of the test."""

    def wait(_: Request) -> Answer | None:
        over.wait(60)
        raise Dropped

    return wait


@pytest.mark.parametrize("waiting", [True, False])
def test_ctrl_c_does_not_wait_for_a_platform_that_does_not_answer(waiting: bool, tmp_path: Path, engine: Path) -> None:
    """The run ends within two seconds with the pending hop in the state; so does one that is still planning."""
    over = threading.Event()
    with opened(tmp_path, engine, _PATH, image=None) as case:
        if not waiting:
            case.proxy.before = hang(over)
        process = case.stack.start("up", "--yes", "--skip-preview")
        try:
            while not (case.sandbox.show("stars-1")["pending"] if waiting else case.proxy.requests):
                time.sleep(0.1)
            time.sleep(1)
            seen = len(case.proxy.requests)
            case.proxy.before = hang(over)
            while waiting and len(case.proxy.requests) == seen:
                time.sleep(0.05)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=60)
            assert time.monotonic() - began < 2
        finally:
            over.set()
        assert process.returncode != 0
        if waiting:
            assert "interrupted; the hop to Astro Runtime 6.10.0 stays started" in printed
            assert case.stack.outputs("stars-1")["pending"] == "Astro Runtime 6.10.0"


def test_the_plugin_ends_with_its_engine(tmp_path: Path, engine: Path) -> None:
    """Within five seconds, and none of its work continues."""
    with opened(tmp_path, engine, _PATH, image=None) as case:
        process = case.stack.start("up", "--yes", "--skip-preview")
        while not case.sandbox.show("stars-1")["pending"]:
            time.sleep(0.1)
        plugins = processes.plugins(process.pid)
        others = list(processes.below(process.pid))
        assert len(plugins) == 1
        process.kill()
        assert processes.gone(plugins, within=5)
        for pid in others:
            processes.kill(pid)
        process.communicate(timeout=20)
        seen = len(case.proxy.requests)
        time.sleep(1)
        assert len(case.proxy.requests) == seen
