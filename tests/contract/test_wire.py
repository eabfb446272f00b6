"""The documents that are sent, against the schema of every platform version; the answers, as they may come."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, parse, validate
from pydantic import ValidationError

from astro_deployment_runtime.houston import wire
from astro_deployment_runtime.houston.model_mapping import read_platform
from astro_deployment_runtime.planning.model import PlatformVersion
from sandbox.platform_version import Generation
from sandbox.schema import sdl

if TYPE_CHECKING:
    from graphql import GraphQLSchema

PLATFORMS = (
    *("0.29.0", "0.29.1", "0.29.2", "0.29.9", "0.30.4", "0.31.0", "0.32.0"),
    *("0.33.2", "0.33.3", "0.34.0", "0.35.0", "0.35.2", "0.36.0", "0.36.9", "0.37.0", "0.37.4"),
    *("1.0.0", "1.0.1", "1.0.1-dev", "1.0.9", "1.1.0-rc.1", "1.1.0", "1.2.3", "2.0.0", "2.1.0-rc1", "2.1.0", "2.9.9"),
)
WITH_DESIRED_VERSIONS = {"START_RUNTIME", "CANCEL_RUNTIME"}
WITH_CERTIFIED = {"START_AIRFLOW"}
DELIVERIES = {"DELIVER_IMAGE", "DELIVER_RUNTIME_IMAGE", "UPSERT_IMAGE"}
CONSTANTS = {
    name: value
    for name, value in vars(wire).items()
    if name.isupper() and isinstance(value, str) and re.match(r"\s*(query|mutation)\b", value)
}
IDS = [f"ckw1{number:021}" for number in range(2000)]


def fitting(version: str, *refused: wire.Part) -> wire.Documents:
    """Choose the documents for a platform that has its version's default flags."""
    platform = read_platform(wire.AppConfig(version=version))
    return wire.documents(platform.number, by_image=platform.upgrades_by_image, refused=frozenset(refused))


def asked(chosen: wire.Documents) -> list[str]:
    """List every document that asks something."""
    requests = [
        wire.platform(chosen.without),
        *(
            request
            for count in (1, 20)
            for offer in (False, True)
            for request in chosen.deployments(IDS[:count], offer=offer)
        ),
        *(request for count in (0, 1, 20) for request in chosen.fleet(IDS[:count], offer=True)),
        *chosen.fleet(IDS[:3], release_name="stars-1"),
    ]
    return [request.document for request in requests]


@functools.cache
def schema(platform: str) -> GraphQLSchema:
    """Build a platform's schema once."""
    return build_schema(sdl(Generation.of(platform)))


def mistakes(documents: list[str], platform: str) -> list[str]:
    """List what the platform's schema does not allow."""
    return [error.message for each in documents for error in validate(schema(platform), parse(each))]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_document_that_is_sent_to_a_platform_is_valid_there(platform: str) -> None:
    """Each generation gets the documents that its schema allows; the first one fits all of them."""
    chosen, generation = fitting(platform), Generation.of(platform)
    sent = [*asked(chosen), wire.platform().document, *filter(None, [chosen.deliver])]
    if generation.starts:
        sent += [CONSTANTS[name] for name in WITH_DESIRED_VERSIONS]
    if generation.certified:
        sent += [CONSTANTS[name] for name in WITH_CERTIFIED]
    assert mistakes(sent, platform) == []
    assert all("clusterId" not in document for document in sent), "a platform below 1.0 rejects it"


@pytest.mark.parametrize("platform", ["0.30.4", "1.0.0", "2.1.0"])
@pytest.mark.parametrize("refused", wire.Part)
def test_every_document_is_valid_without_any_part(platform: str, refused: wire.Part) -> None:
    """What is left is a document still, and asks for less."""
    chosen = fitting(platform, refused)
    assert mistakes(asked(chosen), platform) == []
    assert refused in chosen.without


def test_documents_of_a_generation_do_not_fit_every_other() -> None:
    """The check above can fail: older documents ask a newer platform for what is gone."""
    found = mistakes(asked(fitting("0.30.4")), "1.0.1")
    for gone in ("airflowImages", "desiredRuntimeVersion", "airflowVersion"):
        assert any(f"Cannot query field '{gone}'" in message for message in found)


