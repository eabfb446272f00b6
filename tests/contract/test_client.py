"""The client of Houston, over HTTP against the sandbox: what it sends, reads and changes."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from astro_deployment_runtime.errors import (
    AmbiguousNameError,
    DeploymentNotFoundError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
    UnknownOutcomeError,
)
from astro_deployment_runtime.houston.client import SNAPSHOT_SECONDS, Houston
from astro_deployment_runtime.houston.graphql_answers import DeploymentAnswer
from astro_deployment_runtime.houston.graphql_documents import OptionalField
from astro_deployment_runtime.houston.transport import Transport
from astro_deployment_runtime.planning.plan_model import Deployment
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId
from tests.contract import sandbox_server
from tests.contract.sandbox_server import DUST, STARS, TIDES, TOKEN, VIEWER, WIND, Served
from tests.quick_retries import quick_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PLATFORM_READ = ["appConfig", "runtimeReleases", "workspaces"]
OFFER_READ = ["appConfig", "deploymentConfig", "runtimeReleases"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces, and a client of it."""
    with sandbox_server.serving(tmp_path) as running:
        yield running


# The fleet


@pytest.mark.parametrize(("deployments", "workspaces"), [(1, 1), (50, 7), (1000, 10)])
def test_the_fleet_is_read_in_two_requests(tmp_path: Path, deployments: int, workspaces: int) -> None:
    """One for the platform and its workspaces, one for all Deployments."""
    rows = sandbox_server.many(deployments, workspaces)
    with sandbox_server.serving(tmp_path, rows=rows) as served:
        found = {served.client.find(release_name=row["releaseName"]).id for row in rows}
        assert found == {row["id"] for row in rows}
        assert served.asked() == [PLATFORM_READ, ["deploymentConfig", *["workspaceDeployments"] * workspaces]]


def test_a_snapshot_has_the_platform_and_its_releases(served: Served) -> None:
    """The version, the feature flag, and the releases on offer with the data of the feed."""
    snapshot = served.client.snapshot()
    assert snapshot.platform == Platform(version="0.30.4", runtime_enabled=True)
    assert {str(release) for release in snapshot.catalog.certified} >= {"AC 2.2.3", "AC 2.3.0"}
    assert ReleaseId.parse("Runtime 5.0.4") in snapshot.catalog
    assert all(release.known for release in snapshot.catalog.runtime)
    assert tuple(snapshot.workspace_labels) == (sandbox_server.SPACE, sandbox_server.HELIO)


def test_a_snapshot_is_cached_for_thirty_seconds(served: Served) -> None:
    """After exactly that time, the next call reads again."""
    first = served.client.snapshot()
    served.now.seconds += SNAPSHOT_SECONDS - 0.001
    assert served.client.snapshot() is first
    served.now.seconds += 0.001
    assert served.client.snapshot() is not first
    assert len(served.asked()) == 4


def test_simultaneous_calls_share_one_snapshot(served: Served) -> None:
    """Twenty callers at once cause two requests."""
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: served.client.find(release_name="wind-3"), range(20)))
    assert {deployment.id for deployment in found} == {WIND}
    assert len(served.asked()) == 2


def test_a_failed_snapshot_fails_all_callers_that_wait() -> None:
    """Otherwise each would retry in turn. A later call reads again."""
    asked, ticks, waiting = [], [], threading.Event()

    def now() -> float:
        ticks.append(1)
        return len(ticks)

    def handler(_: httpx.Request) -> httpx.Response:
        waiting.wait(5)
        asked.append(1)
        return httpx.Response(401, json={"errors": [{"message": "no"}]})

    def ask(client: Houston) -> str:
        with pytest.raises(TokenRefusedError, match="the platform's offer") as raised:
            client.snapshot()
        return str(raised.value)

    with opened(handler, now=now) as client:
        with ThreadPoolExecutor(20) as pool:
            messages = [pool.submit(ask, client) for _ in range(20)]
            until(lambda: len(ticks) == 21)  # each looks at the clock as it comes, the first one twice
            waiting.set()
            assert len({message.result() for message in messages}) == 1
        assert len(asked) == 1
        ask(client)
        assert len(asked) == 2


def test_a_mutation_invalidates_only_its_deployment(served: Served) -> None:
    """That Deployment is read again live. The others come from the snapshot."""
    stars = served.client.find(deployment_id=STARS)
    served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
    before = len(served.asked())
    assert served.client.find(release_name="stars-1").pending == ReleaseId.parse("AC 2.3.0")
    assert served.client.find(release_name="wind-3").pending is None
    assert served.asked()[before:] == [[*OFFER_READ, "deployment"]]
    served.now.seconds += SNAPSHOT_SECONDS
    assert served.client.find(release_name="stars-1").pending == ReleaseId.parse("AC 2.3.0")
    assert served.asked()[before + 1 :] == [PLATFORM_READ, ["deploymentConfig", *["workspaceDeployments"] * 2]]


def test_a_refused_mutation_invalidates_its_deployment(served: Served) -> None:
    """It may have had an effect."""
    wind = served.client.find(deployment_id=WIND)
    with pytest.raises(PlatformRefusedError):
        served.client.start(wind, ReleaseId.parse("AC 2.3.0"))
    before = len(served.asked())
    served.client.find(deployment_id=WIND)
    assert len(served.asked()) == before + 1


