"""Texts of a run that stay: what happened, why a run stopped, and what to do next.

Texts about a plan are in :mod:`~astro_deployment_runtime.planning.plan_messages`, and the short texts of the status
column in :mod:`~astro_deployment_runtime.execution.status_texts`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, assert_never

from astro_deployment_runtime.execution.decision_types import (
    FellBack,
    HandedOver,
    MutationRefused,
    NoEffect,
    PathChanged,
    TimedOut,
    Waiting,
    Withdrawn,
    WrongAirflow,
)
from astro_deployment_runtime.execution.run_memory import Mutation, MutationKind, Outcome
from astro_deployment_runtime.execution.status_texts import position
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.plan_model import Refusal
from astro_deployment_runtime.planning.versions import Distribution
from astro_deployment_runtime.support.text_formatting import duration

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decision_types import Reason, Wait, WalkRequest
    from astro_deployment_runtime.execution.run_memory import Run
    from astro_deployment_runtime.planning.plan_model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

_RESUME = "run `pulumi up` to resume."
_RESUME_SENTENCE = "Run `pulumi up` to resume."


def delivering(hop: Hop, what: str, request: WalkRequest) -> str:
    """A hop's image is being delivered; the delivery describes how."""
    return f"{position(hop.target.id, request)}: {what}"


def cancelling(pending: ReleaseId) -> str:
    """A pending hop is being cancelled."""
    return f"cancelling the pending hop to {pending}"


def asking_for_image(hop: Hop, deployment: Deployment, request: WalkRequest) -> str:
    """Somebody else has to deploy an image."""
    return (
        f"{position(hop.target.id, request)}: deploy to {deployment.release_name} an image of your project built\n"
        f"  FROM {request.base_images.image(hop.target.id)}\n"
        f"This run waits for it. Ctrl-C changes nothing on the platform; {_RESUME}"
    )


def arrived(deployment: Deployment, health: Health, request: WalkRequest, offered: AirflowVersion | None = None) -> str:
    """A hop has arrived, and its Airflow confirms it.

    Args:
        deployment: as Houston reports it.
        health: as its Airflow reports it.
        request: the walk.
        offered: the Airflow version that the platform offers the release with; None: the release is not offered.
    """
    differs = offered is not None and health.airflow is not None and offered != health.airflow
    offer = f" (the platform offers it with Airflow {offered})" if differs else ""
    return f"{position(deployment.current.id, request)}: runs {deployment.current.id}, {health.detail}{offer}"


def concern(deployment: Deployment, health: Health) -> str:
    """The Airflow has a problem that holds no hop up."""
    return f"{deployment.release_name}: {health.concern}. The run continues. Check the pods of this Deployment."


def reported(deployment: Deployment, request: WalkRequest) -> str:
    """A hop has arrived according to Houston, and the user declared that this is enough."""
    return f"{position(deployment.current.id, request)}: Houston reports {deployment.current.id} (verify: houston)"


def image_hint(hop: Hop, deployment: Deployment, request: WalkRequest) -> str:
    """An image is late, and is probably a wrong one. Houston reports nothing about an image that it ignores."""
    certified = hop.target.id.distribution is Distribution.CERTIFIED
    label = f"io.astronomer.docker.{'airflow' if certified else 'runtime'}.version"
    return (
        f"{_hop(hop, request)}: Houston has taken no image yet. If one was deployed to {deployment.release_name}, its "
        f"label {label} is probably not {hop.target.id.version}, and Houston silently ignores it. Check the labels "
        "with\n  docker inspect --format '{{json .Config.Labels}}' IMAGE"
    )


def health_hint(deployment: Deployment, detail: str, request: WalkRequest) -> str:
    """An Airflow is late. The status column may be too narrow for the reason."""
    where = position(deployment.current.id, request)
    return (
        f"{where}: {deployment.current.id} is not confirmed yet: {detail}. Check the pods of "
        f"{deployment.release_name}. This run waits until the timeout ({duration(request.timeout)})."
    )


def unanswered(message: str) -> str:
    """The answer to a mutation was lost."""
    return f"{message}; reading from Houston before the next step"


def interrupted(run: Run, deployment: Deployment) -> str:
    """The user stopped the run."""
    left = _left(run, deployment)
    return f"interrupted{f'; {left}' if left else ''}. {_RESUME_SENTENCE}"