@pytest.mark.parametrize(
    ("version", "certified", "desired"),
    [
        ("0.30.4", True, True),
        ("0.36.0", True, True),
        ("0.37.0", True, True),
        ("1.0.0", True, False),
        ("1.0.1", False, False),
        ("2.1.0-rc1", False, False),
        ("nobody knows", True, True),
    ],
)
def test_what_a_platform_has_is_asked_for(version: str, *, certified: bool, desired: bool) -> None:
    """Certified offers below 1.0.1; desired versions below 1.0, and where nothing tells that images alone count."""
    (request,) = fitting(version).deployments(["ckw1"], offer=True)
    assert ("airflowImages" in request.document) is certified
    assert ("desiredRuntimeVersion" in request.document) is desired


def test_desired_versions_are_asked_for_on_1_0_where_hops_are_started() -> None:
    """Its flag may say so: without them a pending hop would be hidden."""
    chosen = wire.documents(PlatformVersion.parse("1.0.0"), by_image=False)
    assert wire.Part.DESIRED not in chosen.without


@pytest.mark.parametrize(
    ("platform", "deliver"),
    [
        ("0.29.1", None),
        ("0.29.2", wire.DELIVER_IMAGE),
        ("v0.30.4", wire.DELIVER_IMAGE),
        ("1.0.0", wire.DELIVER_IMAGE),
        ("1.0.1", wire.DELIVER_RUNTIME_IMAGE),
        ("1.0.1-dev", wire.DELIVER_RUNTIME_IMAGE),
        ("2.0.9", wire.DELIVER_RUNTIME_IMAGE),
        ("2.1.0-rc1", wire.UPSERT_IMAGE),
        ("2.1.0", wire.UPSERT_IMAGE),
        ("nobody knows", None),
    ],
)
def test_images_are_delivered_as_the_platform_takes_them(platform: str, deliver: str | None) -> None:
    """As the vendor's CLI does, version by version; a platform without a readable version is told nothing."""
    assert fitting(platform).deliver == deliver


def test_all_documents_are_looked_at() -> None:
    """A document that is added to the module is validated too."""
    assert set(CONSTANTS) == WITH_DESIRED_VERSIONS | WITH_CERTIFIED | DELIVERIES


@pytest.mark.parametrize("keys", [IDS, ["k" * 64] * 3, [f"{number}{'k' * 900}" for number in range(150)]])
@pytest.mark.parametrize("ask", ["deployments", "fleet"])
def test_requests_are_as_few_as_their_size_allows(keys: list[str], ask: str) -> None:
    """None is larger than a server takes, each asks about its own keys in order, and all but the last are full."""
    requests = getattr(fitting("0.30.4"), ask)(keys, offer=True)
    sizes = [len(json.dumps({"query": each.document, "variables": each.variables})) for each in requests]
    assert [key for each in requests for key in each.keys.values()] == keys
    assert max(sizes) <= wire.LARGEST_REQUEST
    assert all(size > wire.LARGEST_REQUEST - 1500 for size in sizes[:-1])
    assert ["deploymentConfig" in each.document for each in requests] == [True] + [False] * (len(requests) - 1)


def test_a_fleet_request_can_be_about_one_release_name() -> None:
    """The variable is shared by all workspaces."""
    (request,) = fitting("0.30.4").fleet(["ckw0", "ckw9"], release_name="stars-1")
    assert request.document.startswith("query Fleet($releaseName:String,$w0:Uuid!,$w1:Uuid!)")
    assert request.variables == {"w0": "ckw0", "w1": "ckw9", "releaseName": "stars-1"}


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("DeploymentConfig", "airflowImages", wire.Part.CERTIFIED),
        ("AirflowImage", "version", wire.Part.CERTIFIED),
        ("Query", "deploymentConfig", wire.Part.CERTIFIED),
        ("Workspace", "label", wire.Part.WORKSPACE_LABEL),
        ("Deployment", "label", wire.Part.LABEL),
        ("DeploymentUrl", "type", wire.Part.URLS),
        ("DagDeployment", "type", wire.Part.DAG_DEPLOYMENT),
        ("AppConfig", "featureFlags", wire.Part.FLAGS),
        ("AppConfig", "version", None),
        ("Deployment", "id", None),
        ("Deployment", "releaseName", None),
        ("Deployment", "runtimeVersion", None),
        ("RuntimeRelease", "version", None),
        ("RuntimeRelease", "airflowVersion", None),
        ("Query", "runtimeReleases", None),
        ("Query", "workspaces", None),
        ("Mutation", "updateDeploymentRuntime", None),
    ],
)
def test_a_field_belongs_to_a_part_or_is_needed(kind: str, name: str, part: wire.Part | None) -> None:
    """Without the versions that run, what is on offer and who is who, nothing can be planned."""
    assert wire.part(kind, name) is part


