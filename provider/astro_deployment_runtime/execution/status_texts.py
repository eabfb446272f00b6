"""Status texts of a run: one line for Pulumi's status column, elapsed time first.

``03:12/1h hop 1/2 AC 2.3.0: waiting for image``. A terminal of 100 columns leaves about 45 characters beside Pulumi's
own columns. A longer text loses its release first, then its end. Texts that stay are in
:mod:`~astro_deployment_runtime.execution.run_messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.execution.decision_types import Waiting
from astro_deployment_runtime.planning.versions import Distribution
from astro_deployment_runtime.support.text_formatting import duration

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Observation, Wait, WalkRequest
    from astro_deployment_runtime.planning.plan_model import Hop
    from astro_deployment_runtime.planning.versions import ReleaseId

STATUS_WIDTH: Final = 45
"""Longest status text, in characters."""


@dataclass(frozen=True, slots=True)
class Status:
    """The current activity of a run."""

    what: str
    hop: str = ""
    """``hop 1/2``. Empty: no hop of the path."""
    release: str = ""
    """The hop's target. Empty: none in particular."""

    def line(self, waited: float, limit: float) -> str:
        """Write the text so that it fits. Both times are in seconds: on the clock of the hop, and its timeout."""
        full, short = (self._line(place, waited, limit) for place in (f"{self.hop} {self.release}".strip(), self.hop))
        if len(full) <= STATUS_WIDTH:
            return full
        return short if len(short) <= STATUS_WIDTH else f"{short[: STATUS_WIDTH - 3]}..."

    def full_line(self, waited: float, limit: float) -> str:
        """Write the whole text, of which a terminal shows the beginning."""
        return self._line(self.hop, waited, limit)

    def _line(self, place: str, waited: float, limit: float) -> str:
        return f"{elapsed(waited)}/{duration(limit)} {place}{': ' if place else ''}{self.what}"


def elapsed(seconds: float) -> str:
    """Write elapsed time: ``03:12``, or ``1:00:00`` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def position(release: ReleaseId, request: WalkRequest) -> str:
    """Write ``hop 1/2`` for the target of a hop on the path, and ``start`` for any other release."""
    hops = len(request.path) - 1
    return f"hop {request.path.index(release)}/{hops}" if release in request.path[1:] else "start"


def starting(hop: Hop, request: WalkRequest) -> Status:
    """Return the status while a hop is started."""
    return _status("starting", hop.target.id, request)


def command_output(hop: Hop, line: str, request: WalkRequest) -> Status:
    """Return the status while a user's command prints something."""
    return Status(line, position(hop.target.id, request))


def waiting(wait: Wait, observation: Observation, request: WalkRequest) -> Status:
    """Return the status while the run waits."""
    run, current = observation.run, observation.deployment.current.id
    match wait.what:
        case Waiting.ANSWER:
            return Status(f"Houston does not answer: {run.outage}")
        case Waiting.SETTLING if run.reached is not None and run.reached.id != current:
            return Status(f"fell back to {_short(current)}", position(run.reached.id, request))
        case Waiting.SETTLING:
            what = "checking Houston"
        case Waiting.IMAGE:
            what = "waiting for image"
        case Waiting.ROLLOUT:
            what = "deploying image"
        case Waiting.HEALTH:
            return _status(_health(observation), current, request)
    return _status(what, wait.hop.target.id, request) if wait.hop else Status(what)


def _health(observation: Observation) -> str:
    run = observation.run
    if run.fell_back and not run.settled:
        return "reported again"
    if run.confirmation.missing:
        return "no new heartbeat"
    if run.health is None or run.health.healthy:
        return "checking health"
    if run.health.airflow is not None:
        return f"Airflow is at {run.health.airflow}"
    return run.health.detail.removeprefix("its ")


def _status(what: str, release: ReleaseId, request: WalkRequest) -> Status:
    return Status(what, position(release, request), _short(release))


def _short(release: ReleaseId) -> str:
    """Write a release in few characters: ``AC 2.3.0``, ``5.0.4``. No Runtime has the version of a Certified release."""
    return str(release) if release.distribution is Distribution.CERTIFIED else str(release.version)
