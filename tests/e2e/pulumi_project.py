"""What an end-to-end test works with: a sandbox as a process, and a Pulumi project on the real engine."""

from __future__ import annotations

import atexit
import contextlib
import copy
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
TOKEN: Final = "canary-token-4711"
VIEWER: Final = "viewer-token-0815"
MARKED_BLOCKS: Final[dict[str, str]] = {
    name: text
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for name, text in re.findall(
        r"^<!-- run: ([a-z-]+) -->\n```text\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
}
"""The outputs that the documentation shows, by their marks."""
IMAGE: Final = "registry.example.com/team/airflow:{distribution}-{version}"
START_AIRFLOW: Final = """
mutation($id: Uuid!, $v: String!) { updateDeploymentAirflow(deploymentUuid: $id, desiredAirflowVersion: $v) { id } }"""
START_RUNTIME: Final = """
mutation($id: Uuid!, $v: String!) { updateDeploymentRuntime(deploymentUuid: $id, desiredRuntimeVersion: $v) { id } }"""
"""What somebody else starts, past us."""
QUICK_PLUGIN: Final = ROOT / "tests" / "e2e" / "quick"
"""The plugin with short pauses. Tests that show what users wait for take :data:`PLUGIN` instead."""
PLUGIN: Final = ROOT / "plugin"
_READY: Final = "listening on "
_PROGRAM: Final = (ROOT / "__main__.py").read_text(encoding="utf-8")
_PROGRESS: Final = re.compile(r"^@ (previewing|updating|refreshing|destroying).*$", re.MULTILINE)


def deployment(release: str, version: str, **more: Any) -> dict[str, Any]:
    """An entry of the sandbox's fleet: Certified, where the version is an AC of the guide's catalog."""
    distribution = "certified" if version.startswith("2.") else "runtime"
    return {
        "id": f"ckw{release.replace('-', '')}",
        "releaseName": release,
        "label": release,
        "workspace": "ckw0workspace",
        "distribution": distribution,
        "version": version,
        **more,
    }


class Sandbox:
    """A sandbox process on a free port. It keeps its state in a file, so it can be killed and started again."""

    def __init__(self, folder: Path, fleet: Sequence[Mapping[str, Any]], **options: str) -> None:
        self._log = folder / "requests.jsonl"
        fleet_file = folder / "fleet.yaml"
        fleet_file.write_text(yaml.safe_dump(list(fleet)), encoding="utf-8")
        self._options = {
            "--port": "0",
            "--state": str(folder / "sandbox.db"),
            "--fleet": str(fleet_file),
            "--token": TOKEN,
            "--viewer-token": VIEWER,
            "--rollout-seconds": "0",
            # The real ones beat every 5 s, for which each hop of each test would wait.
            "--heartbeat-seconds": "0.2",
            "--request-log": str(self._log),
            **{f"--{name.replace('_', '-')}": value for name, value in options.items()},
        }
        self.start()

    def start(self) -> None:
        """Start the process, on the port that it had before."""
        words = [word for option in self._options.items() for word in option]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "serve", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(_READY), f"the sandbox said {line!r}"
        self.url = line.removeprefix(_READY).strip()
        self._options["--port"] = self.url.split(":")[2].split("/")[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process."""
        self._process.send_signal(number)
        self._process.communicate(timeout=20)

    def beat_every(self, seconds: str) -> None:
        """Start again, with Airflows that give their heartbeats so often."""
        self.stop()
        self._options["--heartbeat-seconds"] = seconds
        self.start()

    def deploy(self, release: str, image: str) -> None:
        """Push an image, as a team's pipeline does."""
        command = [sys.executable, "-m", "sandbox", "deploy", release, image, "--url", self.url, "--token", TOKEN]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """Be at another port for a while, so that a run that waits sees only what came of it."""
        port = self._options["--port"]
        for there in ("0", port):
            self.stop()
            self._options["--port"] = there
            self.start()
            if there == "0":
                yield

    def deploy_when_pending(self, release: str, image: str) -> threading.Thread:
        """Push an image as soon as the Deployment has a pending hop."""

        def run() -> None:
            while not self.show(release)["pending"]:
                time.sleep(0.2)
            self.deploy(release, image)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def fleet(self) -> list[dict[str, str]]:
        """What the platform knows of its Deployments."""
        import httpx  # noqa: PLC0415 - only here

        address, headers = self.url.replace("/v1", "/sandbox/fleet"), {"authorization": TOKEN}
        rows: list[dict[str, str]] = httpx.get(address, headers=headers, timeout=30).json()
        return rows

    def show(self, release: str) -> dict[str, str]:
        """What the platform knows of a Deployment."""
        return next(row for row in self.fleet() if row["releaseName"] == release)

    def ask(self, document: str, **variables: str) -> Any:
        """Send a document as the admin: what a human's click does."""
        import httpx  # noqa: PLC0415 - only here

        answer = httpx.post(
            self.url, json={"query": document, "variables": variables}, headers={"authorization": TOKEN}
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def requests(self) -> list[dict[str, Any]]:
        """The requests so far, ours and those of this class."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [json.loads(line) for line in lines]

    def forget_requests(self) -> None:
        """Count from here."""
        self._log.write_text("", encoding="utf-8")

    def mutations(self) -> list[str]:
        """The root fields of the mutations so far."""
        return [
            name
            for request in self.requests()
            for name in request["fields"]
            if name.startswith(("update", "cancel", "upsert"))
        ]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed, without the engine's heartbeat, and how it ended."""

    code: int
    text: str

    def lines(self, resource: str) -> list[str]:
        """The lines under Diagnostics at a resource's own row."""
        block = re.search(rf"^  \S+ \({resource}\):\n((?:    .*\n|\n)*)", self.text, re.MULTILINE)
        return [line[4:] for line in block[1].splitlines() if line.strip()] if block else []


def users_environment() -> dict[str, str]:
    """Return the environment without the variables that Pulumi, this package, Python and coverage read.

    A machine for tests often keeps no bytecode: each run would compile the whole package. Tracing would add half to the
    CPU time of each command, and the tests without an engine cover the package.
    """
    told = ("PULUMI_", "ASTRO_", "PYTHON", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


@dataclass(slots=True)
class Project:
    """A Pulumi project in a folder of its own, with a stack ``test`` in a local backend."""

    folder: Path
    engine: Path
    url: str
    environment: dict[str, str] = field(default_factory=dict)
    virtualenv: Path = Path(sys.prefix)
    plugin: Path = QUICK_PLUGIN

    def __post_init__(self) -> None:
        """Lay the project out, and make its stack."""
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
        if own or type(self) is not Project:
            self.run("stack", "init", "test", code=0)
        else:
            self._copy_stack(_initialized(self.engine))

    def _copy_stack(self, template: Path) -> None:
        """Take over a stack of another project of the same name, and select it, as ``pulumi stack init`` does."""
        shutil.copytree(template / "backend", self.folder / "backend", dirs_exist_ok=True)
        shutil.copy(template / "stacks" / "Pulumi.test.yaml", self.folder / "stacks")
        selected = next((template / "home" / "workspaces").iterdir())
        place = hashlib.sha1(str(self.folder / "Pulumi.yaml").encode()).hexdigest()  # noqa: S324 - the engine's choice
        workspaces = self.folder / "home" / "workspaces"
        workspaces.mkdir(parents=True)
        shutil.copy(selected, workspaces / f"astro-{place}-workspace.json")

    def lay_out(self) -> None:
        """Write the files as the repository has them."""
        (self.folder / "stacks").mkdir()
        settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        settings["runtime"]["options"]["virtualenv"] = str(self.virtualenv)
        settings["plugins"]["providers"][0]["path"] = str(self.plugin)
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.program(_PROGRAM)

    def checkout(self, folder: Path) -> Project:
        """The project and its stack as another machine has them: the same files, and nothing else."""
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
        """Leave our plugin host out, as in a project that only installed the package."""
        settings = yaml.safe_load((self.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        del settings["plugins"]
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def declare(self, *entries: Mapping[str, Any], **config: Any) -> None:
        """Write the stack's config; an entry without a name is named for its release."""
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
        """Run pulumi to its end; ``code`` is what it has to exit with, if that is told."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=240)
        result = Result(process.returncode, _PROGRESS.sub("", printed))
        assert code is None or result.code == code, result.text
        assert "Traceback" not in result.text, result.text
        assert TOKEN not in result.text
        return result

    def preview(self, *words: str, code: int | None = 0) -> Result:
        """Run ``pulumi preview``."""
        return self.run("preview", *words, code=code)

    def up(self, *words: str, code: int | None = 0) -> Result:
        """Run ``pulumi up``; the preview that it begins with is skipped, as in a pipeline."""
        return self.run("up", "--yes", "--skip-preview", *words, code=code)

    def state(self) -> list[dict[str, Any]]:
        """The resources of ours in the stack's state."""
        latest = self.checkpoint()
        resources = latest["resources"] if latest and latest.get("resources") else []
        return [resource for resource in resources if resource["type"].endswith("DeploymentRuntime")]

    def checkpoint(self) -> dict[str, Any]:
        """What the backend holds: read from its file where it is a folder, which takes no command."""
        backend = self.environment["PULUMI_BACKEND_URL"]
        if not backend.startswith("file://"):
            exported: dict[str, Any] = json.loads(self.run("stack", "export", code=0).text)
            return exported["deployment"] or {}
        path = next((Path(backend.removeprefix("file://")) / ".pulumi" / "stacks").rglob("test.json"))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found["checkpoint"]["latest"] or {}

    def outputs(self, name: str) -> dict[str, Any]:
        """What is saved of a resource."""
        return next(resource["outputs"] for resource in self.state() if resource["urn"].endswith(f"::{name}"))


@functools.cache
def _initialized(engine: Path) -> Path:
    """Make a stack once in this process, with the engine; each project begins with a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="stack-")) / "project"
    atexit.register(shutil.rmtree, folder.parent)
    made = Project(folder, engine, "http://127.0.0.1:9/v1", {"PULUMI_CONFIG_PASSPHRASE": ""})
    return made.folder