def test_a_mutation_during_a_snapshot_invalidates_its_deployment(served: Served) -> None:
    """The snapshot may show the state before the mutation."""
    stars = served.client.find(deployment_id=STARS)
    read = served.transport.read

    def reading(document: str, *arguments: Any, **named: Any) -> Any:
        answer = read(document, *arguments, **named)
        if document.startswith("query Fleet"):
            served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
        return answer

    served.now.seconds += SNAPSHOT_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served.transport, "read", reading)
        served.client.snapshot()
    assert served.client.find(deployment_id=STARS).pending == ReleaseId.parse("AC 2.3.0")


@pytest.mark.parametrize("key", ["release_name", "deployment_id"])
def test_a_deployment_newer_than_the_snapshot_is_read_alone(served: Served, key: str) -> None:
    """In one request. The snapshot stays cached."""
    served.client.snapshot()
    row = sandbox_server.many(1, 1)[0] | {"workspace": sandbox_server.SPACE}
    with served.sandbox.store._db:
        state = json.loads(served.sandbox.store._db.execute("SELECT state FROM deployments").fetchone()[0])
        state |= {"id": row["id"], "release_name": row["releaseName"], "workspace": sandbox_server.SPACE}
        served.sandbox.store._db.execute(
            "INSERT INTO deployments VALUES (?, ?, ?)", (row["id"], row["releaseName"], json.dumps(state))
        )
    before = len(served.asked())
    wanted = {"release_name": row["releaseName"]} if key == "release_name" else {"deployment_id": row["id"]}
    assert served.client.find(**wanted).id == row["id"]
    expected = ["workspaceDeployments"] * 2 if key == "release_name" else [*OFFER_READ, "deployment"]
    assert served.asked()[before:] == [expected]


def test_an_unknown_deployment_is_an_error(served: Served) -> None:
    """By name and by id, with what to do."""
    with pytest.raises(DeploymentNotFoundError, match=r"release name 'none-9', but 4 others: correct the name"):
        served.client.find(release_name="none-9")
    with pytest.raises(DeploymentNotFoundError, match=r"the id 'ckw1none': it was deleted, the id is wrong"):
        served.client.find(deployment_id="ckw1none")
    with pytest.raises(DeploymentNotFoundError, match="ckw1none"):
        served.client.observe("ckw1none")
    with pytest.raises(DeploymentNotFoundError, match="ckw1none"):
        served.client.observe_deployment("ckw1none", served.client.snapshot().catalog, within=0)


# Many at the same time


def at_once(work: Callable[[str], object], ids: Sequence[str]) -> list[object]:
    """Do it for all at the same time; gives what each returned or raised."""

    def tried(id_: str) -> object:
        try:
            return work(id_)
        except PlatformError as error:
            return error

    with ThreadPoolExecutor(len(ids)) as pool:
        return list(pool.map(tried, ids))


def test_simultaneous_reads_share_a_request(served: Served) -> None:
    """Each gets its own Deployment, live, with the offer or without."""
    client = Houston(served.transport, feed=sandbox_server.feed(), gather=0.5)
    catalog = client.snapshot().catalog
    ids = [STARS, TIDES, WIND, DUST]
    before = len(served.asked())
    found = at_once(lambda id_: client.observe(id_)[0], ids)
    assert [deployment.id for deployment in found if isinstance(deployment, Deployment)] == ids
    assert at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), ids) == found
    assert served.asked()[before:] == [[*OFFER_READ, *["deployment"] * 4], ["deployment"] * 4]


def test_a_deleted_deployment_hides_no_other(served: Served) -> None:
    """Only its own caller gets an error. The others are not read again."""
    client = Houston(served.transport, feed=sandbox_server.feed(), gather=0.5)
    client.snapshot()
    before = len(served.asked())
    found = at_once(lambda id_: client.observe(id_)[0], [STARS, "ckw1none", TIDES])
    assert [getattr(each, "id", type(each)) for each in found] == [STARS, DeploymentNotFoundError, TIDES]
    assert served.asked()[before:] == [[*OFFER_READ, *["deployment"] * 3]]


def test_each_deleted_deployment_has_its_own_error(served: Served) -> None:
    """All from one answer."""
    client = Houston(served.transport, feed=sandbox_server.feed(), gather=0.5)
    catalog = client.snapshot().catalog
    found = at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), ["ckw1none", "ckw1gone"])
    assert [type(each) for each in found] == [DeploymentNotFoundError] * 2
    assert ["'ckw1none'" in str(found[0]), "'ckw1gone'" in str(found[1])] == [True, True]


def test_a_refused_token_is_not_tried_for_each_deployment(tmp_path: Path) -> None:
    """All callers get the error of one request."""
    with sandbox_server.serving(tmp_path) as served:
        client = Houston(served.transport, feed=sandbox_server.feed(), gather=0.5)
        catalog = client.snapshot().catalog
        before = len(served.asked())
        served.sandbox.tokens._roles.clear()
        found = at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), [STARS, TIDES, WIND])
        assert [type(each) for each in found] == [TokenRefusedError] * 3
        assert len(served.asked()) - before == 1


def test_a_read_only_token_cannot_change_anything(tmp_path: Path) -> None:
    """The message names the operation and not the token."""
    with sandbox_server.serving(tmp_path, token=VIEWER) as served:
        stars = served.client.find(deployment_id=STARS)
        with pytest.raises(TokenRefusedError, match=r"start AC 2\.3\.0 on stars-1 .*role Deployment Editor") as raised:
            served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
    assert VIEWER not in str(raised.value)


# The two phases


