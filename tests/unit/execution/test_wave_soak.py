"""The soak of a wave: all its Deployments stay healthy for the soak time, within a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.errors import PlatformUnreachableError, RunInterruptedError, SoakFailedError
from astro_deployment_runtime.execution.wave_soak import soak
from astro_deployment_runtime.planning.plan_model import Health
from tests.simulation import FakeClock, Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence


class RealClock(FakeClock):
    """Real time."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()

    def now(self) -> float:
        """Return the time of this host's clock."""
        return time.monotonic() - self.begun

    def wait(self, seconds: float) -> bool:
        """Sleep that long."""
        time.sleep(seconds)
        return False


class Platform:
    """Deployments whose health is a function of the time."""

    def __init__(self, clock: FakeClock, healthy: Callable[[str, float], bool | str], beat: Beat) -> None:
        self.clock, self.healthy, self.start, self.beat = clock, healthy, clock.time, beat
        self.reads: list[str] = []

    @property
    def asked(self) -> int:
        """Number of health requests."""
        return len(self.reads)

    def find(self, *, deployment_id: str) -> Any:
        """Find any Deployment."""
        if deployment_id == "gone":
            raise PlatformUnreachableError("nobody answers\nat all")
        return SimpleNamespace(release_name=f"release-{deployment_id}", current=SimpleNamespace(airflow="2.3.0"))

    def health(self, deployment: Any, expected: str) -> Health:
        """Return the health at this time."""
        assert expected == "2.3.0"
        name, passed = deployment.release_name.removeprefix("release-"), self.clock.time - self.start
        self.reads.append(name)
        found = self.healthy(name, passed)
        concern = found if isinstance(found, str) else ""
        detail = "healthy" if found else "its scheduler is unhealthy"
        return Health(healthy=bool(found), detail=detail, heartbeat=self.beat(passed), concern=concern)


Beat = Callable[[float], str | None]


def every_five_seconds(passed: float) -> str:
    """Return the heartbeats of a running scheduler."""
    return f"2026-01-05T{int(passed // 3600):02}:{int(passed // 60 % 60):02}:{int(passed % 60 // 5 * 5):02}+00:00"


def soaked(
    deployments: Sequence[str],
    healthy: Callable[[str, float], bool | str] = lambda *_: True,
    *,
    beat: Beat = every_five_seconds,
    seconds: float = 600,
    cancel_after: float | None = None,
) -> tuple[float, Recorder, Platform]:
    """Soak, and return the elapsed seconds."""
    clock, recorder = FakeClock(), Recorder()
    if cancel_after is not None:
        clock.cancel_at = clock.time + cancel_after
    platform: Any = Platform(clock, healthy, beat)
    soak(deployments, seconds=seconds, timeout=300, houston=platform, clock=clock, reporter=recorder)
    return clock.time - platform.start, recorder, platform


def test_soak_takes_the_declared_time() -> None:
    """From the first time that all are healthy, with reads at most every half minute."""
    took, recorder, platform = soaked(["a", "b"])
    assert took == 600
    assert platform.asked == 2 * 21
    assert recorder.progresses[1] == "00:30/10m all 2 healthy"
    took, _, _ = soaked(["a", "b"], lambda name, passed: name == "a" or passed >= 90)
    assert took == 690


def test_short_soak_has_more_frequent_reads() -> None:
    """So that it ends on time."""
    took, _, platform = soaked(["a"], seconds=3)
    assert (took, platform.asked) == (3, 7)


def test_verify_houston_soaks_without_health_checks() -> None:
    """Only the time counts."""
    assert soaked([])[0] == 600


def test_an_unhealthy_deployment_starts_the_soak_time_over() -> None:
    """A warning names it."""
    took, recorder, _ = soaked(["a", "b"], lambda name, passed: name == "a" or not 100 <= passed < 170)
    assert took == 780
    assert recorder.warnings == [
        "release-b: its scheduler is unhealthy. The soak time of 10m starts over when all are healthy."
    ]
    assert "02:30/5m 1 of 2 unhealthy: release-b: its ..." in recorder.progresses


def test_unhealthy_deployments_fail_the_wave_at_the_deadline() -> None:
    """The message names the first few and their problems, and the next wave does not start."""
    with pytest.raises(SoakFailedError) as raised:
        soaked(["gone", *"abcdef"], lambda *_: False)
    assert str(raised.value) == (
        "the wave was not healthy in time: gone: nobody answers; release-a: its scheduler is unhealthy; release-b: its "
        "scheduler is unhealthy; release-c: its scheduler is unhealthy; release-d: its scheduler is unhealthy; and 2 "
        "more. It had to be healthy for 10m without a break, which may take 15m at most (soak plus timeout). After "
        "05:00 a whole soak no longer fits. The next wave does not start. Check these Deployments, then run "
        "`pulumi up`."
    )


