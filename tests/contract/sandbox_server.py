"""The sandbox behind a real socket, and the package's client in front of it."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import uvicorn
import yaml
from pydantic import SecretStr
from starlette.middleware import Middleware

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.houston.transport import Transport
from sandbox import app, server, startup
from sandbox.malformed_answers import MalformedAnswers, places
from sandbox.request_log import RequestLog

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from astro_deployment_runtime.planning.catalog import Catalog
    from sandbox.deployment import Deployment as SandboxDeployment
    from sandbox.houston import Houston as SandboxHouston

TOKEN: Final = "canary-token-4711"
VIEWER: Final = "canary-viewer-4712"

STARS, DUST, WIND, TIDES = "ckw1stars", "ckw1dust", "ckw1wind", "ckw1tides"
SPACE, HELIO = "ckw0space", "ckw0helio"
Row = dict[str, str]
FLEET: Final[tuple[Row, ...]] = (
    {"id": STARS, "releaseName": "stars-1", "workspace": SPACE, "distribution": "certified", "version": "2.2.3"},
    {"id": DUST, "releaseName": "dust-2", "workspace": SPACE, "distribution": "certified", "version": "2.3.0"},
    {"id": WIND, "releaseName": "wind-3", "workspace": HELIO, "distribution": "runtime", "version": "4.2.5"},
    {
        "id": TIDES,
        "releaseName": "tides-4",
        "workspace": HELIO,
        "distribution": "certified",
        "version": "2.2.5",
        "pending": "4.2.5",
        "dagDeployment": "git_sync",
    },
)


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True, kw_only=True)
class Served:
    """A sandbox that answers over HTTP, and a client of it."""

    url: str
    sandbox: SandboxHouston
    log: io.StringIO
    client: Houston
    transport: Transport
    now: Now = field(default_factory=Now)

    def asked(self) -> list[list[str]]:
        """List the root fields of every request to Houston so far."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line["fields"] for line in lines if line["path"] == "/v1"]

    def found(self, deployment_id: str) -> SandboxDeployment:
        """Look at a Deployment behind the API."""
        found = self.sandbox.store.find(deployment_id=deployment_id)
        assert found is not None
        return found


def feed() -> Catalog:
    """Read the guide's catalog."""
    return vendor_feed.load("guide")


def settings(url: str, token: str = TOKEN, **more: Any) -> ConnectionSettings:
    """Make the settings that name this Houston."""
    return ConnectionSettings(url=url, token=SecretStr(token), **more)


def many(count: int, workspaces: int) -> list[Row]:
    """Make that many Deployments on Runtime 4.2.5, spread over workspaces."""
    return [
        {
            "id": f"ckw1many{number}",
            "releaseName": f"many-{number}",
            "workspace": f"ckw0space{number % workspaces}",
            "distribution": "runtime",
            "version": "4.2.5",
        }
        for number in range(count)
    ]


@contextlib.contextmanager
def running(application: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Answer on that socket, in a thread."""
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]}, name="sandbox")
    thread.start()
    try:
        yield
    finally:
        served.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    rows: Sequence[Mapping[str, str]] = FLEET,
    token: str = TOKEN,
    version: str = "0.30.4",
    catalog: str = "guide",
    public_url: str | None = None,
    lacks: Sequence[str] = (),
    put: Sequence[str] = (),
) -> Iterator[Served]:
    """Start a sandbox with these Deployments; its rollouts take no time.

    Args:
        folder: for its files.
        rows: its fleet.
        token: the client's.
        version: the platform's.
        catalog: what is on offer, and what the client knows of it.
        public_url: the root of the Airflows' addresses, if a proxy is in front.
        lacks: fields that the platform lacks, as the sandbox's option of that name has it.
        put: odd values in its answers, likewise.
    """
    fleet = folder / "fleet.yaml"
    fleet.write_text(yaml.safe_dump([{"label": row["releaseName"].title(), **row} for row in rows]), encoding="utf-8")
    # The sandbox has real time, a client in these tests may not: a heartbeat has moved whenever its page is read again.
    options: dict[str, Any] = {"fleet": fleet, "platform_version": version, "heartbeat_seconds": 0.001}
    chosen = startup.Settings(token=TOKEN, viewer_token=VIEWER, catalog=catalog, **options)
    log, now = io.StringIO(), Now()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(server.bind(0)))
        host, port = listener.getsockname()
        root = f"http://{host}:{port}"
        sandbox = stack.enter_context(startup.houston(chosen, public_url or root))
        middleware = [Middleware(RequestLog, stream=log, tokens=sandbox.tokens, clock=sandbox.platform.clock)]
        if put:
            middleware.append(Middleware(MalformedAnswers, put=places(put)))
        stack.enter_context(running(app.create(sandbox, middleware, lacks), listener))
        transport = stack.enter_context(contextlib.closing(Transport(settings(f"{root}/v1", token))))
        client = Houston(transport, feed=vendor_feed.load(catalog), now=now, gather=0, poll_gather=0)
        yield Served(url=f"{root}/v1", sandbox=sandbox, log=log, client=client, transport=transport, now=now)