def failed(error: Exception, run: Run, deployment: Deployment) -> str:
    """An error ended the run."""
    left = _left(run, deployment)
    return f"{error}\n{f'{_sentence(left)}. ' if left else ''}{_last_seen(deployment)}. {_RESUME_SENTENCE}"


def stopped(  # noqa: PLR0911 - one for each kind of reason
    reason: Reason, deployment: Deployment, run: Run, request: WalkRequest
) -> str:
    """The run does not go on: why, and what to do next."""
    match reason:
        case Refusal():
            return plan_messages.refusal_message(reason)
        case PathChanged(shown, now, cancel):
            first = f"cancel the pending hop to {cancel}, then " if cancel else ""
            return (
                f"the path changed: the preview showed {plan_messages.path_text(shown)}, and from here it is "
                f"{first}{plan_messages.path_text(now)}. "
                "This run changed nothing more. Run `pulumi preview` to see the new path."
            )
        case MutationRefused(mutation):
            started = mutation.kind is MutationKind.DELIVER and deployment.pending == mutation.release
            left = "The hop stays started" if started else _last_seen(deployment)
            return f"{mutation.message}\n{left}. Correct this, then {_RESUME}"
        case NoEffect(mutation):
            return f"{_no_effect(mutation, deployment)}. {_check_deployment(deployment)}, then {_RESUME}"
        case Withdrawn(hop, delivered):
            return _withdrawn(hop, deployment, run, delivered=delivered)
        case FellBack(reached, seconds):
            return (
                f"Houston reported {reached}, and {_now_reports(deployment, seconds)}. The platform or somebody "
                "probably reverted the hop. This run has sent nothing since. Check the events and logs of its pods for "
                f"the reason, then run `pulumi up`: it plans again from {deployment.current.id}."
            )
        case WrongAirflow(expected, asked_airflow):
            return _wrong_airflow(deployment, expected, request, asked_airflow=asked_airflow)
        case TimedOut():
            return _timed_out(reason, deployment, run, request)
        case HandedOver(wait):
            return _handed_over(wait, deployment, run, request)
        case _:
            assert_never(reason)


def _no_effect(mutation: Mutation, deployment: Deployment) -> str:
    what = {
        MutationKind.START: f"start {mutation.release}",
        MutationKind.DELIVER: f"deploy the image of {mutation.release}",
        MutationKind.CANCEL: f"cancel {mutation.release}",
    }[mutation.kind]
    asked = "could not ask Houston to" if mutation.outcome is Outcome.UNSENT else "asked Houston to"
    why = f" ({mutation.message})" if mutation.message else ""
    return f"this run {asked} {what}{why}, and Houston shows no effect: it reports {_shown(deployment)}"


def _withdrawn(hop: Hop, deployment: Deployment, run: Run, *, delivered: bool) -> str:
    gone = f"Houston showed the hop to {hop.target.id} as pending, and {_now_reports(deployment, run.unchanged_for)}"
    restart = "This run does not restart it. To start it again, run `pulumi up`."
    if delivered:
        return (
            f"{gone}. This run had delivered its image: the rollout failed, or somebody cancelled the hop. Check the "
            f"events and logs of its pods. {restart}"
        )
    return f"{gone}: somebody cancelled it, or Houston dropped it. {restart}"


def _wrong_airflow(
    deployment: Deployment, expected: AirflowVersion, request: WalkRequest, *, asked_airflow: bool
) -> str:
    current = deployment.current
    also = f"reports {current.airflow} too" if asked_airflow else "was not asked (verify: houston)"
    return (
        f"Houston reports {current.id} with Airflow {current.airflow} for {deployment.release_name}, its Airflow {also}"
        f", and the platform offers {current.id} with Airflow {expected}. This run started nothing more. Check that "
        f"the image was built FROM {request.base_images.image(current.id)}, and which Airflow its pods run. Then run "
        f"`pulumi up`: it continues from {current.id} with the Airflow that runs."
    )


