"""The health of a Deployment's own Airflow: its components, its version, and the last heartbeat of its scheduler."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.houston.bounded_http import ACCESS_DENIED, is_json
from astro_deployment_runtime.planning.plan_model import Health
from astro_deployment_runtime.planning.versions import AirflowVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.houston.bounded_http import BoundedHttp
    from astro_deployment_runtime.planning.plan_model import Deployment

_FIRST_WITH_VERSION_API: Final = AirflowVersion(2, 0, 0)
_FIRST_WITH_API_V2: Final = AirflowVersion(3, 0, 0)
_HEALTHY: Final = "healthy"
_PAGES: Final = ("home", "admin", "login", "health")
"""Pages of the webserver that Houston's address of an Airflow may end with."""
_RELEASE: Final = re.compile(r"v?(\d+\.\d+\.\d+)(?:\.post\d+)?(?:\+.*)?", re.ASCII)
"""A version as Airflow's version page writes it. A build suffix such as ``+astro.3`` or ``.post1`` is ignored."""


def _text_or_none(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]


class _Component(BaseModel):
    status: _Text = None


class _Scheduler(_Component):
    heartbeat: _Text = Field(default=None, alias="latest_scheduler_heartbeat")


def _object_or_none(value: object) -> object:
    return value if isinstance(value, dict) else None


_OptionalComponent = Annotated[_Component | None, BeforeValidator(_object_or_none)]


class _HealthPage(BaseModel):
    metadatabase: _Component
    scheduler: _Scheduler
    dag_processor: _OptionalComponent = None
    triggerer: _OptionalComponent = None


class _VersionPage(BaseModel):
    version: str


def read_health(http: BoundedHttp, deployment: Deployment, expected: AirflowVersion) -> Health:
    """Ask the Airflow for its health and its version. An Airflow that does not answer is unhealthy.

    Airflow 1.10 has no API for its version. There, only the health counts.

    Raises:
        InvalidSettingsError: the proxy for its address, from the environment, cannot be used.
        RunInterruptedError: the user cancelled the run.
    """
    root = _root_url(deployment.airflow_url or "")
    if not root:
        return Health(healthy=False, detail="Houston tells no address of its Airflow")
    if not http.may_send_token(root):
        unsafe = f"the address of its Airflow, {http.quote(root)}, is not https: the token is not sent there"
        return Health(healthy=False, detail=unsafe)
    api_v2 = expected >= _FIRST_WITH_API_V2
    page = _get_page(http, f"{root}/{'api/v2/monitor/health' if api_v2 else 'health'}", _HealthPage, "health")
    if isinstance(page, str):
        return Health(healthy=False, detail=page)
    triggerer = _status(http, page.triggerer)
    concern = "" if triggerer in {None, _HEALTHY} else f"its triggerer is {triggerer}"
    health = _unhealthy_component(http, page, api_v2=api_v2) or _read_version(http, root, expected)
    return replace(
        health,
        detail=f"{health.detail}, {concern}" if concern else health.detail,
        heartbeat=http.quote(page.scheduler.heartbeat) if page.scheduler.heartbeat else None,
        concern=concern,
    )


def _unhealthy_component(http: BoundedHttp, page: _HealthPage, *, api_v2: bool) -> Health | None:
    """Return what is unhealthy; None if every required component is healthy.

    In Airflow 2 the DAG processor is usually a part of the scheduler, and has no status then. In Airflow 3 it is a
    process of its own, and no DAG is parsed without it.
    """
    required = {"metadata database": page.metadatabase, "scheduler": page.scheduler}
    if api_v2 or _status(http, page.dag_processor) is not None:
        required["DAG processor"] = page.dag_processor or _Component()
    for name, component in required.items():
        status = _status(http, component)
        if status != _HEALTHY:
            return Health(healthy=False, detail=f"its {name} is {status or 'of unknown health'}")
    return None


def _read_version(http: BoundedHttp, root: str, expected: AirflowVersion) -> Health:
    """Compare the version of a healthy Airflow with the expected one."""
    if expected < _FIRST_WITH_VERSION_API:
        return Health(healthy=True, detail="its Airflow is healthy")
    path = f"api/{'v2' if expected >= _FIRST_WITH_API_V2 else 'v1'}/version"
    page = _get_page(http, f"{root}/{path}", _VersionPage, "version")
    if isinstance(page, str):
        return Health(healthy=False, detail=page)
    release = _RELEASE.fullmatch(page.version.strip())
    try:
        found = AirflowVersion.observe(release[1] if release else page.version)
    except InvalidVersionError:
        told = http.quote(page.version)
        return Health(healthy=False, detail=f"its Airflow is healthy and tells the version {told!r}, not {expected}")
    return Health(healthy=found == expected, airflow=found, detail=f"its Airflow is healthy at {found}")


def _root_url(url: str) -> str:
    """Return an Airflow's address without a page, query or fragment at its end; empty if there is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    path = parts.path.rstrip("/")
    above, _, page = path.rpartition("/")
    return parts._replace(path=above.rstrip("/") if page in _PAGES else path, query="", fragment="").geturl()


def _status(http: BoundedHttp, component: _Component | None) -> str | None:
    return None if component is None or component.status is None else http.quote(component.status)


_Page = TypeVar("_Page", bound=BaseModel)


def _get_page(http: BoundedHttp, url: str, shape: type[_Page], name: str) -> _Page | str:
    """Get a page of that shape; or return why there is none: what answered, and how."""
    response = http.get_page(url)
    if isinstance(response, str):
        return f"its Airflow does not answer yet ({response})"
    answer = http.describe(response)
    if response.status_code in ACCESS_DENIED:
        who = (
            "its Airflow refuses the token" if is_json(response) else "a proxy or the platform's ingress denies access"
        )
        return f"{who} for its {name} page ({answer})"
    if response.is_redirect:
        return f"its {name} page is not shown: {answer}; the token is not sent there"
    if not response.is_success:
        return f"its Airflow does not answer yet ({answer} for its {name} page)"
    try:
        return shape.model_validate_json(response.content)
    except ValidationError:
        return f"its {name} page tells something other than its {name} ({answer})"
