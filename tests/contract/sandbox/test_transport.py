"""HTTP around the API: who is let in, what is rejected how, what a running Airflow answers, what the log says."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from starlette.middleware import Middleware

from sandbox import server
from sandbox.houston import Tokens
from sandbox.request_log import RequestLog
from tests.contract.sandbox import cli_documents as ask
from tests.contract.sandbox.sandbox_client import DUST, STARS, TIDES, TOKEN, VIEWER, WIND, Wire
from tests.contract.sandbox_server import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.sandbox.conftest import Start

NO_PERMISSION = "You do not have the appropriate permissions for that"


@pytest.mark.parametrize("token", [TOKEN, f"Bearer {TOKEN}", f"bearer {TOKEN}", VIEWER])
def test_the_token_comes_raw_or_as_bearer(wire: Wire, token: str) -> None:
    """Both are let in."""
    assert wire.data(ask.PLATFORM_VERSION, token=token)


@pytest.mark.parametrize("token", ["", "wrong", "Bearer wrong", "Bearer", f"Basic {TOKEN}", f"{TOKEN}x"])
def test_a_refused_token_is_told_with_status_200(wire: Wire, token: str) -> None:
    """The known words, for appConfig too; a 401 would make the CLI print the raw body."""
    error = wire.refusal(ask.PLATFORM_VERSION, token=token)
    assert error == {"message": NO_PERMISSION, "extensions": {"code": "UNAUTHENTICATED"}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ workspaces { id colour } }", 'Cannot query field "colour" on type "Workspace".'),
        (
            "{ deployment(where: {id: 1}) { id } }",
            "String cannot represent a non string value: 1",
        ),
        ("{ deployment { id } }", 'of type "DeploymentWhereUniqueInput!" is required, but it was not provided'),
        ("{ appConfig { featureFlags { astroRuntimeEnabled } } }", 'Field "featureFlags" must not have a selection'),
        ("{ workspaces }", 'Field "workspaces" of type "[Workspace!]" must have a selection of subfields'),
        (
            "query ($id: Uuid!) { deployment(where: {id: $id}) { id } }",
            'Variable "$id" of type "Uuid!" used in position',
        ),
        ("{ workspaces { id }", "Syntax Error"),
        ("query A { workspaces { id } } query B { workspaces { id } }", "Must provide operation name"),
    ],
)
def test_a_document_that_the_schema_does_not_allow_is_rejected(wire: Wire, document: str, message: str) -> None:
    """Status 400, JSON, the words of a strict server."""
    assert message in wire.invalid(document)


def test_a_misspelt_field_is_suggested(wire: Wire) -> None:
    """In double quotes, as the real server writes."""
    message = wire.invalid('{ deployment(where: {id: "x"}) { runtimeVersio } }')
    assert message.startswith('Cannot query field "runtimeVersio" on type "Deployment". Did you mean "runtimeVersion"')


def test_a_document_is_judged_by_its_own_platforms_schema_however_often_it_comes(start: Start) -> None:
    """It is remembered, but not across platforms."""
    document = f'{{ deployment(where: {{id: "{WIND}"}}) {{ desiredRuntimeVersion }} }}'
    older, newer = start("0.30.4"), start("1.1.0")
    for _ in range(2):
        assert older.data(document)["deployment"]
        assert "desiredRuntimeVersion" in newer.invalid(document)


@pytest.mark.parametrize(
    "variables",
    [{}, {"deploymentUuid": None}, {"deploymentUuid": ""}, {"deploymentUuid": "a b"}, {"deploymentUuid": 5}],
)
def test_a_variable_of_the_wrong_form_is_rejected(wire: Wire, variables: dict[str, Any]) -> None:
    """An id is a text without blanks, not necessarily a UUID."""
    assert 'Variable "$deploymentUuid"' in wire.invalid(ask.CANCEL, variables)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"query", 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"query": 5}', 400),
        (b'{"query": "{ workspaces { id } }", "variables": []}', 400),
        (b'{"query": "{ workspaces { id } }", "operationName": "Other"}', 400),
    ],
)
def test_a_body_that_is_no_request_is_rejected_in_json(wire: Wire, body: bytes, status: int) -> None:
    """Never HTML, never a traceback."""
    response = wire.http.post("/v1", content=body, headers={"authorization": TOKEN})
    assert response.status_code == status
    assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1", 405), ("GET", "/", 404), ("GET", "/sandbox/push", 405), ("GET", "/stars-1/flower", 404)],
)
def test_what_is_not_served_is_told_in_json(wire: Wire, method: str, path: str, status: int) -> None:
    """Errors outside Airflow are JSON."""
    response = wire.http.request(method, path)
    assert response.status_code == status
    assert response.json()["errors"]


def test_a_failure_of_the_sandbox_itself_is_told_without_its_cause(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """The client reads a plain error, the log has the cause."""
    wire.houston.store.close()
    error = wire.refusal(ask.WORKSPACES)
    assert (error["message"], error["extensions"]) == ("Internal server error", {"code": "INTERNAL_SERVER_ERROR"})
    assert "ProgrammingError" in caplog.text
    response = wire.http.get("/sandbox/fleet", headers={"authorization": TOKEN})
    assert (response.status_code, response.json()["errors"][0]["message"]) == (500, "Internal server error")


@pytest.mark.parametrize(
    ("token", "body", "status", "message"),
    [
        (VIEWER, {"releaseName": "stars-1", "image": "ap-airflow:2.3.0"}, 403, NO_PERMISSION),
        ("", {"releaseName": "stars-1", "image": "ap-airflow:2.3.0"}, 403, NO_PERMISSION),
        (TOKEN, {"releaseName": "none-9", "image": "ap-airflow:2.3.0"}, 404, "No deployment exists"),
        (TOKEN, {"releaseName": "stars-1", "image": "other:latest"}, 400, "nothing tells the version"),
        (TOKEN, {"releaseName": "stars-1"}, 400, "give releaseName and image"),
        (TOKEN, {"releaseName": "stars-1", "image": 5}, 400, "give releaseName and image"),
    ],
)
def test_a_push_that_cannot_be_is_refused(
    wire: Wire, token: str, body: dict[str, object], status: int, message: str
) -> None:
    """By the token, the release, the image."""
    response = wire.http.post("/sandbox/push", json=body, headers={"authorization": token})
    assert response.status_code == status
    assert message in response.json()["errors"][0]["message"]


def test_the_operators_view_needs_a_token(wire: Wire) -> None:
    """Any role will do."""
    assert wire.http.get("/sandbox/fleet").status_code == 403
    assert len(wire.http.get("/sandbox/fleet", headers={"authorization": VIEWER}).json()) == 4


def test_airflow_is_healthy_and_tells_its_version(wire: Wire) -> None:
    """The version carries what Astronomer adds."""
    assert wire.airflow("stars-1", "api/v1/version").json() == {"version": "2.2.3+astro.1", "git_version": None}
    health = wire.airflow("wind-3", "health").json()
    assert (health["metadatabase"]["status"], health["scheduler"]["status"]) == ("healthy", "healthy")


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), (f"Bearer {TOKEN}", 200), (VIEWER, 200)])
def test_airflow_needs_the_same_token(wire: Wire, token: str, status: int) -> None:
    """The proxy in front refuses in HTML."""
    response = wire.airflow("stars-1", "health", token=token)
    assert response.status_code == status
    assert ("html" in response.headers["content-type"]) is (status == 401)


@pytest.mark.parametrize(
    ("row", "path", "components"),
    [
        ("runtime, version: 4.2.5", "health", {}),
        ("runtime, version: 12.12.0", "health", {"dag_processor": None, "triggerer": None}),
        (
            "runtime, version: 12.12.0, triggerer: running",
            "health",
            {"dag_processor": None, "triggerer": "healthy"},
        ),
        ("runtime, version: '3.1-12'", "api/v2/monitor/health", {"dag_processor": "healthy", "triggerer": None}),
    ],
)
def test_a_health_page_is_as_the_real_ones(
    start: Start, tmp_path: Path, row: str, path: str, components: dict[str, str | None]
) -> None:
    """Null where a component never ran; a status follows from the age of a heartbeat."""
    fleet = tmp_path / "one.yaml"
    fleet.write_text(
        f"- {{id: x, releaseName: one-1, label: One, workspace: w, distribution: {row}}}", encoding="utf-8"
    )
    wire = start(catalog="published", fleet=fleet)
    beat = "2022-04-15T05:20:00.000000+00:00"

    def told(scheduler: str) -> dict[str, dict[str, str | None]]:
        statuses = {"scheduler": scheduler, **components}
        parts = {
            name: {f"latest_{name}_heartbeat": beat if status else None, "status": status}
            for name, status in statuses.items()
        }
        return {"metadatabase": {"status": "healthy"}, **parts}

    wire.clock.now += 4.9
    assert wire.airflow("one-1", path).json() == told("healthy")
    stopped = wire.http.post(
        "/sandbox/stop", json={"releaseName": "one-1", "component": "scheduler"}, headers={"authorization": TOKEN}
    )
    assert stopped.json()["health"] == "scheduler stopped"
    wire.clock.now += 25
    scheduler = wire.airflow("one-1", path).json()["scheduler"]
    assert scheduler == {"latest_scheduler_heartbeat": beat, "status": "healthy"}
    wire.clock.now += 0.2
    assert wire.airflow("one-1", path).json()["scheduler"]["status"] == "unhealthy"


@pytest.mark.parametrize(
    ("release", "component", "token", "status"),
    [
        ("none-9", "scheduler", TOKEN, 404),
        ("stars-1", "webserver", TOKEN, 400),
        ("stars-1", "dag_processor", TOKEN, 400),
        ("stars-1", "scheduler", VIEWER, 403),
    ],
)
def test_what_cannot_be_stopped_is_refused(wire: Wire, release: str, component: str, token: str, status: int) -> None:
    """Nothing is stopped then."""
    body, headers = {"releaseName": release, "component": component}, {"authorization": token}
    assert wire.http.post("/sandbox/stop", json=body, headers=headers).status_code == status
    rows = wire.http.get("/sandbox/fleet", headers={"authorization": TOKEN}).json()
    assert {row["health"] for row in rows} == {"healthy"}


@pytest.mark.parametrize("path", ["none-9/airflow/health", "stars-1/airflow/api/v1/dags", "stars-1/airflow/"])
def test_airflow_serves_nothing_else(wire: Wire, path: str) -> None:
    """Neither other releases nor other addresses."""
    assert wire.http.get(path, headers={"authorization": TOKEN}).status_code == 404


def test_a_rollout_takes_airflow_away_and_brings_the_new_version(wire: Wire) -> None:
    """First a proxy's 503 in HTML, then a webserver without a scheduler, then health."""
    wire.data(ask.UPDATE_IMAGE, {"releaseName": "tides-4", "image": "astro-runtime:4.2.5"})
    response = wire.airflow("tides-4", "health")
    assert (response.status_code, response.headers["content-type"]) == (503, "text/html; charset=utf-8")
    wire.clock.now += 60
    assert wire.airflow("tides-4", "health").json()["scheduler"]["status"] == "unhealthy"
    assert wire.airflow("tides-4", "api/v1/version").json()["version"] == "2.2.5+astro.1"
    wire.clock.now += 40
    assert wire.airflow("tides-4", "health").json()["scheduler"]["status"] == "healthy"


