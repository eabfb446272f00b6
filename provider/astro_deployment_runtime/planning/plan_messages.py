"""Every text that a user reads about a plan or a refusal.

Pure: the same plan gives the same text, without a trailing newline. Names that come from a platform pass through
:func:`printable`, since a Deployment's label may hold anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astro_deployment_runtime.planning.model import Action, Equivalent, Plan, PlanWarning, Refusal, RuleId
from astro_deployment_runtime.planning.rules import RULE
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId, RuntimeVersion
from astro_deployment_runtime.support.text import printable, printable_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.planning.versions import AirflowVersion

ARROW = " > "
"""Between the releases of a path; no release's name holds it."""

OFFLINE = "Offline: what the platform's own version allows is not judged."
"""Said wherever a plan was made without a platform."""


def path_line(plan: Plan) -> str:
    """Write the path in one line: ``AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4``; where nothing moves, what runs."""
    return ARROW.join(str(release) for release in (plan.current, *(hop.target for hop in plan.hops)))


def plan_lines(plan: Plan, *, name: str | None = None, release_name: str | None = None) -> list[str]:
    """Write a plan: what it comes to, its steps, what should be known, and where there is no way back.

    Args:
        plan: the plan.
        name: the Deployment's label, if it is about one.
        release_name: the Deployment's release name.
    """
    lines = [_heading(name, release_name) + _summary(plan)]
    rows = [(f"{number}. {row[0]}", *row[1:]) for number, row in enumerate(_steps(plan), start=1)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += [f"  {warning_line(warning)}" for warning in plan.warnings]
    if plan.resolved:
        stands = ReleaseId(Distribution.RUNTIME, plan.resolved.version)
        lines.append(f"{plan.resolved.declared} stands for {stands}.")
    if plan.hops:
        first = "step 2" if plan.cancel else "hop 1"
        lines.append(f"Once {first} is deployed there is no way back to {plan.current}.")
    return lines


def pending_lines(plan: Plan, pending: ReleaseId | None) -> list[str]:
    """Say that the first hop is under way already, whoever started it."""
    if plan.cancel is None and plan.hops and plan.hops[0].target.id == pending:
        return ["Hop 1 is pending already: it is taken up, not started again."]
    return []


def confirmation_line(release_name: str, release: str, *, ask_airflow: bool) -> str:
    """Say what is left to do for a hop that arrived after the run that started it had ended.

    Args:
        release_name: of the Deployment.
        release: the hop's release, which runs now.
        ask_airflow: the Deployment's own Airflow confirms a hop, and not Houston alone.
    """
    left = f"confirm that {release} is healthy" if ask_airflow else f"record that {release} has arrived"
    return f"{printable_name(release_name)}: {left}; the last run ended before that"


def delivery_lines(plan: Plan, images: Sequence[str] | None) -> list[str]:
    """Write how the image of each hop arrives.

    Args:
        plan: the plan.
        images: one for each hop, which we deliver; None: somebody else deploys them.
    """
    if not plan.hops:
        return []
    if images is None:
        return [
            "No image is named: each hop is started, then waits until somebody deploys an image built FROM its line."
        ]
    return [f"Hop {number} delivers {image}" for number, image in enumerate(images, start=1)]


def unknown_lines(plan: Plan, arguments: Sequence[str]) -> list[str]:
    """Say that how the images arrive is not known yet.

    Args:
        plan: the plan.
        arguments: the names of those that come from resources that do not exist yet; at least one.
    """
    if not plan.hops:
        return []
    verb = "depends" if len(plan.hops) == 1 else "depend"
    subject = "The image of the hop" if len(plan.hops) == 1 else "The images of the hops"
    return [f"{subject} {verb} on {' and '.join(arguments)}, which is known only when what it comes from exists."]


def project_lines(written: Sequence[str], notes: Sequence[str], commands: Sequence[str], folder: str) -> list[str]:
    """Write what becomes of an Astro project.

    Args:
        written: the ``FROM`` line of each hop.
        notes: what should be known of these lines.
        commands: what is run for each hop, in order.
        folder: the project, as the user named it.
    """
    if not written:
        return []
    runs = " and ".join(f"'{printable(command)}'" for command in commands)
    hops = [f"Hop {number} writes {printable(line)}" for number, line in enumerate(written, start=1)]
    return [*hops, *map(printable, notes), f"Each hop then runs {runs} in {printable(folder)}."]


def warning_line(warning: PlanWarning) -> str:
    """Write a warning, with its name."""
    return f"warning {warning.name}: {printable(warning.message)}"


def refusal_lines(refusal: Refusal, *, name: str | None = None, release_name: str | None = None) -> list[str]:
    """Write a refusal: all the reasons, the nearest targets and what to do next."""
    way = "staying at" if refusal.target == refusal.current.id.version else f"way from {refusal.current} to"
    lines = [f"{_heading(name, release_name)}no {way} {_wanted(refusal)}"]
    for violation in refusal.violations:
        lines.append(f"  {violation.rule}: {printable(violation.found)}")
        lines.append(f"    because {RULE[violation.rule].reason}")
    near = _nearest(refusal)
    return [*lines, *([near] if near else []), f"Next: {_next(refusal)}."]


def refusal_message(refusal: Refusal, *, name: str | None = None, release_name: str | None = None) -> str:
    """Write a refusal as one text, as an error carries it."""
    return "\n".join(refusal_lines(refusal, name=name, release_name=release_name))


def title(name: str, release_name: str | None) -> str:
    """Name a Deployment: by its name in the stack, and by its release name where that is another."""
    return _heading(name, release_name).removesuffix(": ")


def deployment_refusal(name: str, reason: str) -> str:
    """Write why a Deployment is refused. The report recognizes a refusal by this first line.

    Args:
        name: the Deployment as :func:`title` names it.
        reason: one or more lines.
    """
    return f"Deployment {name} is refused:\n{reason}"


def fleet_refusal(refused: int, total: int) -> str:
    """Write how many Deployments of a fleet are refused, and the ways out. The report recognizes the first line."""
    head = f"{refused} of {total} Deployments {'is' if refused == 1 else 'are'} refused; nothing was changed."
    ways = (
        "Correct what is declared for them, or leave them out (astro:exclude), or let the others go on without them: "
        "set astro:onRefusal to skip, or ASTRO_ON_REFUSAL=skip.\n"
        "The whole fleet is judged with --target, too: ASTRO_ON_REFUSAL=skip lets the targeted Deployments go on."
    )
    return f"{head}\n\n{ways}"


def wave_lines(  # noqa: PLR0913 - what a wave comes to
    name: str, *, total: int, hops: int, still: int, refused: int, paths: Mapping[str, int], terms: Sequence[str]
) -> list[str]:
    """Write what a wave comes to: a line for the numbers, and one for each path, the most frequent first."""
    counts = [f"{total} Deployment{'' if total == 1 else 's'}", hops_text(hops)]
    counts += [f"{still} with nothing to do"] if still else []
    counts += [f"{refused} refused"] if refused else []
    rows = sorted(paths.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(str(count)) for _, count in rows), default=0)
    return [
        f"{printable_name(name)}: {'; '.join([', '.join(counts), *terms])}",
        *(f"  {count:>{width}} x {path}" for path, count in rows),
    ]


