"""What crosses the wire to Houston: the documents we send and the shape of the answers.

Every document is a constant and is valid on every platform that it is sent to. Answers are read leniently about
fields that we did not ask for, strictly about those that we did.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator
from pydantic.alias_generators import to_camel

_DEPLOYMENT_FIELDS: Final = """{
  id label releaseName workspace { id } dagDeployment { type } urls { type url }
  airflowVersion desiredAirflowVersion runtimeVersion desiredRuntimeVersion runtimeAirflowVersion
}"""

_OFFER_FIELDS: Final = """
  appConfig { version featureFlags }
  deploymentConfig { airflowImages { version } }
  runtimeReleases { version airflowVersion }
"""

PLATFORM: Final = f"query Platform {{ {_OFFER_FIELDS} workspaces {{ id label }} }}"
DEPLOYMENT: Final = f"query Deployment($id: String!) {{ deployment(where: {{id: $id}}) {_DEPLOYMENT_FIELDS} }}"
DEPLOYMENT_AND_OFFER: Final = (
    f"query DeploymentAndOffer($id: String!) {{ {_OFFER_FIELDS} deployment(where: {{id: $id}}) {_DEPLOYMENT_FIELDS} }}"
)

START_AIRFLOW: Final = f"""mutation StartAirflow($deploymentUuid: Uuid!, $version: String!) {{
  updateDeploymentAirflow(deploymentUuid: $deploymentUuid, desiredAirflowVersion: $version) {_DEPLOYMENT_FIELDS} }}"""
START_RUNTIME: Final = f"""mutation StartRuntime($deploymentUuid: Uuid!, $version: String!) {{
  updateDeploymentRuntime(deploymentUuid: $deploymentUuid, desiredRuntimeVersion: $version) {_DEPLOYMENT_FIELDS} }}"""
CANCEL_RUNTIME: Final = f"""mutation CancelRuntime($deploymentUuid: Uuid!) {{
  cancelRuntimeUpdate(deploymentUuid: $deploymentUuid) {_DEPLOYMENT_FIELDS} }}"""
DELIVER_IMAGE: Final = f"""mutation DeliverImage(
  $releaseName: String!, $image: String!, $airflowVersion: String, $runtimeVersion: String) {{
  updateDeploymentImage(
    releaseName: $releaseName, image: $image, airflowVersion: $airflowVersion, runtimeVersion: $runtimeVersion
  ) {_DEPLOYMENT_FIELDS} }}"""


def fleet_document(workspaces: int, *, by_release_name: bool = False) -> str:
    """One query for the Deployments of that many workspaces.

    Aliases and variables are named ``w0``, ``w1``, ...; with ``by_release_name`` there is also a variable
    ``releaseName``, and only Deployments of that name are asked for.
    """
    variables = [f"$w{number}: Uuid!" for number in range(workspaces)]
    filters = ""
    if by_release_name:
        variables.append("$releaseName: String")
        filters = ", releaseName: $releaseName"
    selections = " ".join(
        f"w{number}: workspaceDeployments(workspaceUuid: $w{number}{filters}) {_DEPLOYMENT_FIELDS}"
        for number in range(workspaces)
    )
    return f"query Fleet({', '.join(variables)}) {{ {selections} }}"


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, hide_input_in_errors=True)


class _Identified(_Wire):
    id: str = Field(min_length=1)


class WireWorkspace(_Identified):
    """A workspace."""

    label: str | None = None


class _Url(_Wire):
    type: str | None = None
    url: str | None = None


class _DagDeployment(_Wire):
    type: str | None = None


class WireDeployment(_Identified):
    """A Deployment. A version that Houston gives as null reads as empty."""

    release_name: str = Field(min_length=1)
    label: str | None = None
    workspace: _Identified | None = None
    dag_deployment: _DagDeployment | None = None
    urls: tuple[_Url, ...] = ()
    airflow_version: str
    desired_airflow_version: str
    runtime_version: str
    desired_runtime_version: str
    runtime_airflow_version: str

    @field_validator(
        "airflow_version",
        "desired_airflow_version",
        "runtime_version",
        "desired_runtime_version",
        "runtime_airflow_version",
        mode="before",
    )
    @classmethod
    def _null_is_empty(cls, value: object) -> object:
        return "" if value is None else value

    @field_validator("urls", mode="before")
    @classmethod
    def _null_is_none(cls, value: object) -> object:
        return () if value is None else value

    @property
    def airflow_url(self) -> str | None:
        """The root of the Deployment's own Airflow, where it has one."""
        return next((url.url for url in self.urls if url.type == "airflow" and url.url), None)


class _AppConfig(_Wire):
    version: str
    feature_flags: dict[str, Any] | None = None


class _AirflowImage(_Wire):
    version: str


class _DeploymentConfig(_Wire):
    airflow_images: tuple[_AirflowImage, ...]


class _RuntimeRelease(_Wire):
    version: str
    airflow_version: str


class OfferAnswer(_Wire):
    """What the platform says of itself and of the releases on offer."""

    app_config: _AppConfig
    deployment_config: _DeploymentConfig
    runtime_releases: tuple[_RuntimeRelease, ...]


class PlatformAnswer(OfferAnswer):
    """The offer, and the workspaces that the token can see."""

    workspaces: tuple[WireWorkspace, ...]


class DeploymentAnswer(_Wire):
    """One Deployment, or none of that id."""

    deployment: WireDeployment | None


class DeploymentAndOfferAnswer(DeploymentAnswer, OfferAnswer):
    """One Deployment beside the platform's live offer."""


class FleetAnswer(RootModel[dict[str, tuple[WireDeployment, ...] | None]]):
    """The answer to a fleet document: the Deployments of each workspace, by alias."""
