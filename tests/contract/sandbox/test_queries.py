"""Each query as the vendor's CLI sends it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.contract.sandbox import cli_documents as ask
from tests.contract.sandbox.sandbox_client import BASE, DUST, HELIO, SPACE, STARS, TIDES, TOKEN, VIEWER, WIND, Wire

if TYPE_CHECKING:
    from tests.contract.sandbox.conftest import Start


def test_the_first_query_of_every_command_is_answered(wire: Wire) -> None:
    """The version decides which commands exist, and featureFlags is a scalar that has astroRuntimeEnabled."""
    config = wire.data(ask.APP_CONFIG)["appConfig"]
    assert config["version"] == "0.30.4"
    assert config["featureFlags"]["astroRuntimeEnabled"] is True
    assert config["featureFlags"]["disableDesiredRuntimeVersion"] is False
    assert not [key for key, value in config.items() if value is None]


def test_the_platforms_version_is_the_one_asked_for(start: Start) -> None:
    """From 0.36 a flag tells that images alone upgrade a Runtime."""
    assert start("0.29.0").data(ask.PLATFORM_VERSION) == {"appConfig": {"version": "0.29.0"}}
    assert start("0.36.1").data(ask.APP_CONFIG)["appConfig"]["featureFlags"]["disableDesiredRuntimeVersion"] is True


def test_workspaces_are_listed_with_their_times_and_roles(wire: Wire) -> None:
    """A workspace that the fleet names has its id as label; times have a zone."""
    first, second = wire.data(ask.WORKSPACES)["workspaces"]
    assert (first["id"], first["label"], second["id"]) == (SPACE, SPACE, HELIO)
    assert datetime.fromisoformat(first["createdAt"]).tzinfo is not None
    assert first["roleBindings"][0]["role"] == "WORKSPACE_ADMIN"


def test_a_workspace_is_found_before_a_deploy(wire: Wire) -> None:
    """An unknown one is null, which the CLI reads as not found."""
    assert wire.data(ask.WORKSPACE, {"workspaceUuid": HELIO})["workspace"]["id"] == HELIO
    assert wire.data(ask.WORKSPACE, {"workspaceUuid": "ckw0none"}) == {"workspace": None}


def test_admins_list_all_workspaces(wire: Wire) -> None:
    """A viewer does not."""
    assert [each["id"] for each in wire.data(ask.SYS_WORKSPACES)["sysWorkspaces"]] == [SPACE, HELIO]
    assert "appropriate permissions" in wire.refusal(ask.SYS_WORKSPACES, token=VIEWER)["message"]


@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        (STARS, ("2.2.3", "2.2.3", "", "", None)),
        (WIND, ("", "", "4.2.5", "4.2.5", "2.2.5")),
        (TIDES, ("2.2.5", "2.2.5", "", "4.2.5", None)),
    ],
)
def test_a_deployment_is_found_by_an_id_declared_as_string(
    wire: Wire, deployment: str, expected: tuple[str | None, ...]
) -> None:
    """Idle on Certified, idle on Runtime, migration started: the version fields are those of the table."""
    found = wire.data(ask.DEPLOYMENT, {"id": deployment})["deployment"]
    fields = (
        "airflowVersion",
        "desiredAirflowVersion",
        "runtimeVersion",
        "desiredRuntimeVersion",
        "runtimeAirflowVersion",
    )
    assert tuple(found[field] for field in fields) == expected


def test_the_urls_point_at_the_sandbox_itself(wire: Wire) -> None:
    """The type airflow is there among others."""
    found = wire.data(ask.DEPLOYMENT, {"id": STARS})["deployment"]
    assert {each["type"]: each["url"] for each in found["urls"]}["airflow"] == f"{BASE}/stars-1/airflow"
    assert len(found["urls"]) > 1


def test_an_unknown_deployment_is_null(wire: Wire) -> None:
    """By id, and by release name in another workspace."""
    assert wire.data(ask.DEPLOYMENT, {"id": "ckw9"}) == {"deployment": None}
    other = {"workspaceId": SPACE, "releaseName": "wind-3"}
    assert wire.data(ask.WORKSPACE_DEPLOYMENT, other) == {"workspaceDeployment": None}


def test_a_deployment_without_a_name_is_an_error(wire: Wire) -> None:
    """An empty filter would be any Deployment."""
    assert "name the Deployment's id" in wire.refusal("{ deployment(where: {}) { id } }")["message"]


def test_the_deployments_of_a_workspace_are_listed(wire: Wire) -> None:
    """All of them, or the one of a release name; none of an unknown workspace."""
    found = wire.data(ask.DEPLOYMENTS, {"workspaceId": SPACE})["workspaceDeployments"]
    assert [each["releaseName"] for each in found] == ["stars-1", "dust-2"]
    assert found[0]["workspace"] == {"id": SPACE}
    assert found[0]["deployInfo"] == {"nextCli": "cli-1", "current": None}
    assert (found[0]["type"], found[0]["version"]) == ("airflow", "0.30.4")
    one = wire.data(ask.DEPLOYMENTS, {"workspaceId": HELIO, "releaseName": "tides-4"})["workspaceDeployments"]
    assert [each["id"] for each in one] == [TIDES]
    assert one[0]["deployInfo"]["current"] == "cli-7"
    assert wire.data(ask.DEPLOYMENTS, {"workspaceId": "ckw0none"}) == {"workspaceDeployments": []}


def test_one_deployment_of_a_workspace_is_found_by_its_release_name(wire: Wire) -> None:
    """It is the same type as the others."""
    found = wire.data(ask.WORKSPACE_DEPLOYMENT, {"workspaceId": HELIO, "releaseName": "tides-4"})
    assert found["workspaceDeployment"] == {"id": TIDES, "releaseName": "tides-4", "desiredRuntimeVersion": "4.2.5"}


def test_workspaces_come_in_pages_too(wire: Wire) -> None:
    """The CLI's flag --paginated asks so."""
    found = wire.data(ask.PAGINATED_WORKSPACES, {"pageSize": 1, "pageNumber": 2})["paginatedWorkspaces"]
    assert [each["id"] for each in found] == [HELIO]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"take": 100}, [STARS, DUST, WIND, TIDES]),
        ({}, [STARS, DUST, WIND, TIDES]),
        ({"take": 3, "pageNumber": 1}, [STARS, DUST, WIND]),
        ({"take": 3, "pageNumber": 2}, [TIDES]),
        ({"take": 2, "cursor": DUST}, [WIND, TIDES]),
        ({"take": 2, "cursor": TIDES}, []),
        ({"take": 2, "cursor": "ckw9"}, []),
        ({"take": 2, "name": "tides"}, [TIDES]),
    ],
)
def test_admins_page_through_all_deployments(start: Start, variables: dict[str, object], expected: list[str]) -> None:
    """By page number or by the last id seen."""
    found = start("0.32.0").data(ask.PAGINATED, variables)["paginatedDeployments"]
    assert [each["id"] for each in found] == expected


