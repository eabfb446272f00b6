"""The shapes of Houston's answers.

They are read leniently. An unexpected version is kept as a text that no version equals, so that it makes only its own
Deployment unreadable.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.houston.graphql_documents import OptionalField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.houston.graphql_documents import Documents, Query

MISSING_VERSION: Final = "not told"
"""Replaces a version that Houston was asked for and left out. No version equals it."""

_MAX_QUOTE: Final = 80


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, hide_input_in_errors=True)


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else json_text(value)


def _version_text(value: object) -> object:
    return "" if value is None else _text(value)


def _object_or_none(key: str) -> BeforeValidator:
    """Read an object as None if it has no text under that key."""
    return BeforeValidator(
        lambda value: value if isinstance(value, dict) and isinstance(value.get(key), str) and value[key] else None
    )


def _usable_urls(value: object) -> object:
    entries = value if isinstance(value, list) else []
    return [
        entry
        for entry in entries
        if isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("type", "url"))
    ]


_Identifier = Annotated[str, Field(min_length=1, strict=True)]
_Label = Annotated[str | None, BeforeValidator(_text)]
_Version = Annotated[str, BeforeValidator(_version_text)]
"""A version as Houston writes it. Null reads as an empty text, any other value as its JSON."""

_VERSION_FIELDS: Final = (
    "airflowVersion",
    "desiredAirflowVersion",
    "runtimeVersion",
    "desiredRuntimeVersion",
    "runtimeAirflowVersion",
)


class WorkspaceAnswer(_Answer):
    """A workspace."""

    id: _Identifier
    label: _Label = None


class _Url(_Answer):
    type: str
    url: str


class _DagDeployment(_Answer):
    type: str


class DeploymentAnswer(_Answer):
    """A Deployment. Only its id and its release name have to be valid; any other unexpected value is unknown."""

    id: _Identifier
    release_name: _Identifier
    label: _Label = None
    workspace: Annotated[WorkspaceAnswer | None, _object_or_none("id")] = None
    dag_deployment: Annotated[_DagDeployment | None, _object_or_none("type")] = None
    urls: Annotated[tuple[_Url, ...], BeforeValidator(_usable_urls)] = ()
    airflow_version: _Version
    desired_airflow_version: _Version
    runtime_version: _Version
    desired_runtime_version: _Version
    runtime_airflow_version: _Version

    @property
    def airflow_url(self) -> str | None:
        """The URL of the Deployment's own Airflow; None if Houston has none."""
        return next((url.url for url in self.urls if url.type == "airflow" and url.url), None)

    @property
    def workspace_id(self) -> str:
        """The id of its workspace; empty if unknown."""
        return self.workspace.id if self.workspace else ""


class AppConfig(_Answer):
    """The platform's version and feature flags."""

    version: _Version
    feature_flags: Annotated[
        dict[str, Any] | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)
    ] = None


class PlatformAnswer(_Answer):
    """The platform, its Runtime releases, and the workspaces of the token. The lists are not checked yet."""

    app_config: AppConfig
    runtime_releases: Any
    workspaces: Any = None


class AnyAnswer(RootModel[dict[str, Any]]):
    """An answer that is not checked yet."""


def deployment_answer(value: object, documents: Documents, workspace_id: str | None = None) -> DeploymentAnswer:
    """Read a Deployment, and fill in the fields that the documents do not ask for.

    Args:
        value: the Deployment as it came.
        documents: the documents that asked for it.
        workspace_id: its workspace, if Houston does not tell one.

    Raises:
        ValidationError: it has no id or no release name, so it cannot be identified.
    """
    if not isinstance(value, dict):
        return DeploymentAnswer.model_validate(value)
    filled = dict.fromkeys(_VERSION_FIELDS, MISSING_VERSION) | value
    if OptionalField.AIRFLOW_VERSION in documents.omitted:
        filled["airflowVersion"] = ""
    if OptionalField.RUNTIME_AIRFLOW_VERSION in documents.omitted:
        filled["runtimeAirflowVersion"] = ""
    if OptionalField.DESIRED_VERSIONS in documents.omitted:
        # A Certified Deployment may have a pending hop that this platform does not show.
        may_be_pending = documents.certified and not filled["runtimeVersion"]
        filled["desiredAirflowVersion"] = MISSING_VERSION if may_be_pending else filled["airflowVersion"]
        filled["desiredRuntimeVersion"] = MISSING_VERSION if may_be_pending else filled["runtimeVersion"]
    answer = DeploymentAnswer.model_validate(filled)
    if answer.workspace is None and workspace_id is not None:
        return answer.model_copy(update={"workspace": WorkspaceAnswer(id=workspace_id)})
    return answer


def certified_versions(data: Mapping[str, Any], query: Query) -> list[str]:
    """Return the Certified versions on offer. An unexpected entry is among them as a text that no version equals."""
    if "deploymentConfig" not in query.document:
        return []
    config = data.get("deploymentConfig")
    if not isinstance(config, dict):
        return [f"deploymentConfig: {json_text(config)}"]
    images, unexpected = objects_in(config.get("airflowImages"), "airflowImages")
    versions = [image.get("version") for image in images]
    return [each if isinstance(each, str) else f"airflowImages: {json_text(each)}" for each in versions] + unexpected


def runtime_versions(value: object) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the Runtime versions on offer, each with its Airflow version; and the unexpected entries, as clauses."""
    releases, unexpected = objects_in(value, "runtimeReleases")
    found = []
    for release in releases:
        pair = release.get("version"), release.get("airflowVersion")
        if isinstance(pair[0], str) and isinstance(pair[1], str):
            found.append((pair[0], pair[1]))
        else:
            unexpected.append(f"runtimeReleases: {json_text(release)}")
    return found, unexpected


def objects_in(value: object, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects of a list; and its other entries, as clauses that begin with the list's name."""
    if not isinstance(value, list):
        return [], [f"{name}: {json_text(value)}"]
    return (
        [entry for entry in value if isinstance(entry, dict)],
        [f"{name}: {json_text(entry)}" for entry in value if not isinstance(entry, dict)],
    )


def json_text(value: object) -> str:
    """Write an unexpected value as JSON, cut to a length that is fit for a message."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _MAX_QUOTE else text[:_MAX_QUOTE] + "..."
