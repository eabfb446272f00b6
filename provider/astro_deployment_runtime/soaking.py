"""Wait until the Deployments of a wave have been healthy for a while, all of them and without a break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime import narration
from astro_deployment_runtime.errors import PlatformError, RunInterruptedError, SoakFailedError
from astro_deployment_runtime.report import printable, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astro_deployment_runtime.houston import Houston
    from astro_deployment_runtime.ports import Clock, Reporter

INTERVAL_SECONDS: Final = 30.0
"""How often a wave's Deployments are asked, at most; ten times within a short soak."""

_LEAST_SECONDS: Final = 0.5
_NAMED: Final = 5
"""So many are named, where many are not healthy."""


def soak(  # noqa: PLR0913 - what is waited for, and with what
    deployments: Sequence[str], *, seconds: float, timeout: float, houston: Houston, clock: Clock, reporter: Reporter
) -> None:
    """Wait until all have been healthy for that many seconds, counted from the first time that all of them were.

    One that is not healthy in between starts the count anew.

    Args:
        deployments: ids, of those whose Airflow can be asked.
        seconds: how long they have to be healthy.
        timeout: how long it is borne, in seconds, that they are not.
        houston: whom to ask.
        clock: time, and the user's wish to stop.
        reporter: who tells the user.

    Raises:
        SoakFailedError: they were not all healthy within ``timeout``.
        RunInterruptedError: the user stopped the run.
    """
    interval = min(INTERVAL_SECONDS, max(_LEAST_SECONDS, seconds / 10))
    interrupted = f"interrupted while the wave had to be healthy for {span(seconds)}; 'pulumi up' begins that anew"
    healthy_since: float | None = None
    sick_since = clock.now()
    while True:
        try:
            sick = _sick(deployments, houston)
        except RunInterruptedError:
            raise RunInterruptedError(interrupted) from None
        now = clock.now()
        if sick:
            if healthy_since is not None:
                healthy_since, sick_since = None, now
                reporter.warning(f"{_named(sick)}; the {span(seconds)} begin anew when all are healthy")
            if now - sick_since >= timeout:
                raise SoakFailedError(
                    f"not healthy within {span(timeout)}: {_named(sick)}. The next wave is not begun; see to them, and "
                    "run 'pulumi up' again"
                )
            reporter.progress(f"waiting for {_named(sick)}{narration.elapsed(now - sick_since, timeout)}")
            pause = interval
        else:
            healthy_since = now if healthy_since is None else healthy_since
            if now - healthy_since >= seconds:
                return
            reporter.progress(f"all {len(deployments)} healthy{narration.elapsed(now - healthy_since, seconds)}")
            pause = min(interval, seconds - (now - healthy_since))
        if clock.wait(pause):
            raise RunInterruptedError(interrupted)


def _sick(deployments: Sequence[str], houston: Houston) -> list[str]:
    """Say of each that is not healthy what is the matter."""
    found = []
    for each in deployments:
        try:
            deployment = houston.find(deployment_id=each)
            health = houston.health(deployment, deployment.current.airflow)
        except PlatformError as error:
            found.append(f"{each}: {str(error).splitlines()[0]}")
            continue
        if not health.healthy:
            found.append(f"{printable(deployment.release_name)}: {health.detail}")
    return found


def _named(sick: Sequence[str]) -> str:
    more = len(sick) - _NAMED
    return "; ".join(sick[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