def test_pages_are_for_admins_and_came_with_0_32(start: Start) -> None:
    """A viewer is refused; an older platform does not know the field."""
    assert "appropriate permissions" in start("0.32.0").refusal(ask.PAGINATED, token=VIEWER)["message"]
    assert 'Cannot query field "paginatedDeployments"' in start("0.31.0").invalid(ask.PAGINATED)


def test_the_certified_versions_on_offer_are_listed_without_builds(wire: Wire) -> None:
    """Each with the tag of its newest build."""
    config = wire.data(ask.DEPLOYMENT_CONFIG)["deploymentConfig"]
    assert config["airflowVersions"] == ["2.2.3", "2.2.4", "2.2.5", "2.3.0"]
    assert config["airflowImages"][0] == {"version": "2.2.3", "tag": "2.2.3-2"}
    assert config["defaultAirflowImageTag"] == "2.3.0-5"


def test_from_0_37_no_certified_is_on_offer(start: Start) -> None:
    """The query stays and answers nothing; from 1.0.1 on its fields are gone."""
    config = start("0.37.0").data(ask.DEPLOYMENT_CONFIG)["deploymentConfig"]
    assert config == {"airflowImages": [], "airflowVersions": [], "defaultAirflowImageTag": None}
    later = start("1.0.1")
    assert later.invalid(ask.DEPLOYMENT_CONFIG) == 'Cannot query field "airflowImages" on type "DeploymentConfig".'
    assert later.data(ask.DEPLOYMENT_CONFIG_1_0_1) == {"deploymentConfig": {"__typename": "DeploymentConfig"}}


