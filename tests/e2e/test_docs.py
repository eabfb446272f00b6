"""Outputs of the engine in the documentation: a test prints every block marked ``<!-- run: NAME -->``."""

from __future__ import annotations

import os
import re
import signal
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from tests.e2e.pulumi_project import IMAGE, MARKED_BLOCKS, Result
from tests.e2e.sandbox_process import ROOT, START_AIRFLOW, TOKEN, deployment
from tools import recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project
    from tests.e2e.sandbox_process import Sandbox

_RELEASE: Final = "galactic-stars-1234"
_OPERATIONS: Final = ROOT / "docs" / "operations.md"
_ENTRY: Final = {"name": "data-eng", "releaseName": _RELEASE, "runtimeVersion": "5.0.4"}


_OTHERS: Final = (
    deployment("solar-wind-9012", "4.2.5", label="Forecasts, production"),
    deployment("cosmic-dust-5678", "2.3.0", label="Finance, production"),
    deployment("stellar-map-7890", "5.0.4", label="Marketing, production"),
    deployment("legacy-moon-1112", "2.2.3", label="Retired, production"),
)
"""The other Deployments of the platform in docs/fleets.md."""


def _fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _reverted(_: Sandbox, stack: Project) -> list[Result]:
    stack.declare({**_ENTRY, "wait": False})
    handed_over = stack.up(code=1)
    stack.declare({**_ENTRY, "runtimeVersion": "4.0.11"})
    return [handed_over, stack.preview()]


def _timed_out(_: Sandbox, stack: Project) -> list[Result]:
    stack.declare({**_ENTRY, "timeout": "2s"})
    return [stack.up(code=1)]


def _foreign(sandbox: Sandbox, stack: Project) -> list[Result]:
    sandbox.ask(START_AIRFLOW, id=sandbox.show(_RELEASE)["id"], v="2.2.4")
    stack.declare(_ENTRY)
    return [stack.preview(code=1)]


def _interrupted(sandbox: Sandbox, stack: Project) -> list[Result]:
    stack.declare(_ENTRY)
    process = stack.start("up", "--yes", "--skip-preview")
    while not sandbox.show(_RELEASE)["pending"]:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    return [Result(process.returncode, printed)]


def _in_waves(_: Sandbox, stack: Project) -> list[Result]:
    declared = next(block for block in _fenced(ROOT / "docs" / "fleets.md", "yaml") if "astro:waves" in block)
    config = yaml.safe_load(declared)["config"]
    path = stack.folder / "stacks" / "Pulumi.test.yaml"
    path.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    return [stack.preview()]


_PLAYS: Final[dict[Callable[[Sandbox, Project], list[Result]], tuple[str, ...]]] = {
    _reverted: ("wait-false", "reverted"),
    _timed_out: ("time-out",),
    _foreign: ("foreign",),
    _interrupted: ("wait-for-image", "interrupted"),
    _in_waves: ("fleet",),
}
"""Scenarios, and the names of the blocks with their output."""
_ELSEWHERE: Final = ("native-diff", "native-import", "native-import-refused")
"""Blocks that tests/e2e/test_native_main_path.py compares."""


