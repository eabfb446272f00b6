"""The documents that are sent, against the schema of every platform version; the answers, as they may come."""

from __future__ import annotations

import re
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, parse, validate
from pydantic import ValidationError

from astro_deployment_runtime import wire
from sandbox.generation import Generation
from sandbox.schema import sdl

PLATFORMS = (
    *("0.29.0", "0.29.1", "0.29.2", "0.29.9", "0.30.4", "0.31.0", "0.32.0"),
    *("0.33.2", "0.33.3", "0.34.0", "0.35.0", "0.35.2", "0.36.0", "0.36.9"),
)
DOCUMENTS = {
    name: value
    for name, value in vars(wire).items()
    if name.isupper() and isinstance(value, str) and re.match(r"\s*(query|mutation)\b", value)
} | {
    "fleet of 1": wire.fleet_document(1),
    "fleet of 50": wire.fleet_document(50),
    "fleet of 3 by name": wire.fleet_document(3, by_release_name=True),
}


def mistakes(document: str, platform: str) -> list[GraphQLError]:
    """List what the platform's schema does not allow."""
    return validate(build_schema(sdl(Generation.of(platform))), parse(document))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_on_every_platform(name: str, platform: str) -> None:
    """From 0.29 to 0.36, but that an image can be named from 0.29.2 on only."""
    found = [error.message for error in mistakes(DOCUMENTS[name], platform)]
    if name == "DELIVER_IMAGE" and not Generation.of(platform).image_mutation:
        (message,) = found
        assert message.startswith("Cannot query field 'updateDeploymentImage' on type 'Mutation'.")
    else:
        assert found == []


def test_all_documents_are_looked_at() -> None:
    """A document that is added to the module is validated too."""
    assert set(DOCUMENTS) == {
        *("PLATFORM", "DEPLOYMENT", "DEPLOYMENT_AND_OFFER"),
        *("START_AIRFLOW", "START_RUNTIME", "CANCEL_RUNTIME", "DELIVER_IMAGE"),
        *("fleet of 1", "fleet of 50", "fleet of 3 by name"),
    }


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_document_names_what_only_later_platforms_have(document: str) -> None:
    """A platform below 1.0 rejects the argument clusterId, one from 1.1 on knows no desired versions."""
    assert "clusterId" not in document
    assert mistakes(document, "1.1.0") if "desired" in document else True


def test_a_fleet_document_has_an_alias_and_a_variable_for_each_workspace() -> None:
    """Numbered from zero, so that the answer tells which is which."""
    document = wire.fleet_document(2, by_release_name=True)
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
