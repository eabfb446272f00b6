"""The client of Houston against the sandbox, over HTTP: what it asks, what it makes of the answers, what it changes."""

from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stamina

from astro_deployment_runtime import wire
from astro_deployment_runtime.errors import (
    DeploymentNotFoundError,
    PlatformAnswerError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
)
from astro_deployment_runtime.houston import FLEET_SECONDS, Houston
from astro_deployment_runtime.model import Deployment, Platform
from astro_deployment_runtime.transport import Transport
from astro_deployment_runtime.versions import AirflowVersion, ReleaseId
from tests.contract import served as world
from tests.contract.served import DUST, STARS, TIDES, TOKEN, VIEWER, WIND, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

OFFER_READ = ["appConfig", "deploymentConfig", "runtimeReleases"]
FLEET_READ = [*OFFER_READ, "workspaces"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A sandbox with four Deployments in two workspaces, and a client of it."""
    with world.serving(tmp_path) as running:
        yield running


# The fleet


@pytest.mark.parametrize(("deployments", "workspaces"), [(1, 1), (50, 7), (1000, 10)])
def test_the_fleet_is_read_in_two_requests(tmp_path: Path, deployments: int, workspaces: int) -> None:
    """One for the platform and its workspaces, one for all Deployments, whatever their number."""
    rows = world.many(deployments, workspaces)
    with world.serving(tmp_path, rows=rows) as served:
        found = {served.client.find(release_name=row["releaseName"]).id for row in rows}
        assert found == {row["id"] for row in rows}
        assert served.asked() == [FLEET_READ, ["workspaceDeployments"] * workspaces]


def test_a_reading_tells_the_platform_and_its_offer(served: Served) -> None:
    """The version, the feature flag, the releases on offer with what the feed knows of them."""
    snapshot = served.client.snapshot()
    assert snapshot.platform == Platform(version="0.30.4", runtime_enabled=True)
    assert {str(release) for release in snapshot.catalog.certified} >= {"AC 2.2.3", "AC 2.3.0"}
    assert ReleaseId.parse("Runtime 5.0.4") in snapshot.catalog
    assert all(release.known for release in snapshot.catalog.runtime)
    assert snapshot.workspaces == (world.SPACE, world.HELIO)


def test_a_reading_serves_for_thirty_seconds(served: Served) -> None:
    """Then, and not a moment before, the next caller reads anew."""
    first = served.client.snapshot()
    served.now.seconds += FLEET_SECONDS - 0.001
    assert served.client.snapshot() is first
    served.now.seconds += 0.001
    assert served.client.snapshot() is not first
    assert len(served.asked()) == 4


def test_one_refresh_serves_all_who_wait_for_it(served: Served) -> None:
    """Twenty callers at once cause two requests."""
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: served.client.find(release_name="wind-3"), range(20)))
    assert {deployment.id for deployment in found} == {WIND}
    assert len(served.asked()) == 2


def test_a_failed_refresh_fails_all_who_wait_for_it() -> None:
    """Each of them trying in turn would take the retries' time again and again; whoever comes later tries anew."""
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


def test_a_mutation_drops_its_deployments_entry_alone(served: Served) -> None:
    """That Deployment is read again, live; the others come from the reading that is there."""
    stars = served.client.find(deployment_id=STARS)
    served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
    before = len(served.asked())
    assert served.client.find(release_name="stars-1").pending == ReleaseId.parse("AC 2.3.0")
    assert served.client.find(release_name="wind-3").pending is None
    assert served.asked()[before:] == [["appConfig", "deploymentConfig", "runtimeReleases", "deployment"]]
    served.now.seconds += FLEET_SECONDS
    assert served.client.find(release_name="stars-1").pending == ReleaseId.parse("AC 2.3.0")
    assert served.asked()[before + 1 :] == [FLEET_READ, ["workspaceDeployments"] * 2]


def test_a_refused_mutation_drops_the_entry_too(served: Served) -> None:
    """Nobody knows for certain that it had no effect."""
    wind = served.client.find(deployment_id=WIND)
    with pytest.raises(PlatformRefusedError):
        served.client.start(wind, ReleaseId.parse("AC 2.3.0"))
    before = len(served.asked())
    served.client.find(deployment_id=WIND)
    assert len(served.asked()) == before + 1


def test_a_mutation_during_a_refresh_is_not_forgotten(served: Served) -> None:
    """What was read before the mutation took effect must not pass for the state after it."""
    stars = served.client.find(deployment_id=STARS)
    read = served.transport.read

    def reading(document: str, *arguments: Any, **named: Any) -> Any:
        answer = read(document, *arguments, **named)
        if document.startswith("query Fleet"):
            served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
        return answer

    served.now.seconds += FLEET_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served.transport, "read", reading)
        served.client.snapshot()
    assert served.client.find(deployment_id=STARS).pending == ReleaseId.parse("AC 2.3.0")


