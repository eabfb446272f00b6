"""From the wire to the model: what Houston's answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidVersionError, PlatformAnswerError
from astro_deployment_runtime.houston.wire import NOT_TOLD, UPSERT_IMAGE, delivery
from astro_deployment_runtime.planning.model import Deployment, Platform, PlatformVersion
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId, quote

if TYPE_CHECKING:
    from astro_deployment_runtime.houston.wire import AppConfig, WireDeployment
    from astro_deployment_runtime.planning.catalog import Catalog


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
    current = read_current(found)
    return Deployment(
        id=found.id,
        release_name=found.release_name,
        label=found.label or found.release_name,
        workspace_id=found.workspace.id if found.workspace else "",
        current=catalog.describe(current, _airflow(found, current, catalog)),
        current_text=found.runtime_version if current.distribution is Distribution.RUNTIME else found.airflow_version,
        pending=_pending(found, current),
        dag_deployment=(found.dag_deployment.type if found.dag_deployment else None) or "image",
        airflow_url=found.airflow_url,
    )


def read_current(found: WireDeployment) -> ReleaseId:
    """Read what a Deployment runs; the rest of it need not be readable.

    Raises:
        PlatformAnswerError: that version cannot be read.
    """
    if found.runtime_version.strip():
        return _read(found, Distribution.RUNTIME, found.runtime_version, "runs")
    return _read(found, Distribution.CERTIFIED, found.airflow_version, "runs")


def _airflow(found: WireDeployment, current: ReleaseId, catalog: Catalog) -> AirflowVersion:
    if isinstance(current.version, AirflowVersion):
        return current.version
    offered, told = catalog.get(current), found.runtime_airflow_version.strip()
    if offered is not None and not told:
        return offered.airflow
    try:
        return AirflowVersion.observe(told)
    except InvalidVersionError as error:
        airflow = f"has Airflow {quote(told)}, which cannot be read" if told else "has no Airflow version"
        raise _unreadable(found, f"its {current} {airflow}") from error


def _pending(found: WireDeployment, current: ReleaseId) -> ReleaseId | None:
    """Return the hop that was started: desired differs from current, where null and empty both mean "none"."""
    if runtime := found.desired_runtime_version.strip():
        desired = _read(found, Distribution.RUNTIME, runtime, "awaits")
        if desired != current:
            return desired
    if current.distribution is Distribution.CERTIFIED and (airflow := found.desired_airflow_version.strip()):
        desired = _read(found, Distribution.CERTIFIED, airflow, "awaits")
        return None if desired == current else desired
    return None


def _read(found: WireDeployment, distribution: Distribution, text: str, what: str) -> ReleaseId:
    name = "Astronomer Certified" if distribution is Distribution.CERTIFIED else "Astro Runtime"
    if text == NOT_TOLD:
        raise PlatformAnswerError(
            f"Houston does not tell which {name} {found.release_name} {what}: nothing is planned for it. Run again; if "
            "it stays so, ask your platform team, or leave it out (astro:exclude)"
        )
    try:
        return ReleaseId.observe(distribution, text)
    except InvalidVersionError as error:
        told = f"it {what} {name} {quote(text)}, which cannot be read" if text.strip() else "it runs no version"
        raise _unreadable(found, told) from error


def _unreadable(found: WireDeployment, what: str) -> PlatformAnswerError:
    return PlatformAnswerError(
        f"Houston reports of {found.release_name} that {what}: nothing is planned for it; have its version corrected "
        "on the platform, or leave it out (astro:exclude)"
    )
