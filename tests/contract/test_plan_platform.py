"""Command line on a live platform: plans of one Deployment, of all, and of a stack's config; refusals and errors."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from astro_deployment_runtime.cli import main
from tests.contract import sandbox_server
from tests.contract.sandbox_server import TOKEN, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A sandbox with four Deployments, and an environment that names it."""
    with sandbox_server.serving(tmp_path) as running:
        monkeypatch.setenv("ASTRO_HOUSTON_URL", running.url)
        monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", TOKEN)
        monkeypatch.setenv("ASTRO_CATALOG", "guide")
        yield running


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Read what was printed as JSON."""
    return dict(json.loads(capsys.readouterr().out))


def stack(folder: Path, **config: Any) -> list[str]:
    """Write a project with one stack, and return the options that name it."""
    (folder / "Pulumi.yaml").write_text("name: astro\n")
    keys = {f"astro:{key}": value for key, value in config.items()}
    (folder / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": keys}))
    return ["plan", "--stack", "test", "--cwd", str(folder)]


def test_a_deployment_is_planned_from_what_it_runs(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """With its label, by the rules for the platform's version, in two requests."""
    assert main.main(["plan", "--release", "stars-1", "--to", "5.0.4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Stars-1 (stars-1): AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops, Airflow 2.2.3 > 2.3.0)"
    assert not [line for line in lines if "Offline" in line]
    assert len(served.asked()) == 2


def test_a_release_name_of_two_deployments_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lists both, and says how to name one. Unreadable rows of Houston's releases are a note."""
    with sandbox_server.serving(tmp_path, put=['w0.1.releaseName="stars-1"', "runtimeReleases.0=null"]) as served:
        monkeypatch.setenv("ASTRO_HOUSTON_URL", served.url)
        monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", TOKEN)
        assert main.main(["plan", "--release", "stars-1", "--to", "5.0.4"]) == 1
        told = capsys.readouterr().err
        other = f"'Dust-2' in workspace {sandbox_server.SPACE} ({sandbox_server.DUST})"
        assert f"({sandbox_server.STARS}), {other}: declare the right one" in told
        assert "1 row that cannot be read; left out: runtimeReleases: null" in told


@pytest.mark.usefixtures("served")
def test_a_deployment_is_planned_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With its names, and the same plan as offline."""
    assert main.main(["plan", "--release", "dust-2", "--to", "equivalent", "--json"]) == 0
    found = answer(capsys)
    assert (found["releaseName"], found["deploymentId"], found["label"]) == ("dust-2", sandbox_server.DUST, "Dust-2")
    assert [(hop["action"], hop["to"]["version"]) for hop in found["hops"]] == [("migrate", "5.0.4")]
    assert found["error"] is None


@pytest.mark.usefixtures("served")
def test_a_refusal_of_one_deployment_has_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    """With the reasons and the next steps."""
    assert main.main(["plan", "--release", "wind-3", "--to", "4.0.11"]) == 3
    text = capsys.readouterr().out
    assert text.startswith(
        "Wind-3 (wind-3): no path from Astro Runtime 4.2.5 to Astro Runtime 4.0.11 (Airflow 2.2.3)\n"
    )
    assert "  NO-REVERT: " in text
    assert "\nNext: " in text


@pytest.mark.usefixtures("served")
def test_a_pending_hop_counts_as_foreign(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer says so, because there is no state. If it is the path's next hop, it is adopted."""
    assert main.main(["plan", "--release", "tides-4", "--to", "5.0.4"]) == 3
    text = capsys.readouterr().out
    assert "PENDING: Astro Runtime 4.2.5 is pending and not on the path; someone else started it" in text
    assert text.endswith("who started a pending hop. This answer assumes that somebody else did.\n")
    assert main.main(["plan", "--release", "tides-4", "--to", "5.0.4", "--accept", "cancel-pending"]) == 0
    assert "-  cancel   Astro Runtime 4.2.5 (pending)" in capsys.readouterr().out
    assert main.main(["plan", "--release", "tides-4", "--to", "4.2.5"]) == 0
    assert "Hop 1 is already pending" in capsys.readouterr().out


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--release", "nowhere-9", "--to", "5.0.4"], 1, "no Deployment with the release name 'nowhere-9'"),
        (["--release", "No Name", "--to", "5.0.4"], 2, "release_name: "),
        (["--all", "--to", "5"], 2, "is not an Astro Runtime version"),
        (["--all", "--to", "5.0.4", "--accept", "all"], 2, "'all' cannot be accepted"),
        (
            ["--all", "--to", "5.0.4", "--catalog", "guide"],
            2,
            "other options for it are --accept, --deny, --json, --strategy",
        ),
        (["--stack", "test", "--cwd", "nowhere"], 2, "there is no Pulumi.yaml in nowhere: name"),
    ],
)
def test_an_unusable_question_is_an_error(
    arguments: list[str], code: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, in one line."""
    assert main.main(["plan", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_platform_that_cannot_be_reached_is_an_error(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rejected token and a missing address too; without a traceback, and without the token."""
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", "canary-wrong-0815")
    assert main.main(["plan", "--all", "--to", "5.0.4"]) == 1
    refused = capsys.readouterr().err
    assert "token" in refused
    assert "0815" not in refused
    monkeypatch.setenv("ASTRO_HOUSTON_URL", "")
    assert main.main(["plan", "--all", "--to", "5.0.4"]) == 2
    assert "or set the environment variable ASTRO_HOUSTON_URL" in capsys.readouterr().err
    assert len(served.asked()) == 1


def test_all_deployments_are_planned_in_two_requests(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of their names. One refusal makes the exit code 3."""
    assert main.main(["plan", "--all", "--to", "5.0.4", "--json"]) == 3
    found = answer(capsys)["deployments"]
    assert [each["releaseName"] for each in found] == ["dust-2", "stars-1", "tides-4", "wind-3"]
    assert [len(each["hops"]) for each in found] == [1, 2, 0, 1]
    assert [each["refusals"] != [] for each in found] == [False, False, True, False]
    assert len(served.asked()) == 2
    accept = ["--accept", "cancel-pending"]
    assert main.main(["plan", "--all", "--to", "5.0.4", *accept]) == 0
    assert main.main(["plan", "--all", "--to", "5.0.4", *accept, "--deny", "database-migration"]) == 3


def test_a_stack_is_planned_without_the_engine(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the settings of its config; selectors, exclusions and defaults work as in preview."""
    monkeypatch.delenv("ASTRO_HOUSTON_URL")
    options = stack(
        tmp_path,
        houstonUrl=served.url,
        defaults={"runtimeVersion": "5.0.4"},
        deployments=[{"name": "ml", "releaseName": "wind-3"}],
        selectors=[{"releaseName": "*"}],
        exclude=["tides-*"],
    )
    assert main.main([*options, "--json"]) == 0
    found = answer(capsys)
    assert [each["name"] for each in found["deployments"]] == ["ml", "dust-2", "stars-1"]
    assert found["notes"] == []


@pytest.mark.usefixtures("served")
def test_an_encrypted_setting_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A note says so, also if the environment lacks it."""
    options = stack(
        tmp_path,
        token={"secure": "v1:abc"},
        deployments=[{"name": "ml", "releaseName": "wind-3", "runtimeVersion": "5.0.4"}],
    )
    note = (
        "astro:token is encrypted in Pulumi.test.yaml, and only the engine can read that; plan --stack uses the "
        "environment variables instead\n"
    )
    assert main.main(options) == 0
    assert f"\nnote: {note}" in capsys.readouterr().out
    monkeypatch.delenv("ASTRO_HOUSTON_TOKEN")
    assert main.main(options) == 2
    err = capsys.readouterr().err
    assert "ASTRO_HOUSTON_TOKEN" in err
    assert err.endswith(note)


@pytest.mark.usefixtures("served")
def test_refusals_of_a_stacks_deployments_have_their_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule of the planner, an unusable image, or a Deployment that does not exist."""
    options = stack(
        tmp_path,
        defaults={"runtimeVersion": "4.2.5"},
        deployments=[
            {"name": "gone", "releaseName": "nowhere-9"},
            {"name": "bare", "releaseName": "stars-1", "image": "{base}"},
            {"name": "down", "releaseName": "dust-2"},
        ],
    )
    assert main.main([*options, "--json"]) == 3
    bare, down, gone = sorted(answer(capsys)["deployments"], key=lambda each: str(each["name"]))
    assert (len(bare["hops"]), bare["refusals"]) == (2, [])
    assert "is the vendor's bare base image" in bare["error"]
    assert [refusal["rule"] for refusal in down["refusals"]] == ["NO-REVERT"]
    assert down["error"] is None
    assert (gone["from"], gone["to"], gone["hops"]) == (None, None, [])
    assert "no Deployment with the release name" in gone["error"]


@pytest.mark.usefixtures("served")
def test_a_pending_hop_of_a_stack_may_be_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer says so, because only the state records it."""
    options = stack(tmp_path, deployments=[{"name": "x", "releaseName": "tides-4", "runtimeVersion": "5.0.4"}])
    assert main.main(options) == 0
    text = capsys.readouterr().out
    assert "cancel Astro Runtime 4.2.5, then AC 2.2.5 > " in text
    assert "This answer assumes that the stack did; if not, pulumi preview refuses to cancel it." in text


@pytest.mark.usefixtures("served")
def test_releases_explain_and_graph_use_the_platform(capsys: pytest.CaptureFixture[str]) -> None:
    """Its releases, and the rules for its version."""
    assert main.main(["releases", "--live", "--json"]) == 0
    found = answer(capsys)
    assert found["platform"] == "0.30.4"
    assert "5.0.4" in [each["version"] for each in found["releases"]]
    assert main.main(["explain", "AC 2.2.3", "5.0.4", "--live"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops, Airflow 2.2.3 > 2.3.0)\n")
    assert "Offline" not in text
    assert main.main(["explain", "AC 2.2.3", "9.9.9", "--live"]) == 3
    assert "\n  python -m astro_deployment_runtime explain 'AC 2.2.3' 5.0.4 --live\n" in capsys.readouterr().out
    assert main.main(["graph", "AC 2.2.3", "9.9.9", "--live", "--format", "json"]) == 3
    assert [edge["kind"] for edge in answer(capsys)["edges"]] == ["forbidden", "possible", "possible"]
    assert main.main(["graph", "AC 2.2.3", "5.0.4", "--live", "--catalog", "guide"]) == 2
    assert "--catalog and --live exclude each other" in capsys.readouterr().err


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("plain", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_a_terminal(plain: str, coloured: bool) -> None:
    """Unless ``NO_COLOR`` is set. Lines fit the terminal's width."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": plain, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "astro_deployment_runtime", "plan", "--all", "--to", "5.0.4"]
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        printed = b""
        # At its end a terminal whose other side is closed raises an error instead of returning nothing.
        try:
            while part := os.read(ours, 4096):
                printed += part
        except OSError:
            pass
        os.close(ours)
        assert process.wait() == 3
    table = printed.decode().partition("\r\n\r\n")[0]
    assert ("\x1b[31m" in table) is coloured
    assert coloured or max(map(len, table.splitlines())) <= 100
