"""User texts about a plan or a refusal.

Pure: the same plan gives the same text, without a trailing newline. Names from a platform pass through
:func:`printable`, since a Deployment's label may contain any characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.plan_model import Action, Equivalent, Plan, PlanWarning, Refusal, RuleId
from astro_deployment_runtime.planning.upgrade_rules import RULE
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text_formatting import printable, printable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Target
    from astro_deployment_runtime.planning.versions import AirflowVersion

ARROW = " > "
"""Separator of a path's releases. No release's name contains it."""

OFFLINE = "Offline: the rule PLATFORM was not checked, since no platform was asked."
"""Last line of an offline plan."""


_CANCEL_IT: Final = "Cancel it with accept: [cancel-pending], or in the Software UI"
_DO_NOT_DEPLOY: Final = f"Do not deploy its image. {_CANCEL_IT}"


def path_line(plan: Plan) -> str:
    """Return the path in one line: ``AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4``. Without hops: the current release."""
    return path_text(plan.path)


def path_text(path: Iterable[Release | ReleaseId]) -> str:
    """Return the releases of a path as one text, which :func:`parse_path` reads."""
    return ARROW.join(map(str, path))


def parse_path(text: str) -> tuple[ReleaseId, ...]:
    """Return the releases in a text of :func:`path_text`.

    Raises:
        InvalidVersionError: a part of the text is not a release.
    """
    return tuple(ReleaseId.parse(release) for release in text.split(ARROW))


def plan_lines(plan: Plan, *, name: str | None = None, release_name: str | None = None) -> list[str]:
    """Return the lines of a plan: its path, steps, warnings, resolved target and point of no return.

    Args:
        plan: the plan.
        name: the Deployment's name, if the plan is about one.
        release_name: the Deployment's release name.
    """
    lines = [_heading(name, release_name) + _summary(plan)]
    lines += _step_lines(plan)
    lines += [f"  {warning_line(warning)}" for warning in plan.warnings]
    if plan.resolved:
        target = ReleaseId(Distribution.RUNTIME, plan.resolved.version)
        lines.append(f"{plan.resolved.declared} resolves to {target}.")
    if plan.hops:
        lines.append(f"Once hop 1 is deployed there is no way back to {plan.current}.")
    return lines


def pending_lines(plan: Plan, pending: ReleaseId | None) -> list[str]:
    """Return the line for a first hop that is already pending. It is the same for every owner."""
    if plan.cancel is None and plan.hops and plan.hops[0].target.id == pending:
        return ["Hop 1 is already pending. This run adopts it and does not start it again."]
    return []


def confirmation_line(release_name: str, release: str, *, ask_airflow: bool) -> str:
    """Return the remaining work for a hop that completed after its run ended.

    Args:
        release_name: of the Deployment.
        release: the hop's release, which is the current one now.
        ask_airflow: whether the Deployment's own Airflow confirms a hop, in addition to Houston.
    """
    left = f"confirm that {release} is healthy" if ask_airflow else f"record that {release} has arrived"
    return f"{printable_name(release_name)}: {left}; the last run ended before that"


def delivery_lines(plan: Plan, images: Sequence[str] | None) -> list[str]:
    """Return the lines about the delivery of each hop's image.

    Args:
        plan: the plan.
        images: the image that this program delivers for each hop; None: someone else deploys them.
    """
    if not plan.hops:
        return []
    if images is None:
        return ["No image is declared. Each hop waits until someone deploys an image built with its FROM line."]
    return [f"Hop {number} delivers {image}" for number, image in enumerate(images, start=1)]


def unknown_lines(plan: Plan, arguments: Sequence[str]) -> list[str]:
    """Return the line about images that are not known yet.

    Args:
        plan: the plan.
        arguments: the arguments that come from resources that do not exist yet; at least one.
    """
    if not plan.hops:
        return []
    images = "The image of the hop depends" if len(plan.hops) == 1 else "The images of the hops depend"
    return [f"{images} on {' and '.join(arguments)}, which comes from a resource that does not exist yet."]


def project_lines(written: Sequence[str], notes: Sequence[str], commands: Sequence[str], folder: str) -> list[str]:
    """Return the lines about the changes to an Astro project and the commands that run there.

    Args:
        written: the ``FROM`` line of each hop.
        notes: remarks about these lines.
        commands: the commands that run for each hop, in order.
        folder: the project, as the user named it.
    """
    if not written:
        return []
    runs = " and ".join(f"'{printable(command)}'" for command in commands)
    hops = [f"Hop {number} writes {printable(line)}" for number, line in enumerate(written, start=1)]
    return [*hops, *map(printable, notes), f"Each hop then runs {runs} in {printable(folder)}."]


def warning_line(warning: PlanWarning) -> str:
    """Return a warning in one line, with its name."""
    return f"warning {warning.name}: {printable(warning.message)}"


def refusal_lines(refusal: Refusal, *, name: str | None = None, release_name: str | None = None) -> list[str]:
    """Return the lines of a refusal: every reason, the nearest targets and what to do next."""
    stays = refusal.target == refusal.current.id.version
    what = "cannot stay at" if stays else f"no path from {refusal.current} to"
    lines = [f"{_heading(name, release_name)}{what} {_wanted(refusal)}"]
    for violation in refusal.violations:
        lines.append(f"  {violation.rule}: {printable(violation.found)}")
        lines.append(f"    because {RULE[violation.rule].reason}")
    near = _nearest(refusal)
    return [*lines, *([near] if near else []), f"Next: {_next(refusal)}."]


def refusal_message(refusal: Refusal, *, name: str | None = None, release_name: str | None = None) -> str:
    """Return a refusal as one text, for an error."""
    return "\n".join(refusal_lines(refusal, name=name, release_name=release_name))


def foreign_hop(pending: ReleaseId, illegal: str | None, target: Target, *, completable: bool) -> str:
    """Return why a foreign pending hop blocks the path, and the legal ways out.

    Args:
        pending: the hop's target.
        illegal: the rules that completing it would break; None: completing it is legal.
        target: the declared target.
        completable: completing it is legal, and the target can still be reached.
    """
    if illegal:
        return f"{pending} is pending; someone else started it, and {illegal}. {_DO_NOT_DEPLOY}"
    found = f"{pending} is pending and not on the path; someone else started it"
    if completable:
        return f"{found}. Deploy its image to complete it, or cancel it with accept: [cancel-pending]"
    return f"{found}, and no path leads from it to {target}. {_CANCEL_IT}"


def foreign_hop_at_target(pending: ReleaseId, illegal: str | None) -> str:
    """Return the warning that a foreign hop is pending on a Deployment that is at its target."""
    found = f"{pending} is pending; someone else started it"
    return f"{found}, and {illegal}. {_DO_NOT_DEPLOY}" if illegal else f"{found}, and this run leaves it alone"


def title(name: str, release_name: str | None) -> str:
    """Return a Deployment's name in the stack, with its release name if that differs."""
    return _heading(name, release_name).removesuffix(": ")


