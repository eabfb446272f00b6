"""After a crash at any point, the next ``pulumi up`` reaches the same end as an undisturbed run."""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from tests.e2e.crash_points import Killer, Point, Side, Where, chosen, every, worth
from tests.e2e.crash_run import LONG, SHORT, survived, undisturbed
from tests.e2e.native_project import PACKAGE, NativeProject
from tests.e2e.pulumi_project import PLUGIN, QUICK_PLUGIN, Project
from tests.soak_measurements import note

if TYPE_CHECKING:
    from pathlib import Path

PARTS: Final = 10
SOAKED_PARTS: Final = 24


@dataclass(frozen=True, kw_only=True)
class Record:
    """An undisturbed run along a path."""

    path: tuple[str, ...]
    plugin: Path
    kind: type[Project]
    requests: list[Where]
    end: dict[str, Any]


class Recorded(Protocol):
    """Returns an undisturbed run."""

    def __call__(self, path: tuple[str, ...], plugin: Path, kind: type[Project] = Project) -> Record:
        """Return the run along a path."""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str, engine: Path) -> Recorded:
    """Return the undisturbed run along a path, recorded once for all processes of this test run."""

    def get(path: tuple[str, ...], plugin: Path, kind: type[Project] = Project) -> Record:
        kept = tmp_path_factory.getbasetemp().parent / f"undisturbed-{kind.__name__}-{len(path)}-{testrun_uid}.json"
        with kept.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            if not text:
                text = json.dumps(undisturbed(tmp_path_factory.mktemp("undisturbed"), engine, path, plugin, kind))
                file.write(text)
        found: dict[str, Any] = json.loads(text)
        requests = [Where(**each) for each in found["requests"]]
        return Record(path=path, plugin=plugin, kind=kind, requests=requests, end=found["end"])

    return get


def survive(points: list[Point], folder: Path, engine: Path, record: Record) -> None:
    """Crash at each point, each with its own Deployment; report all failures."""
    problems = []
    for number, point in enumerate(points):
        try:
            place = folder / str(number)
            ended = survived(
                point, place, engine, path=record.path, plugin=record.plugin, end=record.end, kind=record.kind
            )
            if record.kind is Project:
                note("crashes", ended)
        except AssertionError as error:
            problems.append(f"{point}: {error}")
    assert not problems, "\n\n".join(problems)


def test_crash_points_come_from_the_recorded_run(recorded: Recorded) -> None:
    """The long matrix has every request with every killer on both sides, the short one every mutation and read."""
    requests = recorded(SHORT, QUICK_PLUGIN).requests
    kept = worth(requests)
    assert {where.name for where in kept} == {where.name for where in requests}
    mutations = [where for where in kept if where.changes]
    assert [where.name for where in mutations] == [
        "updateDeploymentAirflow",
        "updateDeploymentImage",
        "updateDeploymentRuntime",
        "updateDeploymentImage",
    ]
    assert len(every(requests)) == len(kept) * 6 + len(mutations)
    short = chosen(requests)
    assert {point.where.name for point in short} == {where.name for where in kept}
    for mutation in mutations:
        assert sum(point.where == mutation for point in short) == 3


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_the_next_up_ends_like_an_undisturbed_run(part: int, tmp_path: Path, engine: Path, recorded: Recorded) -> None:
    """Before and after every mutation, at every distinct read, and when the answer of a mutation is lost."""
    record = recorded(SHORT, QUICK_PLUGIN)
    survive(chosen(record.requests)[part::PARTS], tmp_path, engine, record)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAKED_PARTS))
def test_every_point_with_every_killer(part: int, tmp_path: Path, engine: Path, recorded: Recorded) -> None:
    """The whole matrix, on the path with a Runtime upgrade too, and with the pauses that users have."""
    record = recorded(LONG, PLUGIN)
    survive(every(record.requests)[part::SOAKED_PARTS], tmp_path, engine, record)


def test_the_native_plugin_survives_too(tmp_path: Path, engine: Path, recorded: Recorded) -> None:
    """The plugin is killed when a hop has started, and the engine before an image is delivered."""
    record = recorded(SHORT, QUICK_PLUGIN, NativeProject)
    started, delivered, *_ = (where for where in worth(record.requests) if where.changes)
    points = [
        Point(where=started, side=Side.AFTER, killer=Killer.PLUGIN),
        Point(where=delivered, side=Side.BEFORE, killer=Killer.ENGINE),
    ]
    survive(points, tmp_path, engine, record)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAKED_PARTS))
def test_the_native_plugin_at_every_point(part: int, tmp_path: Path, engine: Path, recorded: Recorded) -> None:
    """The whole matrix, from YAML."""
    record = recorded(LONG, PACKAGE, NativeProject)
    survive(every(record.requests)[part::SOAKED_PARTS], tmp_path, engine, record)
