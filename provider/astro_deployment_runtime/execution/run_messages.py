"""Every text that a user reads about a run: what is done, what is waited for, why it stopped and what to do next.

Texts about a plan are in :mod:`~astro_deployment_runtime.planning.plan_messages`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, assert_never

from astro_deployment_runtime.execution.decisions import (
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
from astro_deployment_runtime.execution.run_memory import MutationKind, Outcome
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.model import Refusal
from astro_deployment_runtime.planning.versions import Distribution

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.decisions import Reason, Wait, WalkRequest
    from astro_deployment_runtime.execution.run_memory import Mutation, Run
    from astro_deployment_runtime.planning.model import Deployment, Health, Hop
    from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

_AGAIN = "run 'pulumi up' again"
_RESUME = f"{_AGAIN} to go on from here"


def _position(target: ReleaseId, request: WalkRequest) -> str:
    """``hop 1/2``: counted on the path that was shown."""
    hops = len(request.path) - 1
    return f"hop {request.path.index(target)}/{hops}" if target in request.path[1:] else "start"


def _hop(hop: Hop, request: WalkRequest) -> str:
    return f"{_position(hop.target.id, request)} - {hop.action} to {hop.target.id}"


def duration(seconds: float) -> str:
    """``03:12``, or ``1:00:00`` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def elapsed(waited: float, timeout: float) -> str:
    """`` - 03:12 of 1:00:00``, to follow what is waited for."""
    return f" - {duration(waited)} of {duration(timeout)}"


def starting(hop: Hop, request: WalkRequest) -> str:
    """A hop is being started."""
    return f"{_hop(hop, request)} - starting"


def delivering(hop: Hop, what: str, request: WalkRequest) -> str:
    """A hop's image is on its way; what that comes to, the delivery says itself."""
    return f"{_hop(hop, request)}: {what}"


def cancelling(pending: ReleaseId) -> str:
    """A pending hop is being cancelled."""
    return f"cancelling the pending hop to {pending}"


def asking_for_image(hop: Hop, deployment: Deployment, request: WalkRequest) -> str:
    """Somebody has to deploy an image: which, and that nothing is lost meanwhile."""
    return (
        f"{_hop(hop, request)}: deploy to {deployment.release_name} an image of your project built\n"
        f"  FROM {request.base_images.image(hop.target.id)}\n"
        f"This waits for it; Ctrl-C interrupts nothing on the platform, and the next 'pulumi up' goes on from here."
    )


def waiting(wait: Wait, deployment: Deployment, run: Run, request: WalkRequest) -> str:
    """What is waited for, for the status column."""
    match wait.what:
        case Waiting.SETTLING:
            if run.reached is not None and run.reached.id != deployment.current.id:
                back = f"Houston reports {deployment.current.id} after {run.reached.id}, waiting whether that lasts"
                return f"{_position(run.reached.id, request)} - {back}"
            what = "waiting for Houston to settle"
        case Waiting.ANSWER:
            return f"{run.outage}; still waiting"
        case Waiting.IMAGE:
            what = "waiting for image"
        case Waiting.ROLLOUT:
            what = "waiting for Houston to take the image"
        case Waiting.HEALTH:
            found = run.health.detail if run.health else "asking its Airflow"
            if run.fell_back and not run.settled:
                found = "Houston reports it again, waiting whether that lasts"
            current = _position(deployment.current.id, request)
            return f"{current} - {deployment.current.id} - confirming: {found}"
        case _:
            assert_never(wait.what)
    return f"{_hop(wait.hop, request)} - {what}" if wait.hop else what


def arrived(deployment: Deployment, health: Health, request: WalkRequest, offered: AirflowVersion | None = None) -> str:
    """A hop has arrived; ``offered`` is the Airflow version of the release on offer, None where it is not on offer."""
    other = offered is not None and health.airflow is not None and offered != health.airflow
    offer = f" (on offer with Airflow {offered})" if other else ""
    return f"{_position(deployment.current.id, request)}: runs {deployment.current.id}, {health.detail}{offer}"


def concern(deployment: Deployment, health: Health) -> str:
    """Something is wrong with the Airflow that holds no hop up."""
    return f"{deployment.release_name}: {health.concern}. The run goes on; look at the Deployment's pods"


def reported(deployment: Deployment, request: WalkRequest) -> str:
    """A hop has arrived as far as Houston tells, and nobody else is asked."""
    position = _position(deployment.current.id, request)
    return f"{position}: runs {deployment.current.id}, says Houston (verify: houston)"


