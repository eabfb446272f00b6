"""The commands as processes: what they print, how they end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox import startup
from sandbox.cli import main
from sandbox.errors import SandboxError
from tests.contract.sandbox.sandbox_client import FLEET, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-W", "error", "-m", "sandbox")


def clean(**variables: str) -> dict[str, str]:
    """Give this environment without the variables that the commands read, plus those given."""
    names = ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN")
    return {key: value for key, value in os.environ.items() if key not in names} | variables


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=clean(**variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start ``serve``; gives the address that it printed and the process, which is ended afterwards."""
    with subprocess.Popen(
        [*COMMAND, "serve", *arguments],
        cwd=ROOT,
        env=clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/v1)\n", process.stdout.readline())
            assert match, process.communicate(timeout=10)[1]
            yield match[1], process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=10)


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet file."""
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    return path


def test_a_fleet_is_served_deployed_to_and_shown(fleet: Path, tmp_path: Path) -> None:
    """The whole round as a person does it, over two servers with one state file and a log without the token."""
    state, log = tmp_path / "state.db", tmp_path / "requests.jsonl"
    arguments = ("--fleet", str(fleet), "--token", TOKEN, "--state", str(state), "--request-log", str(log))
    with serving(*arguments, "--rollout-seconds", "0") as (url, process):
        assert httpx.post(
            url, json={"query": "{ appConfig { version } }"}, headers={"authorization": TOKEN}
        ).json() == {"data": {"appConfig": {"version": "0.30.4"}}}
        credentials = {"ASTRO_HOUSTON_URL": url, "ASTRO_HOUSTON_TOKEN": TOKEN}
        pushed = run("deploy", "tides-4", "quay.io/astronomer/astro-runtime:4.2.5-base", **credentials)
        assert (pushed.returncode, pushed.stderr) == (0, "")
        assert pushed.stdout == "pushed quay.io/astronomer/astro-runtime:4.2.5-base to tides-4\n"
        mismatch = run("deploy", "dust-2", "own:latest", "--runtime-version", "5.0.4", **credentials)
        assert (mismatch.returncode, mismatch.stderr) == (0, "")
        stopped = run("stop", "wind-3", "scheduler", **credentials)
        assert (stopped.stdout, stopped.stderr) == ("stopped the scheduler of wind-3\n", "")
        assert run("stop", "wind-3", "triggerer", **credentials).returncode == 1
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0
    with serving(*arguments) as (url, _):
        shown = run("show", "--url", url, "--token", TOKEN)
    assert (shown.returncode, shown.stderr) == (0, "")
    heading, *rows = shown.stdout.splitlines()
    assert heading.split()[0] == "RELEASE"
    assert [row[: heading.index("LABEL")].strip() for row in rows] == ["stars-1", "dust-2", "wind-3", "tides-4"]
    start = heading.index("DISTRIBUTION")
    assert rows[3][start:].split()[:4] == ["runtime", "4.2.5", "2.2.5", "-"]
    assert "scheduler stopped" in rows[2]
    assert "own:latest: ignored (no Runtime version is desired)" in rows[1]
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["fields"] for line in lines] == [["appConfig"], *[[]] * 5]
    assert TOKEN not in log.read_text(encoding="utf-8")


def test_a_proxy_in_front_can_be_where_the_airflows_are(fleet: Path) -> None:
    """With a public URL the addresses that Houston tells lead there."""
    with serving("--fleet", str(fleet), "--public-url", "http://127.0.0.1:1/front/") as (url, _):
        ask = '{ deployment(where: {releaseName: "tides-4"}) { urls { type url } } }'
        answer = httpx.post(url, json={"query": ask}, headers={"authorization": "sandbox-token"}).json()
    urls = {each["type"]: each["url"] for each in answer["data"]["deployment"]["urls"]}
    assert urls["airflow"] == "http://127.0.0.1:1/front/tides-4/airflow"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_and_quietly(number: signal.Signals) -> None:
    """Exit code 0, nothing on stderr, even while a client keeps its connection."""
    with serving() as (url, process), httpx.Client() as client:
        assert client.get(url).status_code == 405
        before = time.monotonic()
        process.send_signal(number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0
        assert time.monotonic() - before < 3


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """A mutation is on disk before its answer leaves, and a killed sandbox leaves no lock behind."""
    state = ("--state", str(tmp_path / "state.db"))
    headers = {"authorization": "sandbox-token"}
    with serving(*state) as (url, process):
        cancel = 'mutation { cancelRuntimeUpdate(deploymentUuid: "ckw1lunartides000000004") { desiredRuntimeVersion } }'
        answer = httpx.post(url, json={"query": cancel}, headers=headers).json()
        assert answer == {"data": {"cancelRuntimeUpdate": {"desiredRuntimeVersion": ""}}}
        process.kill()
        process.wait(timeout=10)
    with serving(*state) as (url, _):
        ask = '{ deployment(where: {id: "ckw1lunartides000000004"}) { desiredRuntimeVersion } }'
        answer = httpx.post(url, json={"query": ask}, headers=headers).json()
        assert answer == {"data": {"deployment": {"desiredRuntimeVersion": ""}}}


def test_a_port_in_use_is_told_in_a_line() -> None:
    """With the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", "--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--catalog", "none"], "there is no catalog 'none'"),
        (["--fleet", "none.yaml"], "the fleet file none.yaml cannot be read"),
        (["--state", "/dev/null/state"], "the state file /dev/null/state cannot be used"),
        (["--platform-version", "0.28.0"], "the sandbox plays the platforms 0.29.0 to 2.x"),
        (["--request-log", "/dev/null/log"], "the request log /dev/null/log cannot be written"),
        (["--token", ""], "a token cannot be empty"),
        (["--token", "same", "--viewer-token", "same"], "the viewer's token must differ"),
        (["--lacks", "Deployment.lable"], "this platform has no field Deployment.lable that it could lack"),
        (["--put", "w0.0.label"], "'w0.0.label' is not PATH=JSON"),
        (["--port", "70000"], "cannot listen on 127.0.0.1:70000"),
    ],
)
def test_what_serve_cannot_use_is_told_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback; exit code 2 for wrong input, 1 for a port."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main(["serve", *arguments]) == (1 if "--port" in arguments else 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert len(captured.err.splitlines()) == 1


