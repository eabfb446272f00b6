"""``explain``: the reasons for a path or a refusal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.options import add_plan_request, read_plan_request, with_base_images
from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand, program_name
from astro_deployment_runtime.cli.terminal import print_lines, screen
from astro_deployment_runtime.planning.explanation import plan_explanation, refusal_explanation
from astro_deployment_runtime.planning.plan_messages import OFFLINE
from astro_deployment_runtime.planning.plan_model import Plan, RuleId
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.support.text_table import NO_BREAK, wrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from astro_deployment_runtime.planning.plan_model import Refusal


def _run(options: argparse.Namespace) -> ExitCode:
    request = read_plan_request(options)
    outcome = with_base_images(plan(request))
    if isinstance(outcome, Plan):
        lines = plan_explanation(outcome, request)
    else:
        lines = [*refusal_explanation(outcome, request), *_next_commands(outcome, options)]
    print_lines([*lines, *([] if request.platform else [OFFLINE])])
    return ExitCode.DONE if isinstance(outcome, Plan) else ExitCode.REFUSED


def _next_commands(refusal: Refusal, options: argparse.Namespace) -> list[str]:
    """Return commands that explain the ways out of a refusal."""
    near = [release for release in (refusal.below, refusal.above) if release is not None]
    commands = [_command(options, str(release.id.version)) for release in near]
    if refusal.acceptable or all(violation.rule is RuleId.DENIED for violation in refusal.violations):
        commands.append(_command(options, options.target, accept=refusal.acceptable, allow=refusal.denied))
    if not commands:
        return []
    # A command over several lines stays a command that can be pasted.
    lines = [line for command in commands for line in wrap(f"  {command}", screen().width, joint=" \\")]
    return ["", "To explain a way out, run:", *(line.replace(NO_BREAK, " ") for line in lines)]


def _command(options: argparse.Namespace, target: str, *, accept: Sequence[str] = (), allow: Sequence[str] = ()) -> str:
    """Return the user's command for another target, with more accepted and fewer denied names.

    Spaces within a word are no-break spaces, so that a line is not broken there.
    """
    words = [*program_name().split(), "explain", options.current, target]
    words += ["--live"] if options.live else []
    words += ["--catalog", options.catalog] if options.catalog else []
    words += ["--strategy", options.strategy] if options.strategy else []
    words += [word for name in (*options.accept, *accept) for word in ("--accept", name)]
    words += [word for name in options.deny if name.strip() not in allow for word in ("--deny", name)]
    return " ".join(shlex.quote(word).replace(" ", NO_BREAK) for word in words)


SUBCOMMAND: Final = Subcommand(
    name="explain",
    help="explain why a path is as it is, or why there is none",
    add_arguments=add_plan_request,
    run=_run,
)
