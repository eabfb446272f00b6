"""Starts a sandbox from its settings: catalog, platform, fleet, state, app, server."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from starlette.middleware import Middleware

from sandbox import app, catalog, fleet_file, platform_rules, server
from sandbox.errors import SandboxError, problems
from sandbox.houston import Houston, Tokens
from sandbox.malformed_answers import MalformedAnswers, places
from sandbox.network_faults import NetworkFaults
from sandbox.platform_quirks import Quirks
from sandbox.platform_version import Generation
from sandbox.request_log import RequestLog
from sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a sandbox; ``python -m sandbox serve --help`` explains them."""

    token: str = field(repr=False)
    viewer_token: str | None = field(default=None, repr=False)
    port: int = 0
    state: Path | None = None
    catalog: str = "guide"
    fleet: Path | None = None
    public_url: str | None = None
    platform_version: str = "0.30.4"
    rollout_seconds: float = 0.0
    heartbeat_seconds: float = 5.0
    allow_downgrades: bool = False
    reverts_after: float | None = None
    clears_desired: float = 0.0
    keeps_airflow: bool = False
    stale_seconds: float = 0.0
    delay_seconds: float = 0.0
    failing_percent: float = 0.0
    request_log: Path | None = None
    lacks: Sequence[str] = ()
    put: Sequence[str] = ()


@contextlib.contextmanager
def houston(settings: Settings, base_url: str, clock: Callable[[], float] = time.time) -> Iterator[Houston]:
    """Open the Houston of these settings and close its store afterwards.

    Raises:
        SandboxError: a setting, or a file that it names, is wrong.
    """
    if not settings.token or settings.viewer_token == "":
        raise SandboxError("a token cannot be empty")
    if settings.viewer_token == settings.token:
        raise SandboxError("the viewer's token must differ from the admin's")
    platform = platform_rules.Platform(
        generation=Generation.of(settings.platform_version),
        catalog=catalog.load(settings.catalog),
        allow_downgrades=settings.allow_downgrades,
        rollout_seconds=settings.rollout_seconds,
        quirks=Quirks(
            reverts_after=settings.reverts_after,
            clears_desired=settings.clears_desired,
            keeps_airflow=settings.keeps_airflow,
            stale_seconds=settings.stale_seconds,
        ),
        heartbeat_seconds=settings.heartbeat_seconds,
        clock=clock,
    )
    deployments = fleet_file.load(settings.fleet or fleet_file.shipped(platform), platform)
    with Store(settings.state) as store:
        store.add(deployments)
        unfit = [
            f"{each.release_name}: {misfit}"
            for each in store.deployments()
            for misfit in platform_rules.misfits(each, platform.generation)
        ]
        if unfit:
            raise problems(f"the state file {settings.state} does not fit the platform", unfit)
        tokens = Tokens(admin=settings.token, viewer=settings.viewer_token)
        yield Houston(store=store, platform=platform, tokens=tokens, base_url=base_url)


def serve(settings: Settings) -> None:
    """Serve on 127.0.0.1 until a signal; raises SandboxError if it cannot start."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(server.bind(settings.port)))
        host, port = listener.getsockname()
        root = (settings.public_url or f"http://{host}:{port}").rstrip("/")
        served = stack.enter_context(houston(settings, root))
        middleware = []
        if settings.request_log:
            stream = stack.enter_context(_opened(settings.request_log))
            middleware.append(Middleware(RequestLog, stream=stream, tokens=served.tokens, clock=served.platform.clock))
        if settings.delay_seconds or settings.failing_percent:
            faults = {"delay_seconds": settings.delay_seconds, "failing_percent": settings.failing_percent}
            middleware.append(Middleware(NetworkFaults, **faults))
        if settings.put:
            middleware.append(Middleware(MalformedAnswers, put=places(settings.put)))
        server.run(app.create(served, middleware, settings.lacks), listener)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise SandboxError(f"the request log {path} cannot be written: {error.strerror}") from error
