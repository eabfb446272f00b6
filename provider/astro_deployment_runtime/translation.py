"""From the wire to the model: what Houston's answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidVersionError, PlatformAnswerError
from astro_deployment_runtime.model import Deployment, Platform, PlatformVersion
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId
from astro_deployment_runtime.wire import UPSERT_IMAGE, delivery

if TYPE_CHECKING:
    from astro_deployment_runtime.catalog import Catalog
    from astro_deployment_runtime.wire import AppConfig, WireDeployment


def read_platform(config: AppConfig) -> Platform:
    """Translate what the platform says of itself. A flag that it does not tell has its version's default."""
    version = PlatformVersion.parse(config.version)
    flags = config.feature_flags or {}
    by_image = flags.get("disableDesiredRuntimeVersion", version.at_least(0, 36)) is True
    deliver = delivery(version)
    return Platform(
        version=version.text,
        runtime_enabled=flags.get("astroRuntimeEnabled", True) is not False,
        # From 1.1 on Houston has no desired versions, so that nothing can be started.
        upgrades_by_image=by_image or version.at_least(1, 1),
        takes_images=deliver is not None,
        overwrites_environment=deliver == UPSERT_IMAGE,
    )


def read_deployment(found: WireDeployment, catalog: Catalog) -> Deployment:
    """Translate: a Deployment is on Runtime when its Runtime version is not empty, whatever its Airflow version.

    Raises:
        PlatformAnswerError: a version of it cannot be read.
    """
    on_runtime = bool(found.runtime_version)
    try:
        current = (
            ReleaseId.of(Distribution.RUNTIME, found.runtime_version)
            if on_runtime
            else ReleaseId.of(Distribution.CERTIFIED, found.airflow_version)
        )
        airflow = _airflow(found, current, catalog)
        pending = _pending(found, current)
    except InvalidVersionError as error:
        raise PlatformAnswerError(
            f"Houston reports a version of {found.release_name} that cannot be read: {error}; nothing is planned for it"
        ) from error
    return Deployment(
        id=found.id,
        release_name=found.release_name,
        label=found.label or found.release_name,
        workspace_id=found.workspace.id if found.workspace else "",
        current=catalog.describe(current, airflow),
        pending=pending,
        dag_deployment=(found.dag_deployment.type if found.dag_deployment else None) or "image",
        airflow_url=found.airflow_url,
    )


def _airflow(found: WireDeployment, current: ReleaseId, catalog: Catalog) -> AirflowVersion:
    if isinstance(current.version, AirflowVersion):
        return current.version
    offered = catalog.get(current)
    if offered is not None and not found.runtime_airflow_version:
        return offered.airflow
    return AirflowVersion.parse(found.runtime_airflow_version)


def _pending(found: WireDeployment, current: ReleaseId) -> ReleaseId | None:
    """Tell the hop that was started: desired differs from current, where null and empty both mean "none"."""
    if found.desired_runtime_version not in {"", found.runtime_version}:
        return ReleaseId.of(Distribution.RUNTIME, found.desired_runtime_version)
    if current.distribution is Distribution.CERTIFIED and found.desired_airflow_version:
        desired = ReleaseId.of(Distribution.CERTIFIED, found.desired_airflow_version)
        return None if desired == current else desired
    return None
