"""The running Airflow of each Deployment: its health page and its version page.

Airflow 1.10 has ``/health`` only, Airflow 2 also ``/api/v1/version``, Airflow 3 ``/api/v2/monitor/health`` and
``/api/v2/version``. While pods restart, only the proxy answers, in HTML; then the webserver is back before the
scheduler (inferred). A component's status depends on the age of its last heartbeat, so a scheduler that died, or is
not back yet, counts as healthy for 30 seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox import heartbeats, versions
from sandbox.deployment import Deployment, Health
from sandbox.heartbeats import Component
from sandbox.timestamps import airflow_moment

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.houston import Houston
    from sandbox.platform_rules import Platform

_HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


def page(status: int, title: str) -> Response:
    """Return a page as the proxy in front of the platform writes it."""
    return HTMLResponse(_HTML.format(f"{status} {title}"), status_code=status)


def answer(houston: Houston, request: Request) -> Response:
    """Answer ``GET /<release>/airflow/<path>`` for any role of a Houston token."""
    if houston.role(request.headers.get("authorization", "")) is None:
        return page(401, "Authorization Required")
    deployment = houston.store.find(release_name=request.path_params["release"])
    if deployment is None:
        return page(404, "Not Found")
    deployment = deployment.at(houston.platform.clock())
    if deployment.health(houston.platform.clock()) is Health.RESTARTING:
        return page(503, "Service Temporarily Unavailable")
    content = _content(deployment, request.path_params["path"], houston.platform)
    return page(404, "Not Found") if content is None else JSONResponse(content)


def _content(deployment: Deployment, path: str, platform: Platform) -> dict[str, Any] | None:
    airflow = versions.numbers(deployment.airflow)
    if airflow >= (3,):
        health_path, version_path = "api/v2/monitor/health", "api/v2/version"
    else:
        health_path, version_path = "health", "api/v1/version" if airflow >= (2,) else ""
    if path == health_path:
        return _health(deployment, platform)
    if path == version_path:
        return {"version": f"{deployment.airflow}+astro.1", "git_version": None}
    return None


def _health(deployment: Deployment, platform: Platform) -> dict[str, Any]:
    """Write the health page. It has the triggerer from Airflow 2.6 on, and the DAG processor from 2.7 on."""
    airflow, now = versions.numbers(deployment.airflow), platform.clock()
    since = {Component.DAG_PROCESSOR: (2, 7), Component.SCHEDULER: (), Component.TRIGGERER: (2, 6)}
    parts: dict[str, Any] = {"metadatabase": {"status": "healthy"}}
    for component, first in since.items():
        if airflow >= first:
            beat = heartbeats.last(deployment, component, now, platform.heartbeat_seconds)
            parts[component.value] = {
                f"latest_{component.value}_heartbeat": None if beat is None else airflow_moment(beat),
                "status": _status(component, beat, now),
            }
    return dict(sorted(parts.items()))


def _status(component: Component, beat: float | None, now: float) -> str | None:
    if beat is None:
        return "unhealthy" if component is Component.SCHEDULER else None
    return "healthy" if now - beat < heartbeats.THRESHOLD_SECONDS else "unhealthy"