def deployment_refusal(name: str, reason: str) -> str:
    """Return why a Deployment is refused. The report recognizes a refusal by this first line.

    Args:
        name: the Deployment as :func:`title` names it.
        reason: one or more lines.
    """
    return f"Deployment {name} is refused:\n{reason}"


def fleet_refusal(refused: int, total: int) -> str:
    """Return how many Deployments of a fleet are refused, and the ways out. The report recognizes the first line."""
    head = f"{refused} of {total} Deployments {'is' if refused == 1 else 'are'} refused; nothing was changed."
    ways = (
        "Correct their declarations, exclude them (astro:exclude), or continue without them: set astro:onRefusal to "
        "skip, or ASTRO_ON_REFUSAL=skip.\n"
        "This check covers the whole fleet, even with --target. ASTRO_ON_REFUSAL=skip lets the targets continue."
    )
    return f"{head}\n\n{ways}"


def wave_lines(  # noqa: PLR0913 - the numbers of one summary
    name: str,
    *,
    total: int,
    hops: int,
    to_confirm: int,
    arrived: int,
    refused: int,
    paths: Mapping[str, int],
    terms: Sequence[str],
) -> list[str]:
    """Return the summary of a wave: a line with its numbers, then one for each path, the most frequent first."""
    counts = [f"{total} Deployment{'' if total == 1 else 's'}", hops_text(hops)]
    counts += [f"{to_confirm} to confirm"] if to_confirm else []
    counts += [f"{arrived} at {'its target' if arrived == 1 else 'their targets'}"] if arrived else []
    counts += [f"{refused} refused"] if refused else []
    rows = sorted(paths.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(str(count)) for _, count in rows), default=0)
    return [
        f"{printable_name(name)}: {'; '.join([', '.join(counts), *terms])}",
        *(f"  {count:>{width}} x {path}" for path, count in rows),
    ]


