"""``plan`` without a platform: output, exit codes, and unusable input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.cli import main

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = ("plan", "--catalog", "guide")


def test_a_plan_is_printed_with_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """A line says which rules are not judged offline."""
    assert main.main([*GUIDE, "--from", "AC 2.2.3", "--to", "5.0.4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops, Airflow 2.2.3 > 2.3.0)"
    assert lines[-1] == "Offline: the rule PLATFORM was not checked, since no platform was asked."


def test_a_plan_names_the_mirrors_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its FROM lines, its JSON and its explanation. An unusable setting is an error."""
    image = "localhost:5000/astronomer/astro-runtime"
    monkeypatch.setenv("ASTRO_BASE_IMAGES", json.dumps({"runtime": image}))
    question = ["--catalog", "guide", "--from", "AC 2.3.0", "--to", "5.0.4"]
    assert main.main(["plan", *question]) == 0
    assert f"FROM {image}:5.0.4\n" in capsys.readouterr().out
    assert main.main(["plan", *question, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hops"][0]["image"] == f"{image}:5.0.4"
    assert main.main(["explain", "--catalog", "guide", "AC 2.3.0", "5.0.4"]) == 0
    assert f"FROM {image}:5.0.4\n" in capsys.readouterr().out
    monkeypatch.setenv("ASTRO_BASE_IMAGES", "x")
    assert main.main(["plan", *question]) == 2
    assert "astro:baseImages is 'x'" in capsys.readouterr().err


def test_a_refusal_is_printed_with_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, because it is an answer."""
    assert main.main([*GUIDE, "--from", "Runtime 5.0.4", "--to", " 4.2.5 "]) == 3
    assert "  NO-REVERT: " in capsys.readouterr().out
    assert main.main([*GUIDE, "--from", "Runtime 5.0.4", "--to", "9.9.9", "--json"]) == 3
    refusal = json.loads(capsys.readouterr().out)
    assert refusal["to"] == {"distribution": "runtime", "version": "9.9.9", "airflow": None}
    assert [each["rule"] for each in refusal["refusals"]] == ["OFFERED"]


def test_strategy_and_accept_change_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """``--accept`` is repeatable."""
    assert main.main(["plan", "--from", "AC 2.2.3", "--to", "6.0.0", "--strategy", "fewest-hops", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["hops"]) == 2
    accept = ["--accept", "newer", "--accept", "yanked:9.0.0"]
    assert main.main(["plan", "--from", "Runtime 8.10.0", "--to", "9.0.0", *accept]) == 0
    assert "warning yanked" in capsys.readouterr().out


def test_a_denied_warning_is_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    """In ``plan`` and in ``explain``."""
    deny = ["--deny", "database-migration"]
    assert main.main([*GUIDE, "--from", "AC 2.2.3", "--to", "5.0.4", *deny]) == 3
    assert "  DENIED: database-migration: " in capsys.readouterr().out
    assert main.main(["explain", "AC 2.2.3", "5.0.4", "--catalog", "guide", *deny]) == 3
    ways = capsys.readouterr().out.partition("To explain a way out, run:\n")[2].splitlines()[:2]
    assert ways == [
        "  python -m astro_deployment_runtime explain 'AC 2.2.3' 4.0.11 --catalog guide --deny database-migration",
        "  python -m astro_deployment_runtime explain 'AC 2.2.3' 5.0.4 --catalog guide",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--from", "AC 2.2.3", "--to", "5.0.4", "--deny", "all"],
            "'all' cannot be denied; use one of: airflow-version",
        ),
        (
            ["--from", "AC 2.2.3", "--to", "5.0.4", "--deny", "out-of-support"],
            "--deny out-of-support: support is judged only for a live platform; remove it",
        ),
        (
            ["--from", "AC 2.2.3", "--to", "5.0.4", "--deny", "deprecated", "--accept", "deprecated"],
            "deprecated: both accepted and denied; keep one of the two",
        ),
        (["--from", "AC 2.2", "--to", "5.0.4"], "'2.2' is not an Astronomer Certified version"),
        (["--from", "AC 2.2.3 (Airflow 2.2.3)", "--to", "5.0.4"], "AC 2.2.3 has Airflow 2.2.3 anyway"),
        (["--from", "2.2.3", "--to", "5.0.4"], "is not a release"),
        (["--from", "Runtime 5.9.9", "--to", "5.0.4"], "add the Airflow version that it runs, 'Runtime 5.9.9 (Airflow"),
        (["--from", "Runtime 5.9.9 (Airflow 2)", "--to", "5.0.4"], "'2' is not an Airflow version"),
        (["--from", "AC 2.2.3", "--to", "AC 2.3.0"], "is not an Astro Runtime version"),
        (["--from", "AC 2.2.3", "--to", "Equivalent"], "is not an Astro Runtime version"),
        (["--from", "AC 2.2.3", "--to", "5.0.4", "--accept", "all"], "use one of: yanked:VERSION"),
        (["--from", "AC 2.2.3", "--to", "5.0.4", "--catalog", "nowhere"], "the catalog 'nowhere' cannot be used"),
        (
            ["--from", "AC 2.2.3"],
            "use --from FROM --to TO; the only other options for it are --accept, --catalog, --deny, --json",
        ),
        (["--from", "AC 2.2.3", "--to", "5.0.4", "--batch", "x"], "use one of: --from FROM --to TO, --batch FILE, "),
        (["--from", "AC 2.2.3", "--to", "5.0.4", "--cwd", "x"], "use --from FROM --to TO; the only other options"),
        (["--all", "--to", "5.0.4"], "use --all --to TO; the only other options for it are --accept, --deny"),
        (["--stack"], "use --stack [NAME]; the only other options for it are --cwd, --json"),
        (["--batch", "nowhere"], "nowhere: cannot be read (No such file or directory)"),
        (["--batch", "a\0b"], "a\\x00b: cannot be read (embedded null byte)"),
        (["--from", "AC \udcff\x1b[31m", "--to", "5.0.4"], "'\\udcff\\x1b[31m' is not"),
        ([], "use one of: --from FROM --to TO"),
    ],
)
def test_unusable_input_is_an_error_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error; nothing is on standard output."""
    assert main.main([*GUIDE, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err


def test_a_stated_airflow_version_wins_over_the_catalogs(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan warns that they differ."""
    arguments = ["--from", "Astro Runtime 4.2.4 (Airflow 2.2.4)", "--to", "4.2.5", "--json"]
    assert main.main([*GUIDE, *arguments]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["from"] == {"distribution": "runtime", "version": "4.2.4", "airflow": "2.2.4"}
    assert [warning["name"] for warning in plan["warnings"]] == ["airflow-version"]


@pytest.mark.parametrize(
    ("text", "code", "kinds"),
    [
        ("AC 2.2.3\t5.0.4\nRuntime 4.2.4\tequivalent\n", 0, ["plan", "plan"]),
        ("AC 2.2.3\t5.0.4\r\nRuntime 5.0.4\t4.2.5\r\n", 3, ["plan", "refusal"]),
        ("AC 2.2.3\t5.0.4\n\nRuntime 5.0.4\t4.2.5", 2, ["plan", "error", "refusal"]),
        ("AC 2.2.3 5.0.4\nAC 2.2.3\t5.0.4\tx\nAC 2.2.3\tx\u2028", 2, ["error"] * 3),
        ("", 0, []),
    ],
)
def test_a_batch_prints_one_object_for_each_line(
    text: str, code: int, kinds: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order. An unreadable line has an error; the exit code is that of the worst line."""
    file = tmp_path / "pairs"
    file.write_bytes(text.encode())
    assert main.main([*GUIDE, "--batch", str(file)]) == code
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = ["error" if "error" in each else "refusal" if each["refusals"] else "plan" for each in objects]
    assert found == kinds


def test_a_batch_that_is_not_utf8_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the byte."""
    file = tmp_path / "pairs"
    file.write_bytes(b"AC 2.2.3\t5.0.4\n\xff")
    assert main.main([*GUIDE, "--batch", str(file)]) == 2
    assert "is not UTF-8 (byte 15)" in capsys.readouterr().err


def test_unreadable_rows_of_a_catalog_are_a_note_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once. The answer uses the other rows, and JSON stays JSON."""
    row = {"metadata": {"airflowVersion": "2.3.0"}}
    runtime = {"runtimeVersions": {"5.0.4": row, "3.3-rc": row, "5.0.3\x1b": row}}
    (tmp_path / "astronomer-certified.json").write_text('{"available_releases": [{"version": "2.3.0"}]}')
    (tmp_path / "astronomer-runtime.json").write_text(json.dumps(runtime))
    where = ["--catalog", str(tmp_path)]
    for arguments in (
        ["plan", "--from", "AC 2.3.0", "--to", "5.0.4", "--json", *where],
        ["explain", "AC 2.3.0", "5.0.4", *where],
    ):
        assert main.main(arguments) == 0
        answer = capsys.readouterr()
        assert answer.err == (
            "note: the catalog has 2 rows that cannot be read; left out: runtimeVersions['3.3-rc'], "
            "runtimeVersions['5.0.3\\x1b']\n"
        )
        assert "3.3-rc" not in answer.out
