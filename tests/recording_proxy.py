"""A reverse proxy in front of a sandbox that records every request and can inject faults."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sandbox.request_log import root_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MUTATIONS: Final = ("update", "cancel", "upsert")
_NOT_PASSED_ON: Final = {"transfer-encoding", "connection", "content-length", "date", "server"}
_RESET: Final = struct.pack("ii", 1, 0)
_SECONDS: Final = 30.0


class Dropped(Exception):  # noqa: N818 - a thing that happens, no mistake
    """Raised by a fault: the connection is reset and there is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, and its position in the run."""

    name: str
    """The root fields, or the path of the Airflow page."""
    variables: Mapping[str, str]
    mutations: int
    """Number of mutations so far, including this one."""
    number: int
    """Position among the requests of that name since the last mutation, from 1."""

    @property
    def changes(self) -> bool:
        """Whether it is a mutation."""
        return self.name.startswith(_MUTATIONS)


@dataclass(slots=True, kw_only=True)
class Answer:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    chunks: Iterator[bytes] | None = None
    """The body in pieces, without a Content-Length; replaces ``body``."""

    @classmethod
    def of(cls, status: int, body: str, **headers: str) -> Answer:
        """Make one; header names are written with underscores."""
        kind = "text/html" if body.startswith("<") else "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status=status, headers={"content-type": kind, **named}, body=body.encode())


def _passed(_: Request) -> Answer | None:
    return None


def _unchanged(_: Request, answer: Answer) -> Answer:
    return answer


@dataclass(slots=True)
class Proxy:
    """The proxy. ``before`` may answer instead of the sandbox, ``after`` may change its answer; both may wait."""

    upstream: int = 0
    """The sandbox's port. It may change, and the sandbox may be down."""
    before: Callable[[Request], Answer | None] = _passed
    after: Callable[[Request, Answer], Answer] = _unchanged
    requests: list[Request] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _mutations: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Listen on a free port."""
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = _Server(("127.0.0.1", 0), Handler)

    @property
    def root(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def listening(self) -> Iterator[Proxy]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="proxy")
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(timeout=10)

    def note(self, path: str, body: bytes) -> Request:
        """Record a request."""
        document: Any = json.loads(body) if body else {}
        name = " ".join(root_fields(document.get("query"))) or path.rpartition("/airflow/")[2]
        with self._lock:
            if name.startswith(_MUTATIONS):
                self._mutations += 1
                self._counts.clear()
            self._counts[name] += 1
            noted = Request(
                name=name,
                variables=document.get("variables") or {},
                mutations=self._mutations,
                number=self._counts[name],
            )
            self.requests.append(noted)
        return noted


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Print nothing about killed clients."""


class _Handler(BaseHTTPRequestHandler):
    owner: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.owner.headers.append(dict(self.headers))
        request = self.owner.note(self.path, body)
        try:
            answer = self.owner.before(request) or self._forward(body)
            self._send(self.owner.after(request, answer))
        except (OSError, http.client.HTTPException, Dropped):
            self.close_connection = True
            with contextlib.suppress(OSError):
                # Close with a reset, like a killed process.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _forward(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.upstream, timeout=_SECONDS)
        with contextlib.closing(connection):
            headers = {name: self.headers[name] for name in ("authorization", "content-type") if self.headers[name]}
            connection.request(self.command, urlsplit(self.path).path, body or None, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _NOT_PASSED_ON}
            return Answer(status=response.status, headers=kept, body=response.read())

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunks is None:
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for chunk in answer.chunks:
            self.wfile.write(chunk)