def test_phases_of_a_certified_upgrade(served: Served) -> None:
    """Idle, started, cancelled, started, delivered: the current and the pending release in each."""
    client, to = served.client, ReleaseId.parse("AC 2.3.0")
    idle = client.observe(STARS)[0]
    assert seen(idle) == ("AC 2.2.3", None)
    client.start(idle, to)
    assert seen(client.observe(STARS)[0]) == ("AC 2.2.3", "AC 2.3.0")
    client.cancel(idle, to)
    assert seen(client.observe(STARS)[0]) == ("AC 2.2.3", None)
    client.start(idle, to)
    client.deliver(idle, "registry.localhost/stars-1/airflow:own", to)
    assert seen(client.observe(STARS)[0]) == ("AC 2.3.0", None)
    assert served.found(STARS).image == "registry.localhost/stars-1/airflow:own"


def test_phases_of_a_migration_and_a_runtime_upgrade(served: Served) -> None:
    """The Certified version stays set after a migration, and does not count."""
    client, first, second = served.client, ReleaseId.parse("Runtime 4.2.5"), ReleaseId.parse("Runtime 5.0.4")
    tides = client.observe(TIDES)[0]
    assert seen(tides) == ("AC 2.2.5", "Astro Runtime 4.2.5")
    client.cancel(tides, first)
    assert seen(client.observe(TIDES)[0]) == ("AC 2.2.5", None)
    client.start(tides, first)
    client.deliver(tides, "own:1", first)
    migrated = client.observe(TIDES)[0]
    assert seen(migrated) == ("Astro Runtime 4.2.5", None)
    assert migrated.current.airflow == AirflowVersion(2, 2, 5)
    assert served.found(TIDES).airflow_version == "2.2.5"
    client.start(migrated, second)
    assert seen(client.observe(TIDES)[0]) == ("Astro Runtime 4.2.5", "Astro Runtime 5.0.4")
    client.deliver(migrated, "own:2", first)
    assert seen(client.observe(TIDES)[0]) == ("Astro Runtime 4.2.5", "Astro Runtime 5.0.4"), "the silent mismatch"
    client.deliver(migrated, "own:2", second)
    assert seen(client.observe(TIDES)[0]) == ("Astro Runtime 5.0.4", None)


def test_a_read_has_more_than_the_versions(served: Served) -> None:
    """Names, workspace, DAG deployment and the address of the Airflow; live, with the platform and its offer."""
    tides, platform, catalog = served.client.observe(TIDES)
    assert (tides.id, tides.release_name, tides.label) == (TIDES, "tides-4", "Tides-4")
    assert (tides.workspace_id, tides.dag_deployment) == (sandbox_server.HELIO, "git_sync")
    assert tides.airflow_url == served.url.removesuffix("v1") + "tides-4/airflow"
    assert platform.version == "0.30.4"
    assert ReleaseId.parse("Runtime 5.0.4") in catalog
    assert served.client.observe_deployment(TIDES, catalog, within=0) == tides
    assert served.client.health(tides, AirflowVersion(2, 2, 5)).healthy


def test_the_airflow_of_a_restarting_deployment_is_not_healthy(served: Served) -> None:
    """The health says why. The request has Houston's token."""
    wind = served.client.observe(WIND)[0]
    health = served.client.health(wind, AirflowVersion(2, 3, 0))
    assert (health.healthy, health.airflow) == (False, AirflowVersion(2, 2, 5))


ROW: dict[str, Any] = {
    "id": "ckw1",
    "label": "Stars",
    "releaseName": "stars-1",
    "workspace": {"id": "ckw0"},
    "dagDeployment": {"type": "image"},
    "urls": [{"type": "flower", "url": "https://f"}, {"type": "airflow", "url": "https://a"}],
    "airflowVersion": "",
    "desiredAirflowVersion": "",
    "runtimeVersion": "",
    "desiredRuntimeVersion": "",
    "runtimeAirflowVersion": "",
}
OFFER: dict[str, Any] = {
    "appConfig": {"version": "0.30.4", "featureFlags": {"astroRuntimeEnabled": True}},
    "deploymentConfig": {"airflowImages": [{"version": "2.2.4"}, {"version": "2.3.0"}]},
    "runtimeReleases": [
        {"version": "4.2.5", "airflowVersion": "2.2.5"},
        {"version": "5.0.4", "airflowVersion": "2.3.0"},
    ],
}


def row(**changes: Any) -> dict[str, Any]:
    """Make a Deployment as the wire has it; ``airflow`` and ``runtime`` are pairs of current and desired."""
    airflow, runtime = changes.pop("airflow", ("", "")), changes.pop("runtime", ("", ""))
    return {
        **ROW,
        "airflowVersion": airflow[0],
        "desiredAirflowVersion": airflow[1],
        "runtimeVersion": runtime[0],
        "desiredRuntimeVersion": runtime[1],
        **changes,
    }


