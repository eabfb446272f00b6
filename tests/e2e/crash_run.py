"""A run that is interrupted at one point, and the invariants afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.e2e import processes
from tests.e2e.crash_points import Killer, Side, Where
from tests.e2e.native_project import NativeProject
from tests.e2e.pulumi_project import IMAGE, QUICK_PLUGIN, Project
from tests.e2e.sandbox_process import Sandbox, deployment
from tests.recording_proxy import Dropped, Proxy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.e2e.crash_points import Point
    from tests.recording_proxy import Answer, Request

RELEASE: Final = "stars-1"
SHORT: Final = ("2.2.3", "2.4.3", "6.10.0")
"""AC 2.2.3 > AC 2.4.3 > Astro Runtime 6.10.0, in the published catalog: the shortest path with every mutation."""
LONG: Final = (*SHORT, "7.6.0")
"""The same and a Runtime upgrade."""
_PLANNED: Final = frozenset({"plan", "warnings", "path", "hops", "cancel"})
_PLUGIN_SECONDS: Final = 5.0
_OUTAGE_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A requested hop, and the platform's versions before it."""

    version: str
    current: str
    pending: str


@dataclass(slots=True)
class Case:
    """A Deployment, a stack, and the proxy between them."""

    proxy: Proxy
    sandbox: Sandbox
    stack: Project
    starts: list[Start] = field(default_factory=list)
    struck: str = ""
    _threads: list[threading.Thread] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _doomed: list[int] = field(default_factory=list)
    """Plugin processes of a killed engine."""
    _below: list[int] = field(default_factory=list)
    """All its processes."""

    def up(self) -> tuple[int, str]:
        """Run ``pulumi up`` to any end, and make sure that none of its processes survives."""
        self._doomed, self._below = [], []
        self._process = process = self.stack.start("up", "--yes", "--skip-preview")
        try:
            while process.poll() is None and not self._doomed:
                time.sleep(0.05)
            printed, _ = process.communicate(timeout=120) if not self._doomed else ("", None)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=20)
        if self._doomed:
            assert processes.gone(self._doomed, within=_PLUGIN_SECONDS), "the plugin lives on without its engine"
            assert process.stdout is not None
            process.stdout.close()
        for pid in filter(processes.command, self._below):
            processes.kill(pid)
        for thread in self._threads:
            thread.join(timeout=60)
        return process.returncode, printed

    def watch(self) -> None:
        """Record every requested hop."""
        self.proxy.before = self._note

    def strike(self, point: Point) -> None:
        """Interrupt the run at the point, once."""

        def before(request: Request) -> Answer | None:
            self._note(request)
            if point.side is Side.BEFORE and Where.of(request) == point.where and not self.struck:
                self._strike(point)
            return None

        def after(request: Request, answer: Answer) -> Answer:
            if point.side is Side.AFTER and Where.of(request) == point.where and not self.struck:
                self._strike(point)
            return answer

        self.proxy.before, self.proxy.after = before, after

    def _note(self, request: Request) -> None:
        version = request.variables.get("version")
        if version is not None:
            row = self.sandbox.show(RELEASE)
            self.starts.append(Start(version=version, current=row["version"], pending=row["pending"]))

    def _strike(self, point: Point) -> None:
        assert self._process is not None
        engine = self._process.pid
        plugins = processes.plugins(engine)
        self.struck = str(point)
        match point.killer:
            case Killer.ANSWER:
                raise Dropped
            case Killer.PLUGIN:
                assert plugins, "the program asked by itself"
                for pid in plugins:
                    processes.kill(pid)
                assert processes.gone(plugins, within=5)
            case Killer.ENGINE:
                self._below = list(processes.below(engine))
                processes.kill(engine)
                self._doomed = plugins
            case Killer.SANDBOX:
                self.sandbox.stop(signal.SIGKILL)
                self._start_again(self._process, at_once=point.side is Side.BEFORE)

    def _start_again(self, process: subprocess.Popen[str], *, at_once: bool) -> None:
        """Start the platform again: immediately, or when the run has failed, after some seconds at most."""

        def run() -> None:
            end = time.monotonic() + (0 if at_once else _OUTAGE_SECONDS)
            while time.monotonic() < end and process.poll() is None:
                time.sleep(0.1)
            self.sandbox.start()

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def end(self) -> dict[str, Any]:
        """Return the final state of platform and stack, without values that differ between runs."""
        row = self.sandbox.show(RELEASE)
        latest = self.stack.checkpoint()
        ours = [each for each in latest["resources"] if each["type"].endswith("DeploymentRuntime")]
        return {
            "platform": {name: row[name] for name in ("distribution", "version", "airflow", "pending", "health")},
            "outputs": [
                {
                    name: str(value).replace(self.proxy.root, "ROOT")
                    for name, value in each["outputs"].items()
                    if name not in _PLANNED
                }
                for each in ours
            ],
            "errors": [each.get("initErrors", []) for each in ours],
            "unfinished": latest.get("pending_operations", []),
        }


