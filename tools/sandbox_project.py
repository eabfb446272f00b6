"""A sandbox, a project and an environment for `pulumi`, for the demo, the recording and the playground."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT: Final = Path(__file__).resolve().parents[1]
FLEET: Final = ROOT / "stacks" / "sandbox-fleet.yaml"
STACK: Final = ROOT / "stacks" / "Pulumi.sandbox.yaml"
TOKEN: Final = "sandbox-token"  # noqa: S105 - it guards nothing but the sandbox
_READY: Final = re.compile(r"^listening on (\S+)\n", re.MULTILINE)
_PROJECT: Final = ("__main__.py", "plugin", "provider", "requirements.txt", ".venv")
"""Files of a Pulumi project beside Pulumi.yaml and the stack's file, which the engine may write to."""
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0


class SandboxNotStartedError(Exception):
    """The sandbox did not start; the message has its output."""


@contextlib.contextmanager
def sandbox(*, state: Path, rollout_seconds: float) -> Iterator[str]:
    """Run the sandbox on a free loopback port, yield Houston's address, and end it afterwards.

    Its Airflows send five heartbeats a second instead of one every five seconds, to shorten the waits.

    Raises:
        SandboxNotStartedError: it exited, or did not answer in time.
    """
    options = {
        "--port": "0",
        "--state": str(state),
        "--catalog": "guide",
        "--fleet": str(FLEET),
        "--platform-version": "0.30.4",
        "--token": TOKEN,
        "--rollout-seconds": str(rollout_seconds),
        "--heartbeat-seconds": "0.2",
    }
    command = [sys.executable, "-m", "sandbox", "serve", *(word for option in options.items() for word in option)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C reaches only this process, which ends the sandbox
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            text=True,
        )
        try:
            yield _address(process, said)
        finally:
            stop(process, signal.SIGTERM)


def _address(process: subprocess.Popen[str], said: TextIO) -> str:
    """Wait until the sandbox has printed its address."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        said.seek(0)
        if found := _READY.search(said.read()):
            return found[1]
        time.sleep(0.05)
    said.seek(0)
    raise SandboxNotStartedError(f"the sandbox did not start\n{said.read()}".rstrip())


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Ask a process to end, wait for it, and kill it if it does not.

    Its remaining output is read and dropped: closing the pipe earlier would kill it before it has ended its children.
    """
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def lay_out(project: Path) -> None:
    """Make a folder a copy of this repository's Pulumi project, so that a run changes no file of the repository."""
    (project / "stacks").mkdir(parents=True)
    for name in _PROJECT:
        (project / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Pulumi.yaml", project)


def pulumi_settings(*, folder: Path, url: str) -> dict[str, str]:
    """Return the variables for a `pulumi` that keeps everything in one folder, and for this Houston."""
    backend, home = folder / "state", folder / "home"
    backend.mkdir(parents=True, exist_ok=True)
    return {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "ASTRO_HOUSTON_URL": url,
        "ASTRO_HOUSTON_TOKEN": TOKEN,
    }


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return this environment with these settings, without a user's settings for other stacks and platforms."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "ASTRO_"))}
    return {**inherited, **settings}


def end_on_sigterm() -> None:
    """End on SIGTERM as on Ctrl-C, with all child processes."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
