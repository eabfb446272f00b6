"""The health of an Airflow, from its own pages."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.houston.airflow_client import read_health
from astro_deployment_runtime.houston.bounded_http import BoundedHttp
from astro_deployment_runtime.planning.catalog import Release
from astro_deployment_runtime.planning.plan_model import Deployment, Health
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "https://deployments.example.com/stars-1/airflow"
TOKEN = "canary-token-4711"
BEAT = "2026-01-05T10:00:00.123456+00:00"
WELL: dict[str, Any] = {
    "dag_processor": {"latest_dag_processor_heartbeat": None, "status": None},
    "metadatabase": {"status": "healthy"},
    "scheduler": {"latest_scheduler_heartbeat": BEAT, "status": "healthy"},
    "triggerer": {"latest_triggerer_heartbeat": None, "status": None},
}
"""The health page of Airflow 2.10.5."""
PROCESSING = {"dag_processor": {"latest_dag_processor_heartbeat": BEAT, "status": "healthy"}}
HEALTH, HEALTH_3 = "health", "api/v2/monitor/health"


def asked(pages: Mapping[str, httpx.Response], expected: str, url: str | None = ROOT) -> tuple[Health, list[str]]:
    """Ask an Airflow that serves only these pages. Return its health and the paths that were requested."""
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        path = str(request.url).removeprefix(f"{ROOT}/")
        paths.append(path)
        assert (request.method, request.headers["authorization"]) == ("GET", TOKEN)
        return pages.get(path) or httpx.Response(404, html="<h1>404</h1>")

    settings = ConnectionSettings(url="https://houston.example.com/v1", token=SecretStr(TOKEN))
    current = Release(id=ReleaseId.parse("AC 2.3.0"), airflow=AirflowVersion(2, 3, 0))
    deployment = Deployment(
        id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=current, airflow_url=url
    )
    with contextlib.closing(BoundedHttp(settings, transport=httpx.MockTransport(handler))) as http:
        return read_health(http, deployment, AirflowVersion.parse(expected)), paths


def page(content: Any, status: int = 200) -> httpx.Response:
    """Make a JSON page."""
    return httpx.Response(status, json=content)


def html(title: str, status: int) -> httpx.Response:
    """Make an HTML page, as of a proxy or a login."""
    return httpx.Response(status, html=f"<html><head><title>{title}</title></head></html>")


@pytest.mark.parametrize(
    ("expected", "told", "health_path", "version_path"),
    [
        ("2.0.0", "2.0.0", HEALTH, "api/v1/version"),
        ("2.3.0", "2.3.0", HEALTH, "api/v1/version"),
        ("2.3.0", "2.3.0+astro.1", HEALTH, "api/v1/version"),
        ("2.10.5", "v2.10.5", HEALTH, "api/v1/version"),
        ("2.10.5", "2.10.5.post1", HEALTH, "api/v1/version"),
        ("2.10.5", " v2.10.5.post2+astro.3 ", HEALTH, "api/v1/version"),
        ("3.0.0", "3.0.0", HEALTH_3, "api/v2/version"),
        ("3.1.2", "3.1.2+astro.1", HEALTH_3, "api/v2/version"),
    ],
)
def test_it_is_healthy_at_the_expected_version(expected: str, told: str, health_path: str, version_path: str) -> None:
    """Airflow 3 has other addresses. A build suffix does not matter."""
    health, paths = asked({health_path: page(WELL | PROCESSING), version_path: page({"version": told})}, expected)
    detail = f"its Airflow is healthy at {expected}"
    assert health == Health(healthy=True, airflow=AirflowVersion.parse(expected), detail=detail, heartbeat=BEAT)
    assert paths == [health_path, version_path]


def test_airflow_1_has_no_version_page() -> None:
    """Its health alone counts, and no other page is read."""
    health, paths = asked({"health": page(WELL)}, "1.10.15")
    assert health == Health(healthy=True, detail="its Airflow is healthy", heartbeat=BEAT)
    assert paths == ["health"]


def test_another_version_is_not_healthy() -> None:
    """The old pods still answer."""
    health, _ = asked({"health": page(WELL), "api/v1/version": page({"version": "2.2.3"})}, "2.3.0")
    detail = "its Airflow is healthy at 2.2.3"
    assert health == Health(healthy=False, airflow=AirflowVersion(2, 2, 3), detail=detail, heartbeat=BEAT)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (page({**WELL, "scheduler": {"status": "unhealthy"}}), "its scheduler is unhealthy"),
        (page({**WELL, "metadatabase": {"status": "unhealthy"}}), "its metadata database is unhealthy"),
        (page({**WELL, "scheduler": {"status": f"{TOKEN}\x1b[2J"}}), "its scheduler is [token] [2J"),
        (page({**WELL, "scheduler": {"status": None}}), "its scheduler is of unknown health"),
        (page({**WELL, "scheduler": {"status": ["healthy"]}}), "its scheduler is ['healthy']"),
        (page({**WELL, "dag_processor": {"status": "unhealthy"}}), "its DAG processor is unhealthy"),
        (
            html("503 Service Temporarily Unavailable", 503),
            (
                "its Airflow does not answer yet (HTTP status 503, a page titled '503 Service Temporarily Unavailable' "
                "for its health page)"
            ),
        ),
        (
            html("Sign in", 200),
            "its health page tells something other than its health (HTTP status 200, a page titled 'Sign in')",
        ),
        (
            httpx.Response(302, headers={"location": f"https://login.example.com/in?next={TOKEN}"}),
            (
                "its health page is not shown: HTTP status 302, a redirect to https://login.example.com/in; the token "
                "is not sent there"
            ),
        ),
        (page({"detail": "Unauthorized"}, 401), "its Airflow refuses the token for its health page (HTTP status 401)"),
        (
            html("403 Forbidden", 403),
            (
                "a proxy or the platform's ingress denies access for its health page (HTTP status 403, a page titled "
                "'403 Forbidden')"
            ),
        ),
        (
            page({"scheduler": {"status": "healthy"}}),
            "its health page tells something other than its health (HTTP status 200)",
        ),
        (page([]), "its health page tells something other than its health (HTTP status 200)"),
    ],
)
def test_an_unhealthy_airflow_is_described(answer: httpx.Response, detail: str) -> None:
    """The text says what answered, and how. The version is not read."""
    health, paths = asked({"health": answer}, "2.3.0")
    assert (health.healthy, health.detail) == (False, detail)
    assert paths == ["health"]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (httpx.Response(503), "its Airflow does not answer yet (HTTP status 503 for its version page)"),
        (page({}, 401), "its Airflow refuses the token for its version page (HTTP status 401)"),
        (
            html("Blocked", 403),
            (
                "a proxy or the platform's ingress denies access for its version page (HTTP status 403, a page titled "
                "'Blocked')"
            ),
        ),
        (
            httpx.Response(307, headers={"location": "/login/?next=x"}),
            "its version page is not shown: HTTP status 307, a redirect to /login/; the token is not sent there",
        ),
        (
            page({"version": "3.1.0rc1"}),
            "its Airflow is healthy and tells the version '3.1.0rc1', not 2.3.0",
        ),
        (
            page({"version": f"unknown {TOKEN}\n"}),
            "its Airflow is healthy and tells the version 'unknown [token]', not 2.3.0",
        ),
        (page({"version": 2}), "its version page tells something other than its version (HTTP status 200)"),
        (page({}), "its version page tells something other than its version (HTTP status 200)"),
        (httpx.Response(200, text="2"), "its version page tells something other than its version (HTTP status 200)"),
    ],
)
def test_an_airflow_without_a_readable_version_is_not_healthy(answer: httpx.Response, detail: str) -> None:
    """It might be the old one. The text says what came."""
    health, _ = asked({"health": page(WELL), "api/v1/version": answer}, "2.3.0")
    assert health.healthy is False
    assert health.detail in {detail, "its Airflow is healthy at 3.1.0rc1"}


@pytest.mark.parametrize(
    ("processor", "detail"),
    [
        (PROCESSING, "its Airflow is healthy at 3.1.2"),
        ({"dag_processor": {"status": "unhealthy"}}, "its DAG processor is unhealthy"),
        ({}, "its DAG processor is of unknown health"),
        ({"dag_processor": None}, "its DAG processor is of unknown health"),
        ({"dag_processor": "odd"}, "its DAG processor is of unknown health"),
    ],
)
def test_airflow_3_needs_its_dag_processor(processor: dict[str, Any], detail: str) -> None:
    """It is a process of its own there. Without it no DAG is parsed."""
    health, _ = asked({HEALTH_3: page(WELL | processor), "api/v2/version": page({"version": "3.1.2"})}, "3.1.2")
    assert (health.detail, health.healthy) == (detail, processor == PROCESSING)


@pytest.mark.parametrize("odd", [{}, {"dag_processor": None, "triggerer": None}, {"dag_processor": 1, "triggerer": []}])
def test_airflow_2_may_omit_the_dag_processor_and_triggerer(odd: dict[str, Any]) -> None:
    """Releases before 2.6 have neither."""
    told = {name: WELL[name] for name in ("metadatabase", "scheduler")} | odd
    health, _ = asked({"health": page(told), "api/v1/version": page({"version": "2.3.0"})}, "2.3.0")
    assert (health.healthy, health.concern) == (True, "")


def test_an_unhealthy_triggerer_is_a_warning() -> None:
    """The detail names it, and the Airflow counts as healthy."""
    told = WELL | {"triggerer": {"status": "unhealthy", "latest_triggerer_heartbeat": BEAT}}
    health, _ = asked({"health": page(told), "api/v1/version": page({"version": "2.3.0"})}, "2.3.0")
    assert (health.healthy, health.concern) == (True, "its triggerer is unhealthy")
    assert health.detail == "its Airflow is healthy at 2.3.0, its triggerer is unhealthy"
    health, _ = asked({"health": page(told | {"scheduler": {"status": "unhealthy"}})}, "2.3.0")
    assert health.detail == "its scheduler is unhealthy, its triggerer is unhealthy"


@pytest.mark.parametrize(
    ("told", "heartbeat"),
    [(BEAT, BEAT), (None, None), ("", None), (1767607200, "1767607200"), (f"{TOKEN}\n", "[token]")],
)
def test_a_heartbeat_is_kept_as_it_came(told: object, heartbeat: str | None) -> None:
    """It is only compared with other heartbeats of the same Airflow."""
    pages = {"health": page(WELL | {"scheduler": {"status": "healthy", "latest_scheduler_heartbeat": told}})}
    assert asked(pages, "1.10.15")[0].heartbeat == heartbeat


@pytest.mark.parametrize(
    "after",
    ["/", "//", "/home", "/home/", "/home?x=1#f", "?x", "#f", "/#/dags", "/login/?next=%2Fhome", "/admin/", " "],
)
def test_an_address_may_end_with_a_page(after: str) -> None:
    """The root is the part before it."""
    pages = {"health": page(WELL), "api/v1/version": page({"version": "2.3.0"})}
    health, paths = asked(pages, "2.3.0", url=f"{ROOT}{after}")
    assert health.healthy
    assert paths == ["health", "api/v1/version"]


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
def test_an_airflow_without_a_safe_address_is_not_healthy(url: str | None, detail: str) -> None:
    """The token is never sent unencrypted to another machine."""
    health, paths = asked({}, "2.3.0", url=url)
    assert health == Health(healthy=False, detail=detail)
    assert paths == []
