"""One httpx client for the whole process, beside the pool of clients that the package uses."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import httpx
from pydantic import SecretStr

from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.houston import bounded_http
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.support.http_clients import ClientPool
from bench.sandbox_project import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

ROUNDS: Final = 5
THREADS: Final = (500, 1000)
_REQUESTS: Final = 2
"""Requests of each thread."""
_ANSWER_SECONDS: Final = 0.05
_ANSWER: Final = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{"data": {"a": 7}}'


class _SharedClient(ClientPool):
    """One client for all threads."""

    def __init__(self, url: str, *, ca_file: Path | None, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        super().__init__(url, ca_file=ca_file, **options)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._shared = httpx.Client(**self._options, limits=limits)

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        yield self._shared

    def close(self) -> None:
        self._shared.close()


def measure() -> Table:
    """Send mutations and read pages from many threads, with both in turn."""
    rows = []
    with _server() as url:
        for threads in THREADS:
            rounds = [
                (_seconds(url, ClientPool, threads), _seconds(url, _SharedClient, threads)) for _ in range(ROUNDS)
            ]
            pool, shared = (statistics.median(column) for column in zip(*rounds, strict=True))
            rows.append([str(threads), f"{pool:.2f} s", f"{shared:.2f} s", f"{shared / pool:.2f}"])
    return Table("clients", ["threads", "the pool", "one client", "one client / the pool"], rows, [])


def _seconds(url: str, clients: type[ClientPool], threads: int) -> float:
    settings = ConnectionSettings(url=url, token=SecretStr("token"), max_requests_per_second=1e6)
    with mock.patch.object(bounded_http, "ClientPool", clients), contextlib.closing(Transport(settings)) as transport:

        def work(number: int) -> None:
            for _ in range(_REQUESTS):
                if number % 2:
                    transport.http.get_page(url)
                else:
                    transport.mutate("mutation { a }", {}, what="measure")

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        before = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - before


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """Serve the answer from another process, so that it does not compete for this one's interpreter lock."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{receiver.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def _serve(sender: Connection) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=4096)
        sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next((line for line in head.lower().splitlines() if line.startswith(b"content-length:")), b":0")
            await reader.readexactly(int(length.partition(b":")[2]))
            await asyncio.sleep(_ANSWER_SECONDS)
            writer.write(_ANSWER)
            await writer.drain()
    writer.close()