@pytest.mark.parametrize("key", ["release_name", "deployment_id"])
def test_a_deployment_that_came_later_is_asked_for_alone(served: Served, key: str) -> None:
    """One made after the reading is found, in one request, and the reading stays."""
    served.client.snapshot()
    row = world.many(1, 1)[0] | {"workspace": world.SPACE}
    with served.sandbox.store._db:
        state = json.loads(served.sandbox.store._db.execute("SELECT state FROM deployments").fetchone()[0])
        state |= {"id": row["id"], "release_name": row["releaseName"], "workspace": world.SPACE}
        served.sandbox.store._db.execute(
            "INSERT INTO deployments VALUES (?, ?, ?)", (row["id"], row["releaseName"], json.dumps(state))
        )
    before = len(served.asked())
    wanted = {"release_name": row["releaseName"]} if key == "release_name" else {"deployment_id": row["id"]}
    assert served.client.find(**wanted).id == row["id"]
    expected = (
        ["workspaceDeployments"] * 2
        if key == "release_name"
        else ["appConfig", "deploymentConfig", "runtimeReleases", "deployment"]
    )
    assert served.asked()[before:] == [expected]


def test_a_deployment_that_there_is_not_is_told(served: Served) -> None:
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


def test_those_who_read_at_the_same_time_share_a_request(served: Served) -> None:
    """Each gets its own Deployment, live, with the offer or alone."""
    client = Houston(served.transport, feed=world.feed(), gather=0.5)
    catalog = client.snapshot().catalog
    ids = [STARS, TIDES, WIND, DUST]
    before = len(served.asked())
    found = at_once(lambda id_: client.observe(id_)[0], ids)
    assert [deployment.id for deployment in found if isinstance(deployment, Deployment)] == ids
    assert at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), ids) == found
    assert served.asked()[before:] == [[*OFFER_READ, *["deployment"] * 4], ["deployment"] * 4]


def test_one_that_has_gone_hides_no_other(served: Served) -> None:
    """Who asked for it is told; the others are not asked for again."""
    client = Houston(served.transport, feed=world.feed(), gather=0.5)
    client.snapshot()
    before = len(served.asked())
    found = at_once(lambda id_: client.observe(id_)[0], [STARS, "ckw1none", TIDES])
    assert [getattr(each, "id", type(each)) for each in found] == [STARS, DeploymentNotFoundError, TIDES]
    assert served.asked()[before:] == [[*OFFER_READ, *["deployment"] * 3], [*OFFER_READ, "deployment"]]


def test_all_that_have_gone_are_told_each(served: Served) -> None:
    """An answer without any data is Houston's refusal of all; then each is asked for alone."""
    client = Houston(served.transport, feed=world.feed(), gather=0.5)
    catalog = client.snapshot().catalog
    found = at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), ["ckw1none", "ckw1gone"])
    assert [type(each) for each in found] == [DeploymentNotFoundError] * 2
    assert ["'ckw1none'" in str(found[0]), "'ckw1gone'" in str(found[1])] == [True, True]


def test_a_token_that_is_refused_is_not_tried_for_each(tmp_path: Path) -> None:
    """All who asked learn it from one request."""
    with world.serving(tmp_path) as served:
        client = Houston(served.transport, feed=world.feed(), gather=0.5)
        catalog = client.snapshot().catalog
        before = len(served.asked())
        served.sandbox.tokens._roles.clear()
        found = at_once(lambda id_: client.observe_deployment(id_, catalog, within=0.5), [STARS, TIDES, WIND])
        assert [type(each) for each in found] == [TokenRefusedError] * 3
        assert len(served.asked()) - before == 1


def test_a_viewer_reads_and_changes_nothing(tmp_path: Path) -> None:
    """A token that may only read is told so, in a message that names the operation and not the token."""
    with world.serving(tmp_path, token=VIEWER) as served:
        stars = served.client.find(deployment_id=STARS)
        with pytest.raises(TokenRefusedError, match=r"start AC 2\.3\.0 on stars-1 .*role Deployment Editor") as raised:
            served.client.start(stars, ReleaseId.parse("AC 2.3.0"))
    assert VIEWER not in str(raised.value)


# The two phases


def test_phases_of_a_certified_upgrade(served: Served) -> None:
    """Idle, started, cancelled, started, delivered: current and pending as the platform shows them."""
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


def test_phases_of_a_migration_and_an_upgrade_on_runtime(served: Served) -> None:
    """The Certified version stays set after a migration and does not count."""
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


