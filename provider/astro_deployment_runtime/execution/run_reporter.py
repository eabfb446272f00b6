"""Tells the user about one run: each request and hint once per hop, and progress less often as a wait grows."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.execution import run_messages, status_texts
from astro_deployment_runtime.execution.decision_types import Waiting
from astro_deployment_runtime.execution.status_texts import Status

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Observation, Wait, WalkRequest
    from astro_deployment_runtime.execution.executor_interfaces import Reporter
    from astro_deployment_runtime.execution.run_memory import Run
    from astro_deployment_runtime.planning.plan_model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.versions import ReleaseId

_HINT_SECONDS: Final = {Waiting.ROLLOUT: 120.0, Waiting.IMAGE: 600.0, Waiting.HEALTH: 300.0}
"""Seconds after which a warning says why a wait probably takes so long."""
_REPEAT_PART: Final = 0.1
"""A status text is repeated after this part of the time waited so far."""


class RunReporter:
    """Reports of one run."""

    def __init__(self, reporter: Reporter, request: WalkRequest, *, repeat_seconds: float) -> None:
        """Report to the user.

        Args:
            reporter: shows the texts.
            request: the walk.
            repeat_seconds: shortest time after which a status text is repeated.
        """
        self._reporter, self._request, self._repeat_seconds = reporter, request, repeat_seconds
        self._image_requested: ReleaseId | None = None
        self._hinted: set[tuple[Waiting, ReleaseId]] = set()
        self._concerned = False
        self._status, self._status_at = Status(""), 0.0

    def starting(self, hop: Hop, run: Run) -> None:
        """Report that a hop is started."""
        self._reporter.progress(status_texts.starting(hop, self._request).line(run.waited, self._request.timeout))

    def command_output(self, hop: Hop, line: str, run: Run) -> None:
        """Report a line of a user's command, uncut: no later text repeats it."""
        status = status_texts.command_output(hop, line, self._request)
        self._reporter.progress(status.full_line(run.waited, self._request.timeout))

    def waiting(self, wait: Wait, observation: Observation) -> None:
        """Report what the run waits for."""
        self._ask_for_image(wait, observation.deployment)
        self._hint(wait, observation)
        run, status = observation.run, status_texts.waiting(wait, observation, self._request)
        repeat = max(self._repeat_seconds, run.waited * _REPEAT_PART)
        if status != self._status or run.now - self._status_at >= repeat:
            self._reporter.progress(status.line(run.waited, self._request.timeout))
            self._status, self._status_at = status, run.now

    def confirmed(self, observation: Observation, health: Health) -> None:
        """Report a hop that its Airflow confirms, and a problem of that Airflow once per run."""
        offered = observation.catalog.get(observation.deployment.current.id)
        airflow = offered.airflow if offered else None
        self._reporter.info(run_messages.arrived(observation.deployment, health, self._request, airflow))
        if health.concern and not self._concerned:
            self._reporter.warning(run_messages.concern(observation.deployment, health))
            self._concerned = True

    def _ask_for_image(self, wait: Wait, deployment: Deployment) -> None:
        if wait.what is Waiting.IMAGE and wait.hop is not None and self._image_requested != wait.hop.target.id:
            self._reporter.info(run_messages.asking_for_image(wait.hop, deployment, self._request))
            self._image_requested = wait.hop.target.id

    def _hint(self, wait: Wait, observation: Observation) -> None:
        """Warn once per hop why a wait takes so long."""
        deployment, health = observation.deployment, observation.run.health
        about = wait.what, wait.hop.target.id if wait.hop else deployment.current.id
        if about in self._hinted or observation.run.waited < _HINT_SECONDS.get(wait.what, inf):
            return
        if wait.hop is not None:
            self._reporter.warning(run_messages.image_hint(wait.hop, deployment, self._request))
            self._hinted.add(about)
        elif health is not None:
            self._reporter.warning(run_messages.health_hint(deployment, health.detail, self._request))
            self._hinted.add(about)
