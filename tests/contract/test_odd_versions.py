"""A Houston that reports versions in odd forms, as the vendor's platform has been seen to do."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.houston.client import Houston
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan, build_manifest, plan_fleet
from astro_deployment_runtime.planning.versions import ReleaseId
from tests.contract import sandbox_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CERTIFIED = ("2.2.4", "2.3.0", "2.4.0")
RUNTIME = (("4.2.5", "2.2.5"), ("5.0.4", "2.3.0"), ("6.0.0", "2.4.0"), ("3.1-12", "3.1.7"))


@dataclass
class Platform:
    """A Houston with these Deployments and releases, which keeps the variables of every request."""

    rows: Sequence[dict[str, Any]]
    certified: Sequence[str] = CERTIFIED
    runtime: Sequence[tuple[str, str]] = RUNTIME
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer any query of ours by its variables."""
        body = json.loads(request.content)
        variables = body["variables"]
        self.sent.append(variables)
        by_id = {row["id"]: row for row in self.rows}
        data: dict[str, Any] = {
            "appConfig": {"version": "0.30.4", "featureFlags": {}},
            "deploymentConfig": {"airflowImages": [{"version": version} for version in self.certified]},
            "runtimeReleases": [{"version": version, "airflowVersion": flow} for version, flow in self.runtime],
            "workspaces": [{"id": "ckw0", "label": "Space"}],
            **{name: by_id.get(value) for name, value in variables.items()},
        }
        if "w0" in variables:
            data = {"w0": list(self.rows), "deploymentConfig": data["deploymentConfig"]}
        return httpx.Response(200, json={"data": data})

    @contextlib.contextmanager
    def lifecycle(self) -> Iterator[DeploymentLifecycle]:
        """Open the lifecycle of its Deployments."""
        settings = sandbox_server.settings("https://houston.example.com/v1")
        with contextlib.closing(Transport(settings, transport=httpx.MockTransport(self))) as transport:
            yield DeploymentLifecycle(Houston(transport, feed=sandbox_server.feed(), gather=0, poll_gather=0), settings)


def row(number: int, *, airflow: str = "", runtime: str = "", flow: str = "2.3.0", **desired: str) -> dict[str, Any]:
    """Return a Deployment that runs these versions."""
    return {
        "id": f"ckw{number}",
        "releaseName": f"stars-{number}",
        "workspace": {"id": "ckw0"},
        "urls": [{"type": "airflow", "url": f"https://deployments.example.com/stars-{number}/airflow"}],
        "airflowVersion": airflow,
        "desiredAirflowVersion": desired.get("awaits_airflow", airflow),
        "runtimeVersion": runtime,
        "desiredRuntimeVersion": desired.get("awaits", runtime),
        "runtimeAirflowVersion": flow if runtime else "",
    }


def plan(platform: Platform, **declared: Any) -> FleetPlan:
    """Plan a fleet on the platform."""
    with platform.lifecycle() as lifecycle:
        return plan_fleet(read_fleet_config(declared), lifecycle)


def everything(target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """Declare every Deployment."""
    return {"selectors": [{"releaseName": "*", "runtimeVersion": target, **more}]}


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (row(1, runtime="5.0.4 "), "Astro Runtime 5.0.4"),
        (row(1, runtime="5.0.4-base", awaits="5.0.4"), "Astro Runtime 5.0.4"),
        (row(1, runtime="v4.2.5", flow="v2.2.5"), "Astro Runtime 4.2.5 > Astro Runtime 5.0.4"),
        (row(1, runtime="5.0.4-alpha2"), "Astro Runtime 5.0.4-alpha2 > Astro Runtime 5.0.4"),
        (row(1, runtime="5.0.4.rc1", flow="2.3.0rc1"), "Astro Runtime 5.0.4-rc1 > Astro Runtime 5.0.4"),
        (row(1, runtime="5.0.4-rc1", awaits="5.0.4"), "Astro Runtime 5.0.4-rc1 > Astro Runtime 5.0.4"),
        (row(1, airflow="2.2.4-3", runtime=" "), "AC 2.2.4 > AC 2.3.0 > Astro Runtime 5.0.4"),
        (row(1, airflow="2.3.0-onbuild"), "AC 2.3.0 > Astro Runtime 5.0.4"),
        (row(1, airflow="2.2.4.dev1+astro.1"), "AC 2.2.4.dev1 > AC 2.3.0 > Astro Runtime 5.0.4"),
    ],
)
def test_odd_running_version_is_planned_by_the_rules(found: dict[str, Any], path: str) -> None:
    """Its path is saved as text, and read back as the same releases."""
    (planned,) = plan(Platform([found]), **everything()).deployments
    assert (planned.refusal, planned.path) == (None, path)
    assert " > ".join(str(ReleaseId.parse(each)) for each in path.split(" > ")) == path


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (row(1, runtime="new"), "it runs Astro Runtime 'new', which cannot be read"),
        (row(1, airflow="latest"), "it runs Astronomer Certified 'latest', which cannot be read"),
        (row(1), "it runs no version"),
        (row(1, runtime="5.0.4", awaits="soon"), "it awaits Astro Runtime 'soon', which cannot be read"),
        (row(1, airflow="2.2.4", awaits_airflow="2.x"), "it awaits Astronomer Certified '2.x', which cannot be read"),
        (row(1, runtime="9.9.9", flow="two"), "its Astro Runtime 9.9.9 has Airflow 'two', which cannot be read"),
        (row(1, runtime="9.9.9", flow=""), "its Astro Runtime 9.9.9 has no Airflow version"),
        (row(1, runtime="7" * 9999), f"it runs Astro Runtime '{'7' * 80}...', which cannot be read"),
    ],
)
def test_unreadable_version_is_refused_with_its_value(found: dict[str, Any], reason: str) -> None:
    """For that Deployment alone. It stays in the fleet."""
    fleet = plan(Platform([found, row(2, runtime="4.2.5", flow="2.2.5")]), **everything()).deployments
    assert [each.path for each in fleet] == ["", "Astro Runtime 4.2.5 > Astro Runtime 5.0.4"]
    assert fleet[0].refusal == (
        f"Houston reports about stars-1 that {reason}. Nothing is planned for it: correct its version on the "
        "platform, or exclude it (astro:exclude)"
    )


