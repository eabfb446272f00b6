"""A sandbox with a fleet, and a Pulumi project that declares it or does nothing, for benchmarks."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.e2e.native_project import PACKAGE, TYPE, NativeProject
from tests.e2e.pulumi_project import IMAGE, PLUGIN, Project
from tests.e2e.sandbox_process import ROOT, Sandbox, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS: Final = "2.2.3"
TARGET: Final = "5.0.4"
"""Two hops in the guide's catalog: AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4."""

USERS: Final = ROOT / "build" / "users"
"""Virtual environment with the requirements of users; ``make bench`` makes it."""

_ALONE: Final = """
from astro_deployment_runtime import AstroDeploymentRuntime

for number in range(COUNT):
    name = f"stars-{number}"
    AstroDeploymentRuntime(name, release_name=name, runtime_version="TARGET", image="IMAGE")
"""
_MODULE: Final = '''
import pulumi
from pulumi import dynamic

from astro_deployment_runtime.plugin.engine_call import Severity, current_call
from astro_deployment_runtime.resource import OUTPUTS


class Nothing(dynamic.ResourceProvider):
    """Does nothing; one that talks says so in a line."""

    def check(self, olds, news):
        if news["talks"]:
            current_call().log(Severity.INFO, f"nothing to do for {news['name']}")
        return dynamic.CheckResult(news, [])

    def create(self, props):
        return dynamic.CreateResult(props["name"], props)


class Resource(dynamic.Resource, module="bench", name="Nothing"):
    """Has the properties of ours."""

    def __init__(self, name, talks):
        given = {
            "release_name": name,
            "deployment_id": None,
            "runtime_version": "5.0.4",
            "image": "registry.example.com/team/airflow:{distribution}-{version}",
            "strategy": "certified-first",
            "accept": [],
            "timeout": "1h",
            "wait": True,
            "verify": "airflow",
        }
        super().__init__(Nothing(), name, {**dict.fromkeys(OUTPUTS), **given, "name": name, "talks": talks})
'''
_PROGRAM: Final = """
from nothing import Resource

for number in range(COUNT):
    Resource(f"stars-{number}", TALKS)
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Results: a table, and its meaning."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    verdicts: Sequence[str] = ()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yield a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        yield Path(path)


@contextlib.contextmanager
def fleet(count: int, **options: str) -> Iterator[tuple[Sandbox, Project]]:
    """Yield a sandbox with that many Deployments, and a stack that declares the target for all of them."""
    with folder() as place:
        rows = [deployment(f"stars-{number}", RUNS) for number in range(count)]
        # In memory: the speed of the sandbox's disk does not matter here.
        sandbox = Sandbox(place, rows, **{"state": ":memory:", **options})
        try:
            project = _project(place / "project", sandbox.url)
            names = [f"stars-{number}" for number in range(count)]
            project.declare(*({"releaseName": name, "runtimeVersion": TARGET, "image": IMAGE} for name in names))
            yield sandbox, project
        finally:
            sandbox.stop()


def alone(sandbox: Sandbox, place: Path, count: int) -> Project:
    """Make a stack with a resource for each of them, in a program without declare_fleet."""
    project = _project(place, sandbox.url)
    program = _ALONE.replace("COUNT", str(count)).replace("TARGET", TARGET).replace("IMAGE", IMAGE)
    project.program(program)
    return project


def from_yaml(sandbox: Sandbox, place: Path, count: int) -> Project:
    """Make a stack with a native resource for each of them, in YAML."""
    plugin = place.with_name("native")
    shutil.copytree(PACKAGE, plugin, ignore=shutil.ignore_patterns(".venv"))
    (plugin / ".venv").symlink_to(USERS)
    project = NativeProject(place, engine(), sandbox.url, virtualenv=USERS, plugin=plugin)
    declared = {"runtimeVersion": TARGET, "image": IMAGE}
    names = [f"stars-{number}" for number in range(count)]
    resources = {name: {"type": TYPE, "properties": {"releaseName": name, **declared}} for name in names}
    project.write({"resources": resources})
    return project


@contextlib.contextmanager
def nothing(count: int, *, talks: bool) -> Iterator[Project]:
    """Yield a stack of that many dynamic resources that do nothing, on the same plugin."""
    with folder() as place:
        project = _project(place / "project", "https://houston.example.com/v1")
        # A module, so that the state holds its name, as for our provider, and not its code.
        (project.folder / "nothing.py").write_text(_MODULE, encoding="utf-8")
        project.program(_PROGRAM.replace("TALKS", str(talks)).replace("COUNT", str(count)))
        yield project


def _project(place: Path, url: str) -> Project:
    if not USERS.exists():
        raise SystemExit(f"{USERS} is missing: run it with 'make bench'")
    return Project(place, engine(), url, virtualenv=USERS, plugin=PLUGIN)


def engine() -> Path:
    """Return the folder of the ``pulumi`` on PATH."""
    found = shutil.which("pulumi")
    if found is None:
        raise SystemExit("there is no pulumi on PATH: run it with 'make bench'")
    return Path(found).parent


def timed(project: Project, *words: str) -> float:
    """Run a pulumi command that has to succeed; return its seconds."""
    before = time.perf_counter()
    process = project.start(*words)
    printed, _ = process.communicate()
    seconds = time.perf_counter() - before
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, ["pulumi", *words], printed)
    return seconds


def seconds(found: Sequence[float]) -> str:
    """Return the median and the spread."""
    return f"{statistics.median(found):.2f} s ({min(found):.2f} to {max(found):.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Compare round by round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def ratios(found: Sequence[float]) -> str:
    """Return the median and the spread."""
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def verdict(what: str, found: float, bound: float, unit: str = "") -> str:
    """Return whether a bound holds."""
    holds = "holds" if found <= bound else "**does not hold**"
    return f"- {what}: at most {bound:g}{unit}; it {holds} ({found:.3g}{unit})."
