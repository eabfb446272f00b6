"""The documents that are sent, against the schema of every platform version; the answers, as they may come."""

from __future__ import annotations

import re
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, parse, validate
from pydantic import ValidationError

from astro_deployment_runtime import wire
from astro_deployment_runtime.batching import LARGEST_BATCH
from sandbox.generation import Generation
from sandbox.schema import sdl

PLATFORMS = (
    *("0.29.0", "0.29.1", "0.29.2", "0.29.9", "0.30.4", "0.31.0", "0.32.0"),
    *("0.33.2", "0.33.3", "0.34.0", "0.35.0", "0.35.2", "0.36.0", "0.36.9"),
    *("1.0.0", "1.0.1", "1.0.9", "1.1.0", "1.2.3", "2.0.0", "2.1.0", "2.9.9"),
)
EVERYWHERE = {"PLATFORM"}
WITH_DESIRED_VERSIONS = {"START_RUNTIME", "CANCEL_RUNTIME"}
WITH_CERTIFIED = {"START_AIRFLOW"}
DELIVERIES = {"DELIVER_IMAGE", "DELIVER_RUNTIME_IMAGE", "UPSERT_IMAGE"}
CONSTANTS = {
    name: value
    for name, value in vars(wire).items()
    if name.isupper() and isinstance(value, str) and re.match(r"\s*(query|mutation)\b", value)
}


def mistakes(document: str, platform: str) -> list[GraphQLError]:
    """List what the platform's schema does not allow."""
    return validate(build_schema(sdl(Generation.of(platform))), parse(document))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_document_that_is_sent_to_a_platform_is_valid_there(platform: str) -> None:
    """Each generation gets the documents that its schema allows."""
    fitting = wire.documents(platform)
    sent = [fitting.fleet(1), fitting.fleet(50)]
    sent += [fitting.deployments(number, offer=offer) for number in (1, LARGEST_BATCH) for offer in (False, True)]
    sent += [fitting.fleet(3, by_release_name=True), *(CONSTANTS[name] for name in EVERYWHERE)]
    if fitting.deliver is not None:
        sent.append(fitting.deliver)
    if Generation.of(platform).desired_versions:
        sent += [CONSTANTS[name] for name in WITH_DESIRED_VERSIONS]
    if Generation.of(platform).certified:
        sent += [CONSTANTS[name] for name in WITH_CERTIFIED]
    assert [error.message for document in sent for error in mistakes(document, platform)] == []
    assert all("clusterId" not in document for document in sent), "a platform below 1.0 rejects it"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_desired_versions_are_asked_for_where_there_are_any(platform: str) -> None:
    """Elsewhere what runs is asked for under their names, so that nothing is ever pending."""
    fitting = wire.documents(platform)
    assert fitting.desired is Generation.of(platform).desired_versions
    assert ("desiredRuntimeVersion: runtimeVersion" in fitting.deployments(1)) is not fitting.desired


@pytest.mark.parametrize(
    ("platform", "deliver"),
    [
        ("0.29.1", None),
        ("0.29.2", wire.DELIVER_IMAGE),
        ("1.0.0", wire.DELIVER_IMAGE),
        ("1.0.1", wire.DELIVER_RUNTIME_IMAGE),
        ("2.0.9", wire.DELIVER_RUNTIME_IMAGE),
        ("2.1.0", wire.UPSERT_IMAGE),
        ("nobody knows", None),
    ],
)
def test_images_are_delivered_as_the_platform_takes_them(platform: str, deliver: str | None) -> None:
    """As the vendor's CLI does, version by version; a platform without a readable version is told nothing."""
    assert wire.documents(platform).deliver == deliver


def test_all_documents_are_looked_at() -> None:
    """A document that is added to the module is validated too."""
    assert set(CONSTANTS) == EVERYWHERE | WITH_DESIRED_VERSIONS | WITH_CERTIFIED | DELIVERIES


def test_a_fleet_document_has_an_alias_and_a_variable_for_each_workspace() -> None:
    """Numbered from zero, so that the answer tells which is which."""
    document = wire.documents("0.30.4").fleet(2, by_release_name=True)
    assert "query Fleet($w0: Uuid!, $w1: Uuid!, $releaseName: String)" in document
    assert "w1: workspaceDeployments(workspaceUuid: $w1, releaseName: $releaseName)" in document


ROW: dict[str, Any] = {
    "id": "ckw1",
    "releaseName": "stars-1",
    "airflowVersion": "2.2.4",
    "desiredAirflowVersion": "2.2.4",
    "runtimeVersion": None,
    "desiredRuntimeVersion": "",
    "runtimeAirflowVersion": None,
}


def test_an_answer_may_say_more_than_was_asked() -> None:
    """Unknown fields are not our business."""
    found = wire.WireDeployment.model_validate(ROW | {"healthy": {"a": [1]}, "label": "Stars"})
    assert (found.label, found.runtime_version, found.runtime_airflow_version) == ("Stars", "", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"releaseName": None},
        {"releaseName": ""},
        {"airflowVersion": 2.3},
        {"runtimeVersion": []},
        {"desiredRuntimeVersion": {"a": 1}},
        {"urls": "https://a"},
        {"urls": [None]},
        {"workspace": {}},
        {"dagDeployment": "image"},
    ],
)
def test_an_answer_may_not_say_something_else_than_was_asked(wrong: dict[str, Any]) -> None:
    """What we asked for has the form that the schema promises, and the error does not quote what came."""
    with pytest.raises(ValidationError) as raised:
        wire.WireDeployment.model_validate(ROW | wrong)
    assert "input_value" not in str(raised.value)


@pytest.mark.parametrize("missing", ROW)
def test_an_answer_may_not_lack_what_was_asked(missing: str) -> None:
    """Null is an answer; nothing is none."""
    with pytest.raises(ValidationError, match=missing):
        wire.WireDeployment.model_validate({key: value for key, value in ROW.items() if key != missing})


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        (None, None),
        ([], None),
        ([{"type": "flower", "url": "https://f"}], None),
        ([{"type": "airflow", "url": ""}, {"type": "airflow", "url": "https://a"}], "https://a"),
        ([{"type": None, "url": None}, {"type": "airflow", "url": "https://a"}], "https://a"),
    ],
)
def test_the_airflow_is_the_address_of_that_type(urls: list[dict[str, str | None]] | None, found: str | None) -> None:
    """The first that is not empty, where there is one."""
    assert wire.WireDeployment.model_validate(ROW | {"urls": urls}).airflow_url == found