@contextlib.contextmanager
def opened(
    folder: Path,
    engine: Path,
    path: Sequence[str],
    *,
    image: str | None = IMAGE,
    label: str = "Stars",
    plugin: Path = QUICK_PLUGIN,
    kind: type[Project] = Project,
) -> Iterator[Case]:
    """Open a case in its own folder: a Deployment at the start of the path, declared for its end."""
    place = folder / "platform"
    place.mkdir(parents=True)
    with Proxy().listening() as proxy:
        row = {**deployment(RELEASE, path[0]), "label": label}
        sandbox = Sandbox(place, [row], public_url=proxy.root, catalog="published")
        proxy.upstream = int(sandbox.url.rsplit(":", 1)[1].split("/")[0])
        try:
            stack = kind(folder / "project", engine, f"{proxy.root}/v1", {"ASTRO_CATALOG": "published"}, plugin=plugin)
            stack.sandbox = sandbox
            declared: dict[str, Any] = {
                "releaseName": RELEASE,
                "runtimeVersion": path[-1],
                **({"image": image} if image else {}),
            }
            if isinstance(stack, NativeProject):
                stack.one(**declared)
            else:
                stack.declare(declared)
            yield Case(proxy, sandbox, stack)
        finally:
            sandbox.stop()


def undisturbed(
    folder: Path, engine: Path, path: Sequence[str], plugin: Path, kind: type[Project] = Project
) -> dict[str, Any]:
    """Record an undisturbed run: its requests, its starts and its end."""
    with opened(folder, engine, path, plugin=plugin, kind=kind) as case:
        case.watch()
        code, printed = case.up()
        assert code == 0, printed
        assert [start.version for start in case.starts] == list(path[1:])
        requests = [Where.of(request) for request in case.proxy.requests]
        if kind is Project:
            # With the same platform and the same state, a preview of an interrupted run finds nothing to do either.
            case.stack.preview("--expect-no-changes")
        return {"requests": [asdict(where) for where in requests], "end": case.end()}


def survived(
    point: Point,
    folder: Path,
    engine: Path,
    *,
    path: Sequence[str],
    plugin: Path,
    end: dict[str, Any],
    kind: type[Project] = Project,
) -> dict[str, Any]:
    """Crash once, bring the Deployment to its target, and check the invariants; return what happened."""
    began = time.monotonic()
    with opened(folder, engine, path, plugin=plugin, kind=kind) as case:
        case.strike(point)
        code, printed = case.up()
        assert case.struck, "the run never came there"
        seconds = time.monotonic() - began
        if point.killer in {Killer.PLUGIN, Killer.ENGINE}:
            assert code != 0, printed
        elif code != 0:
            assert "error:" in printed, printed
        assert "Traceback" not in printed, printed
        if kind is NativeProject:
            # The native protocol has create and update in previews, too. From any state, they must change nothing.
            case.stack.preview()
        if point.killer is Killer.ENGINE:
            case.stack.run("cancel", "--yes", code=0)
        again, printed = case.up()
        assert again == 0, printed
        if point.killer is Killer.ENGINE and case.end()["unfinished"]:
            # The engine's own record of an interrupted create; it warns until somebody removes it.
            case.stack.run("refresh", "--yes", "--clear-pending-creates", code=0)
        assert case.end() == end
        _lawful(case.starts, path)
        acted = [request["variables"]["version"] for request in case.sandbox.requests() if _starts(request)]
        assert acted == list(path[1:]), "every hop is started once"
    outcome = "carried on" if code == 0 else "resumed"
    return {**asdict(point.where), "side": point.side, "killer": point.killer, "outcome": outcome, "seconds": seconds}


def _starts(request: dict[str, Any]) -> bool:
    return "version" in request["variables"] and request["status"] == 200


def _lawful(starts: Sequence[Start], path: Sequence[str]) -> None:
    """Check that no lower version is requested, and no hop while another is pending."""
    for start in starts:
        assert path.index(start.version) > path.index(start.current), starts
        assert start.pending == "", starts
