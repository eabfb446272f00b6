"""The running Airflow of each Deployment: the two addresses that tell whether it is back and which version it has.

Airflow 1.10 has ``/health`` only, Airflow 2 also ``/api/v1/version``, Airflow 3 ``/api/v2/monitor/health`` and
``/api/v2/version``. While pods restart nothing answers but the proxy, in HTML; then the webserver is back before the
scheduler (inferred).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox import versions
from sandbox.deployment import Deployment, Health
from sandbox.times import moment

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.houston import Houston

_HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


def page(status: int, title: str) -> Response:
    """Give a page as the proxy in front of the platform writes it."""
    return HTMLResponse(_HTML.format(f"{status} {title}"), status_code=status)


def answer(houston: Houston, request: Request) -> Response:
    """Answer ``GET /<release>/airflow/<path>``; it needs the same token as Houston, any role."""
    if houston.role(request.headers.get("authorization", "")) is None:
        return page(401, "Authorization Required")
    deployment = houston.store.find(release_name=request.path_params["release"])
    if deployment is None:
        return page(404, "Not Found")
    deployment = deployment.at(houston.platform.clock())
    health = deployment.health(houston.platform.clock())
    if health is Health.RESTARTING:
        return page(503, "Service Temporarily Unavailable")
    content = _content(deployment, request.path_params["path"], moment(houston.platform.clock()), health)
    return page(404, "Not Found") if content is None else JSONResponse(content)


def _content(deployment: Deployment, path: str, now: str, health: Health) -> dict[str, Any] | None:
    airflow = versions.numbers(deployment.airflow)
    if airflow >= (3,):
        health_path, version_path = "api/v2/monitor/health", "api/v2/version"
    else:
        health_path, version_path = "health", "api/v1/version" if airflow >= (2,) else ""
    if path == health_path:
        return _health(airflow, now, health)
    if path == version_path:
        return {"version": f"{deployment.airflow}+astro.1", "git_version": None}
    return None


def _health(airflow: tuple[int, ...], now: str, health: Health) -> dict[str, Any]:
    up = health is Health.HEALTHY
    status, beat = ("healthy", now) if up else ("unhealthy", None)
    parts: dict[str, Any] = {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": status, "latest_scheduler_heartbeat": beat},
    }
    if airflow >= (3,):
        parts["triggerer"] = {"status": status, "latest_triggerer_heartbeat": beat}
        parts["dag_processor"] = {"status": status, "latest_dag_processor_heartbeat": beat}
    return parts