@pytest.mark.parametrize(
    ("row", "answering", "missing"),
    [
        ("certified, version: 1.10.5", ["health"], ["api/v1/version", "api/v2/version"]),
        ("runtime, version: 12.12.0", ["health", "api/v1/version"], ["api/v2/version", "api/v2/monitor/health"]),
        ("runtime, version: '3.1-12'", ["api/v2/monitor/health", "api/v2/version"], ["health", "api/v1/version"]),
    ],
)
def test_each_airflow_has_its_own_addresses(
    start: Start, tmp_path: Path, row: str, answering: list[str], missing: list[str]
) -> None:
    """1.10 tells no version, 3 has moved both."""
    fleet = tmp_path / "one.yaml"
    fleet.write_text(
        f"- {{id: x, releaseName: one-1, label: One, workspace: w, distribution: {row}}}", encoding="utf-8"
    )
    wire = start(catalog="published", fleet=fleet)
    answers = [wire.airflow("one-1", path).json() for path in answering]
    assert answers[0]["scheduler"]["status"] == "healthy"
    assert all(each["version"].endswith("+astro.1") for each in answers[1:])
    assert {wire.airflow("one-1", path).status_code for path in missing} == {404}


def test_the_request_log_counts_what_was_asked_and_has_no_token(start: Start) -> None:
    """A line for each request: root fields without aliases, variables, status; stars for a token wherever it is."""
    stream = io.StringIO()
    tokens = Tokens(admin=TOKEN, viewer=VIEWER)
    wire = start(middleware=[Middleware(RequestLog, stream=stream, tokens=tokens, clock=lambda: 0.0)])
    wire.post('{ a: workspaces { id } b: deployment(where: {id: "x"}) { id } ... on Query { appConfig { version } } }')
    wire.post(ask.CANCEL, {"deploymentUuid": TOKEN})
    wire.post("{ nonsense", None, token="wrong")
    wire.airflow(VIEWER, "health")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["fields"] for line in lines] == [["workspaces", "deployment"], ["cancelRuntimeUpdate"], [], []]
    assert [line["status"] for line in lines] == [200, 200, 200, 404]
    assert lines[0]["time"] == "1970-01-01T00:00:00.000Z"
    assert lines[1]["variables"] == {"deploymentUuid": "***"}
    assert lines[3]["path"] == "/***/airflow/health"
    assert TOKEN not in stream.getvalue()
    assert VIEWER not in stream.getvalue()


