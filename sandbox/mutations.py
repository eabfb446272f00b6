"""The mutations of the API. Each needs an admin's token and returns the Deployment after the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.image_labels import Labels
from sandbox.queries import houston_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.deployment import Deployment
    from sandbox.queries import Info


def _update_airflow(_: object, info: Info, *, deployment_uuid: str, desired_airflow_version: str) -> Deployment:
    houston = houston_of(info, admin=True)
    return houston.change(deployment_uuid, lambda each: houston.platform.start_airflow(each, desired_airflow_version))


def _update_runtime(_: object, info: Info, *, deployment_uuid: str, desired_runtime_version: str) -> Deployment:
    houston = houston_of(info, admin=True)
    return houston.change(deployment_uuid, lambda each: houston.platform.start_runtime(each, desired_runtime_version))


def _cancel(_: object, info: Info, *, deployment_uuid: str) -> Deployment:
    houston = houston_of(info, admin=True)
    return houston.change(deployment_uuid, houston.platform.cancel)


def _deploy_image(
    _: object,
    info: Info,
    *,
    release_name: str,
    image: str,
    airflow_version: str | None = None,
    runtime_version: str | None = None,
) -> Deployment:
    """An empty version means "not given"; given versions take precedence over the image's name."""
    labels = Labels(airflow=airflow_version or "", runtime=runtime_version or "")
    return houston_of(info, admin=True).deploy(release_name, image, labels)


MUTATIONS: Mapping[str, Callable[..., Any]] = {
    "updateDeploymentAirflow": _update_airflow,
    "updateDeploymentRuntime": _update_runtime,
    "cancelRuntimeUpdate": _cancel,
    "updateDeploymentImage": _deploy_image,
    "upsertDeployment": _deploy_image,
}
