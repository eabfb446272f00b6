"""The texts of Pulumi's status column: what a run does now, in 45 characters, elapsed time first."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from astro_deployment_runtime.execution import status_texts
from astro_deployment_runtime.execution.decision_types import Observation, Wait, Waiting, WalkRequest
from astro_deployment_runtime.execution.health_confirmation import Confirmation
from astro_deployment_runtime.execution.run_memory import Run
from astro_deployment_runtime.execution.status_texts import STATUS_WIDTH, Status
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Release
from astro_deployment_runtime.planning.plan_model import Deployment, Health, Hop, RuleId, Strategy
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def release(name: str, airflow: str) -> Release:
    """Make a release."""
    return Release(id=ReleaseId.parse(name), airflow=AirflowVersion.parse(airflow))


OLD, NEW, RUNTIME = release("AC 2.2.3", "2.2.3"), release("AC 2.3.0", "2.3.0"), release("Runtime 5.0.4", "2.3.0")
LATE = [release(f"Runtime 13.{minor}.0", "2.11.0") for minor in range(10, 22)]
UPGRADE = Hop(rule=RuleId.AC_UPGRADE, source=OLD, target=NEW)
MIGRATION = Hop(rule=RuleId.MIGRATE_EQUAL, source=NEW, target=RUNTIME)
LAST: Final = Hop(rule=RuleId.RUNTIME_UPGRADE, source=LATE[-2], target=LATE[-1])
"""Hop 11 of 11, between two releases with long versions."""


def request(path: Sequence[Release]) -> WalkRequest:
    """Request a walk along a path."""
    return WalkRequest(
        target=RuntimeVersion.parse("5.0.4"),
        strategy=Strategy.CERTIFIED_FIRST,
        accepted=AcceptedRisks(),
        path=tuple(each.id for each in path),
    )


def observed(current: Release, run: Run | None = None) -> Observation:
    """Observe a Deployment on a release."""
    seen = Deployment(id="ckw1", release_name="stars-1", label="Stars", workspace_id="ckw0", current=current)
    return Observation(deployment=seen, platform=Platform(version="0.30.4"), catalog=Catalog([]), run=run or Run())


HEALTHY = Health(healthy=True, detail="its Airflow is healthy at 2.3.0", airflow=AirflowVersion(2, 3, 0))
SICK = Health(healthy=False, detail="its scheduler is unhealthy")
OTHER = Health(healthy=False, detail="its Airflow is healthy at 2.2.3", airflow=AirflowVersion(2, 2, 3))
SILENT = Health(
    healthy=False, detail="its Airflow does not answer yet (HTTP status 502 from nginx for its health page)"
)
OUTAGE = "https://houston.astronomer.example.com/v1 did not answer a query within 30 s"


@pytest.mark.parametrize(
    ("wait", "seen", "text"),
    [
        (Wait(Waiting.SETTLING, UPGRADE), observed(OLD), "03:12/1h hop 1/2 AC 2.3.0: checking Houston"),
        (Wait(Waiting.SETTLING, None), observed(OLD), "03:12/1h checking Houston"),
        (Wait(Waiting.SETTLING, None), observed(OLD, Run(reached=NEW)), "03:12/1h hop 1/2: fell back to AC 2.2.3"),
        (Wait(Waiting.IMAGE, UPGRADE), observed(OLD), "03:12/1h hop 1/2 AC 2.3.0: waiting for image"),
        (Wait(Waiting.IMAGE, MIGRATION), observed(NEW), "03:12/1h hop 2/2 5.0.4: waiting for image"),
        (Wait(Waiting.ROLLOUT, UPGRADE), observed(OLD), "03:12/1h hop 1/2 AC 2.3.0: deploying image"),
        (Wait(Waiting.HEALTH, None), observed(NEW), "03:12/1h hop 1/2 AC 2.3.0: checking health"),
        (Wait(Waiting.HEALTH, None), observed(NEW, Run(health=HEALTHY)), "03:12/1h hop 1/2 AC 2.3.0: checking health"),
        (Wait(Waiting.HEALTH, None), observed(NEW, Run(health=SICK)), "03:12/1h hop 1/2: scheduler is unhealthy"),
        (Wait(Waiting.HEALTH, None), observed(NEW, Run(health=OTHER)), "03:12/1h hop 1/2: Airflow is at 2.2.3"),
        (
            Wait(Waiting.HEALTH, None),
            observed(NEW, Run(health=SILENT)),
            "03:12/1h hop 1/2: Airflow does not answer ...",
        ),
        (
            Wait(Waiting.HEALTH, None),
            observed(NEW, Run(health=HEALTHY, confirmation=Confirmation(reads=3, heartbeat="x"))),
            "03:12/1h hop 1/2 AC 2.3.0: no new heartbeat",
        ),
        (
            Wait(Waiting.HEALTH, None),
            observed(NEW, Run(reached=NEW, fell_back=True, unchanged_since=0.0)),
            "03:12/1h hop 1/2 AC 2.3.0: reported again",
        ),
        (Wait(Waiting.HEALTH, None), observed(OLD), "03:12/1h start AC 2.2.3: checking health"),
        (
            Wait(Waiting.ANSWER, None),
            observed(OLD, Run(outage=OUTAGE)),
            "03:12/1h Houston does not answer: https://...",
        ),
    ],
)
def test_a_status_says_what_the_run_waits_for(wait: Wait, seen: Observation, text: str) -> None:
    """Elapsed time, timeout, hop, release, and then the wait."""
    assert status_texts.waiting(wait, seen, request([OLD, NEW, RUNTIME])).line(192, 3600) == text


def test_a_status_says_what_the_run_does() -> None:
    """Starting a hop, and the output of a command, which nothing else repeats and so is not cut."""
    walk = request([OLD, NEW, RUNTIME])
    assert status_texts.starting(UPGRADE, walk).line(0, 1800) == "00:00/30m hop 1/2 AC 2.3.0: starting"
    printed = "astro: Step 12/19 : RUN pip install --no-cache-dir -r requirements.txt"
    assert status_texts.command_output(UPGRADE, printed, walk).full_line(5, 1800) == f"00:05/30m hop 1/2: {printed}"


def statuses() -> Iterator[Status]:
    """Yield every status text of our own, with long values."""
    healths = (None, HEALTHY, SICK, OTHER, SILENT)
    for path, hop in (([OLD, NEW, RUNTIME], UPGRADE), ([OLD, NEW, RUNTIME], MIGRATION), (LATE, LAST)):
        walk, first = request(path), Run(reached=hop.target, outage=OUTAGE)
        yield status_texts.starting(hop, walk)
        for what, about, fell_back, health in product(Waiting, (hop, None), (True, False), healths):
            unmoved = Confirmation(reads=3, heartbeat="2026-01-05T10:00:00+00:00")
            for run in (
                replace(first, fell_back=fell_back, health=health),
                replace(first, health=health, confirmation=unmoved),
            ):
                for current in (hop.source, hop.target):
                    yield status_texts.waiting(Wait(what, about), observed(current, run), walk)


@pytest.mark.parametrize("waited", [0, 3599, 4323, 90_000])
@pytest.mark.parametrize("limit", [30, 3600, 5400, 86_400])
def test_every_status_fits_the_column(waited: float, limit: float) -> None:
    """Also the longest ones: the time, the hop and the beginning of the text are always there."""
    for status in statuses():
        line = status.line(waited, limit)
        assert len(line) <= STATUS_WIDTH, line
        assert line.startswith(f"{status_texts.elapsed(waited)}/")
        assert status.hop in line
        assert status.what[:8] in line


def test_a_long_status_loses_its_release_before_its_end() -> None:
    """The release is in the plan, too."""
    status = Status("waiting for image", "hop 10/12", "AC 2.3.0")
    assert status.line(59, 3600) == ("00:59/1h hop 10/12: waiting for image")
    assert Status("x" * 60, "hop 1/2", "AC 2.3.0").line(59, 3600) == f"00:59/1h hop 1/2: {'x' * 24}..."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (192.9, "03:12"), (3599, "59:59"), (3600, "1:00:00"), (604800, "168:00:00")],
)
def test_elapsed_time_reads_as_a_clock(seconds: float, text: str) -> None:
    """With hours only from an hour on."""
    assert status_texts.elapsed(seconds) == text
