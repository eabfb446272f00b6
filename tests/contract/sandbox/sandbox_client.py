"""A sandbox at the other end of the wire: its app under a synchronous httpx client, its clock in our hand."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from sandbox import app, startup
from tests.unit.sandbox.sample_platforms import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from starlette.middleware import Middleware
    from starlette.types import ASGIApp

    from sandbox.houston import Houston

BASE = "http://127.0.0.1:8871"
TOKEN = "admin-token"
VIEWER = "viewer-token"

STARS, DUST, WIND, TIDES = "ckw1stars", "ckw1dust", "ckw1wind", "ckw1tides"
SPACE, HELIO = "ckw0space", "ckw0helio"
FLEET = f"""
- {{id: {STARS}, releaseName: stars-1, label: Stars, workspace: {SPACE}, distribution: certified, version: 2.2.3}}
- {{id: {DUST}, releaseName: dust-2, label: Dust, workspace: {SPACE}, distribution: certified, version: 2.3.0}}
- {{id: {WIND}, releaseName: wind-3, label: Wind, workspace: {HELIO}, distribution: runtime, version: 4.2.5}}
- {{id: {TIDES}, releaseName: tides-4, label: Tides, workspace: {HELIO}, distribution: certified, version: 2.2.5,
   pending: 4.2.5, dagDeployment: git_sync, image: "registry.localhost/tides-4/airflow:cli-7"}}
"""
RUNTIME_FLEET = f"""
- {{id: {WIND}, releaseName: wind-3, label: Wind, workspace: {HELIO}, distribution: runtime, version: 4.2.5}}
"""


class _Transport(httpx.BaseTransport):
    def __init__(self, served: ASGIApp) -> None:
        self._asgi = httpx.ASGITransport(served, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            response = await self._asgi.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run(ask())


@dataclass(frozen=True)
class Wire:
    """A running sandbox as a client sees it, and the clock and the Houston that no client sees."""

    http: httpx.Client
    clock: Clock
    houston: Houston

    def post(self, query: str, variables: Mapping[str, Any] | None = None, *, token: str = TOKEN) -> httpx.Response:
        """Send a document as the vendor's CLI does: no operationName, ``variables`` null where there are none."""
        return self.http.post("/v1", json={"query": query, "variables": variables}, headers={"authorization": token})

    def data(self, query: str, variables: Mapping[str, Any] | None = None, *, token: str = TOKEN) -> Any:
        """Send a document and give its data; there must be no error, not even an empty list of them."""
        response = self.post(query, variables, token=token)
        assert response.status_code == 200, response.text
        assert response.json().keys() == {"data"}, response.text
        return response.json()["data"]

    def refusal(self, query: str, variables: Mapping[str, Any] | None = None, *, token: str = TOKEN) -> dict[str, Any]:
        """Send a document that is executed and refused; gives the one error."""
        response = self.post(query, variables, token=token)
        assert response.status_code == 200, response.text
        (error,) = response.json()["errors"]
        assert "data" in response.json()
        return dict(error)

    def invalid(self, query: str, variables: Mapping[str, Any] | None = None) -> str:
        """Send a document that the schema does not allow; gives the first message."""
        response = self.post(query, variables)
        assert response.status_code == 400, response.text
        assert response.headers["content-type"] == "application/json"
        return str(response.json()["errors"][0]["message"])

    def airflow(self, release: str, path: str, *, token: str = TOKEN) -> httpx.Response:
        """Ask the Airflow of a release."""
        return self.http.get(f"/{release}/airflow/{path}", headers={"authorization": token})


@contextlib.contextmanager
def opened(settings: startup.Settings, middleware: Sequence[Middleware] = ()) -> Iterator[Wire]:
    """Start the sandbox of these settings in this process."""
    clock = Clock()
    with (
        startup.houston(settings, BASE, clock) as houston,
        httpx.Client(transport=_Transport(app.create(houston, middleware)), base_url=BASE) as http,
    ):
        yield Wire(http, clock, houston)
