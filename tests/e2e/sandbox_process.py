"""The sandbox as a process, for tests on the engine."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
TOKEN: Final = "canary-token-4711"
VIEWER: Final = "viewer-token-0815"
START_AIRFLOW: Final = """
mutation($id: Uuid!, $v: String!) { updateDeploymentAirflow(deploymentUuid: $id, desiredAirflowVersion: $v) { id } }"""
START_RUNTIME: Final = """
mutation($id: Uuid!, $v: String!) { updateDeploymentRuntime(deploymentUuid: $id, desiredRuntimeVersion: $v) { id } }"""
"""Mutations that somebody else sends."""
_READY: Final = "listening on "


def deployment(release: str, version: str, **more: Any) -> dict[str, Any]:
    """Return an entry of the sandbox's fleet: Certified, if the version is an AC of the guide's catalog."""
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
            # Real Airflows send a heartbeat every 5 s; each hop of each test would wait for it.
            "--heartbeat-seconds": "0.2",
            "--request-log": str(self._log),
            **{f"--{name.replace('_', '-')}": value for name, value in options.items()},
        }
        self.start()

    def start(self) -> None:
        """Start the process, on its former port."""
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
        """Restart with another interval of the Airflows' heartbeats."""
        self.stop()
        self._options["--heartbeat-seconds"] = seconds
        self.start()

    def deploy(self, release: str, image: str) -> None:
        """Push an image, as a team's pipeline does."""
        command = [sys.executable, "-m", "sandbox", "deploy", release, image, "--url", self.url, "--token", TOKEN]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """Move to another port for a while, so that a waiting run sees only the result."""
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
        """Return the platform's Deployments."""
        import httpx  # noqa: PLC0415 - only here

        address, headers = self.url.replace("/v1", "/sandbox/fleet"), {"authorization": TOKEN}
        rows: list[dict[str, str]] = httpx.get(address, headers=headers, timeout=30).json()
        return rows

    def show(self, release: str) -> dict[str, str]:
        """Return a Deployment of the platform."""
        return next(row for row in self.fleet() if row["releaseName"] == release)

    def ask(self, document: str, **variables: str) -> Any:
        """Send a document as the admin, as a click in the UI does."""
        import httpx  # noqa: PLC0415 - only here

        answer = httpx.post(
            self.url, json={"query": document, "variables": variables}, headers={"authorization": TOKEN}
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def requests(self) -> list[dict[str, Any]]:
        """Return all requests so far, including those of this class."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [json.loads(line) for line in lines]

    def forget_requests(self) -> None:
        """Clear the request log."""
        self._log.write_text("", encoding="utf-8")

    def mutations(self) -> list[str]:
        """Return the root fields of the mutations so far."""
        return [
            name
            for request in self.requests()
            for name in request["fields"]
            if name.startswith(("update", "cancel", "upsert"))
        ]
