"""Time of a preview beside one of resources that do nothing."""

from __future__ import annotations

import contextlib
import statistics
from typing import Final

from bench.sandbox_project import Table, alone, fleet, folder, nothing, ratio, ratios, seconds, timed, verdict

COUNTS: Final = (1, 100, 500)
ROUNDS: Final = 3
QUIET_BOUND: Final = 1.35
TALKING_BOUND: Final = 1.2
_HEAD: Final = (
    *("resources", "doing nothing", "and logging a line", "ours", "ours, judged as a fleet"),
    *("ours / nothing", "ours / logging", "fleet / nothing", "fleet / logging"),
)


def measure() -> Table:
    """Preview stacks of each size in turn. The first round warms the caches and does not count."""
    rows, worst = [], dict.fromkeys(_HEAD[5:], 0.0)
    for count in COUNTS:
        quiet, talking, ours, judged = _rounds(count)
        compared = (ratio(ours, quiet), ratio(ours, talking), ratio(judged, quiet), ratio(judged, talking))
        for name, found in zip(worst, compared, strict=True):
            worst[name] = max(worst[name], statistics.median(found))
        rows.append([str(count), *map(seconds, (quiet, talking, ours, judged)), *map(ratios, compared)])
    bounds = (QUIET_BOUND, TALKING_BOUND, QUIET_BOUND, TALKING_BOUND)
    verdicts = [verdict(name, worst[name], bound) for name, bound in zip(worst, bounds, strict=True)]
    return Table("previews", _HEAD, rows, verdicts)


def _rounds(count: int) -> list[tuple[float, ...]]:
    with contextlib.ExitStack() as stack:
        sandbox, judged = stack.enter_context(fleet(count))
        projects = [
            stack.enter_context(nothing(count, talks=False)),
            stack.enter_context(nothing(count, talks=True)),
            alone(sandbox, stack.enter_context(folder()) / "project", count),
            judged,
        ]
        rounds = [[timed(project, "preview") for project in projects] for _ in range(ROUNDS + 1)]
    return list(zip(*rounds[1:], strict=True))