def answering(
    *rows: dict[str, Any], offer: dict[str, Any] = OFFER, workspaces: tuple[str, ...] = ("ckw0",)
) -> Callable[[httpx.Request], httpx.Response]:
    """Play a Houston that has these Deployments, all in its first workspace."""

    def handler(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        document, variables = body["query"], body["variables"]
        if document.startswith("query Platform"):
            data = {**offer, "workspaces": [{"id": each, "label": each} for each in workspaces]}
        elif document.startswith("query Fleet"):
            names = {variables["releaseName"]} if "releaseName" in variables else {each["releaseName"] for each in rows}
            data = {alias: [] for alias in variables if alias != "releaseName"} | offer
            data["w0"] = [each for each in rows if each["releaseName"] in names]
        else:
            found = {each["id"]: each for each in rows}
            data = {**offer, **{alias: found.get(id_) for alias, id_ in variables.items()}}
        return httpx.Response(200, json={"data": data})

    return handler


@contextlib.contextmanager
def opened(
    handler: Callable[[httpx.Request], httpx.Response], now: Callable[[], float] = lambda: 0.0
) -> Iterator[Houston]:
    """Open a client of a Houston that a function plays."""
    transport = Transport(
        sandbox_server.settings("https://houston.example.com/v1"), transport=httpx.MockTransport(handler)
    )
    with contextlib.closing(transport):
        yield Houston(transport, feed=sandbox_server.feed(), now=now, gather=0, poll_gather=0)


def seen(deployment: Deployment) -> tuple[str, str | None]:
    """Give the versions of a Deployment as texts."""
    return str(deployment.current.id), str(deployment.pending) if deployment.pending else None


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other threads are about to do."""
    tick = threading.Event()
    for _ in range(500):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize(
    ("airflow", "runtime", "runs", "pending"),
    [
        (("2.2.0", "2.2.0"), ("", ""), "AC 2.2.0", None),
        (("2.2.0", ""), ("", ""), "AC 2.2.0", None),
        (("2.2.0", "2.3.0"), ("", ""), "AC 2.2.0", "AC 2.3.0"),
        (("2.2.4", "2.2.4"), ("", "4.2.4"), "AC 2.2.4", "Astro Runtime 4.2.4"),
        (("2.2.4", "2.3.0"), ("", "4.2.4"), "AC 2.2.4", "Astro Runtime 4.2.4"),
        (("2.2.4", "2.2.4"), ("4.2.4", "4.2.4"), "Astro Runtime 4.2.4", None),
        (("2.2.4", "2.3.0"), ("4.2.4", "4.2.4"), "Astro Runtime 4.2.4", None),
        (("", ""), ("4.2.4", "4.2.4"), "Astro Runtime 4.2.4", None),
        (("", ""), ("4.2.4", ""), "Astro Runtime 4.2.4", None),
        (("", ""), ("4.2.4", "4.2.5"), "Astro Runtime 4.2.4", "Astro Runtime 4.2.5"),
        (("2.2.4", "2.2.4"), ("4.2.4", "4.2.5"), "Astro Runtime 4.2.4", "Astro Runtime 4.2.5"),
        (("2.2.3-5", "2.2.3"), ("", ""), "AC 2.2.3", None),
        (("", ""), ("3.0-1", "3.0-2"), "Astro Runtime 3.0-1", "Astro Runtime 3.0-2"),
    ],
)
def test_current_and_pending_releases_are_read(
    empty: str | None, airflow: tuple[str, str], runtime: tuple[str, str], runs: str, pending: str | None
) -> None:
    """A Runtime version means Runtime. A desired version that differs is pending. Null and empty mean the same."""
    texts = {key: value or empty for key, value in row(airflow=airflow, runtime=runtime).items() if "ersion" in key}
    found = row() | texts | {"runtimeAirflowVersion": "2.2.4" if runtime[0] else empty}
    with opened(answering(found)) as client:
        assert seen(client.find(release_name="stars-1")) == (runs, pending)
        assert seen(client.observe("ckw1")[0]) == (runs, pending)


def test_a_runtime_that_is_no_longer_on_offer_is_known() -> None:
    """Its Airflow version comes from the Deployment, everything else from the feed."""
    found = row(runtime=("4.2.4", "4.2.4"), runtimeAirflowVersion="2.2.4+astro.3")
    with opened(answering(found)) as client:
        current = client.find(deployment_id="ckw1").current
    assert (str(current), str(current.airflow)) == ("Astro Runtime 4.2.4", "2.2.4")


def test_the_offer_has_the_airflow_version_of_a_runtime() -> None:
    """If the Deployment does not tell it."""
    with opened(answering(row(runtime=("5.0.4", "5.0.4"), runtimeAirflowVersion=None))) as client:
        assert str(client.find(deployment_id="ckw1").current.airflow) == "2.3.0"


@pytest.mark.parametrize(
    "bad",
    [
        row(airflow=("latest", "latest")),
        row(airflow=("", "")),
        row(airflow=("2.2.4", "soon")),
        row(airflow=("2.2.4", "2.2.4"), runtime=("", "five")),
        row(runtime=("5.0.4-foo", "5.0.4-foo"), runtimeAirflowVersion="2.3.0"),
        row(runtime=("9.9.9", "9.9.9"), runtimeAirflowVersion=""),
        row(runtime=("9.9.9", "9.9.9"), runtimeAirflowVersion="new"),
    ],
)
def test_an_unreadable_version_affects_only_its_deployment(bad: dict[str, Any]) -> None:
    """The message names the Deployment. The others are planned."""
    other = row(airflow=("2.2.4", "2.2.4"), id="ckw2", releaseName="dust-2")
    with opened(answering(bad, other)) as client:
        with pytest.raises(PlatformAnswerError, match=r"reports about stars-1 that .*\. Nothing is planned"):
            client.find(release_name="stars-1")
        assert client.find(release_name="dust-2").id == "ckw2"


def test_missing_values_have_defaults() -> None:
    """For the label, the workspace, the DAG deployment and the address of the Airflow."""
    bare = row(
        airflow=("2.2.4", "2.2.4"), label=None, workspace=None, dagDeployment=None, urls=None, someday={"new": [1]}
    )
    with opened(answering(bare)) as client:
        found = client.find(deployment_id="ckw1")
        assert (found.label, found.workspace_id, found.dag_deployment) == ("stars-1", "ckw0", "image")
        assert found.airflow_url is None
        assert client.health(found, AirflowVersion(2, 2, 4)).detail == "Houston tells no address of its Airflow"
    typeless = row(airflow=("2.2.4", "2.2.4"), dagDeployment={"type": None}, urls=[{"type": "airflow", "url": None}])
    with opened(answering(typeless)) as client:
        assert client.find(deployment_id="ckw1").dag_deployment == "image"


@pytest.mark.parametrize(
    ("flags", "enabled"), [(None, True), ({}, True), ({"astroRuntimeEnabled": False}, False), ({"a": 1}, True)]
)
def test_runtime_is_enabled_unless_the_platform_says_no(flags: dict[str, Any] | None, enabled: bool) -> None:
    """A platform may not tell its flags."""
    offer = OFFER | {"appConfig": {"version": "0.30.4", "featureFlags": flags}}
    with opened(answering(offer=offer)) as client:
        assert client.snapshot().platform.runtime_enabled is enabled


def test_a_token_without_workspaces_finds_nothing() -> None:
    """No request is sent for the Deployments."""
    with opened(answering(workspaces=())) as client:
        assert client.snapshot().candidates == ()
        with pytest.raises(DeploymentNotFoundError, match="but 0 others"):
            client.find(release_name="stars-1")


def test_a_deployment_with_another_name_is_not_used() -> None:
    """Even if the platform ignores the name in the request."""
    given = answering(row(airflow=("2.2.4", "2.2.4")))

    def careless(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        body["variables"].pop("releaseName", None)
        return given(httpx.Request("POST", request.url, json=body))

    with opened(careless) as client, pytest.raises(DeploymentNotFoundError, match="but 1 others"):
        client.find(release_name="none-9")


def changed(
    handler: Callable[[httpx.Request], httpx.Response], query: str, change: Callable[[dict[str, Any]], object]
) -> Callable[[httpx.Request], httpx.Response]:
    """Play that Houston, but for the data of its answers to one query."""

    def changing(request: httpx.Request) -> httpx.Response:
        answer = handler(request).json()
        if json.loads(request.content)["query"].startswith(f"query {query}"):
            change(answer["data"])
        return httpx.Response(200, json=answer)

    return changing


@pytest.mark.parametrize(
    ("query", "change", "gap"),
    [
        ("Platform", lambda data: data.update(workspaces=None), "workspaces: null"),
        ("Platform", lambda data: data.pop("workspaces"), "workspaces: null"),
        ("Platform", lambda data: data["workspaces"].append(None), "workspaces: null"),
        ("Platform", lambda data: data["workspaces"].append({"label": "a"}), "a workspace without an id: .*label.*a"),
        ("Fleet", lambda data: data.update(w1=None), "the Deployments of workspace ckw9: null"),
        ("Fleet", lambda data: data.pop("w1"), "the Deployments of workspace ckw9: null"),
        ("Fleet", lambda data: data.update(w1={}), "the Deployments of workspace ckw9: {}"),
        ("Fleet", lambda data: data["w1"].append(None), "the Deployments of workspace ckw9: null"),
        ("Fleet", lambda data: data["w1"].append(row(id=None)), "a Deployment of workspace ckw9: without an id"),
        ("Fleet", lambda data: data["w1"].append(row(releaseName=None)), "ckw9: without an id or a release name"),
        ("Fleet", lambda data: data["w1"].append(row(id="ckw7")), "of workspace ckw9: stars-1 is in workspace ckw0"),
    ],
)
def test_a_gap_in_the_fleet_is_named_and_hides_no_other_deployment(
    query: str, change: Callable[[dict[str, Any]], object], gap: str
) -> None:
    """Null is not an empty list: Deployments may be missing."""
    handler = answering(row(airflow=("2.2.4", "2.2.4")), workspaces=("ckw0", "ckw9"))
    with opened(changed(handler, query, change)) as client:
        snapshot = client.snapshot()
        assert re.search(gap, "; ".join(snapshot.gaps))
        assert re.search(f"Houston does not show the whole fleet: .*{gap}", "; ".join(snapshot.notes))
        if snapshot.workspace_labels:
            assert client.find(release_name="stars-1").id == "ckw1"
        assert client.find(deployment_id="ckw1").release_name == "stars-1"
        with pytest.raises(
            PlatformAnswerError, match=r"'none-9', and does not show the whole fleet: .* by its deploymentId"
        ):
            client.find(release_name="none-9")


def test_an_empty_fleet_has_no_gaps() -> None:
    """No workspace, or a workspace without Deployments."""
    for workspaces in ((), ("ckw0", "ckw9")):
        with opened(answering(workspaces=workspaces)) as client:
            assert (client.snapshot().gaps, client.snapshot().notes) == ((), ())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"deploymentConfig": None}, "deploymentConfig: null"),
        ({"deploymentConfig": {"airflowImages": None}}, "airflowImages: null"),
        ({"deploymentConfig": {"airflowImages": [None, {"version": "2.2.4"}]}}, "airflowImages: null"),
        ({"deploymentConfig": {"airflowImages": [{"version": 2.3}, {"version": "2.2.4"}]}}, "airflowImages: 2.3"),
        ({"runtimeReleases": None}, "runtimeReleases: null"),
        ({"runtimeReleases": [None, {"version": "5.0.4", "airflowVersion": "2.3.0"}]}, "runtimeReleases: null"),
        ({"runtimeReleases": [{"version": "5.0.4", "airflowVersion": None}]}, 'runtimeReleases: {"version": "5.0.4"'),
        ({"runtimeReleases": "none"}, 'runtimeReleases: "none"'),
    ],
)
def test_unreadable_releases_on_offer_are_named(change: dict[str, Any], told: str) -> None:
    """In one note. The rest of the offer is used."""
    with opened(answering(row(airflow=("2.2.4", "2.2.4")), offer=OFFER | change)) as client:
        assert client.find(release_name="stars-1").id == "ckw1"
        client.observe("ckw1")
        (note,) = client.snapshot().notes
        assert note.startswith("the platform's offer has 1 row that cannot be read; left out: ")
        assert told[:40] in note
        if "runtimeReleases" not in change:
            assert ReleaseId.parse("Runtime 5.0.4") in client.snapshot().catalog
        if change.get("deploymentConfig", {"airflowImages": None}) != {"airflowImages": None} or "runtime" in told:
            assert (ReleaseId.parse("AC 2.2.4") in client.snapshot().catalog) is (change != {"deploymentConfig": None})


@pytest.mark.parametrize("flags", [["a"], "on", 5])
def test_unreadable_flags_are_unknown(flags: object) -> None:
    """Then the defaults of the version count."""
    offer = OFFER | {"appConfig": {"version": " 0.36.1 ", "featureFlags": flags}}
    with opened(answering(offer=offer)) as client:
        platform = client.snapshot().platform
    assert (platform.version, platform.runtime_enabled, platform.upgrades_by_image) == ("0.36.1", True, True)


# Whom an answer is about


@pytest.mark.parametrize("others", [(), ("ckw3",)])
def test_an_answer_about_another_deployment_is_not_used(others: tuple[str, ...]) -> None:
    """Alone and in a batch."""
    rows = [row(airflow=("2.2.4", "2.2.4"), id=id_, releaseName=f"r-{id_}") for id_ in ("ckw1", "ckw2", "ckw3")]

    def crossed(data: dict[str, Any]) -> None:
        data["d0"] = rows[1]

    with opened(changed(answering(*rows), "Deployments", crossed)) as client:
        found = client._queries.by_ids(["ckw1", *others])
        assert isinstance(found["ckw1"], PlatformAnswerError)
        assert re.search(r"asked for the Deployment ckw1 and answered with ckw2 \(r-ckw2\)", str(found["ckw1"]))
        assert [each.id for each in map(found.get, others) if isinstance(each, DeploymentAnswer)] == list(others)
        with pytest.raises(PlatformAnswerError, match="that answer is not used"):
            client.observe("ckw1")
        catalog = client.snapshot().catalog
        with pytest.raises(PlatformAnswerError, match="that answer is not used"):
            client.observe_deployment("ckw1", catalog, within=0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: data.pop("d0"), "lacks the Deployment ckw1"),
        (lambda data: data.update(d0=row(id=None)), "about the Deployment ckw1 has no id or no release name"),
        (lambda data: data.update(d0=[]), "about the Deployment ckw1 has no id or no release name"),
    ],
)
def test_a_missing_deployment_in_an_answer_is_not_deleted(
    change: Callable[[dict[str, Any]], object], error: str
) -> None:
    """A refresh would remove it from the state. Only null means that it does not exist."""
    handler = changed(answering(row(airflow=("2.2.4", "2.2.4"))), "Deployments", change)
    with opened(handler) as client, pytest.raises(PlatformAnswerError, match=error):
        client.observe("ckw1")


@pytest.mark.parametrize("act", ["start", "cancel", "deliver"])
def test_a_mutation_answered_with_another_deployment_has_an_unknown_outcome(served: Served, act: str) -> None:
    """It may have changed that one. Both have to be read."""
    dust, to = served.client.find(deployment_id=DUST), ReleaseId.parse("Runtime 5.0.4")
    ways: dict[str, Callable[[], None]] = {
        "start": lambda: served.client.start(dust, to),
        "cancel": lambda: served.client.cancel(dust, to),
        "deliver": lambda: served.client.deliver(dust, "own:1", to),
    }
    work = ways[act]
    work()
    mutate = served.transport.mutate

    def crossed(*arguments: Any, **named: Any) -> dict[str, Any]:
        mutate(*arguments, **named)
        return {"updateDeploymentRuntime": {"id": WIND}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served.transport, "mutate", crossed)
        with pytest.raises(UnknownOutcomeError, match=rf"on dust-2 with the Deployment {WIND} instead of {DUST}"):
            work()


TWINS = (
    row(airflow=("2.2.4", "2.2.4"), label="Blue"),
    row(airflow=("2.2.5", "2.2.5"), id="ckw2", label="Red", workspace={"id": "ckw9"}),
)


def twins(data: dict[str, Any]) -> None:
    """Put one Deployment in each workspace; both have the same release name."""
    data.update(w0=[TWINS[0]], w1=[TWINS[1]])


def test_a_shared_release_name_needs_an_id() -> None:
    """The error names both Deployments. No image can be deployed to either by name."""
    handler = changed(answering(*TWINS, workspaces=("ckw0", "ckw9")), "Fleet", twins)
    with opened(handler) as client:
        named = (
            r"2 Deployments have the release name 'stars-1': 'Blue' in workspace ckw0 \(ckw1\), "
            r"'Red' in workspace ckw9 \(ckw2\)"
        )
        with pytest.raises(AmbiguousNameError, match=f"{named}: declare the right one by its deploymentId"):
            client.find(release_name="stars-1")
        red = client.find(deployment_id="ckw2")
        assert (red.id, seen(red)) == ("ckw2", ("AC 2.2.5", None))
        with pytest.raises(PlatformRefusedError, match=f"by release name only, and {named}. Deploy by `project`"):
            client.deliver(red, "own:1", ReleaseId.parse("Runtime 4.2.5"))


def test_a_shared_release_name_newer_than_the_snapshot_needs_an_id() -> None:
    """A request by name finds both."""
    fleets = iter([lambda data: data.update(w0=[], w1=[]), twins])

    def next_one(data: dict[str, Any]) -> None:
        next(fleets)(data)

    handler = changed(answering(workspaces=("ckw0", "ckw9")), "Fleet", next_one)
    with (
        opened(handler) as client,
        pytest.raises(AmbiguousNameError, match="2 Deployments have the release name"),
    ):
        client.find(release_name="stars-1")


# Many that are not shown


@pytest.mark.parametrize("key", ["release_names", "ids"])
def test_missing_deployments_are_prefetched_in_batches(served: Served, key: str) -> None:
    """Two thousand take at most three requests. Finding each takes none."""
    wanted = [f"none{number}" for number in range(2000)]
    served.client.snapshot()
    before = len(served.asked())
    served.client.prefetch(**{"release_names": [], "ids": [], key: wanted})
    assert len(served.asked()) - before <= 3
    before = len(served.asked())
    for each in wanted:
        with pytest.raises(DeploymentNotFoundError, match=f"'{each}'"):
            served.client.find(**{"release_name" if key == "release_names" else "deployment_id": each})
    assert len(served.asked()) == before


def test_a_thousand_workspaces_are_read_in_several_requests() -> None:
    """One document would be larger than 100 kB, which servers like Houston refuse."""
    sizes: list[int] = []
    rows = [row(airflow=("2.2.4", "2.2.4"), id=f"ckw1{number}", releaseName=f"r-{number}") for number in range(3)]
    given = answering(*rows, workspaces=("ckw0", *(f"ckw0workspace{number:012}" for number in range(1000))))

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        return changed(given, "Fleet", lambda data: data.update(w0=rows if len(sizes) == 2 else []))(request)

    with opened(handler) as client:
        assert len(client.snapshot().candidates) == 3
        assert client.snapshot().gaps == ()
    assert (len(sizes), max(sizes) < 100_000) == (3, True)


# Platforms that lack fields


@pytest.mark.parametrize(
    "version", ["0.29.0", "0.29.2", "0.32.0", "0.36.0", "0.37.0", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "2.1.0"]
)
def test_every_platform_version_is_read_without_a_refusal(tmp_path: Path, version: str) -> None:
    """In two requests, and so is each live read."""
    with sandbox_server.serving(tmp_path, rows=sandbox_server.many(2, 1), version=version) as served:
        found = served.client.find(release_name="many-0")
        assert seen(found) == ("Astro Runtime 4.2.5", None)
        assert served.client.observe(found.id)[0] == found
        log = [json.loads(line) for line in served.log.getvalue().splitlines()]
        assert [line["status"] for line in log] == [200, 200, 200]
        assert served.client.snapshot().notes == ()


LACKS = {
    OptionalField.CERTIFIED_RELEASES: "DeploymentConfig.airflowImages",
    OptionalField.FEATURE_FLAGS: "AppConfig.featureFlags",
    OptionalField.DEPLOYMENT_LABEL: "Deployment.label",
    OptionalField.WORKSPACE_LABEL: "Workspace.label",
    OptionalField.WORKSPACE: "Deployment.workspace",
    OptionalField.DAG_DEPLOYMENT: "Deployment.dagDeployment",
    OptionalField.URLS: "Deployment.urls",
    OptionalField.RUNTIME_AIRFLOW_VERSION: "Deployment.runtimeAirflowVersion",
}


@pytest.mark.parametrize("part", LACKS)
def test_a_refused_optional_field_is_omitted_from_then_on(tmp_path: Path, part: OptionalField) -> None:
    """It takes one more request, once. A note says what is unknown."""
    with sandbox_server.serving(tmp_path, lacks=[LACKS[part]]) as served:
        found = served.client.find(deployment_id=WIND)
        assert seen(served.client.observe(WIND)[0]) == seen(found) == ("Astro Runtime 4.2.5", None)
        assert found.workspace_id == sandbox_server.HELIO
        assert len(served.asked()) == 4
        assert list(served.client.snapshot().notes) == [
            f"Houston refuses fields that platform 0.30.4 should have, so they are not known: {part}"
        ]


def test_all_optional_fields_may_be_refused_at_once(tmp_path: Path) -> None:
    """The rest is read."""
    with sandbox_server.serving(tmp_path, lacks=list(LACKS.values()), rows=sandbox_server.many(3, 2)) as served:
        assert seen(served.client.find(release_name="many-1")) == ("Astro Runtime 4.2.5", None)
        assert len(served.asked()) <= 5


@pytest.mark.parametrize("field", ["Deployment.desiredRuntimeVersion", "Deployment.desiredAirflowVersion"])
def test_desired_versions_are_required_where_hops_are_started(tmp_path: Path, field: str) -> None:
    """Otherwise a pending hop would be hidden. The error says so in one sentence."""
    with (
        sandbox_server.serving(tmp_path, lacks=[field]) as served,
        pytest.raises(
            PlatformRefusedError, match=r"platform 0\.30\.4 does not tell which hops are pending .*nothing is pl"
        ),
    ):
        served.client.snapshot()


def test_desired_versions_are_optional_where_images_alone_upgrade(tmp_path: Path) -> None:
    """A Certified Deployment, which may have a hidden pending migration, is refused alone."""
    lacks = ["Deployment.desiredRuntimeVersion", "Deployment.desiredAirflowVersion"]
    with sandbox_server.serving(tmp_path, lacks=lacks, version="0.36.0") as served:
        assert seen(served.client.find(deployment_id=WIND)) == ("Astro Runtime 4.2.5", None)
        with pytest.raises(PlatformAnswerError, match="does not tell which Astro Runtime dust-2 awaits"):
            served.client.find(deployment_id=DUST)


@pytest.mark.parametrize("field", ["Deployment.runtimeVersion", "RuntimeRelease.airflowVersion", "Query.workspaces"])
def test_a_refused_required_field_is_an_error(tmp_path: Path, field: str) -> None:
    """With Houston's message. It is not retried endlessly."""
    with sandbox_server.serving(tmp_path, lacks=[field]) as served:
        with pytest.raises(PlatformRefusedError, match=f'Cannot query field "{field.partition(".")[2]}"'):
            served.client.snapshot()
        assert len(served.asked()) <= 3


def test_messages_about_a_missing_deployment_are_recognised() -> None:
    """Some platforms answer null, some with an error. Other errors are not changed."""
    messages = iter(["No deployment exists with id: ckw1", "the database is down"])

    offer = {
        "appConfig": {"version": "0.30.4", "featureFlags": None},
        "deploymentConfig": {"airflowImages": []},
        "runtimeReleases": [],
        "workspaces": [],
    }

    def handler(request: httpx.Request) -> httpx.Response:
        if b"query Platform" in request.content:
            return httpx.Response(200, json={"data": offer})
        return httpx.Response(200, json={"errors": [{"message": next(messages)}], "data": {"deployment": None}})

    with opened(handler) as client:
        with pytest.raises(DeploymentNotFoundError, match="the id 'ckw1'"):
            client.observe("ckw1")
        with pytest.raises(PlatformRefusedError, match="refuses the Deployment ckw1: the database is down"):
            client.observe("ckw1")


def test_making_a_client_sends_nothing() -> None:
    """The first read reports that no platform answers."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with opened(handler) as client, quick_retries(1), pytest.raises(PlatformUnreachableError):
        client.snapshot()


def test_a_runtime_hop_is_cancelled_by_its_mutation(served: Served) -> None:
    """The Deployment continues as it was."""
    wind, to = served.client.find(deployment_id=WIND), ReleaseId.parse("Runtime 5.0.4")
    served.client.start(wind, to)
    served.client.cancel(wind, to)
    assert seen(served.client.observe(WIND)[0]) == ("Astro Runtime 4.2.5", None)
    assert served.asked()[2:4] == [["updateDeploymentRuntime"], ["cancelRuntimeUpdate"]]


def test_an_image_can_be_delivered_again(served: Served) -> None:
    """The same version again changes no version."""
    dust = served.client.observe(DUST)[0]
    served.client.deliver(dust, "own:3", dust.current.id)
    assert seen(served.client.observe(DUST)[0]) == ("AC 2.3.0", None)
    assert TOKEN not in served.log.getvalue()


@pytest.mark.parametrize(("version", "field"), [("1.0.1", "updateDeploymentImage"), ("2.1.0", "upsertDeployment")])
def test_an_image_is_delivered_in_the_form_of_a_newer_platform(tmp_path: Path, version: str, field: str) -> None:
    """Every image is Runtime there, and no Airflow version is sent."""
    with sandbox_server.serving(tmp_path, rows=sandbox_server.many(1, 1), version=version) as served:
        found, to = served.client.find(release_name="many-0"), ReleaseId.parse("Runtime 5.0.4")
        served.client.deliver(found, "own:5", to)
        assert served.asked()[-1] == [field]
        assert seen(served.client.find(release_name="many-0")) == ("Astro Runtime 5.0.4", None)


def test_a_platform_below_0_29_2_gets_no_image(tmp_path: Path) -> None:
    """The error names the first version that can deploy one."""
    with sandbox_server.serving(tmp_path, version="0.29.1") as served:
        dust = served.client.find(deployment_id=DUST)
        before = served.asked()
        with pytest.raises(PlatformRefusedError, match=r"cannot deploy the image own:1: .* from 0\.29\.2 on"):
            served.client.deliver(dust, "own:1", dust.current.id)
        assert served.asked() == before


def test_documents_follow_an_upgrade_of_the_platform() -> None:
    """No restart is needed."""
    asked: list[str] = []
    found = row(runtime=("4.2.4", "4.2.4"), runtimeAirflowVersion="2.2.4")

    def handler(request: httpx.Request) -> httpx.Response:
        document = json.loads(request.content)["query"]
        asked.append(document)
        version = "0.30.4" if len(asked) <= 2 else "1.1.0"
        if version == "1.1.0" and "desiredRuntimeVersion:" not in document and "desiredRuntimeVersion" in document:
            message = 'Cannot query field "desiredRuntimeVersion" on type "Deployment".'
            return httpx.Response(400, json={"errors": [{"message": message}]})
        return answering(found, offer=OFFER | {"appConfig": {"version": version}})(request)

    with opened(handler) as client:
        client.snapshot()
        deployment, platform, _ = client.observe("ckw1")
    assert (seen(deployment), platform.version) == (("Astro Runtime 4.2.4", None), "1.1.0")
    assert [document.split()[1].partition("(")[0] for document in asked] == [
        *("Platform", "Fleet"),
        "Deployments",
        *("Platform", "Deployments"),
    ]