def hint(hop: Hop, deployment: Deployment, request: WalkRequest) -> str:
    """An image is late: what is likely wrong, and how to see it. Houston ignores a wrong one without a word."""
    certified = hop.target.id.distribution is Distribution.CERTIFIED
    label = f"io.astronomer.docker.{'airflow' if certified else 'runtime'}.version"
    return (
        f"{_hop(hop, request)}: still no image that Houston takes. If one was deployed to "
        f"{deployment.release_name}, its label {label} is likely not {hop.target.id.version}, and Houston ignores it "
        "without a word. Look with\n  docker inspect --format '{{json .Config.Labels}}' IMAGE"
    )


def unanswered(message: str) -> str:
    """A mutation's answer was lost."""
    return f"{message}; looking at what Houston shows before anything else"


def interrupted(run: Run, deployment: Deployment) -> str:
    """The user stopped the run."""
    left = _left(run, deployment)
    return f"interrupted{f'; {left}' if left else ''}: {_RESUME}"


def failed(error: Exception, run: Run, deployment: Deployment) -> str:
    """An error ended the run."""
    left = _left(run, deployment)
    return f"{error}\n{f'{_sentence(left)}. ' if left else ''}{_last_seen(deployment)}; {_RESUME}."


def _left(run: Run, deployment: Deployment) -> str:
    """What this run leaves on the platform, as far as that was seen."""
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


def _last_seen(deployment: Deployment) -> str:
    return f"Houston last reported {_shown(deployment)}"


def _shown(deployment: Deployment) -> str:
    pending = f"the hop to {deployment.pending}" if deployment.pending else "nothing"
    return f"{deployment.current.id} for {deployment.release_name}, with {pending} pending"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def stopped(  # noqa: PLR0911 - one for each kind of reason
    reason: Reason, deployment: Deployment, run: Run, request: WalkRequest
) -> str:
    """Why a run does not go on, and what to do."""
    match reason:
        case Refusal():
            return plan_messages.refusal_message(reason)
        case PathChanged(shown, now, cancel):
            first = f"first cancel the pending hop to {cancel}, then " if cancel else ""
            return (
                f"the path changed: was {_path(shown)}, is now {first}{_path(now)}; nothing more was changed; "
                "run 'pulumi preview' to see the new one"
            )
        case MutationRefused(mutation):
            started = mutation.kind is MutationKind.DELIVER and deployment.pending == mutation.release
            left = "The hop stays started." if started else f"{_last_seen(deployment)}."
            return f"{mutation.message}\n{left} Correct that, then {_RESUME}."
        case NoEffect(mutation):
            return f"{_not_taken(mutation, deployment)}: {_look(deployment)}, then {_RESUME}"
        case Withdrawn(hop, delivered):
            return _withdrawn(hop, deployment, run, delivered=delivered)
        case FellBack(reached, seconds):
            return (
                f"Houston reported {reached}, and {_lately(seconds)} reports {_shown(deployment)}. The platform or "
                "somebody seems to have taken the hop back; this run has sent nothing since it saw that. Look at the "
                f"events and logs of its pods for why {reached} did not stay, then {_AGAIN}: it plans from "
                f"{deployment.current.id}"
            )
        case WrongAirflow(expected, asked_airflow):
            return _wrong_airflow(deployment, expected, request, asked_airflow=asked_airflow)
        case TimedOut():
            return _timed_out(reason, deployment, run, request)
        case HandedOver(wait):
            return _handed_over(wait, deployment, run, request)
        case _:
            assert_never(reason)


def _lately(seconds: float) -> str:
    return f"for the last {seconds:.0f} s" if 1 <= seconds < inf else "now"


def _look(deployment: Deployment) -> str:
    return f"look at the Deployment {deployment.release_name} in the Software UI"


def _not_taken(mutation: Mutation, deployment: Deployment) -> str:
    what = {
        MutationKind.START: f"start {mutation.release}",
        MutationKind.DELIVER: f"deploy the image of {mutation.release}",
        MutationKind.CANCEL: f"cancel {mutation.release}",
    }[mutation.kind]
    asked = "could not ask Houston to" if mutation.outcome is Outcome.UNSENT else "asked Houston to"
    why = f" ({mutation.message})" if mutation.message else ""
    return f"this run {asked} {what}{why}, and Houston shows no effect: it reports {_shown(deployment)}"


