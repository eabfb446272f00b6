"""Wait until all Deployments of a wave have been healthy for a while without a break, and not for ever."""

from __future__ import annotations

import contextvars
from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import PlatformError, RunInterruptedError, SoakFailedError
from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.health_confirmation import moved_on
from astro_deployment_runtime.support.text import duration, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.execution.ports import Clock, Reporter
    from astro_deployment_runtime.houston.client import Houston

INTERVAL_SECONDS: Final = 30.0
"""Longest time between two looks at a wave's Deployments; a short soak has ten looks."""

STALE_SECONDS: Final = 30.0
"""Seconds of our clock after which a heartbeat that has not moved means a dead scheduler."""

_LEAST_SECONDS: Final = 0.5
_ROUNDED: Final = 1e-6
_SIDE_BY_SIDE: Final = 32
"""Deployments that are asked at the same time."""
_NAMED: Final = 5
"""Deployments that are named, where many are not healthy."""


@dataclass(frozen=True, slots=True)
class _Pulse:
    """A heartbeat, and when it was seen first by our clock."""

    heartbeat: str | None = None
    since: float = 0.0

    def after(self, heartbeat: str | None, now: float) -> _Pulse:
        """Return what is known after a read; one that tells no heartbeat proves nothing."""
        if heartbeat is None or (self.heartbeat is not None and not moved_on(self.heartbeat, heartbeat)):
            return self
        return _Pulse(heartbeat, now)

    def stale(self, now: float) -> bool:
        """Return whether it has not moved for too long."""
        return self.heartbeat is not None and now - self.since >= STALE_SECONDS


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found of one Deployment: its problem, as a clause that names it, or its health."""

    problem: str = ""
    concern: str = ""


def deadline(seconds: float, timeout: float) -> str:
    """Say how long a soak may take in all."""
    return f"which may take {duration(seconds + timeout)} at most (soak plus timeout)"


def soak(  # noqa: PLR0913 - what is waited for, and with what
    deployments: Sequence[str], *, seconds: float, timeout: float, houston: Houston, clock: Clock, reporter: Reporter
) -> None:
    """Wait until all Deployments have been healthy for that many seconds without a break.

    One that is unhealthy in between starts the count anew. All of it has one deadline, ``seconds + timeout`` from the
    beginning: it fails as soon as no whole soak fits in before that.

    Args:
        deployments: ids, of those whose Airflow can be asked.
        seconds: how long they have to be healthy.
        timeout: seconds for which they may be unhealthy, all told.
        houston: whom to ask.
        clock: time, and the user's wish to stop.
        reporter: who tells the user.

    Raises:
        SoakFailedError: they were not all healthy for long enough before the deadline.
        RunInterruptedError: the user stopped the run.
    """
    begun = clock.now()
    reporter.info(f"waiting until this wave has been healthy for {duration(seconds)}, {deadline(seconds, timeout)}")
    wave = _Wave(deployments, houston, clock, reporter)
    interrupted = f"interrupted while the wave had to be healthy for {duration(seconds)}; 'pulumi up' begins that anew"
    interval = min(INTERVAL_SECONDS, max(_LEAST_SECONDS, seconds / 10))
    healthy_since: float | None = None
    while True:
        try:
            sick = wave.sick(within=begun + seconds + timeout - clock.now())
        except RunInterruptedError:
            raise RunInterruptedError(interrupted) from None
        now = clock.now()
        passed = now - begun
        if sick and healthy_since is not None:
            reporter.warning(f"{_named(sick)}; the {duration(seconds)} begin anew when all are healthy")
        healthy_since = None if sick else now if healthy_since is None else healthy_since
        left = seconds if healthy_since is None else seconds - (now - healthy_since)
        if left <= _ROUNDED:
            return
        if passed >= (timeout if sick else seconds + timeout):
            raise SoakFailedError(_failed(sick, seconds, timeout, passed))
        if sick:
            reporter.progress(f"waiting for {_named(sick)}{run_messages.elapsed(passed, timeout)}")
        else:
            reporter.progress(f"all {len(deployments)} healthy{run_messages.elapsed(seconds - left, seconds)}")
        if clock.wait(min(interval, timeout - passed if sick else left)):
            raise RunInterruptedError(interrupted)


def _failed(sick: Sequence[str], seconds: float, timeout: float, passed: float) -> str:
    found = _named(sick) if sick else "it became healthy too late"
    return (
        f"the wave was not healthy in time: {found}. It had to be healthy for {duration(seconds)} without a break, "
        f"{deadline(seconds, timeout)}; {run_messages.duration(passed)} have passed, and that no longer fits. The next "
        "wave is not begun: look at these Deployments, then run 'pulumi up' again"
    )


class _Wave:
    """The Deployments of a wave, asked side by side."""

    def __init__(self, deployments: Sequence[str], houston: Houston, clock: Clock, reporter: Reporter) -> None:
        self._pulses = dict.fromkeys(deployments, _Pulse())
        self._houston, self._clock, self._reporter = houston, clock, reporter
        self._warned: set[str] = set()

    def sick(self, *, within: float) -> list[str]:
        """Say of each that is not healthy what is the matter; one that does not answer in time is not.

        Raises:
            RunInterruptedError: the user stopped the run.
        """
        if not self._pulses:
            return []
        pool = futures.ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(self._pulses)), thread_name_prefix="soaking")
        looking = [contextvars.copy_context() for _ in self._pulses]
        try:
            asked = {
                id_: pool.submit(context.run, self._look, id_)
                for id_, context in zip(self._pulses, looking, strict=True)
            }
            futures.wait(asked.values(), max(within, 0.0), futures.FIRST_EXCEPTION)
            looks = [
                look.result() if look.done() else _Look(f"{printable(id_)}: its Airflow has not answered")
                for id_, look in asked.items()
            ]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if new := sorted({look.concern for look in looks} - {"", *self._warned}):
            self._warned.update(new)
            self._reporter.warning(f"{_named(new)}. The wave goes on; look at their pods")
        return [look.problem for look in looks if look.problem]

    def _look(self, id_: str) -> _Look:
        try:
            deployment = self._houston.find(deployment_id=id_)
            health = self._houston.health(deployment, deployment.current.airflow)
        except PlatformError as error:
            return _Look(f"{printable(id_)}: {str(error).splitlines()[0]}")
        now, name = self._clock.now(), printable(deployment.release_name)
        pulse = self._pulses[id_] = self._pulses[id_].after(health.heartbeat, now)
        concern = f"{name}: {health.concern}" if health.concern else ""
        if not health.healthy:
            return _Look(f"{name}: {health.detail}", concern)
        if pulse.stale(now):
            stood = f"the heartbeat of its scheduler has not moved for {duration(now - pulse.since)}"
            return _Look(f"{name}: {stood} (since {pulse.heartbeat})", concern)
        return _Look("", concern)


def _named(sick: Sequence[str]) -> str:
    more = len(sick) - _NAMED
    return "; ".join(sick[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