def test_what_is_observed_beside_the_versions(served: Served) -> None:
    """Names, workspace, how DAGs arrive, where the Airflow is; live, with the platform and its offer."""
    tides, platform, catalog = served.client.observe(TIDES)
    assert (tides.id, tides.release_name, tides.label) == (TIDES, "tides-4", "Tides-4")
    assert (tides.workspace_id, tides.dag_deployment) == (world.HELIO, "git_sync")
    assert tides.airflow_url == served.url.removesuffix("v1") + "tides-4/airflow"
    assert platform.version == "0.30.4"
    assert ReleaseId.parse("Runtime 5.0.4") in catalog
    assert served.client.observe_deployment(TIDES, catalog, within=0) == tides
    assert served.client.health(tides, AirflowVersion(2, 2, 5)).healthy


def test_the_airflow_of_a_restarting_deployment_is_not_healthy(served: Served) -> None:
    """It is told why, and asked for with Houston's token."""
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
        if document == wire.PLATFORM:
            data = {**offer, "workspaces": [{"id": each, "label": each} for each in workspaces]}
        elif document.startswith("query Fleet"):
            names = {variables["releaseName"]} if "releaseName" in variables else {each["releaseName"] for each in rows}
            data = {alias: None for alias in variables if alias != "releaseName"}
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
    transport = Transport(world.settings("https://houston.example.com/v1"), transport=httpx.MockTransport(handler))
    with contextlib.closing(transport):
        yield Houston(transport, feed=world.feed(), now=now, gather=0, linger=0)


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
def test_every_phase_of_a_change_is_read(
    empty: str | None, airflow: tuple[str, str], runtime: tuple[str, str], runs: str, pending: str | None
) -> None:
    """On Runtime is what has a Runtime version; pending is a desired version that differs; null and empty are alike."""
    texts = {key: value or empty for key, value in row(airflow=airflow, runtime=runtime).items() if "ersion" in key}
    found = row() | texts | {"runtimeAirflowVersion": "2.2.4" if runtime[0] else empty}
    with opened(answering(found)) as client:
        assert seen(client.find(release_name="stars-1")) == (runs, pending)
        assert seen(client.observe("ckw1")[0]) == (runs, pending)


def test_a_runtime_that_is_no_longer_on_offer_is_still_known() -> None:
    """Its Airflow version is the Deployment's own; what else is known of it comes from the feed."""
    found = row(runtime=("4.2.4", "4.2.4"), runtimeAirflowVersion="2.2.4+astro.3")
    with opened(answering(found)) as client:
        current = client.find(deployment_id="ckw1").current
    assert (str(current), str(current.airflow)) == ("Astro Runtime 4.2.4", "2.2.4")


def test_the_offer_tells_the_airflow_of_a_runtime_that_does_not() -> None:
    """A release on offer carries its Airflow version."""
    with opened(answering(row(runtime=("5.0.4", "5.0.4"), runtimeAirflowVersion=None))) as client:
        assert str(client.find(deployment_id="ckw1").current.airflow) == "2.3.0"


@pytest.mark.parametrize(
    "bad",
    [
        row(airflow=("latest", "latest")),
        row(airflow=("", "")),
        row(airflow=("2.2.4", "soon")),
        row(airflow=("2.2.4", "2.2.4"), runtime=("", "five")),
        row(runtime=("5.0.4-base", "5.0.4-base"), runtimeAirflowVersion="2.3.0"),
        row(runtime=("9.9.9", "9.9.9"), runtimeAirflowVersion=""),
        row(runtime=("9.9.9", "9.9.9"), runtimeAirflowVersion="new"),
    ],
)
def test_a_version_that_cannot_be_read_stops_its_deployment_alone(bad: dict[str, Any]) -> None:
    """The message names the Deployment; the others are planned."""
    other = row(airflow=("2.2.4", "2.2.4"), id="ckw2", releaseName="dust-2")
    with opened(answering(bad, other)) as client:
        with pytest.raises(PlatformAnswerError, match=r"a version of stars-1 that cannot be read: .*nothing is plann"):
            client.find(release_name="stars-1")
        assert client.find(release_name="dust-2").id == "ckw2"


def test_what_houston_leaves_out_has_a_default() -> None:
    """No label, workspace, DAG deployment or address: the release name, nothing, the image, none."""
    bare = row(
        airflow=("2.2.4", "2.2.4"), label=None, workspace=None, dagDeployment=None, urls=None, someday={"new": [1]}
    )
    with opened(answering(bare)) as client:
        found = client.find(deployment_id="ckw1")
        assert (found.label, found.workspace_id, found.dag_deployment) == ("stars-1", "", "image")
        assert found.airflow_url is None
        assert client.health(found, AirflowVersion(2, 2, 4)).detail == "Houston tells no address of its Airflow"
    typeless = row(airflow=("2.2.4", "2.2.4"), dagDeployment={"type": None}, urls=[{"type": "airflow", "url": None}])
    with opened(answering(typeless)) as client:
        assert client.find(deployment_id="ckw1").dag_deployment == "image"


