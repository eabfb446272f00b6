"""Ctrl-C in a Pulumi program: the process exits at once, without a traceback.

A program only describes resources and has nothing to save. Python's own handler raises KeyboardInterrupt, and Pulumi
then waits for answers to requests that the engine has cancelled: the terminal is blocked for another five seconds. The
language host also interrupts the program when the engine refuses a resource, and current language hosts then print the
traceback of that KeyboardInterrupt below the refusal.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

from pulumi.runtime import settings
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

INTERRUPTED: Final = 130
"""Exit code that shells report for a command that Ctrl-C ended."""


def run_by_the_engine() -> bool:
    """Return whether the engine runs this program; False under Pulumi's mocks, and without an engine."""
    return isinstance(settings.get_monitor(), ResourceMonitorStub)


def exit_on_interrupt() -> None:
    """Set a SIGINT handler that exits this process with code 130, from now until the program ends.

    The first declaration of a program calls this. It does nothing where somebody else may rely on the signal: outside
    of the engine, off the main thread (an inline program of the Automation API), or where any other handler than
    Python's default one is set.
    """
    if (
        run_by_the_engine()
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _exit)


def _exit(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)