def test_a_client_that_goes_away_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One that was interrupted while it asked: a line in the request log, and no traceback on stderr."""
    with serving(tmp_path) as served:
        address = urlsplit(served.url)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        deadline = time.monotonic() + 10
        while not served.log.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        line = json.loads(served.log.getvalue())
    assert (line["path"], line["fields"], line["status"]) == ("/v1", [], 499)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_token_is_in_no_repr(wire: Wire) -> None:
    """A printed Houston shows none."""
    assert TOKEN not in repr(wire.houston)


def test_everything_survives_a_restart(start: Start, tmp_path: Path) -> None:
    """A started hop, a completed one, a running rollout: the state file wins over the fleet file."""
    state = tmp_path / "state.db"
    first = start(state=state)
    first.data(ask.UPDATE_AIRFLOW, {"deploymentId": STARS, "desiredAirflowVersion": "2.3.0"})
    first.data(ask.UPDATE_IMAGE, {"releaseName": "tides-4", "image": "astro-runtime:4.2.5"})
    before = [first.data(ask.DEPLOYMENT, {"id": each}) for each in (STARS, DUST, WIND, TIDES)]
    first.houston.store.close()
    second = start(state=state)
    assert [second.data(ask.DEPLOYMENT, {"id": each}) for each in (STARS, DUST, WIND, TIDES)] == before
    assert second.airflow("tides-4", "health").status_code == 503


def test_the_socket_is_named_as_tcp() -> None:
    """Asyncio has answers sent at once over no other; each would wait 40 ms for the client's acknowledgement."""
    with contextlib.closing(server.bind(0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP
