"""Each mutation as the vendor's CLI sends it, up to whole paths, on every generation of the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.sandbox import cli_documents as ask
from tests.contract.sandbox.sandbox_client import DUST, STARS, TIDES, TOKEN, VIEWER, WIND, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.sandbox.conftest import Start

NO_PERMISSION = "You do not have the appropriate permissions for that"


def state(wire: Wire, deployment: str) -> tuple[str, str, str, str]:
    """Give airflow, desired airflow, runtime, desired runtime of a Deployment."""
    found = wire.data(ask.DEPLOYMENT, {"id": deployment})["deployment"]
    return (
        found["airflowVersion"],
        found["desiredAirflowVersion"],
        found["runtimeVersion"],
        found["desiredRuntimeVersion"],
    )


def push(wire: Wire, release: str, image: str) -> None:
    """Push an image past the API, as ``astro deploy`` does through the registry."""
    body = {"releaseName": release, "image": image}
    assert wire.http.post("/sandbox/push", json=body, headers={"authorization": TOKEN}).status_code == 200


def test_the_guides_path_ends_on_runtime(wire: Wire) -> None:
    """AC 2.2.3 > AC 2.3.0 > Runtime 5.0.4, each hop in two phases."""
    upgraded = wire.data(ask.UPDATE_AIRFLOW, {"deploymentId": STARS, "desiredAirflowVersion": "2.3.0"})
    assert upgraded["updateDeploymentAirflow"]["desiredAirflowVersion"] == "2.3.0"
    assert state(wire, STARS) == ("2.2.3", "2.3.0", "", "")
    push(wire, "stars-1", "quay.io/astronomer/ap-airflow:2.3.0-5-onbuild")
    assert state(wire, STARS) == ("2.3.0", "2.3.0", "", "")

    migrating = wire.data(ask.UPDATE_RUNTIME, {"deploymentUuid": STARS, "desiredRuntimeVersion": "5.0.4"})
    assert migrating["updateDeploymentRuntime"] == {
        "id": STARS,
        "label": "Stars",
        "version": "0.30.4",
        "releaseName": "stars-1",
        "runtimeVersion": "",
        "desiredRuntimeVersion": "5.0.4",
        "runtimeAirflowVersion": None,
    }
    push(wire, "stars-1", "quay.io/astronomer/astro-runtime:5.0.4-base")
    assert state(wire, STARS) == ("2.3.0", "2.3.0", "5.0.4", "5.0.4")
    assert wire.data(ask.DEPLOYMENT, {"id": STARS})["deployment"]["runtimeAirflowVersion"] == "2.3.0"


def test_a_pushed_image_with_another_label_changes_nothing(wire: Wire) -> None:
    """The push succeeds and the Deployment keeps its version; only the operator's view tells."""
    before = wire.data(ask.DEPLOYMENT, {"id": DUST})
    push(wire, "dust-2", "my/airflow:runtime-5.0.4")
    assert wire.data(ask.DEPLOYMENT, {"id": DUST}) == before
    rows = wire.http.get("/sandbox/fleet", headers={"authorization": TOKEN}).json()
    (row,) = [each for each in rows if each["id"] == DUST]
    assert "my/airflow:runtime-5.0.4: ignored (no Runtime version is desired)" in row["lastPush"]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (ask.CANCEL, {"deploymentUuid": TIDES}),
        (ask.UPDATE_AIRFLOW, {"deploymentId": TIDES, "desiredAirflowVersion": "2.2.5"}),
    ],
)
def test_what_is_pending_can_be_cancelled(wire: Wire, document: str, variables: Mapping[str, str]) -> None:
    """By the mutation for it, and by the current version as the desired one."""
    assert state(wire, TIDES) == ("2.2.5", "2.2.5", "", "4.2.5")
    wire.data(document, variables)
    assert state(wire, TIDES) == ("2.2.5", "2.2.5", "", "")


@pytest.mark.parametrize(
    ("document", "variables", "message"),
    [
        (ask.UPDATE_AIRFLOW, {"deploymentId": WIND, "desiredAirflowVersion": "2.3.0"}, "runs Astro Runtime 4.2.5"),
        (ask.UPDATE_AIRFLOW, {"deploymentId": DUST, "desiredAirflowVersion": "2.2.3"}, "can't revert"),
        (ask.UPDATE_RUNTIME, {"deploymentUuid": STARS, "desiredRuntimeVersion": "5.0.4"}, "can't simultaneously"),
        (ask.UPDATE_RUNTIME, {"deploymentUuid": WIND, "desiredRuntimeVersion": "4.2.4"}, "can't revert"),
        (ask.CANCEL, {"deploymentUuid": "ckw9"}, "No deployment exists with id: ckw9"),
    ],
)
def test_a_refusal_is_an_error_beside_data(
    wire: Wire, document: str, variables: Mapping[str, str], message: str
) -> None:
    """Status 200, one error with a code, the mutation's field null."""
    response = wire.post(document, variables)
    (error,) = response.json()["errors"]
    assert response.status_code == 200
    assert message in error["message"]
    assert error["extensions"]["code"] in ("BAD_USER_INPUT", "NOT_FOUND")
    assert list(response.json()["data"].values()) == [None]


def test_downgrades_are_accepted_where_they_are_allowed(start: Start) -> None:
    """The real server's refusal is unknown."""
    wire = start(allow_downgrades=True)
    wire.data(ask.UPDATE_RUNTIME, {"deploymentUuid": WIND, "desiredRuntimeVersion": "4.2.4"})
    push(wire, "wind-3", "astro-runtime:4.2.4")
    assert state(wire, WIND)[2:] == ("4.2.4", "4.2.4")


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (ask.UPDATE_AIRFLOW, {"deploymentId": STARS, "desiredAirflowVersion": "2.3.0"}),
        (ask.UPDATE_RUNTIME, {"deploymentUuid": DUST, "desiredRuntimeVersion": "5.0.4"}),
        (ask.CANCEL, {"deploymentUuid": TIDES}),
        (ask.UPDATE_IMAGE, {"releaseName": "tides-4", "image": "astro-runtime:4.2.5"}),
    ],
)
def test_a_viewer_may_change_nothing(wire: Wire, document: str, variables: Mapping[str, str]) -> None:
    """The known words, and nothing happened."""
    before = [state(wire, each) for each in (STARS, DUST, TIDES)]
    assert wire.refusal(document, variables, token=VIEWER)["message"] == NO_PERMISSION
    assert [state(wire, each) for each in (STARS, DUST, TIDES)] == before


@pytest.mark.parametrize(
    "variables",
    [
        {"image": "registry/tides:1", "airflowVersion": "", "runtimeVersion": "4.2.5"},
        {"image": "registry/tides:1", "runtimeVersion": "4.2.5"},
        {"image": "registry/tides:5.0.4", "airflowVersion": None, "runtimeVersion": "4.2.5"},
        {"image": "quay.io/astronomer/astro-runtime:4.2.5-base"},
        {"image": "quay.io/astronomer/astro-runtime:4.2.5-base", "airflowVersion": "", "runtimeVersion": ""},
    ],
)
def test_a_named_image_completes_a_change(wire: Wire, variables: Mapping[str, str | None]) -> None:
    """The versions in the arguments count, empty means not given; without them the image's name tells."""
    answered = wire.data(ask.UPDATE_IMAGE, {"releaseName": "tides-4", **variables})["updateDeploymentImage"]
    assert answered == {"releaseName": "tides-4", "airflowVersion": "2.2.5", "runtimeVersion": "4.2.5"}


def test_a_named_image_of_another_version_answers_as_if_all_were_well(wire: Wire) -> None:
    """A client has to look at the versions, not for an error."""
    variables = {"releaseName": "tides-4", "image": "registry/tides:1", "runtimeVersion": "5.0.4"}
    assert wire.data(ask.UPDATE_IMAGE, variables)["updateDeploymentImage"]["runtimeVersion"] == ""


@pytest.mark.parametrize(
    ("release", "image", "message"),
    [
        ("none-9", "astro-runtime:4.2.5", "No deployment exists with releaseName: none-9"),
        ("tides-4", "registry/tides:latest", "nothing tells the version of image registry/tides:latest"),
    ],
)
def test_an_image_that_cannot_be_deployed_is_refused(wire: Wire, release: str, image: str, message: str) -> None:
    """An unknown release, an image whose version nothing tells."""
    assert message in wire.refusal(ask.UPDATE_IMAGE, {"releaseName": release, "image": image})["message"]


