"""The loop of a run: observe, decide, act or wait, until the target is reached or there is a reason to stop.

The reconciler decides (:mod:`~astro_deployment_runtime.execution.reconciler`). The platform, the user, the delivery of
images and the clock are behind :mod:`~astro_deployment_runtime.execution.executor_interfaces`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import (
    AstroRuntimeError,
    CommandInterruptedError,
    DeliveryFailedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RunInterruptedError,
    UnknownOutcomeError,
)
from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.decision_types import (
    Cancel,
    Deliver,
    Done,
    FellBack,
    Observation,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Withdrawn,
)
from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from astro_deployment_runtime.execution.polling import POLLING, Polling, PollSchedule
from astro_deployment_runtime.execution.reconciler import decide
from astro_deployment_runtime.execution.run_memory import Outcome, Run
from astro_deployment_runtime.execution.run_reporter import RunReporter
from astro_deployment_runtime.planning import plan_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.execution.decision_types import Decision, WalkRequest
    from astro_deployment_runtime.execution.executor_interfaces import Client, Clock, Delivery, Reporter
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.plan_model import Deployment, Hop
    from astro_deployment_runtime.planning.platform_version import Platform
    from astro_deployment_runtime.planning.versions import ReleaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkResult:
    """Where a walk ended, to be saved as it is."""

    deployment: Deployment
    """Last observation."""
    pending: ReleaseId | None = None
    """The hop that we started and have not seen arrive. Houston may not show it yet."""
    problem: str | None = None
    """Why the target was not reached, and what to do next. None: it was reached."""


def walk(  # noqa: PLR0913 - the last three are the world around it
    deployment_id: str,
    request: WalkRequest,
    *,
    delivery: Delivery | None,
    saved_hop: ReleaseId | None,
    client: Client,
    clock: Clock,
    reporter: Reporter,
    polling: Polling = POLLING,
) -> WalkResult:
    """Take a Deployment along its path to the target.

    Args:
        deployment_id: Houston's id of the Deployment.
        request: the target, and the path that the preview showed.
        delivery: delivers the images; None: somebody else deploys them.
        saved_hop: the hop that an earlier run saved as started by us.
        client: Houston.
        clock: time, and the user's interrupt.
        reporter: shows texts to the user.
        polling: how often to read the Deployment.

    Raises:
        PlatformError: the Deployment could not be read even once. Nothing was changed.
    """
    deployment, platform, catalog = client.observe(deployment_id)
    now = clock.now()
    run = Run.begin(deployment, now=now, saved_hop=saved_hop)
    return _Walk(
        request=request,
        delivery=delivery,
        client=client,
        clock=clock,
        reporter=reporter,
        run_reporter=RunReporter(reporter, request, repeat_seconds=polling.longest),
        polls=PollSchedule(polling, now),
        deployment=deployment,
        platform=platform,
        catalog=catalog,
        run=run if request.ask_airflow else run.confirmed(),
    ).to_its_end()


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One run on one Deployment."""

    request: WalkRequest
    delivery: Delivery | None
    client: Client
    clock: Clock
    reporter: Reporter
    run_reporter: RunReporter
    polls: PollSchedule

    deployment: Deployment
    platform: Platform
    catalog: Catalog
    run: Run
    offer_is_fresh: bool = True
    """The offer was read together with the Deployment."""

    def to_its_end(self) -> WalkResult:
        """Repeat the loop until a decision ends it."""
        try:
            while True:
                self.run = self.run.at(self.clock.now())
                result = self._act(decide(self._observation, self.request))
                if result is not None:
                    return result
        except RunInterruptedError:
            return self._result(run_messages.interrupted(self.run, self.deployment))
        except AstroRuntimeError as error:
            return self._result(run_messages.failed(error, self.run, self.deployment))

    def _act(self, decision: Decision) -> WalkResult | None:
        """Act on a decision, and observe the result. Return the walk's result if the decision ends the run."""
        match decision:
            case Wait():
                self._wait(decision)
                self._observe_deployment()
            case Done(planned):
                for warning in planned.warnings:
                    self.reporter.warning(plan_messages.warning_line(warning))
                return self._result(None)
            case Refuse(reason) if self.offer_is_fresh or isinstance(reason, TimedOut):
                problem = run_messages.stopped(reason, self.deployment, self.run, self.request)
                if isinstance(reason, FellBack | Withdrawn):
                    self.run = self.run.without_lost_hop(self.deployment)
                return self._result(problem)
            case Start() | Deliver() | Cancel() if self.offer_is_fresh:
                self._pause(0)
                self._mutate(decision)
                self._observe()
            case _:
                # An old offer justifies neither a change nor a refusal.
                self._observe()
        return None

    @property
    def _observation(self) -> Observation:
        return Observation(deployment=self.deployment, platform=self.platform, catalog=self.catalog, run=self.run)

    def _result(self, problem: str | None) -> WalkResult:
        return WalkResult(deployment=self.deployment, pending=self.run.our_hop, problem=problem)

    def _pause(self, seconds: float) -> None:
        if self.clock.wait(seconds):
            raise RunInterruptedError("the run was interrupted")

    def _wait(self, wait: Wait) -> None:
        """Report what the run waits for, and wait until the next read is due."""
        self.run_reporter.waiting(wait, self._observation)
        if 0 < self.run.confirmation.reads < HEALTHY_READS or self.run.wrong_airflow_reads:
            self.polls.confirm()
        self._pause(self.polls.seconds_left(self.clock.now()))

    def _observe(self) -> None:
        """Read the Deployment and the offer."""
        try:
            deployment, self.platform, self.catalog = self.client.observe(self.deployment.id)
        except PlatformUnreachableError as error:
            self._note_outage(error)
            return
        self.offer_is_fresh = True
        self._note_answer(deployment)

    def _observe_deployment(self) -> None:
        """Read the Deployment alone, and ask its Airflow where that has to confirm what Houston reports."""
        self.offer_is_fresh = False
        within = self.polls.next_window()
        try:
            deployment = self.client.observe_deployment(self.deployment.id, self.catalog, within=within)
        except PlatformUnreachableError as error:
            self._note_outage(error)
            return
        self._note_answer(deployment)
        if self.request.ask_airflow and self.run.can_confirm(self.deployment):
            self._ask_airflow()

    def _note_outage(self, error: PlatformUnreachableError) -> None:
        """Remember that Houston did not answer. The run waits until it does."""
        self.offer_is_fresh = False
        self.polls.read(self.clock.now())
        self.run = self.run.unanswered(str(error))

    def _note_answer(self, deployment: Deployment) -> None:
        now = self.clock.now()
        self.polls.read(now)
        if deployment.current.id != self.deployment.current.id:
            self.polls.restart()
        self.run = self.run.at(now).observed(self.deployment, deployment, self.request.path)
        self.deployment = deployment
        expected = self._observation.expected_airflow
        if not self.request.ask_airflow and self.run.can_confirm(deployment) and self.run.expects(expected, deployment):
            self.reporter.info(run_messages.reported(deployment, self.request))
            self.run = self.run.confirmed()

    def _ask_airflow(self) -> None:
        """Ask the Airflow whether it runs what Houston reports.

        Only after a wait: right after a delivery the old Airflow may still answer, perhaps at the same version. Where
        Houston reports an unexpected Airflow version, ask for both versions. A release that arrived before this run
        may have either, so that a wrong offer stops one run only.
        """
        expected, reported = self._observation.expected_airflow, self.deployment.current.airflow
        health, wrong_version = self.client.health(self.deployment, expected), False
        if not health.healthy and reported != expected:
            other = self.client.health(self.deployment, reported)
            if self.run.arrived_before and other.healthy:
                health = other
            else:
                wrong_version = other.healthy
        self.run = self.run.at(self.clock.now()).asked_airflow(health, wrong_version=wrong_version)
        if self.run.confirmation.confirmed:
            self.run_reporter.confirmed(self._observation, health)
            self.run = self.run.at(self.clock.now()).confirmed()

    def _mutate(self, step: Start | Deliver | Cancel) -> None:
        match step:
            case Start(hop):
                self.run_reporter.starting(hop, self.run)
                self._send(step, lambda: self.client.start(self.deployment, step.release))
            case Cancel(release):
                self.reporter.info(run_messages.cancelling(release))
                self._send(step, lambda: self.client.cancel(self.deployment, release))
            case Deliver(hop):
                self._send(step, lambda: self._deliver(hop))

    def _deliver(self, hop: Hop) -> None:
        if self.delivery is None:
            raise AssertionError("the request says that images are delivered, and there is no delivery")
        self.reporter.info(run_messages.delivering(hop, self.delivery.announce(hop), self.request))

        def say(text: str) -> None:
            self.run_reporter.command_output(hop, text, self.run.at(self.clock.now()))

        seconds = self.request.timeout - self.run.waited
        try:
            self.delivery.deliver(self.deployment, hop, seconds=seconds, say=say)
        except CommandInterruptedError as error:
            self.reporter.warning(str(error))
            raise

    def _send(self, step: Start | Deliver | Cancel, send: Callable[[], None]) -> None:
        """Send a mutation, and remember how it ended."""
        outcome, message = Outcome.ANSWERED, ""
        try:
            send()
        except UnknownOutcomeError as error:
            outcome, message = Outcome.DOUBTFUL, str(error)
        except PlatformUnreachableError as error:
            outcome, message = Outcome.UNSENT, str(error)
        except (PlatformRefusedError, DeliveryFailedError) as error:
            outcome, message = Outcome.REFUSED, str(error)
        if outcome in {Outcome.DOUBTFUL, Outcome.UNSENT}:
            self.reporter.warning(run_messages.unanswered(message))
        self.polls.restart()
        self.run = self.run.at(self.clock.now()).sent(step.kind, step.release, outcome, message)