def test_selector_by_distribution_looks_at_the_running_version() -> None:
    """An unreadable pending hop does not matter. A Deployment with an unreadable version is selected, and refused."""
    rows = [row(1, runtime="5.0.4", awaits="soon"), row(2, airflow="2.3.0"), row(3, airflow="latest")]
    fleet = plan(Platform(rows), **everything(distribution="certified")).deployments
    assert [each.entry.name for each in fleet] == ["stars-2", "stars-3"]


@pytest.mark.parametrize("text", ["2.2.4 ", "2.2.4-3", "v2.2.4", "2.2.4rc1", "2.2.4.dev1+astro.1"])
def test_cancel_sends_the_running_version_as_houston_wrote_it(text: str) -> None:
    """In another form, the request would start an upgrade."""
    platform = Platform([row(1, airflow=text, awaits_airflow="2.3.0")])
    with platform.lifecycle() as lifecycle:
        found = lifecycle.houston.find(release_name="stars-1")
        assert found.pending == ReleaseId.parse("AC 2.3.0")
        lifecycle.houston.cancel(found, found.pending)
    assert platform.sent[-1] == {"deploymentUuid": "ckw1", "version": text}


def test_pending_prerelease_differs_from_its_release() -> None:
    """It is off the path, and refused as every foreign hop off the path is."""
    platform = Platform([row(1, runtime="4.2.5", flow="2.2.5", awaits="5.0.4-rc1")])
    with platform.lifecycle() as lifecycle:
        (found,) = plan_fleet(read_fleet_config(everything()), lifecycle, saved={}).deployments
    assert "PENDING: Astro Runtime 5.0.4-rc1 is pending" in str(found.refusal)


def test_unreadable_releases_are_one_note_of_the_fleet() -> None:
    """Its length is bounded, the other releases are used, and the checks that follow do not repeat it."""
    odd = [(f"7.0.{number}-rc1", "2.5.0") for number in range(50)]
    rows = [row(1, runtime="4.2.5", flow="2.2.5"), row(2, runtime="4.2.5", flow="2.2.5")]
    platform = Platform(rows, certified=[*CERTIFIED, "2.5"], runtime=[*RUNTIME, ("8.0.0", "3.4.0rc1"), *odd])
    with platform.lifecycle() as lifecycle:
        fleet = plan_fleet(read_fleet_config(everything()), lifecycle)
        (note,) = fleet.notes
        assert note.startswith(
            "the platform's offer has 52 rows that cannot be read; left out: 2.5, 7.0.0-rc1 (2.5.0), "
        )
        assert note.endswith(" and 48 more")
        assert len(note) < 200
        assert [each.hops for each in fleet.deployments] == [1, 1]
        given = {"release_name": "stars-1", "runtime_version": "5.0.4", "accept": []}
        assert lifecycle.check("a::b::c::stars-1", {}, given).warnings == ()


def test_note_is_repeated_when_a_fleet_is_planned_again() -> None:
    """The program asks twice if the plan needs the state, and shows only the second answer."""
    platform = Platform([row(1, runtime="4.2.5", flow="2.2.5", awaits="6.0.0")], certified=["2.\x1b5"])
    with platform.lifecycle() as lifecycle:
        assert build_manifest(everything(), None, lambda: lifecycle).needs_state
        manifest = build_manifest(everything(accept=["cancel-pending"]), {}, lambda: lifecycle)
    assert manifest.notes == ["the platform's offer has 1 row that cannot be read; left out: 2.\\x1b5"]


def test_without_a_fleet_the_first_check_shows_the_note() -> None:
    """Also if that check is refused. The next check does not repeat it."""
    platform = Platform([row(1, runtime="4.2.5", flow="2.2.5"), row(2, runtime="4.2.5")], certified=["2.5"])
    with platform.lifecycle() as lifecycle:
        given = {"release_name": "stars-1", "runtime_version": "9.9.9", "accept": []}
        first = lifecycle.check("a::b::c::one", {}, given)
        assert first.failures
        assert first.warnings == ("the platform's offer has 1 row that cannot be read; left out: 2.5",)
        given = {"release_name": "stars-2", "runtime_version": "5.0.4", "accept": []}
        assert lifecycle.check("a::b::c::two", {}, given).warnings == ()


def test_target_held_at_a_prerelease_is_read_back() -> None:
    """`latest-patch` may resolve to the prerelease that runs. It is saved, and read in the next run."""
    platform = Platform([row(1, runtime="5.0.5-rc1")])
    with platform.lifecycle() as lifecycle:
        given = {"release_name": "stars-1", "runtime_version": "latest-patch", "accept": []}
        first = lifecycle.check("a::b::c::one", {}, given)
        assert first.inputs["target"] == "5.0.5-rc1"
        assert lifecycle.check("a::b::c::one", first.inputs, given).inputs["target"] == "5.0.5-rc1"