@pytest.mark.parametrize(
    ("flags", "enabled"), [(None, True), ({}, True), ({"astroRuntimeEnabled": False}, False), ({"a": 1}, True)]
)
def test_runtime_counts_as_enabled_unless_the_platform_says_no(flags: dict[str, Any] | None, enabled: bool) -> None:
    """A platform that does not tell its flags is not held to have none."""
    offer = OFFER | {"appConfig": {"version": "0.30.4", "featureFlags": flags}}
    with opened(answering(offer=offer)) as client:
        assert client.snapshot().platform.runtime_enabled is enabled


def test_a_token_without_workspaces_finds_nothing() -> None:
    """There is nothing to ask for, so nothing is asked."""
    with opened(answering(workspaces=())) as client:
        assert client.snapshot().deployments == ()
        with pytest.raises(DeploymentNotFoundError, match="but 0 others"):
            client.find(release_name="stars-1")


def test_a_platform_that_ignores_the_name_finds_nothing_else() -> None:
    """The first Deployment that comes is not taken for the one that was asked for."""
    given = answering(row(airflow=("2.2.4", "2.2.4")))

    def careless(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        body["variables"].pop("releaseName", None)
        return given(httpx.Request("POST", request.url, json=body))

    with opened(careless) as client, pytest.raises(DeploymentNotFoundError, match="but 1 others"):
        client.find(release_name="none-9")


def test_a_workspace_without_an_answer_is_an_error() -> None:
    """Null is an empty workspace, but a workspace that was asked for and is not there is none."""
    with opened(answering(row(airflow=("2.2.4", "2.2.4")), workspaces=("ckw0", "ckw9"))) as client:
        assert len(client.snapshot().deployments) == 1
    complete = answering(workspaces=("ckw0", "ckw9"))

    def incomplete(request: httpx.Request) -> httpx.Response:
        answer = complete(request).json()
        answer["data"].pop("w1", None)
        return httpx.Response(200, json=answer)

    with opened(incomplete) as client, pytest.raises(PlatformAnswerError, match="lacks the workspace ckw9"):
        client.snapshot()


def test_words_of_houston_for_a_missing_deployment_are_understood() -> None:
    """Platforms differ: some answer null, some an error; other errors stay what they are."""
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


def test_nothing_is_sent_before_it_is_needed() -> None:
    """A client can be made where no platform answers; the first question tells."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with opened(handler) as client, stamina.set_testing(True), pytest.raises(PlatformUnreachableError):
        client.snapshot()


def test_the_cancel_of_a_runtime_hop_wishes_for_nothing(served: Served) -> None:
    """A hop on Runtime has a mutation for that; the Deployment goes on as it was."""
    wind, to = served.client.find(deployment_id=WIND), ReleaseId.parse("Runtime 5.0.4")
    served.client.start(wind, to)
    served.client.cancel(wind, to)
    assert seen(served.client.observe(WIND)[0]) == ("Astro Runtime 4.2.5", None)
    assert served.asked()[2:4] == [["updateDeploymentRuntime"], ["cancelRuntimeUpdate"]]


def test_an_image_can_be_delivered_again(served: Served) -> None:
    """The same version once more changes no version."""
    dust = served.client.observe(DUST)[0]
    served.client.deliver(dust, "own:3", dust.current.id)
    assert seen(served.client.observe(DUST)[0]) == ("AC 2.3.0", None)
    assert TOKEN not in served.log.getvalue()


@pytest.mark.parametrize(("version", "field"), [("1.0.1", "updateDeploymentImage"), ("2.1.0", "upsertDeployment")])
def test_an_image_is_delivered_as_a_later_platform_takes_it(tmp_path: Path, version: str, field: str) -> None:
    """There an image is always a Runtime, and nobody is told an Airflow version."""
    with world.serving(tmp_path, rows=world.many(1, 1), version=version) as served:
        found, to = served.client.find(release_name="many-0"), ReleaseId.parse("Runtime 5.0.4")
        served.client.deliver(found, "own:5", to)
        assert served.asked()[-1] == [field]
        assert seen(served.client.find(release_name="many-0")) == ("Astro Runtime 5.0.4", None)


def test_a_platform_that_takes_no_image_is_not_asked_to(tmp_path: Path) -> None:
    """Below 0.29.2; that is a refusal, and it says from when on."""
    with world.serving(tmp_path, version="0.29.1") as served:
        dust = served.client.find(deployment_id=DUST)
        before = served.asked()
        with pytest.raises(PlatformRefusedError, match=r"cannot deploy the image own:1: .* from 0\.29\.2 on"):
            served.client.deliver(dust, "own:1", dust.current.id)
        assert served.asked() == before


def test_a_platform_that_was_upgraded_meanwhile_is_asked_anew() -> None:
    """A document that does not fit any more is replaced by one that does; nobody has to start again."""
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