def hops_text(count: int) -> str:
    """Write a number of hops: ``1 hop``, ``2 hops``."""
    return f"{count} hop" if count == 1 else f"{count} hops"


def _heading(name: str | None, release_name: str | None) -> str:
    """Name the Deployment; nothing where the plan is about none."""
    if name is None:
        return f"{printable_name(release_name)}: " if release_name else ""
    if name == release_name or not release_name:
        return f"{printable_name(name)}: "
    return f"{printable_name(name)} ({printable_name(release_name)}): "


def _summary(plan: Plan) -> str:
    if plan.hops:
        airflow = _airflow(plan.current.airflow, plan.target.airflow)
        return f"{hops_text(len(plan.hops))} to {plan.target} ({airflow})"
    if plan.cancel:
        return f"runs {plan.current}, nothing to do but to cancel {plan.cancel}"
    return f"runs {plan.current}, nothing to do"


def _airflow(before: AirflowVersion, after: AirflowVersion) -> str:
    return f"Airflow {before}" if before == after else f"Airflow {before} > {after}"


def _steps(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Return each step's cells: what is done, between which releases, what becomes of Airflow, and the image."""
    cancel = [(str(Action.CANCEL), f"{plan.cancel} (pending)", "", "")] if plan.cancel else []
    return cancel + [
        (
            str(hop.action),
            f"{hop.source} > {hop.target}",
            _airflow(hop.source.airflow, hop.target.airflow),
            # The image is set off a little: it is what gets copied.
            f" FROM {plan.base_images.image(hop.target.id)}",
        )
        for hop in plan.hops
    ]


def _wanted(refusal: Refusal) -> str:
    match refusal.target:
        case Equivalent():
            return "its equivalent"
        case RuntimeVersion():
            name = str(ReleaseId(Distribution.RUNTIME, refusal.target))
            airflow = f" (Airflow {refusal.airflow})" if refusal.airflow else ""
            return f"{name}{airflow}" + (f", for which {refusal.resolved.declared} stands" if refusal.resolved else "")
        case declared:
            return f"{declared}"


def _nearest(refusal: Refusal) -> str | None:
    """Name the nearest targets, the distribution once."""
    near = [(refusal.below, "below"), (refusal.above, "above")]
    named = [f"{release.id.version} {where}" for release, where in near if release is not None]
    if not named:
        return None
    return f"Nearest target{'s' if len(named) > 1 else ''}: Astro Runtime {', '.join(named)}."


def _final(refusal: Refusal) -> bool:
    """Tell whether a rule is broken that no accepting helps against."""
    return not refusal.acceptable and any(each.rule is not RuleId.DENIED for each in refusal.violations)


def _next(refusal: Refusal) -> str:
    """Say what can be done now: every way out that is open."""
    ways = ["declare what you meant"] if refusal.misspelt else []
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
    if refusal.resolved and refusal.resolved.anew:
        anew = ReleaseId(Distribution.RUNTIME, refusal.resolved.anew)
        ways.append(f"take {anew}, for which {refusal.resolved.declared} stands now (ASTRO_RESOLVE=newest)")
    by_name = [f"accept it by name (accept: [{', '.join(refusal.acceptable)}])"] if refusal.acceptable else []
    if refusal.denied and not _final(refusal):
        by_name.append(f"take {' and '.join(refusal.denied)} out of deny")
    if by_name:
        ways.append(" and ".join(by_name))
    if not ways:
        return f"nothing on offer can be reached from {refusal.current}; ask the platform's administrators"
    return ", or ".join(ways)