def _withdrawn(hop: Hop, deployment: Deployment, run: Run, *, delivered: bool) -> str:
    since = _lately(run.unchanged_for)
    gone = f"Houston showed the hop to {hop.target.id} as pending, and {since} reports {_shown(deployment)}"
    again = f"This run does not start it again; to do that, {_AGAIN}"
    if delivered:
        return (
            f"{gone}. This run had delivered its image: the rollout failed, or somebody cancelled it. Look at the "
            f"events and logs of its pods. {again}"
        )
    return f"{gone}: somebody cancelled it, or Houston dropped it. {again}"


def _wrong_airflow(
    deployment: Deployment, expected: AirflowVersion, request: WalkRequest, *, asked_airflow: bool
) -> str:
    current = deployment.current
    image = request.base_images.image(current.id)
    airflow = (
        f"its Airflow tells {current.airflow} too" if asked_airflow else "its Airflow was not asked (verify: houston)"
    )
    return (
        f"Houston reports {current.id} with Airflow {current.airflow} for {deployment.release_name}, {airflow}, and "
        f"the platform offers {current.id} with Airflow {expected}. Nothing more was started. Check that the image was "
        f"built FROM {image}, and which Airflow its pods run; then {_AGAIN}: it goes on from {current.id} "
        "with the Airflow that runs"
    )


def _path(path: tuple[ReleaseId, ...]) -> str:
    return " > ".join(map(str, path))


def _timed_out(reason: TimedOut, deployment: Deployment, run: Run, request: WalkRequest) -> str:
    wait = reason.waiting
    limit = f"within {duration(reason.seconds)} (timeout)"
    if wait.what is Waiting.ANSWER:
        return f"{reason.seen}\nHouston did not answer {limit}. {_last_seen(deployment)}; {_RESUME}"
    if wait.what is Waiting.SETTLING:
        return (
            f"Houston's answers did not settle {limit}: it last reported {_shown(deployment)}. "
            f"{_sentence(_look(deployment))}, then {_RESUME}"
        )
    if wait.what is Waiting.HEALTH or wait.hop is None:
        between = ", after it had reported a lower version in between" if run.fell_back else ""
        reported = f"Houston reports {deployment.current.id} for {deployment.release_name}{between}"
        if not request.ask_airflow:
            return f"{reported}, and its answers did not settle {limit}: {_look(deployment)}, then {_RESUME}"
        return (
            f"{reported}, but its Airflow was not confirmed healthy at {reason.airflow} {limit}"
            f"{f' ({reason.seen})' if reason.seen else ''}: look at its pods and its webserver, then {_RESUME}"
        )
    image = request.base_images.image(wait.hop.target.id)
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, request)}: {_delivered(wait.hop, run)}, and Houston did not take it {limit}. Houston "
            f"ignores an image whose labels do not say {wait.hop.target.id}, without a word: is it built FROM {image}? "
            f"{_go_on(deployment)}"
        )
    return (
        f"{_hop(wait.hop, request)}: Houston took no image {limit}. Deploy to {deployment.release_name} an image "
        f"built FROM {image}; Houston ignores an image built on anything else without a word. {_go_on(deployment)}"
    )


def _delivered(hop: Hop, run: Run) -> str:
    """What is known of the delivery: where its answer was lost, Houston may not have the image."""
    delivery = run.last(MutationKind.DELIVER, hop.target.id)
    doubtful = delivery is not None and delivery.outcome is Outcome.DOUBTFUL
    return "the image may have been deployed (the answer was lost)" if doubtful else "the image was deployed"


def _go_on(deployment: Deployment) -> str:
    """What is left on the platform, where upgrades are started there at all, and how to go on."""
    return f"The hop stays started; {_RESUME}" if deployment.pending else f"R{_RESUME[1:]}"


def _handed_over(wait: Wait, deployment: Deployment, run: Run, request: WalkRequest) -> str:
    if wait.hop is None:
        return (
            f"Houston reports {deployment.current.id} for {deployment.release_name}, and its Airflow is not confirmed "
            f"healthy yet; not waiting for that (wait is false): {_RESUME} when it is"
        )
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, request)}: {_delivered(wait.hop, run)}; not waiting for Houston to take it (wait is "
            f"false): {_RESUME}"
        )
    image = request.base_images.image(wait.hop.target.id)
    return (
        f"{_hop(wait.hop, request)}: not waiting for its image (wait is false). Deploy to "
        f"{deployment.release_name} an image built\n  FROM {image}\nand then {_RESUME}"
    )