def test_the_deadline_is_shown_from_the_start() -> None:
    """There is one deadline, counted from the soak's beginning."""
    _, recorder, _ = soaked(["a"], seconds=60)
    expected = "waiting until this wave has been healthy for 1m, which may take 6m at most (soak plus timeout)"
    assert recorder.infos == [expected]


@pytest.mark.parametrize("period", [60, 120, 240, 600])
def test_repeated_failures_do_not_move_the_deadline(period: int) -> None:
    """Each recovery starts the soak time over, but not the deadline."""
    clock = FakeClock()
    platform: Any = Platform(clock, lambda _, passed: passed % period >= period / 10, every_five_seconds)
    with pytest.raises(SoakFailedError, match="the wave was not healthy in time"):
        soak(["a"], seconds=600, timeout=300, houston=platform, clock=clock, reporter=Recorder())
    assert 300 <= clock.time - platform.start <= 900


def test_a_late_recovery_still_has_a_whole_soak() -> None:
    """The deadline leaves room for one whole soak after the timeout."""
    assert soaked(["a"], lambda _, passed: passed >= 300)[0] == 900
    assert soaked(["a"], lambda _, passed: passed >= 299.9, seconds=7)[0] == pytest.approx(307)
    with pytest.raises(SoakFailedError):
        soaked(["a"], lambda _, passed: passed >= 300.1)


def test_a_heartbeat_that_does_not_move_is_unhealthy() -> None:
    """Airflow still reports healthy for a while, so this host's clock counts. Without a heartbeat there is no proof."""
    with pytest.raises(
        SoakFailedError, match=r"heartbeat of its scheduler has not moved for 5m \(since 2020-01-01T00:00"
    ):
        soaked(["a"], beat=lambda _: "2020-01-01T00:00:00+00:00")
    took, recorder, _ = soaked(["a"], beat=lambda passed: every_five_seconds(min(passed, 100) + max(0, passed - 200)))
    assert took == 810
    assert len(recorder.warnings) == 1
    assert "release-a: the heartbeat of its scheduler has not moved for 30s (since 2026" in recorder.warnings[0]
    assert soaked(["a"], beat=lambda _: None)[0] == 600


def test_an_unhealthy_triggerer_is_one_warning() -> None:
    """The soak continues."""
    took, recorder, _ = soaked(["a", "b"], lambda *_: "its triggerer is unhealthy")
    assert took == 600
    both = "release-a: its triggerer is unhealthy; release-b: its triggerer is unhealthy"
    assert recorder.warnings == [f"{both}. The soak continues. Check the pods of these Deployments."]


def test_airflows_are_read_concurrently() -> None:
    """With a limit on the concurrent requests."""
    together, most, lock = 0, 0, threading.Lock()
    meeting = threading.Barrier(32)

    def healthy(*_: object) -> bool:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        meeting.wait(timeout=20)
        with lock:
            together -= 1
        return True

    soaked([str(number) for number in range(64)], healthy, seconds=0.0)
    assert most == 32


def test_a_hanging_airflow_does_not_delay_the_deadline() -> None:
    """Without an answer by then, it is not healthy."""
    over = threading.Event()

    def hangs(name: str, _: float) -> bool:
        return name != "b" or over.wait(20)

    clock = RealClock()
    platform: Any = Platform(clock, hangs, lambda _: None)
    try:
        with pytest.raises(SoakFailedError, match="in time: b: its Airflow has not answered"):
            soak(["a", "b"], seconds=0.2, timeout=0.1, houston=platform, clock=clock, reporter=Recorder())
    finally:
        over.set()


def test_cancel_ends_the_soak() -> None:
    """At once."""
    with pytest.raises(RunInterruptedError, match="interrupted while the wave soaked for 10m"):
        soaked(["a"], cancel_after=120)


def test_cancel_ends_the_soak_during_a_health_request() -> None:
    """With the same message: the soak time is lost, not the answer."""

    def stopped(*_: object) -> bool:
        raise RunInterruptedError("the run was interrupted")

    with pytest.raises(RunInterruptedError, match="interrupted while the wave soaked for 10m"):
        soaked(["a"], stopped)
