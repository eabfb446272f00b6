"""What a preview costs beside one of resources that do nothing, whatever their number."""

from __future__ import annotations

import contextlib
import statistics
from typing import Final

from bench.scene import Table, fleet, nothing, ratio, ratios, seconds, timed, verdict

COUNTS: Final = (1, 100, 500)
ROUNDS: Final = 5
QUIET_BOUND: Final = 1.35
TALKING_BOUND: Final = 1.2


def measure() -> Table:
    """Preview stacks of each size in turn; the first round warms the caches and does not count."""
    rows, worst_quiet, worst_talking = [], 0.0, 0.0
    for count in COUNTS:
        with contextlib.ExitStack() as stack:
            _, ours = stack.enter_context(fleet(count))
            quiet = stack.enter_context(nothing(count, talks=False))
            talking = stack.enter_context(nothing(count, talks=True))
            rounds = [[timed(project, "preview") for project in (quiet, talking, ours)] for _ in range(ROUNDS + 1)]
        first, second, third = zip(*rounds[1:], strict=True)
        to_quiet, to_talking = ratio(third, first), ratio(third, second)
        worst_quiet = max(worst_quiet, statistics.median(to_quiet))
        worst_talking = max(worst_talking, statistics.median(to_talking))
        rows.append(
            [str(count), *map(seconds, (first, second, third)), ratios(to_quiet), ratios(to_talking)],
        )
    head = ["resources", "doing nothing", "and logging a line", "ours", "ours / nothing", "ours / logging"]
    verdicts = [
        verdict("a preview beside resources that do nothing", worst_quiet, QUIET_BOUND),
        verdict("a preview beside resources that log a line each", worst_talking, TALKING_BOUND),
    ]
    return Table("previews", head, rows, verdicts)