@pytest.mark.parametrize(
    ("version", "document"),
    [("0.36.0", ask.APP_CONFIG), ("1.0.0", ask.APP_CONFIG_1_0), ("2.0.0", ask.APP_CONFIG_2_0)],
)
def test_each_generation_answers_the_clis_first_query(start: Start, version: str, document: str) -> None:
    """Its arguments come with clusters and with 2.0, where most settings are gone."""
    wire = start(version)
    where = {"clusterId": "ckw0c", "workspaceUuid": "ckw0w", "deploymentUuid": "ckw1d"}
    config = wire.data(document, where if version != "0.36.0" else None)["appConfig"]
    assert config["version"] == version
    if version == "2.0.0":
        expected = 'Cannot query field "manualReleaseNames" on type "AppConfig".'
        assert wire.invalid("{ appConfig { manualReleaseNames } }") == expected
    assert 'Unknown argument "clusterId"' in start("0.36.0").invalid(ask.APP_CONFIG_1_0)
    assert 'Unknown argument "workspaceUuid"' in start("1.1.0").invalid(ask.APP_CONFIG_2_0)


def test_the_runtime_releases_are_listed_or_filtered_by_airflow(wire: Wire) -> None:
    """The flag of migrations is a boolean; an Airflow without an equivalent has none."""
    everything = wire.data(ask.RUNTIME_RELEASES)["runtimeReleases"]
    assert [each["version"] for each in everything] == ["4.0.11", "4.1.0", "4.2.4", "4.2.5", "5.0.4"]
    assert wire.data(ask.RUNTIME_RELEASES, {"airflowVersion": "2.3.0"})["runtimeReleases"] == [
        {"version": "5.0.4", "airflowVersion": "2.3.0", "airflowDatabaseMigrations": True}
    ]
    assert wire.data(ask.RUNTIME_RELEASES, {"airflowVersion": "2.4.0"}) == {"runtimeReleases": []}


def test_the_argument_clusterid_came_with_1_0(start: Start) -> None:
    """An older platform rejects it as unknown."""
    releases = start("1.0.0").data(ask.RUNTIME_RELEASES_1_0, {"clusterId": "ckw0cluster"})["runtimeReleases"]
    assert releases[-1]["version"] == "5.0.4"
    assert 'Unknown argument "clusterId"' in start("0.36.0").invalid(ask.RUNTIME_RELEASES_1_0)


def test_many_questions_fit_one_document_by_alias(wire: Wire) -> None:
    """A fleet is read in one request."""
    document = (
        "{"
        + " ".join(f'd{n}: deployment(where: {{id: "{key}"}}) {{ id }}' for n, key in enumerate((STARS, DUST)))
        + "}"
    )
    assert wire.data(document) == {"d0": {"id": STARS}, "d1": {"id": DUST}}


@pytest.mark.parametrize("field", ["desiredRuntimeVersion", "desiredAirflowVersion", "airflowVersion"])
def test_from_1_0_a_deployment_tells_no_certified_and_no_desired_version(start: Start, field: str) -> None:
    """The old query is rejected with the known words, the new one answered."""
    wire = start("1.0.0")
    document = f"query GetDeployment($id: String!) {{ deployment(where: {{id: $id}}) {{ id {field} }} }}"
    assert wire.invalid(document, {"id": WIND}).startswith(f'Cannot query field "{field}" on type "Deployment".')
    assert wire.data(ask.DEPLOYMENT_1_0, {"id": WIND})["deployment"]["runtimeVersion"] == "4.2.5"
    assert wire.data(ask.DEPLOYMENTS_1_0, {"workspaceId": HELIO})["workspaceDeployments"][0]["id"] == WIND


def test_in_1_0_the_answer_to_a_change_still_tells_them(start: Start) -> None:
    """The CLI asks for them there, in other documents than those that look."""
    wire = start("1.0.0")
    variables = {"releaseName": "wind-3", "image": "astro-runtime:5.0.4"}
    assert wire.data(ask.UPDATE_IMAGE, variables)["updateDeploymentImage"]["airflowVersion"] == ""
    assert wire.data(ask.CANCEL, {"deploymentUuid": WIND})["cancelRuntimeUpdate"]["desiredRuntimeVersion"] == "5.0.4"


def test_a_request_that_is_too_large_is_refused(wire: Wire) -> None:
    """By more than 100 kB, as the servers that Houston is made of do."""
    assert wire.post("{ workspaces { id } }" + " " * 90_000).status_code == 200
    assert wire.post("{ workspaces { id } }" + " " * 110_000).status_code == 413


def test_a_viewer_reads_what_an_admin_reads(wire: Wire) -> None:
    """Workspaces, Deployments, what is on offer."""
    for document, variables in ((ask.DEPLOYMENT, {"id": STARS}), (ask.RUNTIME_RELEASES, {}), (ask.WORKSPACES, {})):
        assert wire.data(document, variables, token=VIEWER) == wire.data(document, variables, token=TOKEN)