ROW: dict[str, Any] = {
    "id": "ckw1",
    "releaseName": "stars-1",
    "airflowVersion": "2.2.4",
    "desiredAirflowVersion": "2.2.4",
    "runtimeVersion": None,
    "desiredRuntimeVersion": "",
    "runtimeAirflowVersion": None,
}


def row(**changes: Any) -> wire.WireDeployment:
    """Read a row of a platform that has every field."""
    return fitting("0.30.4").row(ROW | changes, "ckw0")


def test_an_answer_may_say_more_than_was_asked() -> None:
    """Unknown fields are not our business."""
    found = row(healthy={"a": [1]}, label="Stars")
    assert (found.label, found.runtime_version, found.runtime_airflow_version) == ("Stars", "", "")


@pytest.mark.parametrize("wrong", [{"id": None}, {"id": ""}, {"id": 5}, {"releaseName": None}, {"releaseName": 7}])
def test_a_row_without_an_id_or_a_release_name_is_none(wrong: dict[str, Any]) -> None:
    """Nobody knows which Deployment it is; the error does not quote what came."""
    with pytest.raises(ValidationError) as raised:
        row(**wrong)
    assert "input_value" not in str(raised.value)


@pytest.mark.parametrize("value", [None, 5, "stars-1", []])
def test_a_row_that_is_no_object_is_none(value: object) -> None:
    """Likewise."""
    with pytest.raises(ValidationError):
        fitting("0.30.4").row(value)


@pytest.mark.parametrize(
    ("odd", "field", "read"),
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
def test_an_odd_value_is_unknown_and_its_row_stays(odd: dict[str, Any], field: str, read: object) -> None:
    """An odd version is kept as a text that no version equals, so that its Deployment is refused by itself."""
    assert getattr(row(**odd), field) == read


@pytest.mark.parametrize("workspace", [None, {}, {"id": None}, {"id": 5}, "ckw0"])
def test_a_row_is_in_the_workspace_that_was_asked_for(workspace: object) -> None:
    """Where Houston does not tell it; else what it tells counts."""
    assert row(workspace=workspace).workspace == wire.WireWorkspace(id="ckw0")
    assert row(workspace={"id": "ckw9"}).workspace == wire.WireWorkspace(id="ckw9")


@pytest.mark.parametrize("missing", [name for name in ROW if "ersion" in name])
def test_a_version_that_is_asked_for_and_not_told_is_none(missing: str) -> None:
    """Null is an answer; nothing is none, and may hide a pending hop."""
    found = fitting("0.30.4").row({key: value for key, value in ROW.items() if key != missing})
    assert wire.NOT_TOLD in found.model_dump(by_alias=True).values()


def test_versions_that_are_not_asked_for_are_filled_in() -> None:
    """Where images alone upgrade, what runs is desired; on a platform with Certified a started hop may be hidden."""
    newer = fitting("1.1.0").row(
        {"id": "ckw1", "releaseName": "a", "runtimeVersion": "5.0.4", "runtimeAirflowVersion": None}
    )
    assert (newer.airflow_version, newer.desired_airflow_version, newer.desired_runtime_version) == ("", "", "5.0.4")
    older = fitting("0.36.0", wire.Part.DESIRED)
    assert older.row(ROW).desired_runtime_version == wire.NOT_TOLD
    assert older.row(ROW | {"runtimeVersion": "5.0.4"}).desired_runtime_version == "5.0.4"


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
def test_the_airflow_is_the_address_of_that_type(urls: list[Any] | None, found: str | None) -> None:
    """The first that is not empty, where there is one."""
    assert row(urls=urls).airflow_url == found
