"""How Houston's answers about a Deployment are read, whatever their shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from astro_deployment_runtime.houston.graphql_answers import (
    MISSING_VERSION,
    AppConfig,
    DeploymentAnswer,
    WorkspaceAnswer,
    deployment_answer,
)
from astro_deployment_runtime.houston.graphql_documents import OptionalField, documents_for
from astro_deployment_runtime.houston.model_mapping import map_platform

if TYPE_CHECKING:
    from astro_deployment_runtime.houston.graphql_documents import Documents

DEPLOYMENT: dict[str, Any] = {
    "id": "ckw1",
    "releaseName": "stars-1",
    "airflowVersion": "2.2.4",
    "desiredAirflowVersion": "2.2.4",
    "runtimeVersion": None,
    "desiredRuntimeVersion": "",
    "runtimeAirflowVersion": None,
}


def documents(version: str, *refused: OptionalField) -> Documents:
    """Choose the documents for a platform with its version's default flags."""
    platform = map_platform(AppConfig(version=version))
    return documents_for(platform.number, by_image=platform.upgrades_by_image, refused=frozenset(refused))


def read(**changes: Any) -> DeploymentAnswer:
    """Read a Deployment from a platform that has every field."""
    return deployment_answer(DEPLOYMENT | changes, documents("0.30.4"), "ckw0")


def test_unknown_fields_are_ignored() -> None:
    """Houston may add fields."""
    found = read(healthy={"a": [1]}, label="Stars")
    assert (found.label, found.runtime_version, found.runtime_airflow_version) == ("Stars", "", "")


@pytest.mark.parametrize("wrong", [{"id": None}, {"id": ""}, {"id": 5}, {"releaseName": None}, {"releaseName": 7}])
def test_a_deployment_without_id_or_release_name_is_rejected(wrong: dict[str, Any]) -> None:
    """It cannot be identified. The error does not quote the answer."""
    with pytest.raises(ValidationError) as raised:
        read(**wrong)
    assert "input_value" not in str(raised.value)


@pytest.mark.parametrize("value", [None, 5, "stars-1", []])
def test_a_value_that_is_no_object_is_rejected(value: object) -> None:
    """It cannot be a Deployment."""
    with pytest.raises(ValidationError):
        deployment_answer(value, documents("0.30.4"))


@pytest.mark.parametrize(
    ("unexpected", "field", "read_as"),
    [
        ({"label": 42}, "label", "42"),
        ({"label": None}, "label", None),
        ({"airflowVersion": 2.3}, "airflow_version", "2.3"),
        ({"runtimeVersion": []}, "runtime_version", "[]"),
        ({"runtimeVersion": False}, "runtime_version", "false"),
        ({"desiredRuntimeVersion": {"a": 1}}, "desired_runtime_version", '{"a": 1}'),
        ({"urls": "https://a"}, "urls", ()),
        ({"urls": None}, "urls", ()),
        ({"dagDeployment": "image"}, "dag_deployment", None),
        ({"dagDeployment": {"type": 1}}, "dag_deployment", None),
    ],
)
def test_an_unexpected_value_does_not_hide_the_deployment(
    unexpected: dict[str, Any], field: str, read_as: object
) -> None:
    """An unexpected version is kept as a text that no version equals, so only its own Deployment is refused."""
    assert getattr(read(**unexpected), field) == read_as


@pytest.mark.parametrize("workspace", [None, {}, {"id": None}, {"id": 5}, "ckw0"])
def test_an_unknown_workspace_is_the_one_that_was_asked_about(workspace: object) -> None:
    """If Houston tells a workspace, that one counts."""
    assert read(workspace=workspace).workspace == WorkspaceAnswer(id="ckw0")
    assert read(workspace={"id": "ckw9"}).workspace == WorkspaceAnswer(id="ckw9")


@pytest.mark.parametrize("missing", [name for name in DEPLOYMENT if "ersion" in name])
def test_a_version_that_was_asked_for_and_is_missing_is_marked(missing: str) -> None:
    """Null is an answer. A missing field is none, and may hide a pending hop."""
    answer = {key: value for key, value in DEPLOYMENT.items() if key != missing}
    found = deployment_answer(answer, documents("0.30.4"))
    assert MISSING_VERSION in found.model_dump(by_alias=True).values()


def test_versions_that_were_not_asked_for_are_filled_in() -> None:
    """On a platform that upgrades by image, the desired version is the current one."""
    answer = {"id": "ckw1", "releaseName": "a", "runtimeVersion": "5.0.4", "runtimeAirflowVersion": None}
    found = deployment_answer(answer, documents("1.1.0"))
    assert (found.airflow_version, found.desired_airflow_version, found.desired_runtime_version) == ("", "", "5.0.4")


def test_desired_versions_that_a_platform_with_certified_refuses_are_missing() -> None:
    """A Certified Deployment may have a pending hop that is not shown; one on Runtime has none."""
    without = documents("0.36.0", OptionalField.DESIRED_VERSIONS)
    assert deployment_answer(DEPLOYMENT, without).desired_runtime_version == MISSING_VERSION
    on_runtime = DEPLOYMENT | {"runtimeVersion": "5.0.4"}
    assert deployment_answer(on_runtime, without).desired_runtime_version == "5.0.4"


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        (None, None),
        ([], None),
        ([{"type": "flower", "url": "https://f"}], None),
        ([{"type": "airflow", "url": ""}, {"type": "airflow", "url": "https://a"}], "https://a"),
        ([{"type": None, "url": None}, {"type": "airflow", "url": "https://a"}], "https://a"),
        ([None, 5, {"type": "airflow", "url": None}, {"type": "airflow", "url": "https://a"}], "https://a"),
    ],
)
def test_the_airflow_url_is_the_first_of_that_type(urls: list[Any] | None, found: str | None) -> None:
    """Empty URLs and unreadable entries are skipped."""
    assert read(urls=urls).airflow_url == found
