"""SIGINT in a Pulumi program: the process exits at once, and only where nobody else handles the signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import pytest
from pulumi.runtime import settings
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from astro_deployment_runtime.program.interrupt import INTERRUPTED, exit_on_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START: Final = """
import asyncio, os, signal, threading, time
from pulumi.runtime import settings
from astro_deployment_runtime import AstroDeploymentRuntime, declare_fleet
from astro_deployment_runtime.program.interrupt import exit_on_interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.set_event_loop(asyncio.new_event_loop())
settings.configure(settings.Settings("project", "stack", monitor="127.0.0.1:1"))
"""
_INTERRUPT: Final = """
threading.Thread(target=time.sleep, args=(60,)).start()
os.kill(os.getpid(), signal.SIGINT)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Set Python's default handler, and restore the previous one afterwards."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "declaration",
    [
        "exit_on_interrupt()",
        "declare_fleet(deployments=[])",
        "AstroDeploymentRuntime('a', release_name='a', runtime_version='5.0.4')",
    ],
)
def test_an_interrupted_program_exits_at_once_without_a_traceback(declaration: str, tmp_path: Path) -> None:
    """After any declaration, although a thread of the program waits for an answer that never comes."""
    program = [sys.executable, "-c", f"{_START}{declaration}{_INTERRUPT}"]
    ended = subprocess.run(program, check=False, timeout=30, capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (INTERRUPTED, "")


def test_a_program_without_an_engine_keeps_pythons_handler() -> None:
    """A unit test with Pulumi's mocks, for example."""
    exit_on_interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_is_set_on_the_main_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python refuses it elsewhere, and an inline program of the Automation API runs elsewhere."""
    monkeypatch.setattr(settings, "get_monitor", lambda: object.__new__(ResourceMonitorStub))
    thread = threading.Thread(target=exit_on_interrupt)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    exit_on_interrupt()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler


def test_a_handler_of_the_programs_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program has chosen what an interrupt does."""
    monkeypatch.setattr(settings, "get_monitor", lambda: object.__new__(ResourceMonitorStub))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_on_interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
