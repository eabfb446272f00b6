"""The loop: observe, decide, do one thing, observe again.

The reconciler decides (:mod:`~astro_deployment_runtime.execution.reconciler`). The platform, the user, the delivery and
the clock are behind :mod:`~astro_deployment_runtime.execution.ports`. The result is the last observation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import (
    AstroRuntimeError,
    CommandInterruptedError,
    DeliveryFailedError,
    DoubtfulMutationError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RunInterruptedError,
)
from astro_deployment_runtime.execution import run_messages
from astro_deployment_runtime.execution.decisions import MutationKind, Observation, Outcome, Run
from astro_deployment_runtime.execution.health_confirmation import HEALTHY_READS
from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.execution.reconciler import (
    Cancel,
    Deliver,
    Done,
    FellBack,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Waiting,
    Withdrawn,
    decide,
    expected_airflow,
)
from astro_deployment_runtime.planning import plan_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.execution.decisions import Declaration
    from astro_deployment_runtime.execution.ports import Client, Clock, Delivery, Reporter
    from astro_deployment_runtime.execution.reconciler import Decision
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.model import Deployment, Hop, Platform
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

_POLL_GROWTH: Final = 1.3
_LINGER: Final = 0.25
"""That part of a poll is left to the client, which reads all Deployments together that are due then: a hundred cost few
requests, and none of them waits longer than alone."""
_HINT_SECONDS: Final = {Waiting.ROLLOUT: 120.0, Waiting.IMAGE: 600.0}
"""When an image that was delivered, or that somebody may have deployed, is so late that it is likely a wrong one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a walk ended, good or bad: to be saved as it is."""

    deployment: Deployment
    """As it was observed last."""
    pending: ReleaseId | None = None
    """The hop that we started, perhaps not yet seen, and have not seen arrive."""
    problem: str | None = None
    """Why the target was not reached, and what to do; None where it was."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One Deployment on its declared path, in one run."""

    declaration: Declaration
    delivery: Delivery | None
    """None: somebody else deploys the images."""
    client: Client
    clock: Clock
    reporter: Reporter

    deployment: Deployment
    platform: Platform
    catalog: Catalog
    run: Run
    polling: Polling
    _live: bool = True
    """The offer was read together with the Deployment, just now."""
    _looked_at: float = 0.0
    _poll: float = field(init=False)
    _asked: ReleaseId | None = None
    _hinted: ReleaseId | None = None
    _warned: bool = False
    _said: str = ""
    _said_at: float = 0.0

    def __post_init__(self) -> None:
        """Begin as after something was done."""
        self._poll = self.polling.first

    def to_its_end(self) -> Ending:
        """Walk until there is nothing left to do, or a reason to stop."""
        try:
            while True:
                ending = self._step(self._decide())
                if ending is not None:
                    return ending
        except RunInterruptedError:
            return self._ending(run_messages.interrupted(self.run, self.deployment))
        except AstroRuntimeError as error:
            return self._ending(run_messages.failed(error, self.run, self.deployment))

    def _step(self, decision: Decision) -> Ending | None:
        match decision:
            case Done(planned):
                for warning in planned.warnings:
                    self.reporter.warning(plan_messages.warning_line(warning))
                return self._ending(None)
            case Wait():
                if self._wait(decision):
                    return self._ending(run_messages.interrupted(self.run, self.deployment))
                self._look()
            case Refuse(reason) if self._live or isinstance(reason, TimedOut):
                problem = run_messages.stopped(reason, self.deployment, self.run, self.declaration)
                if isinstance(reason, FellBack | Withdrawn):
                    self.run = self.run.disowned(self.deployment)
                return self._ending(problem)
            case Start() | Deliver() | Cancel() if self._live:
                if self.clock.wait(0):
                    return self._ending(run_messages.interrupted(self.run, self.deployment))
                self._do(decision)
                self._observe()
            case _:
                # Nothing is changed, nor refused, on account of an offer that may be out of date.
                self._observe()
        return None

    def _decide(self) -> Decision:
        self.run = self.run.at(self.clock.now())
        observation = Observation(deployment=self.deployment, platform=self.platform, run=self.run)
        return decide(observation, self.declaration, self.catalog)

    def _do(self, step: Start | Deliver | Cancel) -> None:
        match step:
            case Start(hop):
                self.reporter.progress(run_messages.starting(hop, self.declaration))
                self._send(MutationKind.START, hop.target.id, lambda: self.client.start(self.deployment, hop.target.id))
            case Deliver(hop):
                self._deliver(hop)
            case Cancel(pending):
                self.reporter.info(run_messages.cancelling(pending))
                self._send(MutationKind.CANCEL, pending, lambda: self.client.cancel(self.deployment, pending))

    def _deliver(self, hop: Hop) -> None:
        delivery = self.delivery
        if delivery is None:
            raise AssertionError("a hop is delivered, and nothing says how")
        self.reporter.info(run_messages.delivering(hop, delivery.announce(hop), self.declaration))
        seconds = self.declaration.timeout - self.run.waited

        def say(text: str) -> None:
            self.reporter.progress(run_messages.delivering(hop, text, self.declaration))

        try:
            self._send(
                MutationKind.DELIVER,
                hop.target.id,
                lambda: delivery.deliver(self.deployment, hop, seconds=seconds, say=say),
            )
        except CommandInterruptedError as error:
            self.reporter.warning(str(error))
            raise

    def _send(self, kind: MutationKind, release: ReleaseId, send: Callable[[], None]) -> None:
        outcome, message = Outcome.ANSWERED, ""
        try:
            send()
        except DoubtfulMutationError as error:
            outcome, message = Outcome.DOUBTFUL, str(error)
        except PlatformUnreachableError as error:
            outcome, message = Outcome.UNSENT, str(error)
        except (PlatformRefusedError, DeliveryFailedError) as error:
            outcome, message = Outcome.REFUSED, str(error)
        if outcome in {Outcome.DOUBTFUL, Outcome.UNSENT}:
            self.reporter.warning(run_messages.unanswered(message))
        self._poll = self.polling.first
        self.run = self.run.at(self.clock.now()).sent(kind, release, outcome, message)

    def _wait(self, waiting: Wait) -> bool:
        """Say what is waited for, and wait; True when cancelled."""
        if waiting.what is Waiting.IMAGE and waiting.hop is not None and self._asked != waiting.hop.target.id:
            self.reporter.info(run_messages.asking_for_image(waiting.hop, self.deployment, self.declaration))
            self._asked = waiting.hop.target.id
        self._hint(waiting)
        text = run_messages.waiting(waiting, self.deployment, self.run, self.declaration)
        now = self.clock.now()
        if text != self._said or now - self._said_at >= max(self.polling.longest, self.run.waited / 10):
            self.reporter.progress(text + run_messages.elapsed(self.run.waited, self.declaration.timeout))
            self._said, self._said_at = text, now
        if 0 < self.run.confirmation.reads < HEALTHY_READS or self.run.other_reads:
            self._poll = self.polling.confirming
        return self.clock.wait(max(0.0, self._looked_at + self._poll * (1 - _LINGER) - now))

    def _hint(self, waiting: Wait) -> None:
        """Say once per hop what is likely wrong with an image that does not arrive: Houston never does."""
        after = _HINT_SECONDS.get(waiting.what)
        if after is None or waiting.hop is None or self.run.waited < after or self._hinted == waiting.hop.target.id:
            return
        self.reporter.warning(run_messages.hint(waiting.hop, self.deployment, self.declaration))
        self._hinted = waiting.hop.target.id

    def _look(self) -> None:
        """Read the Deployment alone, and ask its Airflow where that has to confirm what Houston reports."""
        self._live = False
        within = self._poll * _LINGER
        self._poll = min(self.polling.longest, self._poll * _POLL_GROWTH)
        try:
            self._note(self.client.observe_deployment(self.deployment.id, self.catalog, within=within))
        except PlatformUnreachableError as error:
            self._miss(error)
            return
        if self.declaration.confirm and self.run.confirms(self.deployment):
            self._confirm()

    def _observe(self) -> None:
        """Read the Deployment and the offer."""
        try:
            deployment, self.platform, self.catalog = self.client.observe(self.deployment.id)
        except PlatformUnreachableError as error:
            self._miss(error)
            return
        self._live = True
        self._note(deployment)

    def _miss(self, error: PlatformUnreachableError) -> None:
        """Remember that Houston did not answer: an outage is waited out."""
        self._live = False
        self._looked_at = self.clock.now()
        self.run = self.run.missed(str(error))

    def _note(self, deployment: Deployment) -> None:
        self._looked_at = self.clock.now()
        if deployment.current.id != self.deployment.current.id:
            self._poll = self.polling.first
        self.run = self.run.at(self._looked_at).noted(self.deployment, deployment, self.declaration.path)
        self.deployment = deployment
        taken = self.run.resumed or deployment.current.airflow == self._expected
        if taken and self.run.confirms(deployment) and not self.declaration.confirm:
            self.reporter.info(run_messages.reported(deployment, self.declaration))
            self.run = self.run.confirmed()

    def _confirm(self) -> None:
        """Ask the Airflow whether what Houston reports is what runs.

        After a wait only: what answers in the moment of a delivery is what ran before it, perhaps at the same version
        of Airflow. Where Houston reports another Airflow version than the expected one, the Airflow is asked for both.
        What had arrived before this run is confirmed at either: an offer that is wrong stops one run only.
        """
        expected, reported = self._expected, self.deployment.current.airflow
        health = self.client.health(self.deployment, expected)
        others = 0
        if not health.healthy and reported != expected:
            other = self.client.health(self.deployment, reported)
            if other.healthy and self.run.resumed:
                health = other
            elif other.healthy:
                others = self.run.other_reads + 1
        confirmation = self.run.confirmation.after(health, self.clock.now())
        told = replace(health, detail=", ".join(filter(None, (health.detail, confirmation.missing))))
        self.run = replace(self.run, health=told, confirmation=confirmation, other_reads=others)
        if confirmation.confirmed:
            offered = self.catalog.get(self.deployment.current.id)
            known = offered.airflow if offered else None
            self.reporter.info(run_messages.arrived(self.deployment, health, self.declaration, known))
            if health.concern and not self._warned:
                self.reporter.warning(run_messages.concern(self.deployment, health))
                self._warned = True
            self.run = self.run.at(self.clock.now()).confirmed()

    @property
    def _expected(self) -> AirflowVersion:
        return expected_airflow(self.deployment, self.catalog)

    def _ending(self, problem: str | None) -> Ending:
        return Ending(deployment=self.deployment, pending=self.run.ours, problem=problem)


