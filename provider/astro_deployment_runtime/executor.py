"""The loop: observe, decide, do one thing, observe again.

It takes no decision of its own (:mod:`~astro_deployment_runtime.reconcile` does) and owns no clock: what it says, waits
and asks goes through :mod:`~astro_deployment_runtime.ports`. It returns what was observed last, never what was wished.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime import narration, report
from astro_deployment_runtime.confirmation import HEALTHY_READS
from astro_deployment_runtime.errors import (
    AstroRuntimeError,
    CommandInterruptedError,
    DeliveryFailedError,
    DoubtfulMutationError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RunInterruptedError,
)
from astro_deployment_runtime.reconcile import (
    Cancel,
    Deliver,
    Done,
    Refuse,
    Start,
    TimedOut,
    Wait,
    Waiting,
    decide,
)
from astro_deployment_runtime.situation import Mutation, MutationKind, Observation, Outcome, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from astro_deployment_runtime.catalog import Catalog
    from astro_deployment_runtime.model import Deployment, Hop, Platform
    from astro_deployment_runtime.ports import Client, Clock, Delivery, Reporter
    from astro_deployment_runtime.reconcile import Decision
    from astro_deployment_runtime.situation import Declaration
    from astro_deployment_runtime.versions import ReleaseId

_FIRST_POLL: Final = 1.5
"""Seconds from look to look, when something has just been done; what is asked of the Airflow in between counts in."""
_LONGEST_POLL: Final = 5.0
_CONFIRMING_POLL: Final = 1.0
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
    """The hop that we started and have not seen arrive."""
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
    _live: bool = True
    """The offer was read together with the Deployment, just now."""
    _hop_since: float = 0.0
    _mutated_at: float = 0.0
    _looked_at: float = 0.0
    _poll: float = _FIRST_POLL
    _asked: ReleaseId | None = None
    _hinted: ReleaseId | None = None
    _warned: bool = False
    _said: str = ""
    _said_at: float = 0.0

    def to_its_end(self) -> Ending:
        """Walk until there is nothing left to do, or a reason to stop."""
        self._hop_since = self.clock.now()
        try:
            while True:
                ending = self._step(self._decide())
                if ending is not None:
                    return ending
        except RunInterruptedError:
            return self._ending(narration.interrupted(self.run.ours, self.deployment))
        except AstroRuntimeError as error:
            return self._ending(narration.failed(error, self.run.ours, self.deployment))

    def _step(self, decision: Decision) -> Ending | None:
        match decision:
            case Done(planned):
                for warning in planned.warnings:
                    self.reporter.warning(report.warning_line(warning))
                return self._ending(None)
            case Wait():
                if self._wait(decision):
                    return self._ending(narration.interrupted(self.run.ours, self.deployment))
                self._look()
            case Refuse(reason) if self._live or isinstance(reason, TimedOut):
                return self._ending(narration.stopped(reason, self.deployment, self.declaration))
            case Start() | Deliver() | Cancel() if self._live:
                if self.clock.wait(0):
                    return self._ending(narration.interrupted(self.run.ours, self.deployment))
                self._do(decision)
                self._observe()
            case _:
                # Nothing is changed, nor refused, on account of an offer that may be out of date.
                self._observe()
        return None

    def _decide(self) -> Decision:
        now = self.clock.now()
        self.run = replace(self.run, waited=now - self._hop_since, since_mutation=now - self._mutated_at)
        observation = Observation(deployment=self.deployment, platform=self.platform, run=self.run)
        return decide(observation, self.declaration, self.catalog)

    def _do(self, step: Start | Deliver | Cancel) -> None:
        match step:
            case Start(hop):
                self.reporter.progress(narration.starting(hop, self.declaration))
                self._send(MutationKind.START, hop.target.id, lambda: self.client.start(self.deployment, hop.target.id))
            case Deliver(hop):
                self._deliver(hop)
            case Cancel(pending):
                self.reporter.info(narration.cancelling(pending))
                self._send(MutationKind.CANCEL, pending, lambda: self.client.cancel(self.deployment, pending))

    def _deliver(self, hop: Hop) -> None:
        delivery = self.delivery
        if delivery is None:
            raise AssertionError("a hop is delivered, and nothing says how")
        self.reporter.info(narration.delivering(hop, delivery.announce(hop), self.declaration))
        seconds = self.declaration.timeout - self.run.waited

        def say(text: str) -> None:
            self.reporter.progress(narration.delivering(hop, text, self.declaration))

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
        last = self.run.mutation
        again = last is not None and (last.kind, last.release) == (kind, release)
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
            self.reporter.warning(narration.unanswered(message))
        self._mutated_at = self.clock.now()
        self._poll = _FIRST_POLL
        attempts = last.attempts + 1 if again and last is not None else 1
        mutation = Mutation(kind=kind, release=release, outcome=outcome, message=message, attempts=attempts)
        ours = self.run.ours
        if kind is MutationKind.START and outcome in {Outcome.ANSWERED, Outcome.DOUBTFUL}:
            ours = release
        self.run = replace(self.run, mutation=mutation, ours=ours)

    def _wait(self, waiting: Wait) -> bool:
        """Say what is waited for, and wait; True when cancelled."""
        if waiting.what is Waiting.IMAGE and waiting.hop is not None and self._asked != waiting.hop.target.id:
            self.reporter.info(narration.asking_for_image(waiting.hop, self.deployment, self.declaration))
            self._asked = waiting.hop.target.id
        self._hint(waiting)
        text = narration.waiting(waiting, self.deployment, self.run, self.declaration)
        now = self.clock.now()
        if text != self._said or now - self._said_at >= max(_LONGEST_POLL, self.run.waited / 10):
            self.reporter.progress(text + narration.elapsed(self.run.waited, self.declaration.timeout))
            self._said, self._said_at = text, now
        if 0 < self.run.confirmation.reads < HEALTHY_READS:
            self._poll = _CONFIRMING_POLL
        return self.clock.wait(max(0.0, self._looked_at + self._poll * (1 - _LINGER) - now))

    def _hint(self, waiting: Wait) -> None:
        """Say once per hop what is likely wrong with an image that does not arrive: Houston never does."""
        after = _HINT_SECONDS.get(waiting.what)
        if after is None or waiting.hop is None or self.run.waited < after or self._hinted == waiting.hop.target.id:
            return
        self.reporter.warning(narration.hint(waiting.hop, self.deployment, self.declaration))
        self._hinted = waiting.hop.target.id

    def _look(self) -> None:
        """Read the Deployment alone; an outage of Houston is waited out, since we wait anyway."""
        self._live = False
        within = self._poll * _LINGER
        self._poll = min(_LONGEST_POLL, self._poll * _POLL_GROWTH)
        try:
            self._note(self.client.observe_deployment(self.deployment.id, self.catalog, within=within))
        except PlatformUnreachableError as error:
            self._looked_at = self.clock.now()
            self.reporter.progress(narration.unreachable(error))
            return
        if self.run.arrived is not None:
            self._confirm(self.run.arrived)

    def _observe(self) -> None:
        """Read the Deployment and the offer."""
        deployment, self.platform, self.catalog = self.client.observe(self.deployment.id)
        self._live = True
        self._note(deployment)

    def _note(self, deployment: Deployment) -> None:
        self._looked_at = self.clock.now()
        if deployment.current.id != self.deployment.current.id:
            self._hop_since = self.clock.now()
            self._poll = _FIRST_POLL
            ours = self.run.ours if self.run.ours in {deployment.current.id, deployment.pending} else None
            if self.declaration.confirm:
                self.run = Run(ours=ours, arrived=deployment.current.id, seen=deployment.pending)
            else:
                self.reporter.info(narration.reported(deployment, self.declaration))
                self.run = Run(ours=ours if ours != deployment.current.id else None, seen=deployment.pending)
        elif deployment.pending is not None:
            self.run = replace(self.run, seen=deployment.pending)
        elif self.run.ours is not None and self.run.ours == self.run.seen:
            # It was pending and is no longer, so it is not ours any more should somebody start it again.
            self.run = replace(self.run, ours=None)
        self.deployment = deployment

    def _confirm(self, arrived: ReleaseId) -> None:
        """Ask the Airflow whether what Houston reports is what runs.

        After a wait only: what answers in the moment of a delivery is what ran before it, perhaps at the same version
        of Airflow.
        """
        health = self.client.health(self.deployment, self.deployment.current.airflow)
        confirmation = self.run.confirmation.after(health, self.clock.now())
        told = replace(health, detail=", ".join(filter(None, (health.detail, confirmation.missing))))
        self.run = replace(self.run, health=told, confirmation=confirmation)
        if confirmation.confirmed:
            self.reporter.info(narration.arrived(self.deployment, health, self.declaration))
            if health.concern and not self._warned:
                self.reporter.warning(narration.concern(self.deployment, health))
                self._warned = True
            ours = None if self.run.ours == arrived else self.run.ours
            self.run = Run(ours=ours, seen=self.deployment.pending)
            self._hop_since = self.clock.now()

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

    Raises:
        PlatformError: the Deployment could not be read even once; nothing was changed.
    """
    deployment, platform, catalog = client.observe(deployment_id)
    arrived = pending if pending == deployment.current.id else None
    run = Run(ours=pending, arrived=arrived, seen=deployment.pending)
    if arrived is not None and not declaration.confirm:
        run = Run(seen=deployment.pending)
    return Walk(
        declaration=declaration,
        delivery=delivery,
        client=client,
        clock=clock,
        reporter=reporter,
        deployment=deployment,
        platform=platform,
        catalog=catalog,
        run=run,
    ).to_its_end()