@pytest.mark.parametrize(("play", "names"), _PLAYS.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_a_shown_output_is_printed(
    platform: StartSandbox,
    project: MakeProject,
    play: Callable[[Sandbox, Project], list[Result]],
    names: tuple[str, ...],
) -> None:
    """Line by line, under the resource; texts about the whole fleet under the stack."""
    sandbox = platform(deployment(_RELEASE, "2.2.3"), *(_OTHERS if play is _in_waves else ()))
    row = "astro-test" if play in {_in_waves, _foreign} else "data-eng"
    printed = [f"{chr(10).join(result.lines(row))}\n" for result in play(sandbox, project(sandbox))]
    for name in names:
        assert any(MARKED_BLOCKS[name] in text.expandtabs(4) for text in printed), printed


def test_every_marked_output_is_printed_by_a_scenario() -> None:
    """No test would compare another block; the guide's own migration has three."""
    played = {name for names in _PLAYS.values() for name in names}
    assert set(MARKED_BLOCKS) == {*played, *_ELSEWHERE, "preview", "up", "destroy"}


@pytest.mark.parametrize("own_host", [True, False], ids=["our host", "Pulumi's own host"])
def test_the_program_of_the_readme_works(platform: StartSandbox, project: MakeProject, own_host: bool) -> None:
    """On both hosts it plans, upgrades, and then finds nothing to do."""
    sandbox = platform(deployment(_RELEASE, "2.2.3"))
    stack = project(sandbox)
    (program,) = _fenced(ROOT / "README.md", "python")
    stack.program(program)
    if not own_host:
        stack.on_the_stock_host()
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in stack.preview().text
    assert re.search(r'runs: "Astro Runtime 5\.0\.4"', stack.up().text)
    assert sandbox.show(_RELEASE)["version"] == "5.0.4"
    stack.preview("--expect-no-changes")


def test_the_program_of_the_page_on_fleets_works(platform: StartSandbox, project: MakeProject) -> None:
    """It selects the Deployments of the workspace, and no others."""
    stack = project(platform(deployment("picked-1", "2.2.3", workspace="ml"), deployment("other-2", "2.2.3")))
    (program,) = _fenced(ROOT / "docs" / "fleets.md", "python")
    stack.program(program.replace("Machine Learning", "ml"))
    preview = stack.preview().text
    assert "picked-1: AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in preview
    assert "other-2" not in preview


def test_the_recording_can_be_made(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text is the golden outputs' text; ``tests/unit/tools`` compares the README's drawing with the same."""
    monkeypatch.setenv("PATH", os.pathsep.join([f"{sys.prefix}/bin", str(engine), os.environ["PATH"]]))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", recording.run())
    for name in ("guide-preview", "guide-up"):
        golden = (ROOT / "tests" / "e2e" / "golden" / f"{name}.txt").read_text(encoding="utf-8")
        assert textwrap.indent(golden, "    ") in shown


def test_each_platform_is_a_stack_of_its_own(platform: StartSandbox, project: MakeProject) -> None:
    """The commands are those of docs/operations.md; each stack speaks to its own platform."""
    commands = next(block for block in _fenced(_OPERATIONS, "sh") if "stack init us" in block)
    stack = project(platform(deployment("nobody-0", "5.0.4")))
    del stack.environment["ASTRO_HOUSTON_TOKEN"]
    platforms = {name: platform(deployment(f"{name}-1", "2.2.3")) for name in ("us", "eu")}
    for name, sandbox in platforms.items():
        commands = commands.replace(f"https://houston.{name}.example.com/v1", sandbox.url)
    for line in commands.splitlines():
        words = line.split()[1:]
        stack.run(*words, *([TOKEN] if "--secret" in words else []), code=0)
    for name in platforms:
        settings = stack.folder / "stacks" / f"Pulumi.{name}.yaml"
        selectors = [{"releaseName": "*", "runtimeVersion": "5.0.4", "image": IMAGE}]
        config = yaml.safe_load(settings.read_text(encoding="utf-8"))
        config["config"]["astro:selectors"] = selectors
        settings.write_text(yaml.safe_dump(config), encoding="utf-8")
    for name, sandbox in platforms.items():
        assert f"{name}-1: AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in stack.preview("--stack", name).text
        stack.up("--stack", name)
        assert sandbox.show(f"{name}-1")["version"] == "5.0.4"


def test_the_backends_are_those_of_the_engine(platform: StartSandbox, project: MakeProject) -> None:
    """The page lists every kind of URL that the engine accepts, and no others."""
    refused = project(platform(deployment("stars-1", "5.0.4"))).run("login", "unknown://backend", code=1).text
    table = _OPERATIONS.read_text(encoding="utf-8").partition("| backend | URL |")[2].partition("\n\n")[0]
    shown = set(re.findall(r"[a-z0-9]+://", table))
    assert shown == set(re.findall(r"[a-z0-9]+://", refused)) - {"unknown://", "http://"}
