"""The matrix of Python versions, and the result of each."""

from __future__ import annotations

import tomllib
from importlib.metadata import metadata

import pytest

from tools import matrix


def test_the_versions_are_those_that_the_sdk_supports() -> None:
    """From the oldest that the package takes; those that it names are among them."""
    project = tomllib.loads((matrix.ROOT / "provider" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={matrix.VERSIONS[0]}"
    mark = "Programming Language :: Python :: "
    supported = [
        each.removeprefix(f"{mark}3.") for each in metadata("pulumi").get_all("Classifier") or () if mark in each
    ]
    oldest = int(matrix.VERSIONS[0].removeprefix("3."))
    assert list(matrix.VERSIONS) == [f"3.{minor}" for minor in supported if minor.isdecimal() and int(minor) >= oldest]
    named = {each.removeprefix(mark) for each in project["classifiers"] if mark in each} - {"3"}
    assert named <= set(matrix.VERSIONS)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["passed", "passed", "passed", "not on this machine"], 0),
        (["passed", "failed", "passed", "passed"], 1),
        (["not on this machine"] * 4, 1),
    ],
)
def test_each_version_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcomes: list[str], code: int
) -> None:
    """A missing version is not a failure, unless all are missing."""
    waiting = iter(outcomes)
    monkeypatch.setattr(matrix, "run", lambda _version, _words: next(waiting))
    assert matrix.main([]) == code
    told = capsys.readouterr().out.splitlines()[-len(outcomes) :]
    assert told == [
        f"matrix: Python {version}: {outcome}" for version, outcome in zip(matrix.VERSIONS, outcomes, strict=True)
    ]


def test_a_version_that_no_machine_has_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is prepared for it."""
    monkeypatch.setattr(matrix, "prepare", pytest.fail)
    assert matrix.run("3.99", []) == "not on this machine"
