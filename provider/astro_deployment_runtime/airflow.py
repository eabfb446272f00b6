"""A Deployment's own Airflow: is it healthy, and at which version?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.model import Health
from astro_deployment_runtime.versions import AirflowVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.model import Deployment
    from astro_deployment_runtime.transport import Transport

_FIRST_WITH_VERSION_API: Final = AirflowVersion(2, 0, 0)
_FIRST_WITH_API_V2: Final = AirflowVersion(3, 0, 0)


class _Component(BaseModel):
    status: str | None = None


class _HealthAnswer(BaseModel):
    metadatabase: _Component
    scheduler: _Component


class _VersionAnswer(BaseModel):
    version: str


def read_health(transport: Transport, deployment: Deployment, expected: AirflowVersion) -> Health:
    """Ask the Airflow for its health and its version. What does not answer is not healthy, and no error.

    Airflow 1.10 has no API that tells its version; there, health alone counts.

    Raises:
        RunInterruptedError: the user has stopped the run.
    """
    root = (deployment.airflow_url or "").rstrip("/")
    if not (root and transport.may_ask(root)):
        unsafe = f"the address of its Airflow, {transport.quote(root)}, is not https: the token is not sent there"
        return Health(healthy=False, detail=unsafe if root else "Houston tells no address of its Airflow")
    api_v2 = expected >= _FIRST_WITH_API_V2
    answer = _page(transport, f"{root}/{'api/v2/monitor/health' if api_v2 else 'health'}", _HealthAnswer)
    if isinstance(answer, str):
        return Health(healthy=False, detail=answer)
    for name, component in (("metadata database", answer.metadatabase), ("scheduler", answer.scheduler)):
        if component.status != "healthy":
            return Health(
                healthy=False, detail=f"its {name} is {transport.quote(component.status or 'of unknown health')}"
            )
    if expected < _FIRST_WITH_VERSION_API:
        return Health(healthy=True, detail="its Airflow is healthy")
    version = _page(transport, f"{root}/api/{'v2' if api_v2 else 'v1'}/version", _VersionAnswer)
    try:
        found = AirflowVersion.parse(version if isinstance(version, str) else version.version)
    except InvalidVersionError:
        return Health(healthy=False, detail="its Airflow does not tell its version")
    return Health(healthy=found == expected, airflow=found, detail=f"its Airflow is healthy at {found}")


_Page = TypeVar("_Page", bound=BaseModel)


def _page(transport: Transport, url: str, model: type[_Page]) -> _Page | str:
    """Get a page, or say why there is none."""
    response = transport.get(url)
    if response is not None and response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return f"its Airflow refuses the token (HTTP status {response.status_code})"
    if response is None or not response.is_success:
        return "its Airflow does not answer yet"
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return "its Airflow answers with something else than its health"
