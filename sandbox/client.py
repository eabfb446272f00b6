"""The command line's side of a running sandbox: push an image, stop a component, fetch the fleet."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.errors import FAILED, SandboxError

_SECONDS = 10.0


class Client:
    """Talks to the sandbox-only addresses of the server whose Houston is at ``url``."""

    def __init__(self, url: str, token: str) -> None:
        """Take Houston's address, with or without ``/v1``; raises SandboxError for anything else."""
        try:
            self._base = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise SandboxError(f"{url!r} is not an address: {error}") from error
        if self._base.scheme not in ("http", "https") or not self._base.host:
            raise SandboxError(f"{url!r} is not an address such as http://127.0.0.1:8871/v1")
        self._token = token

    def push(
        self, release_name: str, image: str, *, airflow_version: str = "", runtime_version: str = ""
    ) -> dict[str, str]:
        """Push an image to a release; return the row of its Deployment afterwards."""
        body = {
            "releaseName": release_name,
            "image": image,
            "airflowVersion": airflow_version,
            "runtimeVersion": runtime_version,
        }
        row: dict[str, str] = self._ask("POST", "/sandbox/push", body)
        return row

    def stop(self, release_name: str, component: str) -> dict[str, str]:
        """Stop a component of a release's Airflow; return the row of its Deployment afterwards."""
        row: dict[str, str] = self._ask("POST", "/sandbox/stop", {"releaseName": release_name, "component": component})
        return row

    def fleet(self) -> list[dict[str, str]]:
        """Fetch a row for each Deployment."""
        rows: list[dict[str, str]] = self._ask("GET", "/sandbox/fleet", None)
        return rows

    def _ask(self, method: str, path: str, body: dict[str, str] | None) -> Any:  # noqa: ANN401  JSON is Any
        address = self._base.copy_with(path=path, query=None, fragment=None)
        try:
            response = httpx.request(
                method, address, json=body, headers={"authorization": self._token}, timeout=_SECONDS, trust_env=False
            )
            content = response.json()
        except httpx.HTTPError as error:
            raise SandboxError(f"no sandbox answers at {self._base}: {error}", exit_code=FAILED) from error
        except ValueError as error:
            raise SandboxError(f"{self._base} is not the address of a sandbox", exit_code=FAILED) from error
        match content:
            case {"errors": [{"message": str(message)}, *_]}:
                raise SandboxError(f"the sandbox refused: {message}", exit_code=FAILED)
        if response.is_error:
            raise SandboxError(f"{self._base} is not the address of a sandbox", exit_code=FAILED)
        return content
