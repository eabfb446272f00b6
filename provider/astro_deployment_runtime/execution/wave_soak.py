"""Soak a wave: wait until all its Deployments have been healthy for a while without a break.

A soak has one deadline, ``seconds + timeout`` from its start. It fails as soon as no whole soak fits in before that.
"""

from __future__ import annotations

import contextvars
from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import PlatformError, RunInterruptedError, SoakFailedError
from astro_deployment_runtime.execution.health_confirmation import is_later
from astro_deployment_runtime.execution.status_texts import Status, elapsed
from astro_deployment_runtime.support.text_formatting import duration, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.execution.executor_interfaces import Clock, Reporter
    from astro_deployment_runtime.houston.client import Houston

INTERVAL_SECONDS: Final = 30.0
"""Longest time between two checks of a wave. A short soak has ten checks."""

STALE_SECONDS: Final = 30.0
"""Seconds on our clock after which a heartbeat that has not moved means a dead scheduler."""

_SHORTEST_INTERVAL_SECONDS: Final = 0.5
_ROUNDING_SECONDS: Final = 1e-6
_PARALLEL_CHECKS: Final = 32
_NAMED: Final = 5
"""Deployments that a text names, where many are unhealthy."""


def deadline_text(seconds: float, timeout: float) -> str:
    """Write how long a soak may take in all, as a clause."""
    return f"which may take {duration(seconds + timeout)} at most (soak plus timeout)"


def soak(  # noqa: PLR0913 - what to wait for, and with what
    deployments: Sequence[str], *, seconds: float, timeout: float, houston: Houston, clock: Clock, reporter: Reporter
) -> None:
    """Wait until all Deployments have been healthy for some time without a break.

    If one becomes unhealthy, the soak time starts over.

    Args:
        deployments: ids of the Deployments whose Airflow can be asked.
        seconds: soak time.
        timeout: seconds that the Deployments may be unhealthy in all.
        houston: the platform.
        clock: time, and the user's interrupt.
        reporter: shows texts to the user.

    Raises:
        SoakFailedError: the deadline leaves no room for a whole soak.
        RunInterruptedError: the user stopped the run.
    """
    started = clock.now()
    reporter.info(
        f"waiting until this wave has been healthy for {duration(seconds)}, {deadline_text(seconds, timeout)}"
    )
    wave = _Wave(deployments, houston, clock, reporter)
    interrupted = f"interrupted while the wave soaked for {duration(seconds)}. Run `pulumi up` to start the soak again."
    interval = min(INTERVAL_SECONDS, max(_SHORTEST_INTERVAL_SECONDS, seconds / 10))
    healthy_since: float | None = None
    while True:
        try:
            unhealthy = wave.find_unhealthy(within=started + seconds + timeout - clock.now())
        except RunInterruptedError:
            raise RunInterruptedError(interrupted) from None
        now = clock.now()
        passed = now - started
        if unhealthy and healthy_since is not None:
            reporter.warning(
                f"{_joined(unhealthy)}. The soak time of {duration(seconds)} starts over when all are healthy."
            )
        healthy_since = None if unhealthy else now if healthy_since is None else healthy_since
        soaked = 0.0 if healthy_since is None else now - healthy_since
        left = seconds - soaked
        if left <= _ROUNDING_SECONDS:
            return
        if passed >= (timeout if unhealthy else seconds + timeout):
            raise SoakFailedError(_failure(unhealthy, seconds, timeout, passed))
        if unhealthy:
            status = Status(f"{len(unhealthy)} of {len(deployments)} unhealthy: {_joined(unhealthy)}")
            reporter.progress(status.line(passed, timeout))
        else:
            reporter.progress(Status(f"all {len(deployments)} healthy").line(soaked, seconds))
        if clock.wait(min(interval, timeout - passed if unhealthy else left)):
            raise RunInterruptedError(interrupted)


def _failure(unhealthy: Sequence[str], seconds: float, timeout: float, passed: float) -> str:
    found = _joined(unhealthy) if unhealthy else "it became healthy too late"
    return (
        f"the wave was not healthy in time: {found}. It had to be healthy for {duration(seconds)} without a break, "
        f"{deadline_text(seconds, timeout)}. After {elapsed(passed)} a whole soak no longer fits. The next wave does "
        "not start. Check these Deployments, then run `pulumi up`."
    )


def _joined(problems: Sequence[str]) -> str:
    more = len(problems) - _NAMED
    return "; ".join(problems[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class _Finding:
    """Result of one check of a Deployment, as clauses that name it. Both empty: it is healthy."""

    problem: str = ""
    concern: str = ""
    """A problem that does not hold the wave up."""


@dataclass(frozen=True, slots=True)
class _Heartbeat:
    """The latest heartbeat of a scheduler, and when our clock first saw it."""

    text: str | None = None
    first_seen: float = 0.0

    def after(self, text: str | None, now: float) -> _Heartbeat:
        """Return the heartbeat after one more read. A read without a heartbeat proves nothing."""
        if text is None or (self.text is not None and not is_later(self.text, text)):
            return self
        return _Heartbeat(text, now)

    def is_stale(self, now: float) -> bool:
        """Return whether it has not moved for too long."""
        return self.text is not None and now - self.first_seen >= STALE_SECONDS


class _Wave:
    """The Deployments of a wave, checked in parallel."""

    def __init__(self, deployments: Sequence[str], houston: Houston, clock: Clock, reporter: Reporter) -> None:
        self._heartbeats = dict.fromkeys(deployments, _Heartbeat())
        self._houston, self._clock, self._reporter = houston, clock, reporter
        self._warned: set[str] = set()

    def find_unhealthy(self, *, within: float) -> list[str]:
        """Return the problem of each Deployment that is unhealthy, or that does not answer within that many seconds.

        Raises:
            RunInterruptedError: the user stopped the run.
        """
        if not self._heartbeats:
            return []
        workers = min(_PARALLEL_CHECKS, len(self._heartbeats))
        pool = futures.ThreadPoolExecutor(workers, thread_name_prefix="soak")
        try:
            checks = {id_: pool.submit(contextvars.copy_context().run, self._check, id_) for id_ in self._heartbeats}
            futures.wait(checks.values(), max(within, 0.0), futures.FIRST_EXCEPTION)
            findings = [
                check.result() if check.done() else _Finding(f"{printable(id_)}: its Airflow has not answered")
                for id_, check in checks.items()
            ]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if new := sorted({finding.concern for finding in findings} - {"", *self._warned}):
            self._warned.update(new)
            self._reporter.warning(f"{_joined(new)}. The soak continues. Check the pods of these Deployments.")
        return [finding.problem for finding in findings if finding.problem]

    def _check(self, id_: str) -> _Finding:
        try:
            deployment = self._houston.find(deployment_id=id_)
            health = self._houston.health(deployment, deployment.current.airflow)
        except PlatformError as error:
            return _Finding(f"{printable(id_)}: {str(error).splitlines()[0]}")
        now, name = self._clock.now(), printable(deployment.release_name)
        heartbeat = self._heartbeats[id_] = self._heartbeats[id_].after(health.heartbeat, now)
        concern = f"{name}: {health.concern}" if health.concern else ""
        if not health.healthy:
            return _Finding(f"{name}: {health.detail}", concern)
        if heartbeat.is_stale(now):
            unmoved = f"the heartbeat of its scheduler has not moved for {duration(now - heartbeat.first_seen)}"
            return _Finding(f"{name}: {unmoved} (since {heartbeat.text})", concern)
        return _Finding("", concern)
