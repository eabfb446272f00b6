"""Mapping of Houston's answers to the model: the platform, Deployments, what they run and what is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidVersionError, PlatformAnswerError
from astro_deployment_runtime.houston.graphql_answers import MISSING_VERSION
from astro_deployment_runtime.houston.graphql_documents import UPSERT_IMAGE, image_mutation
from astro_deployment_runtime.planning.plan_model import Deployment
from astro_deployment_runtime.planning.platform_version import Platform, PlatformVersion
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId
from astro_deployment_runtime.support.text_formatting import quote

if TYPE_CHECKING:
    from astro_deployment_runtime.houston.graphql_answers import AppConfig, DeploymentAnswer
    from astro_deployment_runtime.planning.catalog import Catalog


def map_platform(config: AppConfig) -> Platform:
    """Map the platform. A flag that Houston does not tell has the default of the platform's version."""
    version = PlatformVersion.parse(config.version)
    flags = config.feature_flags or {}
    by_image = flags.get("disableDesiredRuntimeVersion", version.at_least(0, 36)) is True
    mutation = image_mutation(version)
    return Platform(
        version=version.text,
        runtime_enabled=flags.get("astroRuntimeEnabled", True) is not False,
        # From 1.1 on Houston has no desired versions, so a hop cannot be started there.
        upgrades_by_image=by_image or version.at_least(1, 1),
        takes_images=mutation is not None,
        overwrites_environment=mutation == UPSERT_IMAGE,
    )


def map_deployment(answer: DeploymentAnswer, catalog: Catalog) -> Deployment:
    """Map a Deployment. It is on Runtime if its Runtime version is not empty, whatever its Airflow version.

    Raises:
        PlatformAnswerError: one of its versions cannot be read.
    """
    current = map_current(answer)
    on_runtime = current.distribution is Distribution.RUNTIME
    return Deployment(
        id=answer.id,
        release_name=answer.release_name,
        label=answer.label or answer.release_name,
        workspace_id=answer.workspace_id,
        current=catalog.describe(current, _airflow_version(answer, current, catalog)),
        current_text=answer.runtime_version if on_runtime else answer.airflow_version,
        pending=_pending(answer, current),
        dag_deployment=(answer.dag_deployment.type if answer.dag_deployment else None) or "image",
        airflow_url=answer.airflow_url,
    )


def map_current(answer: DeploymentAnswer) -> ReleaseId:
    """Map what a Deployment runs. Nothing else of the answer has to be readable.

    Raises:
        PlatformAnswerError: that version cannot be read.
    """
    if answer.runtime_version.strip():
        return _release(answer, Distribution.RUNTIME, answer.runtime_version, "runs")
    return _release(answer, Distribution.CERTIFIED, answer.airflow_version, "runs")


def _airflow_version(answer: DeploymentAnswer, current: ReleaseId, catalog: Catalog) -> AirflowVersion:
    if isinstance(current.version, AirflowVersion):
        return current.version
    offered, told = catalog.get(current), answer.runtime_airflow_version.strip()
    if offered is not None and not told:
        return offered.airflow
    try:
        return AirflowVersion.observe(told)
    except InvalidVersionError as error:
        airflow = f"has Airflow {quote(told)}, which cannot be read" if told else "has no Airflow version"
        raise _unreadable(answer, f"its {current} {airflow}") from error


def _pending(answer: DeploymentAnswer, current: ReleaseId) -> ReleaseId | None:
    """Return the pending hop: a desired version that differs from the current one. Null and empty mean none."""
    if runtime := answer.desired_runtime_version.strip():
        desired = _release(answer, Distribution.RUNTIME, runtime, "awaits")
        if desired != current:
            return desired
    if current.distribution is Distribution.CERTIFIED and (airflow := answer.desired_airflow_version.strip()):
        desired = _release(answer, Distribution.CERTIFIED, airflow, "awaits")
        return None if desired == current else desired
    return None


def _release(answer: DeploymentAnswer, distribution: Distribution, text: str, verb: str) -> ReleaseId:
    name = "Astronomer Certified" if distribution is Distribution.CERTIFIED else "Astro Runtime"
    if text == MISSING_VERSION:
        raise PlatformAnswerError(
            f"Houston does not tell which {name} {answer.release_name} {verb}. Nothing is planned for it: run again, "
            "and if this persists, ask your platform team, or exclude it (astro:exclude)"
        )
    try:
        return ReleaseId.observe(distribution, text)
    except InvalidVersionError as error:
        told = f"it {verb} {name} {quote(text)}, which cannot be read" if text.strip() else "it runs no version"
        raise _unreadable(answer, told) from error


def _unreadable(answer: DeploymentAnswer, problem: str) -> PlatformAnswerError:
    return PlatformAnswerError(
        f"Houston reports about {answer.release_name} that {problem}. Nothing is planned for it: correct its version "
        "on the platform, or exclude it (astro:exclude)"
    )
