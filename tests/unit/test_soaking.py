"""How long a wave has to be healthy: without a break, and not for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.errors import PlatformUnreachableError, RunInterruptedError, SoakFailedError
from astro_deployment_runtime.model import Health
from astro_deployment_runtime.soaking import soak
from tests.unit.stage import FakeClock, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Platform:
    """Deployments whose health is a function of the time."""

    def __init__(self, clock: FakeClock, healthy: Callable[[str, float], bool]) -> None:
        self.clock, self.healthy, self.start, self.asked = clock, healthy, clock.time, 0

    def find(self, *, deployment_id: str) -> Any:
        """Find any."""
        if deployment_id == "gone":
            raise PlatformUnreachableError("nobody answers\nat all")
        return SimpleNamespace(release_name=f"release-{deployment_id}", current=SimpleNamespace(airflow="2.3.0"))

    def health(self, deployment: Any, expected: str) -> Health:
        """Tell the health at this time."""
        assert expected == "2.3.0"
        self.asked += 1
        healthy = self.healthy(deployment.release_name.removeprefix("release-"), self.clock.time - self.start)
        return Health(healthy=healthy, detail="healthy" if healthy else "its scheduler is unhealthy")


def soaked(
    deployments: Sequence[str],
    healthy: Callable[[str, float], bool] = lambda *_: True,
    *,
    seconds: float = 600,
    cancel_after: float | None = None,
) -> tuple[float, Recorder, Platform]:
    """Soak, and tell how long that took."""
    clock, recorder = FakeClock(), Recorder()
    if cancel_after is not None:
        clock.cancel_at = clock.time + cancel_after
    platform: Any = Platform(clock, healthy)
    soak(deployments, seconds=seconds, timeout=300, houston=platform, clock=clock, reporter=recorder)
    return clock.time - platform.start, recorder, platform


def test_it_takes_just_as_long_as_declared() -> None:
    """Counted from the first time that all are healthy, and asked every half minute at most."""
    took, recorder, platform = soaked(["a", "b"])
    assert took == 600
    assert platform.asked == 2 * 21
    assert recorder.progresses[1] == "all 2 healthy - 00:30 of 10:00"
    took, _, _ = soaked(["a", "b"], lambda name, passed: name == "a" or passed >= 90)
    assert took == 690


def test_a_short_soak_is_asked_more_often() -> None:
    """And ends in time."""
    took, _, platform = soaked(["a"], seconds=3)
    assert (took, platform.asked) == (3, 7)


def test_a_wave_whose_health_nobody_asks_takes_the_time_alone() -> None:
    """Where Houston's word is taken, there is nobody to ask."""
    assert soaked([])[0] == 600


def test_an_illness_in_between_begins_the_count_anew() -> None:
    """With a warning that names it."""
    took, recorder, _ = soaked(["a", "b"], lambda name, passed: name == "a" or not 300 <= passed < 360)
    assert took == 960
    assert recorder.warnings == ["release-b: its scheduler is unhealthy; the 10m begin anew when all are healthy"]
    assert "waiting for release-b: its scheduler is unhealthy - 00:30 of 05:00" in recorder.progresses


def test_it_is_not_borne_for_ever() -> None:
    """The first few are named, with what is the matter, and the next wave is not begun."""
    with pytest.raises(SoakFailedError) as raised:
        soaked(["gone", *"abcdef"], lambda *_: False)
    text = str(raised.value)
    assert text.startswith("not healthy within 5m: gone: nobody answers; release-a: its scheduler is unhealthy; ")
    assert "and 2 more. The next wave is not begun" in text


def test_a_user_can_stop_it() -> None:
    """At once."""
    with pytest.raises(RunInterruptedError, match="interrupted while the wave had to be healthy for 10m"):
        soaked(["a"], cancel_after=120)


def test_a_user_can_stop_it_while_an_answer_is_waited_for() -> None:
    """In the same words: what is lost is the time that was soaked, not the answer."""

    def stopped(*_: object) -> bool:
        raise RunInterruptedError("the run was interrupted")

    with pytest.raises(RunInterruptedError, match="interrupted while the wave had to be healthy for 10m"):
        soaked(["a"], stopped)
