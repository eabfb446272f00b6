"""A Deployment's own Airflow: is it healthy, at which version, and when did its scheduler give its last heartbeat?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.houston.transport import REFUSED, is_json
from astro_deployment_runtime.planning.model import Health
from astro_deployment_runtime.planning.versions import AirflowVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.houston.transport import Transport
    from astro_deployment_runtime.planning.model import Deployment

_FIRST_WITH_VERSION_API: Final = AirflowVersion(2, 0, 0)
_FIRST_WITH_API_V2: Final = AirflowVersion(3, 0, 0)
_HEALTHY: Final = "healthy"
_PAGES: Final = ("home", "admin", "login", "health")
"""Pages of a webserver by which its address may be told."""
_RELEASE: Final = re.compile(r"v?(\d+\.\d+\.\d+)(?:\.post\d+)?(?:\+.*)?", re.ASCII)
"""A release of Airflow, as its version page writes it: a build (``+astro.3``, ``.post1``) is of that release."""


def _text_or_none(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]


class _Component(BaseModel):
    status: _Text = None


class _Scheduler(_Component):
    heartbeat: _Text = Field(default=None, alias="latest_scheduler_heartbeat")


def _odd_is_none(value: object) -> object:
    return value if isinstance(value, dict) else None


class _HealthAnswer(BaseModel):
    metadatabase: _Component
    scheduler: _Scheduler
    dag_processor: Annotated[_Component | None, BeforeValidator(_odd_is_none)] = None
    triggerer: Annotated[_Component | None, BeforeValidator(_odd_is_none)] = None


class _VersionAnswer(BaseModel):
    version: str


def read_health(transport: Transport, deployment: Deployment, expected: AirflowVersion) -> Health:
    """Ask the Airflow for its health and its version. An Airflow that does not answer is unhealthy, which is no error.

    Airflow 1.10 has no API that tells its version; there, health alone counts.

    Raises:
        InvalidSettingsError: the way there is not usable: a proxy that the environment names.
        RunInterruptedError: the user has stopped the run.
    """
    root = _root(deployment.airflow_url or "")
    if not (root and transport.may_ask(root)):
        unsafe = f"the address of its Airflow, {transport.quote(root)}, is not https: the token is not sent there"
        return Health(healthy=False, detail=unsafe if root else "Houston tells no address of its Airflow")
    api_v2 = expected >= _FIRST_WITH_API_V2
    answer = _page(transport, f"{root}/{'api/v2/monitor/health' if api_v2 else 'health'}", _HealthAnswer, "health")
    if isinstance(answer, str):
        return Health(healthy=False, detail=answer)
    triggerer = _status(transport, answer.triggerer)
    concern = "" if triggerer in {None, _HEALTHY} else f"its triggerer is {triggerer}"
    found = _sick(transport, answer, api_v2=api_v2) or _version(transport, root, expected)
    return replace(
        found,
        detail=f"{found.detail}, {concern}" if concern else found.detail,
        heartbeat=transport.quote(answer.scheduler.heartbeat) if answer.scheduler.heartbeat else None,
        concern=concern,
    )


def _sick(transport: Transport, answer: _HealthAnswer, *, api_v2: bool) -> Health | None:
    """Return what is found where a component is not healthy; None: all are, as far as they have to be.

    The DAG processor of Airflow 2 is mostly a part of its scheduler, and has no status then. In Airflow 3 it is a
    process of its own, without which no DAG is parsed.
    """
    needed = {"metadata database": answer.metadatabase, "scheduler": answer.scheduler}
    if api_v2 or _status(transport, answer.dag_processor) is not None:
        needed["DAG processor"] = answer.dag_processor or _Component()
    for name, component in needed.items():
        status = _status(transport, component)
        if status != _HEALTHY:
            return Health(healthy=False, detail=f"its {name} is {status or 'of unknown health'}")
    return None


def _version(transport: Transport, root: str, expected: AirflowVersion) -> Health:
    """Return what a healthy Airflow is found to be by its version."""
    if expected < _FIRST_WITH_VERSION_API:
        return Health(healthy=True, detail="its Airflow is healthy")
    path = f"api/{'v2' if expected >= _FIRST_WITH_API_V2 else 'v1'}/version"
    answer = _page(transport, f"{root}/{path}", _VersionAnswer, "version")
    if isinstance(answer, str):
        return Health(healthy=False, detail=answer)
    release = _RELEASE.fullmatch(answer.version.strip())
    try:
        found = AirflowVersion.observe(release[1] if release else answer.version)
    except InvalidVersionError:
        told = transport.quote(answer.version)
        return Health(healthy=False, detail=f"its Airflow is healthy and tells the version {told!r}, not {expected}")
    return Health(healthy=found == expected, airflow=found, detail=f"its Airflow is healthy at {found}")


def _root(url: str) -> str:
    """Return an Airflow's address without the page, query and fragment that may follow it; empty: there is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    path = parts.path.rstrip("/")
    above, _, page = path.rpartition("/")
    return parts._replace(path=above.rstrip("/") if page in _PAGES else path, query="", fragment="").geturl()


def _status(transport: Transport, component: _Component | None) -> str | None:
    return None if component is None or component.status is None else transport.quote(component.status)


_Page = TypeVar("_Page", bound=BaseModel)


def _page(transport: Transport, url: str, model: type[_Page], name: str) -> _Page | str:
    """Get a page of that name, or say why there is none: who answered, and what."""
    response = transport.get(url)
    if isinstance(response, str):
        return f"its Airflow does not answer yet ({response})"
    came = transport.described(response)
    if response.status_code in REFUSED:
        who = (
            "its Airflow refuses the token" if is_json(response) else "a proxy or the platform's ingress refuses access"
        )
        return f"{who} for its {name} page ({came})"
    if response.is_redirect:
        return f"its {name} page is not shown: {came}; the token is not sent there"
    if not response.is_success:
        return f"its Airflow does not answer yet ({came} for its {name} page)"
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return f"its {name} page tells something other than its {name} ({came})"
