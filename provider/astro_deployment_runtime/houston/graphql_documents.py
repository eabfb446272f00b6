"""GraphQL documents that are sent to Houston, composed for each version of the platform.

Houston refuses a whole document for one field that it does not know, and newer platforms lack fields that older ones
have. So :func:`documents_for` composes each document from the fields that the platform's version has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astro_deployment_runtime.planning.platform_version import PlatformVersion

MAX_REQUEST_BYTES: Final = 95_000
"""Largest request body. Servers like Houston's refuse more than 100 kB."""

_OVERHEAD_BYTES: Final = 200
"""Size of a request without its fields and variables."""


class OptionalField(StrEnum):
    """Fields that a platform may lack and that we can do without. The value says what is unknown without them."""

    FEATURE_FLAGS = "the platform's feature flags"
    WORKSPACE_LABEL = "the labels of workspaces"
    CERTIFIED_RELEASES = "the Astronomer Certified releases on offer"
    DEPLOYMENT_LABEL = "the labels of Deployments"
    WORKSPACE = "the workspace of a Deployment"
    DAG_DEPLOYMENT = "how DAGs are deployed"
    URLS = "the addresses of Airflows"
    AIRFLOW_VERSION = "the Certified version of a Deployment"
    RUNTIME_AIRFLOW_VERSION = "the Airflow version of a Runtime that is not on offer"
    DESIRED_VERSIONS = "pending hops"


def optional_field(type_name: str, field_name: str) -> OptionalField | None:
    """Return which optional field a field of Houston's schema belongs to; None if it is required."""
    match type_name, field_name:
        case "Workspace", "label":
            return OptionalField.WORKSPACE_LABEL
        case (("AppConfig" | "RuntimeRelease" | "Mutation"), _) if field_name != "featureFlags":
            return None
        case "DagDeployment", "type":
            return OptionalField.DAG_DEPLOYMENT
        case _, "type":
            return OptionalField.URLS
        case _, "version":
            return OptionalField.CERTIFIED_RELEASES
        case _:
            return _OPTIONAL_BY_FIELD.get(field_name)


_OPTIONAL_BY_FIELD: Final = {
    "featureFlags": OptionalField.FEATURE_FLAGS,
    "deploymentConfig": OptionalField.CERTIFIED_RELEASES,
    "airflowImages": OptionalField.CERTIFIED_RELEASES,
    "label": OptionalField.DEPLOYMENT_LABEL,
    "workspace": OptionalField.WORKSPACE,
    "dagDeployment": OptionalField.DAG_DEPLOYMENT,
    "urls": OptionalField.URLS,
    "url": OptionalField.URLS,
    "airflowVersion": OptionalField.AIRFLOW_VERSION,
    "runtimeAirflowVersion": OptionalField.RUNTIME_AIRFLOW_VERSION,
    "desiredAirflowVersion": OptionalField.DESIRED_VERSIONS,
    "desiredRuntimeVersion": OptionalField.DESIRED_VERSIONS,
}

