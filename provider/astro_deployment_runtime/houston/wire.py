"""What crosses the wire to Houston: the documents we send and the shape of the answers.

Newer platforms lack fields that older ones have, and Houston refuses a document as a whole for one field that it does
not know. So :func:`documents` composes each document of the parts that the platform's version has. Answers
are read leniently: an odd value is kept as a text that no version equals, so that it spoils its own row alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astro_deployment_runtime.planning.model import PlatformVersion

LARGEST_REQUEST: Final = 95_000
"""Bytes of the body of a request: servers of Houston's kind refuse more than 100 kB."""

NOT_TOLD: Final = "not told"
"""Stands for a version that Houston should have told and did not: nothing equals it."""

_LONGEST_ODD: Final = 80
_FRAME: Final = 200
"""Bytes of a request besides its fields and variables."""


class Part(StrEnum):
    """Fields that a platform may lack, and that we can do without. The value says what is then unknown."""

    FLAGS = "the platform's feature flags"
    WORKSPACE_LABEL = "the labels of workspaces"
    CERTIFIED = "the Astronomer Certified releases on offer"
    LABEL = "the labels of Deployments"
    WORKSPACE = "the workspace of a Deployment"
    DAG_DEPLOYMENT = "how DAGs arrive"
    URLS = "the addresses of Airflows"
    AIRFLOW_VERSION = "the Certified version of a Deployment"
    RUNTIME_AIRFLOW = "the Airflow version of a Runtime that is not on offer"
    DESIRED = "pending hops"


def part(kind: str, name: str) -> Part | None:
    """Return the part to which a field of a type of Houston's belongs; None: we cannot do without it."""
    match kind, name:
        case "Workspace", "label":
            return Part.WORKSPACE_LABEL
        case (("AppConfig" | "RuntimeRelease" | "Mutation"), _) if name != "featureFlags":
            return None
        case "DagDeployment", "type":
            return Part.DAG_DEPLOYMENT
        case _, "type":
            return Part.URLS
        case _, "version":
            return Part.CERTIFIED
        case _:
            return _PARTS.get(name)


_PARTS: Final = {
    "featureFlags": Part.FLAGS,
    "deploymentConfig": Part.CERTIFIED,
    "airflowImages": Part.CERTIFIED,
    "label": Part.LABEL,
    "workspace": Part.WORKSPACE,
    "dagDeployment": Part.DAG_DEPLOYMENT,
    "urls": Part.URLS,
    "url": Part.URLS,
    "airflowVersion": Part.AIRFLOW_VERSION,
    "runtimeAirflowVersion": Part.RUNTIME_AIRFLOW,
    "desiredAirflowVersion": Part.DESIRED,
    "desiredRuntimeVersion": Part.DESIRED,
}

_OF_DEPLOYMENT: Final = {
    Part.LABEL: "label",
    Part.WORKSPACE: "workspace { id }",
    Part.DAG_DEPLOYMENT: "dagDeployment { type }",
    Part.URLS: "urls { type url }",
    Part.AIRFLOW_VERSION: "airflowVersion",
    Part.RUNTIME_AIRFLOW: "runtimeAirflowVersion",
    Part.DESIRED: "desiredAirflowVersion desiredRuntimeVersion",
}

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


def delivery(version: PlatformVersion) -> str | None:
    """Return how an image is deployed that is in a registry already; None where that cannot be asked for."""
    if version.at_least(2, 1):
        return UPSERT_IMAGE
    if version.at_least(1, 0, 1):
        return DELIVER_RUNTIME_IMAGE
    return DELIVER_IMAGE if version.at_least(0, 29, 2) else None


@dataclass(frozen=True, slots=True)
class Request:
    """A document, its variables, and what each of its aliases asks about."""

    document: str
    variables: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    """The id of a Deployment or of a workspace, by alias."""