def walk(  # noqa: PLR0913 - the last three are the world around it
    deployment_id: str,
    declaration: Declaration,
    *,
    delivery: Delivery | None,
    pending: ReleaseId | None,
    client: Client,
    clock: Clock,
    reporter: Reporter,
    polling: Polling = POLLING,
) -> Ending:
    """Bring a Deployment along its declared path to its target.

    Args:
        deployment_id: Houston's id of it.
        declaration: the target, and the path that was shown.
        delivery: how the images get there; None: somebody else deploys them.
        pending: the hop that an earlier run saved as started by us.
        client: Houston.
        clock: time, and the user's wish to stop.
        reporter: who tells the user.
        polling: how often the Deployment is looked at.

    Raises:
        PlatformError: the Deployment could not be read even once; nothing was changed.
    """
    deployment, platform, catalog = client.observe(deployment_id)
    now = clock.now()
    resumed = pending == deployment.current.id
    run = Run(
        now=now,
        since=now,
        looked=now,
        ours=pending,
        reached=deployment.current,
        arrived=pending if resumed else None,
        resumed=resumed,
        complete=not resumed,
        seen=frozenset({deployment.pending} if deployment.pending else ()),
    )
    return Walk(
        declaration=declaration,
        delivery=delivery,
        client=client,
        clock=clock,
        reporter=reporter,
        deployment=deployment,
        platform=platform,
        catalog=catalog,
        run=run if declaration.confirm or not resumed else run.confirmed(),
        polling=polling,
    ).to_its_end()
