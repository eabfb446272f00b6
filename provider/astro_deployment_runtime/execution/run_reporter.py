"""Tells the user about one run: each request and hint once per hop, and progress less often as a wait grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.decisions import Waiting

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decisions import Observation, Wait, WalkRequest
    from astro_deployment_runtime.execution.ports import Reporter
    from astro_deployment_runtime.planning.model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.versions import ReleaseId

_HINT_SECONDS: Final = {Waiting.ROLLOUT: 120.0, Waiting.IMAGE: 600.0}
"""Seconds after which a missing image is probably a wrong one: delivered by us, or deployed by somebody else."""
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
        self._hinted: ReleaseId | None = None
        self._concerned = False
        self._status, self._status_at = "", 0.0

    def waiting(self, wait: Wait, observation: Observation) -> None:
        """Report what the run waits for."""
        run, deployment = observation.run, observation.deployment
        if wait.hop is not None:
            self._ask_for_image(wait.what, wait.hop, deployment)
            self._hint(wait.what, wait.hop, observation)
        text = run_messages.waiting(wait, deployment, run, self._request)
        repeat = max(self._repeat_seconds, run.waited * _REPEAT_PART)
        if text != self._status or run.now - self._status_at >= repeat:
            self._reporter.progress(text + run_messages.elapsed(run.waited, self._request.timeout))
            self._status, self._status_at = text, run.now

    def confirmed(self, observation: Observation, health: Health) -> None:
        """Report a hop that its Airflow confirms, and a problem of that Airflow once per run."""
        offered = observation.catalog.get(observation.deployment.current.id)
        airflow = offered.airflow if offered else None
        self._reporter.info(run_messages.arrived(observation.deployment, health, self._request, airflow))
        if health.concern and not self._concerned:
            self._reporter.warning(run_messages.concern(observation.deployment, health))
            self._concerned = True

    def _ask_for_image(self, what: Waiting, hop: Hop, deployment: Deployment) -> None:
        if what is Waiting.IMAGE and self._image_requested != hop.target.id:
            self._reporter.info(run_messages.asking_for_image(hop, deployment, self._request))
            self._image_requested = hop.target.id

    def _hint(self, what: Waiting, hop: Hop, observation: Observation) -> None:
        """Warn about an image that does not arrive. Houston never reports a wrong one."""
        after = _HINT_SECONDS.get(what)
        if after is not None and observation.run.waited >= after and self._hinted != hop.target.id:
            self._reporter.warning(run_messages.hint(hop, observation.deployment, self._request))
            self._hinted = hop.target.id
