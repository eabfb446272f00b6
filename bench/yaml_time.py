"""Time of a preview and a run from YAML, beside a Python program with the dynamic resource."""

from __future__ import annotations

import contextlib
import statistics
from typing import TYPE_CHECKING, Final

from bench.sandbox_project import Table, alone, fleet, folder, from_yaml, ratio, ratios, seconds, timed, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.pulumi_project import Project

COUNTS: Final = (20, 100)
PREVIEWS: Final = 5
UPS: Final = 2
PREVIEW_BOUND: Final = 0.6
BEYOND_BOUND: Final = 5.0
"""Longest time of the smaller fleet beyond its rollouts, in seconds."""

_ROLLOUTS: Final = 2 * 5.0
_PLATFORM: Final = {"rollout_seconds": "5", "heartbeat_seconds": "1"}
_UP: Final = ("up", "--yes", "--skip-preview", "--parallel", "200")
_FACES: Final = ("Python", "YAML")


def measure() -> Table:
    """Preview and upgrade stacks of each size, Python and YAML in turn."""
    rows, previews, beyond = [], [], {}
    for count in COUNTS:
        python, yaml = _previews(count)
        compared = ratio(yaml, python)
        previews.append(statistics.median(compared))
        rows.append(["`pulumi preview`", str(count), seconds(python), seconds(yaml), ratios(compared)])
        ups = _ups(count)
        rows.append(["`pulumi up`", str(count), *map(seconds, ups), ratios(ratio(ups[1], ups[0]))])
        left = [[took - _ROLLOUTS for took in each] for each in ups]
        beyond[count] = statistics.median(left[1])
        compared = ratio(left[1], left[0])
        rows.append(["`pulumi up`, beyond its rollouts", str(count), *map(seconds, left), ratios(compared)])
    verdicts = [
        verdict("a preview from YAML beside the Python program", max(previews), PREVIEW_BOUND),
        verdict(f"`pulumi up` of {COUNTS[0]} from YAML beyond its rollouts", beyond[COUNTS[0]], BEYOND_BOUND, " s"),
    ]
    return Table("yaml", ["command", "Deployments", *_FACES, "YAML / Python"], rows, verdicts)


def _previews(count: int) -> list[tuple[float, ...]]:
    """Preview from each face in turn. The first round warms the caches and does not count."""
    with _projects(count) as projects:
        rounds = [[timed(projects[face], "preview") for face in _FACES] for _ in range(PREVIEWS + 1)]
    return list(zip(*rounds[1:], strict=True))


def _ups(count: int) -> list[tuple[float, ...]]:
    """Upgrade from each face in turn, each time a new fleet."""
    rounds = []
    for _ in range(UPS):
        took = []
        for face in _FACES:
            with _projects(count) as projects:
                took.append(timed(projects[face], *_UP))
        rounds.append(took)
    return list(zip(*rounds, strict=True))


@contextlib.contextmanager
def _projects(count: int) -> Iterator[dict[str, Project]]:
    """Yield a stack of each face for one new fleet."""
    with fleet(count, **_PLATFORM) as (sandbox, _), folder() as place:
        stacks = (alone(sandbox, place / "python", count), from_yaml(sandbox, place / "yaml", count))
        yield dict(zip(_FACES, stacks, strict=True))