_DEPLOYMENT_SELECTIONS: Final = {
    OptionalField.DEPLOYMENT_LABEL: "label",
    OptionalField.WORKSPACE: "workspace { id }",
    OptionalField.DAG_DEPLOYMENT: "dagDeployment { type }",
    OptionalField.URLS: "urls { type url }",
    OptionalField.AIRFLOW_VERSION: "airflowVersion",
    OptionalField.RUNTIME_AIRFLOW_VERSION: "runtimeAirflowVersion",
    OptionalField.DESIRED_VERSIONS: "desiredAirflowVersion desiredRuntimeVersion",
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


def image_mutation(version: PlatformVersion) -> str | None:
    """Return the mutation that deploys an image from a registry; None if the platform has none."""
    if version.at_least(2, 1):
        return UPSERT_IMAGE
    if version.at_least(1, 0, 1):
        return DELIVER_RUNTIME_IMAGE
    return DELIVER_IMAGE if version.at_least(0, 29, 2) else None


@dataclass(frozen=True, slots=True)
class Query:
    """A GraphQL query and its variables."""

    document: str
    variables: Mapping[str, str]
    ids: Mapping[str, str] = field(default_factory=dict)
    """By alias, the id of the Deployment or workspace that it asks about."""


def platform_query(omitted: frozenset[OptionalField] = frozenset()) -> Query:
    """Ask for the platform's version and flags, the Runtime releases on offer, and the workspaces of the token.

    It is sent before the platform's version is known, so it has only fields that every version has.
    """
    flags = "" if OptionalField.FEATURE_FLAGS in omitted else "featureFlags"
    label = "" if OptionalField.WORKSPACE_LABEL in omitted else "label"
    return Query(
        f"query Platform {{ appConfig {{ version {flags} }} runtimeReleases {{ version airflowVersion }} "
        f"workspaces {{ id {label} }} }}",
        {},
    )


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that fit one platform. See :func:`documents_for`."""

    image_mutation: str | None
    """The mutation that deploys an image from a registry; None if the platform has none."""
    omitted: frozenset[OptionalField]
    """Fields that are not asked for."""
    certified: bool
    """The platform may have Astronomer Certified, where a hop is always started before it is completed."""

    def deployments_by_id(self, ids: Sequence[str], *, offer: bool = False) -> list[Query]:
        """Ask for Deployments by id, under the aliases ``d0``, ``d1``, ...

        Args:
            ids: Houston's ids of the Deployments.
            offer: the first query also asks for the platform and its releases.
        """
        flags = "" if OptionalField.FEATURE_FLAGS in self.omitted else "featureFlags"
        platform = f"appConfig {{ version {flags} }} {self._certified} runtimeReleases {{ version airflowVersion }}"
        return self._batches(
            "Deployments",
            "d",
            ids,
            lambda alias: (f"{alias}:deployment(where:{{id:${alias}}}){{...F}}", f"${alias}:String!"),
            first=platform if offer else "",
        )

    def deployments_in_workspaces(
        self, workspace_ids: Sequence[str], *, offer: bool = False, release_name: str | None = None
    ) -> list[Query]:
        """Ask for the Deployments of workspaces, under the aliases ``w0``, ``w1``, ...

        Args:
            workspace_ids: Houston's ids of the workspaces.
            offer: the first query also asks for the Certified releases on offer, if the platform has any.
            release_name: ask only for Deployments of that name.
        """
        named = ",releaseName:$releaseName" if release_name is not None else ""
        return self._batches(
            "Fleet",
            "w",
            workspace_ids,
            lambda alias: (
                f"{alias}:workspaceDeployments(workspaceUuid:${alias}{named}){{...F}}",
                f"${alias}:Uuid!",
            ),
            first=self._certified if offer else "",
            declared=["$releaseName:String"] if named else [],
            variables={"releaseName": release_name} if release_name is not None else {},
        )

    @property
    def _certified(self) -> str:
        return (
            "" if OptionalField.CERTIFIED_RELEASES in self.omitted else "deploymentConfig { airflowImages { version } }"
        )

    @property
    def _fragment(self) -> str:
        selections = (text for each, text in _DEPLOYMENT_SELECTIONS.items() if each not in self.omitted)
        return f"fragment F on Deployment {{ id releaseName runtimeVersion {' '.join(selections)} }}"

    def _batches(  # noqa: PLR0913 - the parts of a document
        self,
        name: str,
        alias_letter: str,
        ids: Sequence[str],
        write: Callable[[str], tuple[str, str]],
        *,
        first: str,
        declared: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> list[Query]:
        """Compose as few queries as :data:`MAX_REQUEST_BYTES` allows.

        Args:
            name: the operation's name.
            alias_letter: what every alias starts with.
            ids: what is asked about.
            write: return an alias's selection and the declaration of its variable.
            first: what only the first query asks for.
            declared: declarations of the variables that all aliases share.
            variables: values of the variables that all aliases share.
        """
        shared, queries, done = variables or {}, list[Query](), 0
        while done < len(ids) or (first and not queries):
            extra = "" if queries else first
            size = _OVERHEAD_BYTES + len(self._fragment) + len(extra) + len(json.dumps(shared))
            selections, declarations, batch = list[str](), list(declared), dict[str, str]()
            for id_ in ids[done:]:
                alias = f"{alias_letter}{len(batch)}"
                selection, declaration = write(alias)
                size += len(selection) + len(declaration) + len(json.dumps({alias: id_})) + 2
                if batch and size > MAX_REQUEST_BYTES:
                    break
                selections.append(selection)
                declarations.append(declaration)
                batch[alias] = id_
            done += len(batch)
            if batch:
                head = f"query {name}({','.join(declarations)})"
                document = f"{head}{{{' '.join([extra, *selections])}}} {self._fragment}"
            else:
                document = f"query {name} {{ {extra} }}"
            queries.append(Query(document, {**shared, **batch} if batch else {}, batch))
        return queries


def documents_for(
    version: PlatformVersion, *, by_image: bool = False, refused: frozenset[OptionalField] = frozenset()
) -> Documents:
    """Choose the documents for a platform. Source: which fields the vendor's CLI asks which version for.

    Args:
        version: the platform's version.
        by_image: the platform upgrades Runtime by image alone, so no hop is ever pending.
        refused: fields that this platform has refused to answer.
    """
    omitted = set(refused)
    if version.at_least(1, 0):
        omitted.add(OptionalField.AIRFLOW_VERSION)
        if by_image:
            omitted.add(OptionalField.DESIRED_VERSIONS)
    if version.at_least(1, 0, 1):
        omitted.add(OptionalField.CERTIFIED_RELEASES)
    return Documents(image_mutation(version), frozenset(omitted), certified=not version.at_least(0, 37))
