"""How a provider's methods tell the user, and their clock: for the call that they serve, on our host or Pulumi's."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from astro_deployment_runtime.plugin.server import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.plugin.server import Call


def _print(text: str) -> None:
    """Print on Pulumi's own host, which shows a plugin's output; what the encoding lacks is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)  # noqa: T201


class CallReporter:
    """Tells the user at the resource's own row; on Pulumi's own host, at the stack's."""

    def __init__(self, call: Call | None) -> None:
        self._call = call

    def info(self, text: str) -> None:
        """Say something that stays."""
        self._say(Severity.INFO, text)

    def warning(self, text: str) -> None:
        """Warn of something."""
        self._say(Severity.WARNING, text)

    def progress(self, text: str) -> None:
        """Say what goes on, in the status column, until the next such text."""
        if self._call:
            self._call.progress(text)
        else:
            _print(text)

    def plan(self, lines: Sequence[str], warnings: Sequence[str], inputs: Mapping[str, Any]) -> None:
        """Show a plan, and its path in the status column; nothing where there is no plan."""
        for warning in warnings:
            self.warning(warning)
        if lines:
            self.info("\n".join(lines))
            self.progress(inputs["path"])

    def _say(self, severity: Severity, text: str) -> None:
        if self._call:
            self._call.log(severity, text)
        else:
            _print(text)


class CallClock:
    """Real time, and the engine's Cancel; Pulumi's own host never tells of one."""

    def __init__(self, call: Call | None) -> None:
        self._cancelled = call.cancelled if call else threading.Event()

    def now(self) -> float:
        """Return seconds, from any start."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait; return True at once when the run is cancelled."""
        return self._cancelled.wait(seconds)
