"""A simulated engine that drives the lifecycle, executor and client against the sandbox's platform.

All runs in one process and on one clock, which moves only while something waits. Every mutation is checked on arrival.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic import SecretStr

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.versions import ReleaseId
from sandbox import app, graphql_execution, versions
from sandbox import catalog as offers
from sandbox.deployment import Deployment
from sandbox.houston import Houston as SandboxHouston
from sandbox.houston import Role, Tokens
from sandbox.platform_rules import Platform
from sandbox.platform_version import Generation
from sandbox.queries import Context
from sandbox.request_log import root_fields
from sandbox.store import Store
from tests.simulation import BASE, ID, IMAGE, RELEASE, TOKEN, FakeClock, Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CERTIFIED: Final = ("2.2.3", "2.2.5", "2.3.0", "2.3.4", "2.4.3")
RUNTIME: Final = {
    "4.2.5": "2.2.5",
    "5.0.4": "2.3.0",
    "5.4.0": "2.3.4",
    "6.0.4": "2.4.3",
    "6.10.0": "2.4.3",
    "7.6.0": "2.5.3",
    "8.8.0": "2.6.3",
}
PLATFORMS: Final = ("0.29.2", "0.30.4", "0.33.2", "0.34.1", "0.35.2")
URN: Final = "urn:pulumi:test::astro::pulumi-python:dynamic/astro:DeploymentRuntime::stars-1"
_MUTATIONS: Final = ("update", "cancel")


class Clock(FakeClock):
    """A clock on which events happen only while the run waits.

    Nobody acts between a read and the request after it: there the platform's own check decides.
    """

    def wait(self, seconds: float) -> bool:
        """Advance the time. Events happen only if the time passes."""
        if seconds > 0:
            return super().wait(seconds)
        return self.cancel_at is not None and self.time >= self.cancel_at


class Killed(BaseException):
    """The plugin process dies here."""


def write_catalog(folder: Path) -> Path:
    """Write the two feeds of a small catalog."""
    rows = [{"version": f"{version}-1", "tags": [f"{version}-1"], "channel": "stable"} for version in CERTIFIED]
    folder.mkdir(exist_ok=True)
    (folder / offers.CERTIFIED_FILE).write_text(json.dumps({"available_releases": rows}), encoding="utf-8")
    runtime = {
        version: {"metadata": {"airflowVersion": airflow, "channel": "stable"}, "migrations": {}}
        for version, airflow in RUNTIME.items()
    }
    (folder / offers.RUNTIME_FILE).write_text(json.dumps({"runtimeVersions": runtime}), encoding="utf-8")
    return folder


@dataclass(slots=True)
class Fault:
    """A fault at the n-th request of the next run that sends so many."""

    at: int
    acted: bool
    """Whether the platform has handled the request before the fault."""
    kills: bool
    """Whether the plugin process dies. If not, only the answer is lost."""


class CheckingTransport(httpx.BaseTransport):
    """Carry requests to the platform, and check each mutation first."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self._engine = engine
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        engine = self._engine
        engine.count += 1
        fault = engine.fault
        strikes = fault is not None and fault.at == engine.count
        body = json.loads(request.content) if request.url.path == "/v1" else None
        name = " ".join(root_fields(body["query"])) if body else request.url.path
        if body and name.startswith(_MUTATIONS):
            engine.requested.add(body["variables"].get("version", ""))
        if strikes and fault is not None and not fault.acted:
            self._inject(fault)
        if body and name.startswith(_MUTATIONS):
            engine.check_mutation(name, body["variables"])
        response = self._answer(request, body)
        if strikes and fault is not None:
            self._inject(fault)
        if body and name.endswith("deployment"):
            engine.last_read = engine.deployment()
        return response

    def _answer(self, request: httpx.Request, body: dict[str, Any] | None) -> httpx.Response:
        sandbox = self._engine.sandbox
        if body is not None:
            schema = graphql_execution.executable(sandbox.platform.generation)
            status, answer = graphql_execution.run(schema, body, Context(sandbox, Role.ADMIN))
            return httpx.Response(status, json=answer)
        transport = httpx.ASGITransport(app.create(sandbox))

        async def ask() -> httpx.Response:
            response = await transport.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

        return self._loop.run_until_complete(ask())

    def _inject(self, fault: Fault) -> None:
        self._engine.faults_hit += 1
        self._engine.fault_hit_in_run = True
        self._engine.fault = None
        if fault.kills:
            raise Killed
        raise httpx.ReadError("connection reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    kind: str
    """``done``, ``nothing`` to do, ``refused`` before anything, ``stopped`` between hops, ``failed``, ``killed``."""
    reason: str = ""


@dataclass(slots=True)
class SimulatedEngine:
    """One stack with one resource, for one Deployment on one platform."""

    catalog: Path
    clock: Clock = field(default_factory=Clock)
    messages: Recorder = field(default_factory=Recorder)
    fault: Fault | None = None
    count: int = 0
    """Number of requests in this run."""
    faults_hit: int = 0
    fault_hit_in_run: bool = False
    """Whether this run had a fault. After a lost answer, it may repeat a mutation."""
    last_read: Deployment | None = None
    """The Deployment at the last read."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Mutations of this run, each with its version."""
    requested: set[str] = field(default_factory=set)
    """Versions that the resource ever requested, including lost requests."""
    saved: dict[str, Any] | None = None
    """The resource's outputs in the stack's state, None without a state."""
    inputs: dict[str, Any] = field(default_factory=dict)
    """The resource's inputs in the stack's state."""
    unfinished: bool = False
    """Whether the last run saved partial progress, so that the engine updates the resource again."""
    yanked: frozenset[str] = frozenset()
    accepts_cancelling: bool = False
    sandbox: SandboxHouston = field(init=False)
    _feed: Catalog = field(init=False)
    _transport: Transport = field(init=False)

    def __post_init__(self) -> None:
        """Start the platform."""
        self._feed = vendor_feed.load(str(self.catalog))
        self._transport = Transport(
            ConnectionSettings(url=f"{BASE}/v1", token=SecretStr(TOKEN)), transport=CheckingTransport(self)
        )
        platform = Platform(
            generation=Generation.of("0.30.4"),
            catalog=offers.load(str(self.catalog)),
            # The platform refuses no downgrade, so that the rules of the package must.
            allow_downgrades=True,
            rollout_seconds=3.0,
            clock=self.clock,
        )
        self.sandbox = SandboxHouston(store=Store(), platform=platform, tokens=Tokens(admin=TOKEN), base_url=BASE)

    def close(self) -> None:
        """Close the connection and the store."""
        self._transport.close()
        self.sandbox.store.close()

    def add_deployment(self, version: str) -> None:
        """Add the Deployment on that version, or move it there."""
        airflow = RUNTIME.get(version)
        row = {"runtime_version": version, "desired_runtime_version": version, "runtime_airflow": airflow}
        own = row if airflow else {"airflow_version": version, "desired_airflow_version": version}
        made = Deployment(id=ID, release_name=RELEASE, label="Stars", workspace="ckw0space", **own)
        self.sandbox.store.add([made])
        self.sandbox.store.save(made)

    def deployment(self) -> Deployment:
        """Return the Deployment from the store, not through the API."""
        found = self.sandbox.find(deployment_id=ID)
        assert found is not None
        return found

    def change_platform(self, **changes: Any) -> None:
        """Change settings of the platform."""
        self.sandbox = replace(self.sandbox, platform=replace(self.sandbox.platform, **changes))

    def check_mutation(self, name: str, variables: Mapping[str, str]) -> None:
        """Check a mutation against the rules, by the platform's own state."""
        now = self.deployment()
        wanted = variables.get("version")
        sent = (name, wanted or variables.get("runtimeVersion") or variables.get("airflowVersion", ""))
        assert sent not in self.sent or self.fault_hit_in_run, f"{sent} is sent twice in one run"
        self.sent.append(sent)
        if name == "updateDeploymentImage":
            label = variables["runtimeVersion"] or variables["airflowVersion"]
            assert label == now.pending, f"{label} was delivered, pending is {now.pending!r}"
        elif wanted is None or wanted == now.version:
            assert now.pending, "nothing to cancel"
            ours = self.saved is not None and (self.saved.get("pending") or "").endswith(f" {now.pending}")
            assert ours or self.accepts_cancelling, f"cancelled the foreign {now.pending}"
        else:
            assert not now.pending, f"{wanted} was started while {now.pending} was pending"
            assert self._is_higher(wanted, now), f"{wanted} was requested on {now.version}"
            assert wanted not in self.yanked, f"the yanked {wanted} was requested"

    def _is_higher(self, wanted: str, now: Deployment) -> bool:
        airflow = RUNTIME.get(wanted)
        if airflow is None:
            return not now.on_runtime and versions.numbers(wanted) > versions.numbers(now.airflow_version)
        if not now.on_runtime:
            return airflow == now.airflow_version
        return versions.runtime_key(wanted, airflow) > versions.runtime_key(now.runtime_version, now.runtime_airflow)

    def up(self, **declared: Any) -> Result:
        """Run `pulumi up` as the engine does: check, diff, create or update, save."""
        self.count, self.fault_hit_in_run = 0, False
        self.sent.clear()
        feed = [
            replace(release, yanked=str(release.id.version) in self.yanked, yanked_reason="bad build")
            for release in (*self._feed.certified, *self._feed.runtime)
        ]
        lifecycle = DeploymentLifecycle(
            Houston(self._transport, feed=Catalog(feed), now=self.clock, gather=0, poll_gather=0)
        )
        try:
            return self._up(
                lifecycle, {"release_name": RELEASE, "accept": [], "timeout": "40s", "wait": True, **declared}
            )
        except AstroRuntimeError as error:
            return Result(kind="failed", reason=str(error))
        except Killed:
            return Result(kind="killed")
        finally:
            self.clock.cancel_at = None

    def _up(self, lifecycle: DeploymentLifecycle, news: dict[str, Any]) -> Result:
        self.accepts_cancelling = "cancel-pending" in news["accept"]
        checked = lifecycle.check(URN, self.inputs if self.saved is not None else {}, news)
        if checked.failures:
            return Result(kind="refused", reason=checked.failures[0][1])
        inputs = checked.inputs
        if self.saved is not None and not (lifecycle.diff(self.saved, inputs).changes or self.unfinished):
            self.inputs = inputs
            return Result(kind="nothing")
        outputs, problem = lifecycle.apply(inputs, saved=self.saved, clock=self.clock, reporter=self.messages)
        self._check_saved(outputs)
        if problem is None or self.saved is None:
            self.inputs = inputs
        self.saved, self.unfinished = outputs, problem is not None
        return Result(kind="done") if problem is None else Result(kind="stopped", reason=problem)

    def _check_saved(self, outputs: Mapping[str, Any]) -> None:
        """Check that the state has what was observed, and names only a hop that this resource requested."""
        seen, pending = self.last_read, outputs["pending"]
        assert seen is not None
        assert outputs["current_version"].rpartition(" ")[2] == seen.version
        assert outputs["airflow_version"] == seen.airflow
        assert pending is None or str(ReleaseId.parse(pending).version) in self.requested, f"{pending} is not ours"

    def image(self, version: str) -> str:
        """Return the name of an image with that version."""
        kind = "runtime" if version in RUNTIME else "certified"
        return IMAGE.format(distribution=kind, version=version)
