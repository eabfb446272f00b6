"""Every text that a user reads about a run: what is done, what is waited for, why it stopped and what to do next.

Texts about a plan are in :mod:`~astro_deployment_runtime.report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from astro_deployment_runtime import report
from astro_deployment_runtime.model import Refusal
from astro_deployment_runtime.reconcile import (
    HandedOver,
    MutationRefused,
    NotTaken,
    PathChanged,
    TimedOut,
    Waiting,
    Withdrawn,
)
from astro_deployment_runtime.situation import MutationKind
from astro_deployment_runtime.versions import Distribution

if TYPE_CHECKING:
    from astro_deployment_runtime.model import Deployment, Health, Hop
    from astro_deployment_runtime.reconcile import Reason, Wait
    from astro_deployment_runtime.situation import Declaration, Run
    from astro_deployment_runtime.versions import ReleaseId

_RESUME = "run 'pulumi up' again to go on from here"


def _position(target: ReleaseId, declaration: Declaration) -> str:
    """``hop 1/2``: counted on the path that was shown."""
    hops = len(declaration.path) - 1
    return f"hop {declaration.path.index(target)}/{hops}" if target in declaration.path[1:] else "start"


def _hop(hop: Hop, declaration: Declaration) -> str:
    return f"{_position(hop.target.id, declaration)} - {hop.action} to {hop.target.id}"


def duration(seconds: float) -> str:
    """``03:12``, or ``1:00:00`` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def elapsed(waited: float, timeout: float) -> str:
    """`` - 03:12 of 1:00:00``, to follow what is waited for."""
    return f" - {duration(waited)} of {duration(timeout)}"


def starting(hop: Hop, declaration: Declaration) -> str:
    """A hop is being started."""
    return f"{_hop(hop, declaration)} - starting"


def delivering(hop: Hop, what: str, declaration: Declaration) -> str:
    """A hop's image is on its way; what that comes to, the delivery says itself."""
    return f"{_hop(hop, declaration)}: {what}"


def cancelling(pending: ReleaseId) -> str:
    """A pending hop is being cancelled."""
    return f"cancelling the pending hop to {pending}"


def asking_for_image(hop: Hop, deployment: Deployment, declaration: Declaration) -> str:
    """Somebody has to deploy an image: which, and that nothing is lost meanwhile."""
    return (
        f"{_hop(hop, declaration)}: deploy to {deployment.release_name} an image of your project built\n"
        f"  FROM {hop.target.id.image}\n"
        f"This waits for it; Ctrl-C interrupts nothing on the platform, and the next 'pulumi up' goes on from here."
    )


def waiting(wait: Wait, deployment: Deployment, run: Run, declaration: Declaration) -> str:
    """What is waited for, for the status column."""
    match wait.what:
        case Waiting.SETTLING:
            what = "waiting for Houston to settle"
        case Waiting.IMAGE:
            what = "waiting for image"
        case Waiting.ROLLOUT:
            what = "waiting for Houston to take the image"
        case Waiting.HEALTH:
            found = run.health.detail if run.health else "asking its Airflow"
            current = _position(deployment.current.id, declaration)
            return f"{current} - {deployment.current.id} - confirming: {found}"
        case _:
            assert_never(wait.what)
    return f"{_hop(wait.hop, declaration)} - {what}" if wait.hop else what


def arrived(deployment: Deployment, health: Health, declaration: Declaration) -> str:
    """A hop has arrived."""
    return f"{_position(deployment.current.id, declaration)}: runs {deployment.current.id}, {health.detail}"


def concern(deployment: Deployment, health: Health) -> str:
    """Something is wrong with the Airflow that holds no hop up."""
    return f"{deployment.release_name}: {health.concern}. The run goes on; look at the Deployment's pods"


def reported(deployment: Deployment, declaration: Declaration) -> str:
    """A hop has arrived as far as Houston tells, and nobody else is asked."""
    position = _position(deployment.current.id, declaration)
    return f"{position}: runs {deployment.current.id}, says Houston (verify: houston)"


def hint(hop: Hop, deployment: Deployment, declaration: Declaration) -> str:
    """An image is late: what is likely wrong, and how to see it. Houston ignores a wrong one without a word."""
    certified = hop.target.id.distribution is Distribution.CERTIFIED
    label = f"io.astronomer.docker.{'airflow' if certified else 'runtime'}.version"
    return (
        f"{_hop(hop, declaration)}: still no image that Houston takes. If one was deployed to "
        f"{deployment.release_name}, its label {label} is likely not {hop.target.id.version}, and Houston ignores it "
        "without a word. Look with\n  docker inspect --format '{{json .Config.Labels}}' IMAGE"
    )


def unanswered(message: str) -> str:
    """A mutation's answer was lost."""
    return f"{message}; looking at what Houston shows before anything else"