def hops_text(count: int) -> str:
    """Return the number of hops with its noun: ``1 hop``, ``2 hops``."""
    return f"{count} hop" if count == 1 else f"{count} hops"


def _heading(name: str | None, release_name: str | None) -> str:
    """Return the Deployment's title and a colon, or an empty text."""
    if name is None:
        return f"{printable_name(release_name)}: " if release_name else ""
    if name == release_name or not release_name:
        return f"{printable_name(name)}: "
    return f"{printable_name(name)} ({printable_name(release_name)}): "


def _summary(plan: Plan) -> str:
    if plan.hops:
        airflow = _airflow(plan.current.airflow, plan.target.airflow)
        cancel = f"cancel {plan.cancel}, then " if plan.cancel else ""
        return f"{cancel}{path_line(plan)} ({hops_text(len(plan.hops))}, {airflow})"
    if plan.cancel:
        return f"runs {plan.current}; cancel the pending hop to {plan.cancel}"
    return f"runs {plan.current}, nothing to do"


def _airflow(before: AirflowVersion, after: AirflowVersion) -> str:
    return f"Airflow {before}" if before == after else f"Airflow {before} > {after}"


def _step_lines(plan: Plan) -> list[str]:
    """Return a row for each step. A hop has its number on the path, and its base image on a line of its own."""
    steps = [("-", Action.CANCEL, f"{plan.cancel} (pending)", "", "")] if plan.cancel else []
    steps += [
        (
            f"{number}.",
            hop.action,
            f"{hop.source} > {hop.target}",
            _airflow(hop.source.airflow, hop.target.airflow),
            plan.base_images.image(hop.target.id),
        )
        for number, hop in enumerate(plan.hops, start=1)
    ]
    marks, actions, moves = (max((len(step[column]) for step in steps), default=0) for column in range(3))
    lines = []
    for mark, action, move, airflow, image in steps:
        lines.append(f"  {mark:{marks}} {action:{actions}}  {move:{moves}}  {airflow}".rstrip())
        lines += [f"  {'':{marks}} FROM {image}"] if image else []
    return lines


def _wanted(refusal: Refusal) -> str:
    match refusal.target:
        case Equivalent():
            return "its equivalent"
        case RuntimeVersion():
            name = str(ReleaseId(Distribution.RUNTIME, refusal.target))
            airflow = f" (Airflow {refusal.airflow})" if refusal.airflow else ""
            return f"{name}{airflow}" + (f", resolved from {refusal.resolved.declared}" if refusal.resolved else "")
        case declared:
            return f"{declared}"


def _nearest(refusal: Refusal) -> str | None:
    """Return the line of the nearest targets, which names the distribution once."""
    near = [(refusal.below, "below"), (refusal.above, "above")]
    named = [f"{release.id.version} {where}" for release, where in near if release is not None]
    if not named:
        return None
    return f"Nearest target{'s' if len(named) > 1 else ''}: Astro Runtime {', '.join(named)}."


def _final(refusal: Refusal) -> bool:
    """Return whether accepting risks cannot remove the refusal."""
    return not refusal.acceptable and any(each.rule is not RuleId.DENIED for each in refusal.violations)


def _next(refusal: Refusal) -> str:
    """Return every way out, as one clause."""
    ways = ["correct the target"] if refusal.misspelt else []
    if "newer" in refusal.acceptable and refusal.current.declarable:
        ways.append(f"declare what runs (runtimeVersion: {refusal.current.id.version})")
    near = [release for release in (refusal.below, refusal.above) if release is not None]
    if {violation.rule for violation in refusal.violations} == {RuleId.PENDING}:
        pending = (
            "deploy the pending hop's image" if refusal.completable else "cancel the pending hop in the Software UI"
        )
        ways.append(pending)
    elif near:
        ways.append("declare the nearest target" if len(near) == 1 else "declare one of the nearest targets")
    if refusal.resolved and refusal.resolved.unheld:
        unheld = ReleaseId(Distribution.RUNTIME, refusal.resolved.unheld)
        ways.append(f"resolve {refusal.resolved.declared} again, to {unheld} (ASTRO_RESOLVE=newest)")
    by_name = [f"add accept: [{', '.join(refusal.acceptable)}]"] if refusal.acceptable else []
    if refusal.denied and not _final(refusal):
        by_name.append(f"remove {' and '.join(refusal.denied)} from deny")
    if by_name:
        ways.append(" and ".join(by_name))
    if not ways:
        return f"ask the platform's administrators: no release on offer can be reached from {refusal.current}"
    return ", or ".join(ways)