def test_a_state_that_does_not_fit_the_platform_is_refused(fleet: Path, tmp_path: Path) -> None:
    """Certified Deployments of an older platform cannot come along to 0.37."""
    settings = {"token": TOKEN, "state": tmp_path / "state.db"}
    with startup.houston(startup.Settings(**settings, fleet=fleet), "http://x"):  # type: ignore[arg-type]
        pass
    newer = startup.Settings(**settings, platform_version="0.37.0")  # type: ignore[arg-type]
    with (
        pytest.raises(SandboxError, match="stars-1: Astronomer Certified cannot exist"),
        startup.houston(newer, "http://x"),
    ):
        pass


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "soon"])
def test_rollout_seconds_are_a_number_from_0_on(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is a mistake in the arguments."""
    with pytest.raises(SystemExit) as raised:
        main(["serve", f"--rollout-seconds={value}"])
    assert raised.value.code == 2
    assert "--rollout-seconds" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_heartbeat_seconds_are_a_number_above_0(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A component that beats all the time has no last heartbeat."""
    with pytest.raises(SystemExit) as raised:
        main(["serve", f"--heartbeat-seconds={value}"])
    assert raised.value.code == 2
    assert "--heartbeat-seconds" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-1", "101", "nan", "some"])
def test_more_than_all_answers_cannot_get_lost(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told which option is wrong."""
    with pytest.raises(SystemExit) as raised:
        main(["serve", f"--failing-percent={value}"])
    assert raised.value.code == 2
    assert "--failing-percent" in capsys.readouterr().err


@pytest.fixture
def lonely(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no sandbox."""
    monkeypatch.delenv("ASTRO_HOUSTON_URL", raising=False)
    monkeypatch.delenv("ASTRO_HOUSTON_TOKEN", raising=False)


@pytest.mark.usefixtures("lonely")
@pytest.mark.parametrize(
    ("url", "message", "code"),
    [
        ([], "no sandbox is named: give --url or set ASTRO_HOUSTON_URL", 2),
        (["--url", "localhost"], "'localhost' is not an address", 2),
        (["--url", "http://[::1"], "'http://[::1' is not an address", 2),
        (["--url", "http://127.0.0.1:9/v1"], "no sandbox answers at http://127.0.0.1:9/v1", 1),
    ],
)
def test_without_a_sandbox_the_commands_say_so(
    url: list[str], message: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, for both."""
    for command in (["show"], ["deploy", "stars-1", "image:1"]):
        assert main([*command, *url]) == code
        assert capsys.readouterr().err.startswith(f"error: {message}")


def test_the_sandboxs_refusal_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown release, an image that tells nothing, a wrong token."""
    with serving() as (url, _):
        for arguments, message in (
            (["none-9", "astro-runtime:5.0.4"], "No deployment exists with releaseName: none-9"),
            (["solar-wind-9012", "own:latest"], "nothing tells the version of image own:latest"),
            (
                ["solar-wind-9012", "own:latest", "--token", "wrong"],
                "You do not have the appropriate permissions for that",
            ),
        ):
            assert main(["deploy", *arguments, "--url", url]) == 1
            assert capsys.readouterr().err.startswith(f"error: the sandbox refused: {message}")


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(500, json={"detail": "?"})])
def test_another_server_is_told_apart(
    answer: httpx.Response, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it answers, no traceback."""
    monkeypatch.setattr(httpx, "request", lambda *_, **__: answer)
    assert main(["show", "--url", "http://elsewhere"]) == 1
    assert capsys.readouterr().err == "error: http://elsewhere is not the address of a sandbox\n"


def test_ctrl_c_before_the_server_runs_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0, too."""

    def interrupted(_: startup.Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(startup, "serve", interrupted)
    assert main(["serve"]) == 0
