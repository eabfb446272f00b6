"""A simulated platform for runs: the real client and the real sandbox in one process, on a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic import SecretStr

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.delivery.registry_image import ImageDelivery, ImageTemplate
from astro_deployment_runtime.execution.decision_types import WalkRequest
from astro_deployment_runtime.execution.executor import WalkResult, walk
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.pending_hop import Ownership
from astro_deployment_runtime.planning.plan_model import Plan, Strategy
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion
from sandbox import app, startup
from sandbox.image_labels import Labels
from sandbox.request_log import root_fields
from tests.quick_retries import quick_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.houston import Houston as SandboxHouston

BASE: Final = "http://127.0.0.1:8871"
TOKEN: Final = "canary-token-4711"
IMAGE: Final = "registry.example.com/team/airflow:{distribution}-{version}"
ID: Final = "ckw1stars"
RELEASE: Final = "stars-1"


class FakeClock:
    """A clock that advances only while something waits. A test sets when the user cancels."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.cancel_at: float | None = None
        self.events: list[tuple[float, Callable[[], object]]] = []

    def __call__(self) -> float:
        return self.time

    def now(self) -> float:
        return self.time

    def at(self, seconds_from_now: float, do: Callable[[], object]) -> None:
        """Schedule an event on the platform, during a wait."""
        self.events.append((self.time + seconds_from_now, do))

    def wait(self, seconds: float) -> bool:
        self.time += seconds
        due = [event for event in self.events if event[0] <= self.time]
        self.events = [event for event in self.events if event[0] > self.time]
        for _, do in due:
            do()
        return self.cancel_at is not None and self.time >= self.cancel_at


@dataclass(slots=True)
class Recorder:
    """A reporter that keeps its texts."""

    infos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    progresses: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        self.progresses.append(text)


class _Wire(httpx.BaseTransport):
    """Carry requests to the app. A fault may happen before the app sees one, or after it has handled it."""

    def __init__(self, served: Any) -> None:
        self._asgi = httpx.ASGITransport(served, raise_app_exceptions=False)
        self._loop = asyncio.new_event_loop()
        self.requests: list[str] = []
        self.replace: dict[str, Any] = {}
        self.before: Callable[[str], httpx.Response | None] = lambda _: None
        self.after: Callable[[str, httpx.Response], httpx.Response] = lambda _, response: response

    def close(self) -> None:
        self._loop.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path
        if name == "/v1":
            name = " ".join(root_fields(json.loads(request.content)["query"]))
        self.requests.append(name)
        if (instead := self.before(name)) is not None:
            return instead
        if name in self.replace:
            return httpx.Response(200, json=self.replace[name])

        async def ask() -> httpx.Response:
            response = await self._asgi.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

        return self.after(name, self._loop.run_until_complete(ask()))


@dataclass(slots=True, kw_only=True)
class Simulation:
    """One Deployment, ``stars-1``, on a simulated platform."""

    sandbox: SandboxHouston
    client: Houston
    wire: _Wire
    clock: FakeClock
    reports: Recorder = field(default_factory=Recorder)

    def request(
        self, target: str = "5.0.4", *, accept: tuple[str, ...] = (), ours: bool = False, **more: Any
    ) -> WalkRequest:
        """Return the request of a path from the running release to a target, as check does."""
        deployment, platform, catalog = self.client.observe(ID)
        accepted = AcceptedRisks.parse(accept)
        planned = plan(
            PlanRequest(
                current=deployment.current,
                target=RuntimeVersion.parse(target),
                catalog=catalog,
                accepted=accepted,
                platform=platform,
                pending=deployment.pending,
                pending_owner=Ownership.OURS if ours else Ownership.FOREIGN,
            )
        )
        assert isinstance(planned, Plan)
        return WalkRequest(
            target=RuntimeVersion.parse(target),
            strategy=Strategy.CERTIFIED_FIRST,
            accepted=accepted,
            path=planned.path,
            cancel=planned.cancel,
            **more,
        )

    def walk(self, declaration: WalkRequest, *, image: str | None = IMAGE, pending: str | None = None) -> WalkResult:
        """Walk the path, as an update does."""
        return walk(
            ID,
            declaration,
            delivery=ImageDelivery(ImageTemplate(image), self.client) if image else None,
            saved_hop=ReleaseId.parse(pending) if pending else None,
            client=self.client,
            clock=self.clock,
            reporter=self.reports,
        )

    def push(self, image: str) -> None:
        """Deploy an image, as a team's pipeline does."""
        self.sandbox.deploy(RELEASE, image, Labels())

    def delete(self) -> None:
        """Delete the Deployment, as an administrator does."""
        self.sandbox.store._db.execute("DELETE FROM deployments")

    def mutations(self) -> list[str]:
        """The sent mutations, in order."""
        return [name for name in self.wire.requests if name.startswith(("update", "cancel"))]


def runs(result: WalkResult) -> str:
    """Return the release in the last observation of a walk."""
    return str(result.deployment.current)


@contextlib.contextmanager
def simulated(
    folder: Path, *, version: str = "2.2.3", distribution: str = "certified", **settings: Any
) -> Iterator[Simulation]:
    """Open a simulation whose Deployment runs that version; ``settings`` are the sandbox's."""
    fleet = folder / "fleet.yaml"
    pending = settings.pop("pending", None)
    entry = {
        "id": ID,
        "releaseName": RELEASE,
        "label": "Stars",
        "workspace": "ckw0space",
        "distribution": distribution,
        "version": version,
        **({"pending": pending} if pending else {}),
    }
    fleet.write_text(json.dumps([entry]), encoding="utf-8")
    clock = FakeClock()
    made = startup.Settings(
        **{"token": TOKEN, "fleet": fleet, "rollout_seconds": 60.0, "heartbeat_seconds": 0.2, **settings}
    )
    with quick_retries(2), startup.houston(made, BASE, clock) as served:
        wire = _Wire(app.create(served))
        transport = Transport(ConnectionSettings(url=f"{BASE}/v1", token=SecretStr(TOKEN)), transport=wire)
        try:
            yield Simulation(
                sandbox=served,
                client=Houston(transport, feed=vendor_feed.load("guide"), now=clock, gather=0, poll_gather=0),
                wire=wire,
                clock=clock,
            )
        finally:
            transport.close()
