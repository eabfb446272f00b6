"""Ctrl-C in a Pulumi program."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import pytest
from pulumi.runtime import settings
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from astro_deployment_runtime.program.interrupt import INTERRUPTED, end_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM: Final = """
import grpc, os, signal, threading, time
from pulumi.runtime import settings
from astro_deployment_runtime.program.interrupt import end_at_once
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.configure(settings.Settings("project", "stack", monitor="127.0.0.1:1"))
end_at_once()
threading.Thread(target=time.sleep, args=(60,)).start()
os.kill(os.getpid(), signal.SIGINT)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Python's own handler, and the one of before at the end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_program_ends_at_once() -> None:
    """Though a thread of it waits for an answer that never comes."""
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], check=False, timeout=30)
    assert ended.returncode == INTERRUPTED


def test_what_the_engine_does_not_run_is_left_alone() -> None:
    """A test with Pulumi's mocks, for example."""
    end_at_once()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_programs_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """And off the main thread nothing can be set."""
    monkeypatch.setattr(settings, "get_monitor", lambda: object.__new__(ResourceMonitorStub))
    thread = threading.Thread(target=end_at_once)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_at_once()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_at_once()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