def test_naming_an_image_came_with_0_29_2(start: Start) -> None:
    """Older platforms do not know the mutation."""
    variables = {"releaseName": "tides-4", "image": "astro-runtime:4.2.5"}
    assert 'Cannot query field "updateDeploymentImage"' in start("0.29.1").invalid(ask.UPDATE_IMAGE, variables)
    assert start("0.29.2").data(ask.UPDATE_IMAGE, variables)


def test_platform_0_33_2_cannot_migrate(start: Start) -> None:
    """It says so."""
    variables = {"deploymentUuid": DUST, "desiredRuntimeVersion": "5.0.4"}
    assert "cannot migrate" in start("0.33.2").refusal(ask.UPDATE_RUNTIME, variables)["message"]


def test_on_0_36_runtime_is_upgraded_by_its_image_alone_and_certified_still_migrates(start: Start) -> None:
    """The desired version is refused for an upgrade and needed for a migration."""
    wire = start("0.36.2")
    upgrade = {"deploymentUuid": WIND, "desiredRuntimeVersion": "5.0.4"}
    assert "disabled on this platform" in wire.refusal(ask.UPDATE_RUNTIME, upgrade)["message"]
    push(wire, "wind-3", "astro-runtime:5.0.4")
    assert state(wire, WIND)[2:] == ("5.0.4", "5.0.4")
    wire.data(ask.UPDATE_RUNTIME, {"deploymentUuid": DUST, "desiredRuntimeVersion": "5.0.4"})
    push(wire, "dust-2", "astro-runtime:5.0.4")
    assert state(wire, DUST) == ("2.3.0", "2.3.0", "5.0.4", "5.0.4")


def test_from_0_37_certified_cannot_be_changed(start: Start) -> None:
    """The mutation is gone."""
    variables = {"deploymentId": STARS, "desiredAirflowVersion": "2.3.0"}
    assert 'Cannot query field "updateDeploymentAirflow"' in start("0.37.0").invalid(ask.UPDATE_AIRFLOW, variables)


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0", "2.1.0"])
def test_from_1_0_1_an_image_is_named_with_its_runtime(start: Start, version: str) -> None:
    """A Runtime upgrade is one step; the old form of the mutation is rejected."""
    wire = start(version)
    variables = {"releaseName": "wind-3", "image": "registry/wind:1", "runtimeVersion": "5.0.4"}
    assert 'Unknown argument "airflowVersion"' in wire.invalid(ask.UPDATE_IMAGE, variables)
    assert wire.data(ask.UPDATE_IMAGE_1_0_1, variables)["updateDeploymentImage"]["runtimeVersion"] == "5.0.4"


def test_from_1_1_nothing_is_started_or_cancelled(start: Start) -> None:
    """The two mutations are gone."""
    wire = start("1.1.0")
    assert 'Cannot query field "cancelRuntimeUpdate"' in wire.invalid(ask.CANCEL, {"deploymentUuid": WIND})
    upgrade = {"deploymentUuid": WIND, "desiredRuntimeVersion": "5.0.4"}
    assert 'Cannot query field "updateDeploymentRuntime"' in wire.invalid(ask.UPDATE_RUNTIME, upgrade)


def test_from_2_1_images_are_upserted(start: Start) -> None:
    """An unknown release is told in the known words; an older platform does not know the mutation."""
    variables = {"releaseName": "wind-3", "image": "registry/wind:1", "runtimeVersion": "5.0.4"}
    wire = start("2.1.0")
    assert wire.data(ask.UPSERT, variables)["upsertDeployment"] == {"releaseName": "wind-3", "runtimeVersion": "5.0.4"}
    unknown = wire.refusal(ask.UPSERT, {**variables, "releaseName": "none-9"})
    assert unknown["message"] == "No deployment exists with releaseName: none-9"
    assert 'Cannot query field "upsertDeployment"' in start("2.0.0").invalid(ask.UPSERT, variables)
