"""Ctrl-C in a Pulumi program: the program has nothing to save, so it ends at once.

Pulumi's own end of a program waits for the answers to its requests; those about resources that were cancelled never
come, and the engine then holds the terminal for another five seconds.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

from pulumi.runtime import settings
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

INTERRUPTED: Final = 130
"""What a shell reports for a command that Ctrl-C ended."""


def _end(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def run_by_the_engine() -> bool:
    """Tell whether this process is a program that the engine runs, and not one under Pulumi's mocks."""
    return isinstance(settings.get_monitor(), ResourceMonitorStub)


def end_at_once() -> None:
    """Let an interrupt end this process, where it is a program that the engine runs and nobody else cares for that."""
    if (
        run_by_the_engine()
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _end)