def unreachable(error: Exception) -> str:
    """Houston does not answer while we wait anyway."""
    return f"{error}; still waiting"


def interrupted(ours: ReleaseId | None, deployment: Deployment) -> str:
    """The user stopped the run."""
    left = _left(ours, deployment)
    pending = f"; the {left}" if left else ""
    return f"interrupted{pending}: {_RESUME}"


def failed(error: Exception, ours: ReleaseId | None, deployment: Deployment) -> str:
    """An error ended the run."""
    left = _left(ours, deployment)
    pending = f"\nThe {left}." if left else ""
    return f"{error}{pending}\nNothing is lost: {_RESUME}."


def _left(ours: ReleaseId | None, deployment: Deployment) -> str:
    """What this run leaves on the platform, as far as that was seen."""
    if ours is None or ours == deployment.current.id:
        return ""
    return f"hop to {ours} {'stays' if deployment.pending == ours else 'may have been'} started"


def stopped(  # noqa: PLR0911 - one for each kind of reason
    reason: Reason, deployment: Deployment, declaration: Declaration
) -> str:
    """Why a run does not go on, and what to do."""
    match reason:
        case Refusal():
            return report.refusal_message(reason)
        case PathChanged(was, now, cancel):
            first = f"first cancel the pending hop to {cancel}, then " if cancel else ""
            return (
                f"the path changed: was {_path(was)}, is now {first}{_path(now)}; nothing more was changed; "
                "run 'pulumi preview' to see the new one"
            )
        case MutationRefused(mutation):
            delivers = mutation.kind is MutationKind.DELIVER
            left = "The hop stays started." if delivers else "Nothing was changed by it."
            return f"{mutation.message}\n{left} Put that right, then {_RESUME}."
        case NotTaken(mutation):
            lost = f" ({mutation.message})" if mutation.message else ""
            return (
                f"Houston was asked to {mutation.kind} {mutation.release} and shows no effect of it{lost}: "
                f"look at the Deployment {deployment.release_name} in the Software UI, then {_RESUME}"
            )
        case Withdrawn(hop):
            return (
                f"the hop to {hop.target.id} was pending and is no longer: somebody cancelled it. Nothing is started "
                f"against that; if it shall go on, {_RESUME}"
            )
        case TimedOut():
            return _timed_out(reason, deployment, declaration)
        case HandedOver(wait):
            return _handed_over(wait, deployment, declaration)
        case _:
            assert_never(reason)


def _path(path: tuple[ReleaseId, ...]) -> str:
    return " > ".join(map(str, path))


def _timed_out(reason: TimedOut, deployment: Deployment, declaration: Declaration) -> str:
    wait = reason.waiting
    limit = f"within {duration(reason.seconds)} (timeout)"
    if wait.what is Waiting.SETTLING:
        return (
            f"Houston did not show {limit} what became of the last request: look at the Deployment "
            f"{deployment.release_name} in the Software UI, then {_RESUME}"
        )
    if wait.what is Waiting.HEALTH or wait.hop is None:
        return (
            f"{deployment.release_name} runs {deployment.current.id}, but its Airflow was not confirmed healthy at "
            f"{deployment.current.airflow} {limit}{f' ({reason.seen})' if reason.seen else ''}: look at its pods and "
            f"its webserver, then {_RESUME}"
        )
    image = wait.hop.target.id.image
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, declaration)}: the image was deployed, and Houston did not take it {limit}. An image "
            f"whose labels do not say {wait.hop.target.id} is ignored in silence: is it built FROM {image}? "
            f"{_go_on(deployment)}"
        )
    return (
        f"{_hop(wait.hop, declaration)}: no image arrived {limit}. Deploy to {deployment.release_name} an image built "
        f"FROM {image}; an image built on anything else is ignored without a word. {_go_on(deployment)}"
    )


def _go_on(deployment: Deployment) -> str:
    """What is left on the platform, where upgrades are started there at all, and how to go on."""
    return f"The hop stays started; {_RESUME}" if deployment.pending else f"R{_RESUME[1:]}"


def _handed_over(wait: Wait, deployment: Deployment, declaration: Declaration) -> str:
    if wait.hop is None:
        return (
            f"{deployment.release_name} runs {deployment.current.id}, and its Airflow is not confirmed healthy yet; "
            f"not waiting for that (wait is false): {_RESUME} when it is"
        )
    if wait.what is Waiting.ROLLOUT:
        return (
            f"{_hop(wait.hop, declaration)}: the image is being deployed; not waiting for it (wait is false): {_RESUME}"
        )
    return (
        f"{_hop(wait.hop, declaration)}: not waiting for its image (wait is false). Deploy to "
        f"{deployment.release_name} an image built\n  FROM {wait.hop.target.id.image}\nand then {_RESUME}"
    )