def platform(without: frozenset[Part] = frozenset()) -> Request:
    """Ask what the platform is, what Runtime it offers, and which workspaces the token can see.

    Sent before the platform's version is known, so it has only what every version has.
    """
    flags, label = (
        "" if each in without else name
        for each, name in ((Part.FLAGS, "featureFlags"), (Part.WORKSPACE_LABEL, "label"))
    )
    return Request(
        f"query Platform {{ appConfig {{ version {flags} }} runtimeReleases {{ version airflowVersion }} "
        f"workspaces {{ id {label} }} }}",
        {},
    )


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that fit one platform (:func:`documents`)."""

    deliver: str | None
    """How an image is deployed that is in a registry already; None where that cannot be asked for."""
    without: frozenset[Part]
    """What is not asked for."""
    certified: bool
    """Astronomer Certified can exist, whose hops are always started before they are completed."""

    def deployments(self, ids: Sequence[str], *, offer: bool = False) -> list[Request]:
        """Ask for Deployments by their ids, in aliases ``d0``, ``d1``, ...; the first request also for the offer."""
        flags = "" if Part.FLAGS in self.without else "featureFlags"
        platform = f"appConfig {{ version {flags} }} {self._certified} runtimeReleases {{ version airflowVersion }}"
        return self._batches(
            "Deployments",
            "d",
            ids,
            lambda alias: (f"{alias}:deployment(where:{{id:${alias}}}){{...F}}", f"${alias}:String!"),
            more=platform if offer else "",
        )

    def fleet(
        self, workspaces: Sequence[str], *, offer: bool = False, release_name: str | None = None
    ) -> list[Request]:
        """Ask for the Deployments of workspaces, in aliases ``w0``, ``w1``, ...

        Args:
            workspaces: their ids.
            offer: the first request also asks for the Certified releases on offer, where there are any.
            release_name: only Deployments of that name are asked for.
        """
        named = ",releaseName:$releaseName" if release_name is not None else ""
        return self._batches(
            "Fleet",
            "w",
            workspaces,
            lambda alias: (
                f"{alias}:workspaceDeployments(workspaceUuid:${alias}{named}){{...F}}",
                f"${alias}:Uuid!",
            ),
            more=self._certified if offer else "",
            declared=["$releaseName:String"] if named else [],
            variables={"releaseName": release_name} if release_name is not None else {},
        )

    def row(self, value: object, workspace: str | None = None) -> WireDeployment:
        """Read a Deployment; what was not asked for is filled in.

        Args:
            value: as it came.
            workspace: the one whose Deployments were asked for, which counts where Houston tells none.

        Raises:
            ValidationError: it has no id or no release name, so it cannot be identified.
        """
        if not isinstance(value, dict):
            return WireDeployment.model_validate(value)
        told = dict.fromkeys(_VERSIONS, NOT_TOLD) | value
        if Part.AIRFLOW_VERSION in self.without:
            told["airflowVersion"] = ""
        if Part.RUNTIME_AIRFLOW in self.without:
            told["runtimeAirflowVersion"] = ""
        if Part.DESIRED in self.without:
            hidden = self.certified and not told["runtimeVersion"]
            told["desiredAirflowVersion"] = NOT_TOLD if hidden else told["airflowVersion"]
            told["desiredRuntimeVersion"] = NOT_TOLD if hidden else told["runtimeVersion"]
        found = WireDeployment.model_validate(told)
        if found.workspace is None and workspace is not None:
            return found.model_copy(update={"workspace": WireWorkspace(id=workspace)})
        return found

    @property
    def _certified(self) -> str:
        return "" if Part.CERTIFIED in self.without else "deploymentConfig { airflowImages { version } }"

    @property
    def _fragment(self) -> str:
        parts = (text for each, text in _OF_DEPLOYMENT.items() if each not in self.without)
        return f"fragment F on Deployment {{ id releaseName runtimeVersion {' '.join(parts)} }}"

    def _batches(  # noqa: PLR0913 - the parts of a document
        self,
        name: str,
        letter: str,
        keys: Sequence[str],
        write: Callable[[str], tuple[str, str]],
        *,
        more: str,
        declared: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> list[Request]:
        """Compose as few requests as the bound on their size allows. ``write`` gives an alias's field and variable."""
        shared, requests, begun = variables or {}, list[Request](), 0
        while begun < len(keys) or (more and not requests):
            beside = "" if requests else more
            size = _FRAME + len(self._fragment) + len(beside) + len(json.dumps(shared))
            fields, kinds, taken = list[str](), list(declared), dict[str, str]()
            for key in keys[begun:]:
                alias = f"{letter}{len(taken)}"
                selection, variable = write(alias)
                size += len(selection) + len(variable) + len(json.dumps({alias: key})) + 2
                if taken and size > LARGEST_REQUEST:
                    break
                fields.append(selection)
                kinds.append(variable)
                taken[alias] = key
            begun += len(taken)
            if taken:
                document = f"query {name}({','.join(kinds)}){{{' '.join([beside, *fields])}}} {self._fragment}"
            else:
                document = f"query {name} {{ {beside} }}"
            requests.append(Request(document, {**shared, **taken} if taken else {}, taken))
        return requests