def _timed_out(reason: TimedOut, deployment: Deployment, run: Run, request: WalkRequest) -> str:
    wait = reason.waiting
    limit = f"within {duration(reason.seconds)} (timeout)"
    if wait.what is Waiting.ANSWER:
        return f"{reason.seen}\nHouston did not answer {limit}. {_last_seen(deployment)}. {_RESUME_SENTENCE}"
    if wait.what is Waiting.SETTLING:
        return (
            f"Houston's answers did not settle {limit}: it last reported {_shown(deployment)}. "
            f"{_check_deployment(deployment)}, then {_RESUME}"
        )
    if wait.what is Waiting.HEALTH or wait.hop is None:
        between = ", after it had reported a lower version in between" if run.fell_back else ""
        reports = f"Houston reports {deployment.current.id} for {deployment.release_name}{between}"
        if not request.ask_airflow:
            return f"{reports}, and its answers did not settle {limit}. {_check_deployment(deployment)}, then {_RESUME}"
        return (
            f"{reports}, but its Airflow was not confirmed healthy at {reason.airflow} {limit}"
            f"{f': {reason.seen}' if reason.seen else ''}. Check its pods and its webserver, then {_RESUME}"
        )
    image = request.base_images.image(wait.hop.target.id)
    stays = "The hop stays started. " if deployment.pending else ""
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, request)}: {_delivered(wait.hop, run)}, and Houston did not take it {limit}. Houston "
            f"silently ignores an image whose labels do not name {wait.hop.target.id}. Check that it is built FROM "
            f"{image}. {stays}{_RESUME_SENTENCE}"
        )
    return (
        f"{_hop(wait.hop, request)}: Houston took no image {limit}. Deploy to {deployment.release_name} an image built "
        f"FROM {image}. Houston silently ignores any other image. {stays}{_RESUME_SENTENCE}"
    )


def _handed_over(wait: Wait, deployment: Deployment, run: Run, request: WalkRequest) -> str:
    if wait.hop is None:
        return (
            f"Houston reports {deployment.current.id} for {deployment.release_name}, and its Airflow is not confirmed "
            "healthy yet. This run does not wait for it (wait: false). Run `pulumi up` when the Airflow is healthy."
        )
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, request)}: {_delivered(wait.hop, run)}. This run does not wait until Houston takes it "
            f"(wait: false). {_RESUME_SENTENCE}"
        )
    return (
        f"{_hop(wait.hop, request)}: this run does not wait for its image (wait: false). Deploy to "
        f"{deployment.release_name} an image built\n  FROM {request.base_images.image(wait.hop.target.id)}\n"
        f"Then {_RESUME}"
    )


def _hop(hop: Hop, request: WalkRequest) -> str:
    return f"{position(hop.target.id, request)} - {hop.action} to {hop.target.id}"


def _left(run: Run, deployment: Deployment) -> str:
    """The state that this run leaves on the platform, as far as Houston has shown it."""
    current = deployment.current.id
    if run.reached is not None and run.reached.id != current:
        return f"Houston reported {run.reached.id}, and then {current}"
    if run.our_hop is None or run.our_hop == current:
        return ""
    if deployment.pending == run.our_hop:
        return f"the hop to {run.our_hop} stays started"
    if run.our_hop in run.seen_pending:
        return f"the hop to {run.our_hop} was started, and Houston no longer shows it as pending"
    return f"the hop to {run.our_hop} may have been started"


def _delivered(hop: Hop, run: Run) -> str:
    """The outcome of a delivery: if its answer was lost, Houston may not have the image."""
    delivery = run.last(MutationKind.DELIVER, hop.target.id)
    doubtful = delivery is not None and delivery.outcome is Outcome.DOUBTFUL
    return "the image may have been deployed (the answer was lost)" if doubtful else "the image was deployed"


def _check_deployment(deployment: Deployment) -> str:
    return f"Check the Deployment {deployment.release_name} in the Software UI"


def _last_seen(deployment: Deployment) -> str:
    return f"Houston last reported {_shown(deployment)}"


def _now_reports(deployment: Deployment, seconds: float) -> str:
    shown = _shown(deployment)
    return f"has reported {shown}, for the last {duration(seconds)}" if 1 <= seconds < inf else f"now reports {shown}"


def _shown(deployment: Deployment) -> str:
    pending = f"the hop to {deployment.pending}" if deployment.pending else "nothing"
    return f"{deployment.current.id} for {deployment.release_name}, with {pending} pending"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
