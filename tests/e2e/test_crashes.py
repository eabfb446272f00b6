"""Whatever is killed, and whenever: the next ``pulumi up`` ends where an undisturbed one would have."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.crash import survived, undisturbed
from tests.e2e.points import Where, chosen, every, worth
from tests.measured import note

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.points import Point

PARTS: Final = 8
SOAKED_PARTS: Final = 24


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str, engine: Path) -> dict[str, Any]:
    """The undisturbed run, recorded by the first who needs it, for all processes of this test run."""
    path = tmp_path_factory.getbasetemp().parent / f"undisturbed-{testrun_uid}.json"
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        if not text:
            text = json.dumps(undisturbed(tmp_path_factory.mktemp("undisturbed"), engine))
            file.write(text)
    found: dict[str, Any] = json.loads(text)
    return found


def requests(record: dict[str, Any]) -> list[Where]:
    """The requests of the undisturbed run."""
    return [Where(**request) for request in record["requests"]]


def survive(points: list[Point], folder: Path, engine: Path, record: dict[str, Any]) -> None:
    """Let them happen one after another, each to a Deployment of its own; tell of all that were not survived."""
    problems = []
    for number, point in enumerate(points):
        try:
            note("crashes", survived(point, folder / str(number), engine, record["end"]))
        except AssertionError as error:
            problems.append(f"{point}: {error}")
    assert not problems, "\n\n".join(problems)


def test_the_points_are_those_of_the_recorded_run(record: dict[str, Any]) -> None:
    """Every request is there, with every killer on both sides; in the short matrix every mutation and every read."""
    kept = worth(requests(record))
    assert {where.name for where in kept} == {where.name for where in requests(record)}
    assert len([where for where in kept if where.changes]) == 6
    assert len(every(requests(record))) == len(kept) * 6 + 6
    short = chosen(requests(record))
    assert {point.where.name for point in short} == {where.name for where in kept}
    for mutation in (where for where in kept if where.changes):
        assert sum(point.where == mutation for point in short) == 3


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_the_next_up_ends_where_an_undisturbed_one_would_have(
    part: int, tmp_path: Path, engine: Path, record: dict[str, Any]
) -> None:
    """Before and after every mutation, at every distinct read, and when the answer of a mutation is lost."""
    survive(chosen(requests(record))[part::PARTS], tmp_path, engine, record)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAKED_PARTS))
def test_every_point_with_every_killer(part: int, tmp_path: Path, engine: Path, record: dict[str, Any]) -> None:
    """The whole matrix."""
    survive(every(requests(record))[part::SOAKED_PARTS], tmp_path, engine, record)