def documents(version: PlatformVersion, *, by_image: bool = False, refused: frozenset[Part] = frozenset()) -> Documents:
    """Choose the documents for a platform. Source: which fields the vendor's CLI asks which version for.

    Args:
        version: the platform's.
        by_image: a Runtime upgrade is made by its image alone there, so that none is ever pending.
        refused: what this platform has refused to answer.
    """
    without = set(refused)
    if version.at_least(1, 0):
        without.add(Part.AIRFLOW_VERSION)
        if by_image:
            without.add(Part.DESIRED)
    if version.at_least(1, 0, 1):
        without.add(Part.CERTIFIED)
    return Documents(delivery(version), frozenset(without), certified=not version.at_least(0, 37))


def odd(value: object) -> str:
    """Write a value that is not what the schema promises, for a message or as a version that nothing equals."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_ODD else text[:_LONGEST_ODD] + "..."


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, hide_input_in_errors=True)


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else odd(value)


def _version(value: object) -> object:
    return "" if value is None else _text(value)


def _object(name: str) -> BeforeValidator:
    """Read an object as unknown where its field of that name is no text."""
    return BeforeValidator(
        lambda value: value if isinstance(value, dict) and isinstance(value.get(name), str) and value[name] else None
    )


def _urls(value: object) -> object:
    """Keep the addresses that can be read."""
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, dict) and all(isinstance(row.get(k), str) for k in ("type", "url"))]


_Name = Annotated[str, Field(min_length=1, strict=True)]
_Label = Annotated[str | None, BeforeValidator(_text)]
_Version = Annotated[str, BeforeValidator(_version)]
"""As Houston writes it; null reads as empty, and what is no text as its JSON, which is no version."""

_VERSIONS: Final = (
    *("airflowVersion", "desiredAirflowVersion", "runtimeVersion", "desiredRuntimeVersion"),
    "runtimeAirflowVersion",
)


class WireWorkspace(_Wire):
    """A workspace."""

    id: _Name
    label: _Label = None


class _Url(_Wire):
    type: str
    url: str


class _DagDeployment(_Wire):
    type: str


class WireDeployment(_Wire):
    """A Deployment. An odd value is unknown, but for its id and its release name, without which it is none."""

    id: _Name
    release_name: _Name
    label: _Label = None
    workspace: Annotated[WireWorkspace | None, _object("id")] = None
    dag_deployment: Annotated[_DagDeployment | None, _object("type")] = None
    urls: Annotated[tuple[_Url, ...], BeforeValidator(_urls)] = ()
    airflow_version: _Version
    desired_airflow_version: _Version
    runtime_version: _Version
    desired_runtime_version: _Version
    runtime_airflow_version: _Version

    @property
    def airflow_url(self) -> str | None:
        """The root of the Deployment's own Airflow, where it has one."""
        return next((url.url for url in self.urls if url.type == "airflow" and url.url), None)


class AppConfig(_Wire):
    """What the platform says of itself."""

    version: _Version
    feature_flags: Annotated[
        dict[str, Any] | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)
    ] = None


class PlatformAnswer(_Wire):
    """The platform, the Runtime on offer, and the workspaces that the token can see; the lists as they came."""

    app_config: AppConfig
    runtime_releases: Any
    workspaces: Any = None


class Answer(RootModel[dict[str, Any]]):
    """Any answer, as it came."""


def certified_on_offer(data: Mapping[str, Any], asked: Request) -> list[str]:
    """Read the Certified versions on offer from an answer; what is odd about it stands among them."""
    if "deploymentConfig" not in asked.document:
        return []
    config = data.get("deploymentConfig")
    if not isinstance(config, dict):
        return [f"deploymentConfig: {odd(config)}"]
    rows, strange = objects(config.get("airflowImages"), "airflowImages")
    versions = [row.get("version") for row in rows]
    return [each if isinstance(each, str) else f"airflowImages: {odd(each)}" for each in versions] + strange


def runtime_on_offer(value: object) -> tuple[list[tuple[str, str]], list[str]]:
    """Read the Runtime versions on offer, each with its Airflow version; second, what is odd, as clauses."""
    rows, strange = objects(value, "runtimeReleases")
    found = []
    for row in rows:
        pair = row.get("version"), row.get("airflowVersion")
        if isinstance(pair[0], str) and isinstance(pair[1], str):
            found.append((pair[0], pair[1]))
        else:
            strange.append(f"runtimeReleases: {odd(row)}")
    return found, strange


def objects(value: object, what: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects of a list; second, what else came, as clauses."""
    if not isinstance(value, list):
        return [], [f"{what}: {odd(value)}"]
    return (
        [row for row in value if isinstance(row, dict)],
        [f"{what}: {odd(row)}" for row in value if not isinstance(row, dict)],
    )
