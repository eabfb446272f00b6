"""What a Deployment's own Airflow answers, and what is made of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from astro_deployment_runtime.airflow import read_health
from astro_deployment_runtime.catalog import Release
from astro_deployment_runtime.model import Deployment, Health
from astro_deployment_runtime.settings import Settings
from astro_deployment_runtime.transport import Transport
from astro_deployment_runtime.versions import AirflowVersion, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "https://deployments.example.com/stars-1/airflow"
TOKEN = "canary-token-4711"
WELL = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "x"}}


def asked(pages: Mapping[str, httpx.Response], expected: str, url: str | None = ROOT) -> tuple[Health, list[str]]:
    """Ask an Airflow that serves these pages, and nothing else; gives also the paths that were asked for."""
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        path = str(request.url).removeprefix(f"{ROOT}/")
        paths.append(path)
        assert (request.method, request.headers["authorization"]) == ("GET", TOKEN)
        return pages.get(path) or httpx.Response(404, html="<h1>404</h1>")

    settings = Settings(url="https://houston.example.com/v1", token=SecretStr(TOKEN))
    current = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
    deployment = Deployment(
        id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=current, airflow_url=url
    )
    with contextlib.closing(Transport(settings, transport=httpx.MockTransport(handler))) as transport:
        return read_health(transport, deployment, AirflowVersion.parse(expected)), paths


def page(content: Any, status: int = 200) -> httpx.Response:
    """Make a page of JSON."""
    return httpx.Response(status, json=content)


@pytest.mark.parametrize(
    ("expected", "told", "health_path", "version_path"),
    [
        ("2.0.0", "2.0.0", "health", "api/v1/version"),
        ("2.3.0", "2.3.0", "health", "api/v1/version"),
        ("2.3.0", "2.3.0+astro.1", "health", "api/v1/version"),
        ("3.0.0", "3.0.0", "api/v2/monitor/health", "api/v2/version"),
        ("3.1.2", "3.1.2+astro.1", "api/v2/monitor/health", "api/v2/version"),
    ],
)
def test_it_is_healthy_at_the_expected_version(expected: str, told: str, health_path: str, version_path: str) -> None:
    """Airflow 3 has other addresses; what follows a plus does not count."""
    health, paths = asked({health_path: page(WELL), version_path: page({"version": told})}, expected)
    assert health == Health(
        healthy=True, airflow=AirflowVersion.parse(expected), detail=f"its Airflow is healthy at {expected}"
    )
    assert paths == [health_path, version_path]


def test_airflow_1_does_not_tell_its_version() -> None:
    """There health alone counts, and nothing else is asked for."""
    health, paths = asked({"health": page(WELL)}, "1.10.15")
    assert health == Health(healthy=True, detail="its Airflow is healthy")
    assert paths == ["health"]


def test_another_version_is_not_the_one_that_is_waited_for() -> None:
    """The old pods still answer: healthy, and not yet what was deployed."""
    health, _ = asked({"health": page(WELL), "api/v1/version": page({"version": "2.2.3"})}, "2.3.0")
    assert health == Health(healthy=False, airflow=AirflowVersion(2, 2, 3), detail="its Airflow is healthy at 2.2.3")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (page({**WELL, "scheduler": {"status": "unhealthy"}}), "its scheduler is unhealthy"),
        (page({**WELL, "metadatabase": {"status": "unhealthy"}}), "its metadata database is unhealthy"),
        (page({**WELL, "scheduler": {"status": f"{TOKEN}\x1b[2J"}}), "its scheduler is [token] [2J"),
        (page({**WELL, "scheduler": {"status": None}}), "its scheduler is of unknown health"),
        (httpx.Response(503, html="<h1>503 Service Temporarily Unavailable</h1>"), "its Airflow does not answer yet"),
        (httpx.Response(200, html="<h1>Sign in</h1>"), "its Airflow answers with something else than its health"),
        (httpx.Response(302, headers={"location": "/login"}), "its Airflow does not answer yet"),
        (httpx.Response(401), "its Airflow refuses the token (HTTP status 401)"),
        (page({"scheduler": {"status": "healthy"}}), "its Airflow answers with something else than its health"),
        (page([]), "its Airflow answers with something else than its health"),
    ],
)
def test_an_airflow_that_is_not_well_is_not_healthy(answer: httpx.Response, detail: str) -> None:
    """What was found is told as a clause; its version is not asked for."""
    health, paths = asked({"health": answer}, "2.3.0")
    assert health == Health(healthy=False, detail=detail)
    assert paths == ["health"]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), page({"version": "unknown"}), page({"version": 2}), page({}), httpx.Response(200, text="2")],
)
def test_an_airflow_that_does_not_tell_its_version_is_not_confirmed(answer: httpx.Response) -> None:
    """Healthy is not enough: it might be the old one."""
    health, _ = asked({"health": page(WELL), "api/v1/version": answer}, "2.3.0")
    assert health == Health(healthy=False, detail="its Airflow does not tell its version")


def test_an_address_may_end_with_a_slash() -> None:
    """It is the root either way."""
    _, paths = asked({}, "2.3.0", url=f"{ROOT}/")
    assert paths == ["health"]


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (None, "Houston tells no address of its Airflow"),
        ("", "Houston tells no address of its Airflow"),
        (
            "http://deployments.example.com/a",
            "the address of its Airflow, http://deployments.example.com/a, is not https: the token is not sent there",
        ),
    ],
)
def test_an_airflow_that_cannot_be_asked_is_not_healthy(url: str | None, detail: str) -> None:
    """The token goes to no address that would show it to others."""
    health, paths = asked({}, "2.3.0", url=url)
    assert health == Health(healthy=False, detail=detail)
    assert paths == []
