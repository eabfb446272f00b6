"""A Pulumi project on the real engine."""

from __future__ import annotations

import atexit
import copy
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import yaml

from tests.e2e.sandbox_process import ROOT, TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.sandbox_process import Sandbox

MARKED_BLOCKS: Final[dict[str, str]] = {
    name: text
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for name, text in re.findall(
        r"^<!-- run: ([a-z-]+) -->\n```text\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
}
"""Outputs shown in the documentation, by their marks."""
IMAGE: Final = "registry.example.com/team/airflow:{distribution}-{version}"
QUICK_PLUGIN: Final = ROOT / "tests" / "e2e" / "quick"
"""The plugin with short pauses. Tests with the pauses of users take :data:`PLUGIN` instead."""
PLUGIN: Final = ROOT / "plugin"
_PROGRAM: Final = (ROOT / "__main__.py").read_text(encoding="utf-8")
_PROGRESS: Final = re.compile(r"^@ (previewing|updating|refreshing|destroying).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """The output of a command, without the engine's progress lines, and its exit code."""

    code: int
    text: str

    def lines(self, resource: str) -> list[str]:
        """Return the lines under Diagnostics of a resource."""
        block = re.search(rf"^  \S+ \({resource}\):\n((?:    .*\n|\n)*)", self.text, re.MULTILINE)
        return [line[4:] for line in block[1].splitlines() if line.strip()] if block else []


def users_environment() -> dict[str, str]:
    """Return the environment without the variables that Pulumi, this package, Python and coverage read.

    Test machines often disable bytecode files, so that each run would compile the whole package. Tracing would add half
    to the CPU time of each command, and the tests without an engine cover the package.
    """
    told = ("PULUMI_", "ASTRO_", "PYTHON", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


@dataclass(slots=True)
class Project:
    """A Pulumi project in its own folder, with a stack ``test`` in a local backend."""

    folder: Path
    engine: Path
    url: str
    environment: dict[str, str] = field(default_factory=dict)
    virtualenv: Path = Path(sys.prefix)
    plugin: Path = QUICK_PLUGIN
    sandbox: Sandbox | None = None
    """The platform: a preview must send it no mutation."""

    name: ClassVar[str] = "astro"
    """The project's name in its ``Pulumi.yaml``."""

    def __post_init__(self) -> None:
        """Write the project, and make its stack."""
        backend = self.folder / "backend"
        backend.mkdir(parents=True)
        own = {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"} & set(self.environment)
        self.lay_out()
        inherited = users_environment()
        self.environment = {
            **inherited,
            "PATH": f"{self.virtualenv / 'bin'}{os.pathsep}{self.engine}{os.pathsep}{inherited['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "ASTRO_HOUSTON_URL": self.url,
            "ASTRO_HOUSTON_TOKEN": TOKEN,
            "ASTRO_CATALOG": "guide",
            **self.environment,
        }
        if own or self.name != Project.name:
            self.run("stack", "init", "test", code=0)
        else:
            self._copy_stack(_initialized(self.engine))

    def _copy_stack(self, template: Path) -> None:
        """Copy the stack of another project of the same name, and select it, as ``pulumi stack init`` does."""
        shutil.copytree(template / "backend", self.folder / "backend", dirs_exist_ok=True)
        shutil.copy(template / "stacks" / "Pulumi.test.yaml", self.folder / "stacks")
        selected = next((template / "home" / "workspaces").iterdir())
        place = hashlib.sha1(str(self.folder / "Pulumi.yaml").encode()).hexdigest()  # noqa: S324 - the engine's choice
        workspaces = self.folder / "home" / "workspaces"
        workspaces.mkdir(parents=True)
        shutil.copy(selected, workspaces / f"astro-{place}-workspace.json")

    def lay_out(self) -> None:
        """Write the files of the repository's own project."""
        (self.folder / "stacks").mkdir()
        settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        settings["runtime"]["options"]["virtualenv"] = str(self.virtualenv)
        settings["plugins"]["providers"][0]["path"] = str(self.plugin)
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.program(_PROGRAM)

    def checkout(self, folder: Path) -> Project:
        """Return the same project on another machine: the same files and backend, another home."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("backend", "home"))
        other = copy.copy(self)
        other.folder = folder
        other.environment = {**self.environment, "PULUMI_HOME": str(folder / "home")}
        other.run("stack", "select", "test", code=0)
        return other

    def program(self, text: str) -> None:
        """Write the Pulumi program."""
        (self.folder / "__main__.py").write_text(text, encoding="utf-8")

    def on_the_stock_host(self) -> None:
        """Remove our plugin, as in a project that only installed the package."""
        settings = yaml.safe_load((self.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        del settings["plugins"]
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def declare(self, *entries: Mapping[str, Any], **config: Any) -> None:
        """Write the stack's config; the release name is the default name of an entry."""
        named = [{"name": entry.get("releaseName", "unnamed"), **entry} for entry in entries]
        written = {"astro:deployments": named, **{f"astro:{name}": value for name, value in config.items()}}
        path = self.folder / "stacks" / "Pulumi.test.yaml"
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
        path.write_text(yaml.safe_dump({**(kept or {}), "config": written}), encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start pulumi and return at once."""
        return subprocess.Popen(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, code: int | None = None) -> Result:
        """Run pulumi to its end; ``code`` is the expected exit code, if any."""
        before = self.sandbox.mutations() if self.sandbox else []
        process = self.start(*words)
        printed, _ = process.communicate(timeout=240)
        result = Result(process.returncode, _PROGRESS.sub("", printed))
        if self.sandbox and words[0] == "preview":
            assert self.sandbox.mutations() == before, "a preview sends no mutation"
        assert code is None or result.code == code, result.text
        assert "Traceback" not in result.text, result.text
        assert TOKEN not in result.text
        return result

    def preview(self, *words: str, code: int | None = 0) -> Result:
        """Run ``pulumi preview``."""
        return self.run("preview", *words, code=code)

    def up(self, *words: str, code: int | None = 0) -> Result:
        """Run ``pulumi up`` without its preview, as in a pipeline."""
        return self.run("up", "--yes", "--skip-preview", *words, code=code)

    def state(self) -> list[dict[str, Any]]:
        """Return our resources in the stack's state."""
        latest = self.checkpoint()
        resources = latest["resources"] if latest and latest.get("resources") else []
        return [resource for resource in resources if resource["type"].endswith("DeploymentRuntime")]

    def checkpoint(self) -> dict[str, Any]:
        """Return the checkpoint: from the backend's file if it is a folder, which needs no command."""
        backend = self.environment["PULUMI_BACKEND_URL"]
        if not backend.startswith("file://"):
            exported: dict[str, Any] = json.loads(self.run("stack", "export", code=0).text)
            return exported["deployment"] or {}
        path = next((Path(backend.removeprefix("file://")) / ".pulumi" / "stacks").rglob("test.json"))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found["checkpoint"]["latest"] or {}

    def outputs(self, name: str) -> dict[str, Any]:
        """Return the saved outputs of a resource."""
        return next(resource["outputs"] for resource in self.state() if resource["urn"].endswith(f"::{name}"))


@functools.cache
def _initialized(engine: Path) -> Path:
    """Make a stack with the engine, once in this process; each project starts with a copy."""
    folder = Path(tempfile.mkdtemp(prefix="stack-")) / "project"
    atexit.register(shutil.rmtree, folder.parent)
    made = Project(folder, engine, "http://127.0.0.1:9/v1", {"PULUMI_CONFIG_PASSPHRASE": ""})
    return made.folder
