"""Time to upgrade one and a hundred Deployments by two hops, with rollouts of five seconds.

A hundred resources that do nothing are the lower bound for any provider.
"""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Final

from bench.sandbox_project import Table, fleet, nothing, ratio, ratios, seconds, timed, verdict

if TYPE_CHECKING:
    from tests.e2e.sandbox_process import Sandbox

COUNT: Final = 100
ROUNDS: Final = 3
BOUND: Final = 1.25
_ROLLOUT: Final = {"rollout_seconds": "5"}
_UP: Final = ("up", "--yes", "--skip-preview", "--parallel", "200")


def measure() -> Table:
    """Upgrade one and a hundred, and as many resources that do nothing, in turn, in each round."""
    ones, hundreds, floors = [], [], []
    for _ in range(ROUNDS):
        one, _ = _up(1)
        ones.append(one)
        hundred, counted = _up(COUNT)
        hundreds.append(hundred)
        floors.append(_nothing(COUNT) - _nothing(1))
    found = ratio(hundreds, ones)
    each, health = counted["change"] / COUNT, counted["health"] / COUNT
    rows = [["1", seconds(ones), "1"], [str(COUNT), seconds(hundreds), ratios(found)]]
    longer = statistics.median(hundred - one for hundred, one in zip(hundreds, ones, strict=True))
    floor = statistics.median(floors)
    verdicts = [
        verdict(f"`pulumi up` of {COUNT} beside one", statistics.median(found), BOUND),
        f"- {COUNT} take {longer:.1f} s longer than one; where they do nothing, {floor:.1f} s: Pulumi's own part.",
        f"- Requests of the last run of {COUNT}, for each of them: {each:.1f} mutations, {health:.1f} to its Airflow.",
        f"- Reads of Houston in it, for all together: {counted['read']}.",
    ]
    return Table("ups", ["Deployments", "`pulumi up`", "beside one"], rows, verdicts)


def on_the_stock_host() -> Table:
    """Upgrade a hundred on Pulumi's own host, which has four threads: once, because it takes long."""
    took, _ = _up(COUNT, stock=True)
    return Table("stock", ["Deployments", "`pulumi up` on Pulumi's own host"], [[str(COUNT), f"{took:.0f} s"]])


def _up(count: int, *, stock: bool = False) -> tuple[float, Counter[str]]:
    with fleet(count, **_ROLLOUT) as (sandbox, project):
        if stock:
            project.on_the_stock_host()
        took = timed(project, *_UP)
        return took, _requests(sandbox)


def _nothing(count: int) -> float:
    with nothing(count, talks=True) as project:
        return timed(project, *_UP)


def _requests(sandbox: Sandbox) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for request in sandbox.requests():
        if request["path"] != "/v1":
            kinds["health"] += 1
        else:
            kinds["change" if request["fields"][0].startswith(("update", "cancel")) else "read"] += 1
    return kinds
