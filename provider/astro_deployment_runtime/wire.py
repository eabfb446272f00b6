"""What crosses the wire to Houston: the documents we send and the shape of the answers.

Every document is a constant and is valid on every platform that it is sent to. Answers are read leniently about
fields that we did not ask for, strictly about those that we did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator
from pydantic.alias_generators import to_camel

_DESIRED: Final = "desiredAirflowVersion desiredRuntimeVersion"
_NOTHING_DESIRED: Final = "desiredAirflowVersion: airflowVersion desiredRuntimeVersion: runtimeVersion"
"""Where a platform knows no desired versions, what runs is what is desired: nothing is ever pending."""

_ALIAS: Final = re.compile("d[0-9]+")

_OFFER_FIELDS: Final = """
  appConfig { version featureFlags }
  deploymentConfig { airflowImages { version } }
  runtimeReleases { version airflowVersion }
"""

PLATFORM: Final = f"query Platform {{ {_OFFER_FIELDS} workspaces {{ id label }} }}"
"""The same on every platform: its answer tells which of the other documents fit."""

START_AIRFLOW: Final = """mutation StartAirflow($deploymentUuid: Uuid!, $version: String!) {
  updateDeploymentAirflow(deploymentUuid: $deploymentUuid, desiredAirflowVersion: $version) { id } }"""
START_RUNTIME: Final = """mutation StartRuntime($deploymentUuid: Uuid!, $version: String!) {
  updateDeploymentRuntime(deploymentUuid: $deploymentUuid, desiredRuntimeVersion: $version) { id } }"""
CANCEL_RUNTIME: Final = """mutation CancelRuntime($deploymentUuid: Uuid!) {
  cancelRuntimeUpdate(deploymentUuid: $deploymentUuid) { id } }"""

DELIVER_IMAGE: Final = """mutation DeliverImage(
  $releaseName: String!, $image: String!, $airflowVersion: String, $runtimeVersion: String) {
  updateDeploymentImage(
    releaseName: $releaseName, image: $image, airflowVersion: $airflowVersion, runtimeVersion: $runtimeVersion
  ) { id } }"""
DELIVER_RUNTIME_IMAGE: Final = """mutation DeliverImage(
  $releaseName: String!, $image: String!, $runtimeVersion: String!) {
  updateDeploymentImage(releaseName: $releaseName, image: $image, runtimeVersion: $runtimeVersion) { id } }"""
UPSERT_IMAGE: Final = """mutation DeliverImage(
  $releaseName: String!, $image: String!, $runtimeVersion: String!) {
  upsertDeployment(releaseName: $releaseName, image: $image, runtimeVersion: $runtimeVersion) { id } }"""


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that fit one generation of the platform (:func:`documents`)."""

    desired: bool
    """Houston knows desired versions."""
    deliver: str | None
    """How an image is deployed that is in a registry already; None where that cannot be asked for."""

    def deployments(self, number: int, *, offer: bool = False) -> str:
        """One query for that many Deployments, by their ids; beside what the platform has on offer, if wanted.

        Aliases and variables are named ``d0``, ``d1``, ...
        """
        variables = ", ".join(f"$d{index}: String!" for index in range(number))
        selections = " ".join(
            f"d{index}: deployment(where: {{id: $d{index}}}) {{ ...Seen }}" for index in range(number)
        )
        return (
            f"query Deployments({variables}) {{ {_OFFER_FIELDS if offer else ''} {selections} }} "
            # A fragment, because servers of Houston's kind refuse a request of more than 100 kB.
            f"fragment Seen on Deployment {self._fields}"
        )

    def fleet(self, workspaces: int, *, by_release_name: bool = False) -> str:
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
            f"w{number}: workspaceDeployments(workspaceUuid: $w{number}{filters}) {self._fields}"
            for number in range(workspaces)
        )
        return f"query Fleet({', '.join(variables)}) {{ {selections} }}"

    @property
    def _fields(self) -> str:
        return f"""{{
  id label releaseName workspace {{ id }} dagDeployment {{ type }} urls {{ type url }}
  airflowVersion runtimeVersion runtimeAirflowVersion {_DESIRED if self.desired else _NOTHING_DESIRED}
}}"""


_NO_DESIRED_SINCE: Final = "1.1.0"
_DELIVERIES: Final = (
    ("2.1.0", UPSERT_IMAGE),
    ("1.0.1", DELIVER_RUNTIME_IMAGE),
    ("0.29.2", DELIVER_IMAGE),
)


def documents(platform: str) -> Documents:
    """Choose the documents for a platform's version. Source: which operations the vendor's CLI sends to which."""
    return Documents(
        desired=not at_least(platform, _NO_DESIRED_SINCE),
        deliver=next((document for since, document in _DELIVERIES if at_least(platform, since)), None),
    )


def at_least(platform: str, since: str) -> bool:
    """Compare platform versions. One that cannot be read counts as the oldest; the rules refuse every hop there."""
    try:
        return Version(platform) >= Version(since)
    except InvalidVersion:
        return False


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


class DeploymentsAnswer(_Wire):
    """Deployments by alias; None where there is none of that id."""

    deployments: dict[str, WireDeployment | None]

    @model_validator(mode="before")
    @classmethod
    def _by_alias(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        if not isinstance(data, dict):
            return data
        return {**data, "deployments": {name: value for name, value in data.items() if _ALIAS.fullmatch(name)}}

    def in_order(self, number: int) -> list[WireDeployment | None]:
        """List them as they were asked for; None also where the answer lacks one."""
        return [self.deployments.get(f"d{index}") for index in range(number)]


class DeploymentsAndOfferAnswer(DeploymentsAnswer, OfferAnswer):
    """Deployments beside the platform's live offer."""


class FleetAnswer(RootModel[dict[str, tuple[WireDeployment, ...] | None]]):
    """The answer to a fleet document: the Deployments of each workspace, by alias."""
