"""The process that serves the sandbox: its socket, its signals, its one line of output."""

from __future__ import annotations

import contextlib
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from sandbox.errors import FAILED, SandboxError

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from starlette.types import ASGIApp

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """Bind a port of this machine's loopback, 0 for a free one; raises SandboxError if that fails."""
    # The protocol is named, because only then asyncio sends immediately; otherwise answers wait 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot listen on {HOST}:{port}: {reason}. Choose another --port, or 0 for a free one"
        raise SandboxError(message, exit_code=FAILED) from error
    return listener


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; print ``listening on ...`` once it answers requests."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that reports when it is ready and exits normally on a signal."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()
            print(f"listening on http://{host}:{port}/v1", flush=True)  # noqa: T201  the contract with the process that started it

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Uvicorn's own raises the signal again after the shutdown, so the process would end with an error."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
