"""The shell commands of the documentation, run unchanged except for the address and the token."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.pulumi_project import IMAGE, PLUGIN
from tests.e2e.sandbox_process import ROOT, TOKEN, deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import MakeProject, StartSandbox
    from tests.e2e.pulumi_project import Project

_PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_README: Final = ROOT / "README.md"
_GETTING_STARTED: Final = ROOT / "docs" / "getting-started.md"
_RELEASE: Final = "galactic-stars-1234"
_ADDRESS: Final = "https://houston.example.com/v1"

_IN_A_STACK: Final = (
    "pulumi up --yes --skip-preview",
    "pulumi preview --save-plan=plan.json",
    "pulumi preview --json --show-sames > preview.json",
)
"""Blocks for a stack with declared Deployments, by their first lines."""

_ELSEWHERE: Final = {
    "make demo": "the demo checks itself, and `make test` is what runs this",
    "git clone": "makes what the tests run in",
    "python3 -m venv .venv": "tests/e2e/test_wheel.py, from a wheel",
    "pulumi package add": "needs a current official CLI",
    "pulumi import": "tests/e2e/test_native_main_path.py, from a file",
    "pulumi stack init us": "tests/e2e/test_docs.py, with two platforms",
    "export PULUMI_BACKEND_URL=": "tests/e2e/test_postgresql.py, with a server",
}
"""Blocks that do not run here, by their first words, and the reason."""


def _blocks(page: Path) -> list[tuple[str, str]]:
    """Return the shell commands of a page, and the texts for the stack's file."""
    return re.findall(r"^```(sh|yaml)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _paste(stack: Project, commands: str, typed: str = "") -> str:
    """Run commands in one shell, with the answers to their questions."""
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=stack.folder,
        env=stack.environment,
        input=typed,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert TOKEN not in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("page", "typed"),
    [(_README, f"{TOKEN}\n"), (_GETTING_STARTED, f"{TOKEN}\npassphrase\n")],
    ids=["README", "getting-started"],
)
def test_the_commands_of_getting_started_lead_to_the_target(
    platform: StartSandbox, project: MakeProject, page: Path, typed: str
) -> None:
    """The page's commands lead from the connection to the target, in its order."""
    sandbox = platform(deployment(_RELEASE, "2.2.3"))
    stack = project(sandbox, plugin=PLUGIN)
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN"):
        del stack.environment[name]
    script = []
    for language, block in _blocks(page):
        if language == "yaml" and "deployments" in block:
            entries = block.removeprefix("config:\n")
            script.append(f"cat >> stacks/Pulumi.production.yaml <<'END'\n{entries}END\n")
        elif language == "sh" and not block.startswith(tuple(_ELSEWHERE)):
            # The test has its own environment and backend, and nobody answers questions.
            block = re.sub(r"^(?:make setup && .*|pulumi login .*)\n", "", block, flags=re.MULTILINE)  # noqa: PLW2901
            script.append(block.replace(_ADDRESS, sandbox.url).replace("pulumi up\n", "pulumi up --yes\n"))
    if page is _README:
        script.append("pulumi preview\npulumi up --yes\npulumi preview --expect-no-changes")
    printed = _paste(stack, "\n".join(script), typed)
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in printed
    assert TOKEN not in (stack.folder / "stacks" / "Pulumi.production.yaml").read_text(encoding="utf-8")
    assert sandbox.show(_RELEASE)["version"] == "5.0.4"


@pytest.mark.parametrize("first", _IN_A_STACK)
def test_commands_in_a_stack(platform: StartSandbox, project: MakeProject, first: str) -> None:
    """They succeed in a stack with work to do."""
    [commands] = [block for page in _PAGES for _, block in _blocks(page) if block.startswith(first)]
    sandbox = platform(deployment(_RELEASE, "2.2.3"))
    stack = project(sandbox)
    stack.declare({"name": "data-eng", "releaseName": _RELEASE, "runtimeVersion": "5.0.4", "image": IMAGE})
    _paste(stack, commands)
    if "pulumi up" in commands:
        assert sandbox.show(_RELEASE)["version"] == "5.0.4"
    else:
        assert "| 2 hops |" in (stack.folder / "report.md").read_text(encoding="utf-8")


def test_every_block_of_commands_runs_or_has_a_reason_not_to() -> None:
    """A block that no test runs would become outdated."""
    known = (*_IN_A_STACK, *_ELSEWHERE)
    for page in _PAGES:
        for language, block in _blocks(page):
            whole = page in {_README, _GETTING_STARTED}
            assert whole or language == "yaml" or block.startswith(known), f"{page.name}: {block}"
    every = [block for page in _PAGES for _, block in _blocks(page)]
    assert all(any(block.startswith(first) for block in every) for first in known)
