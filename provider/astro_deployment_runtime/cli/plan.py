"""``plan``: the path from what runs to a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.console import (
    CATALOG_HELP,
    TARGET_HELP,
    Command,
    ExitCode,
    add_terms,
    read_terms,
    screen,
    tell,
    tell_json,
    with_base_images,
)
from astro_deployment_runtime.cli.question import parse_current, parse_target
from astro_deployment_runtime.cli.source import read_catalog, say_notes
from astro_deployment_runtime.errors import DeploymentNotFoundError, InvalidInputError
from astro_deployment_runtime.planning.model import Plan, Refusal
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import OFFLINE, plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.support.file_reading import MAX_BATCH_BYTES, read_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import Target


FORMS: Final = {
    "current": ("--from FROM --to TO", {"target", "catalog", "strategy", "accept", "deny", "json"}),
    "batch": ("--batch FILE", {"catalog", "strategy", "accept", "deny", "json"}),
    "release": ("--release NAME --to TO", {"target", "strategy", "accept", "deny", "json"}),
    "all": ("--all --to TO", {"target", "strategy", "accept", "deny", "json"}),
    "stack": ("--stack [NAME]", {"cwd", "json"}),
}
"""What can be asked: the option that tells the forms apart, how each is written, and what goes with it."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="current", metavar="FROM", help="'AC 2.2.3', 'Runtime 5.0.4' or 'Runtime 5.0.4 (Airflow 2.3.0)'"
    )
    parser.add_argument("--to", dest="target", metavar="TO", help=TARGET_HELP)
    parser.add_argument("--batch", metavar="FILE", help="a file of lines FROM<tab>TO; one JSON object per line")
    parser.add_argument("--release", metavar="NAME", help="in the place of --from: what this Deployment runs now")
    parser.add_argument("--all", action="store_true", help="in the place of --from: every Deployment of the platform")
    parser.add_argument(
        "--stack", nargs="?", const="", metavar="NAME", help="what the config of a stack declares, without the engine"
    )
    parser.add_argument("--cwd", metavar="FOLDER", help="the folder of the stack's project (default: this one)")
    parser.add_argument("--catalog", help=CATALOG_HELP)
    add_terms(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(options: argparse.Namespace) -> ExitCode:
    match _form(options):
        case "current":
            return _offline(options)
        case "batch":
            return _batch(options)
        case "release":
            return _release(options)
        case "all":
            return _all(options)
        case _:
            return _stack(options)


def _form(options: argparse.Namespace) -> str:
    """Tell which form was used.

    Raises:
        InvalidInputError: none, several, or one with what does not go with it.
    """
    given = {name for name, value in vars(options).items() if value not in (None, [], False)} - {"run"}
    chosen = given & FORMS.keys()
    if len(chosen) == 1:
        (form,) = chosen
        written, allowed = FORMS[form]
        if given - {form} <= allowed and ("target" in given) == ("target" in allowed):
            return form
        allowed_options = ", ".join(f"--{name}" for name in sorted(allowed - {"target"}))
        raise InvalidInputError(f"say {written}; only {allowed_options} go with it")
    raise InvalidInputError(f"say one of: {', '.join(written for written, _ in FORMS.values())}")


def _offline(options: argparse.Namespace) -> ExitCode:
    catalog = read_catalog(options)
    current, target = parse_current(options.current, catalog), parse_target(options.target)
    request = PlanRequest(current=current, target=target, catalog=catalog, **read_terms(options, dated=False))
    outcome = with_base_images(plan(request))
    if options.json:
        tell_json(plan_json(outcome))
    else:
        tell([*_lines(outcome), OFFLINE])
    return _code(refused=isinstance(outcome, Refusal))


def _batch(options: argparse.Namespace) -> ExitCode:
    """Plan each line of a file; the exit code is that of the worst line."""
    catalog = read_catalog(options)
    terms = read_terms(options, dated=False)
    codes = {ExitCode.DONE}
    for line in _batch_lines(options.batch):
        try:
            current, target = _batch_line(line, catalog)
        except InvalidInputError as error:
            tell_json({"error": str(error)}, indent=None)
            codes.add(ExitCode.UNREADABLE)
            continue
        request = PlanRequest(current=current, target=target, catalog=catalog, **terms)
        outcome = with_base_images(plan(request))
        tell_json(plan_json(outcome), indent=None)
        codes.add(_code(refused=isinstance(outcome, Refusal)))
    return ExitCode.UNREADABLE if ExitCode.UNREADABLE in codes else max(codes)


def _batch_lines(file: str) -> Iterator[str]:
    try:
        text = read_file(Path(file), max_bytes=MAX_BATCH_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file}: is not UTF-8 (byte {error.start})") from error
    # Not splitlines(), which would also break a line at characters that no editor takes for a line's end.
    lines = text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    return (line.removesuffix("\r") for line in lines)


def _batch_line(line: str, catalog: Catalog) -> tuple[Release, Target]:
    texts = line.split("\t")
    if len(texts) != 2:
        raise InvalidInputError(f"{line!r} is not FROM<tab>TO")
    return parse_current(texts[0], catalog), parse_target(texts[1])


def _release(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    fleet = plan_platform.plan_release(options.release, plan_platform.Wanted.read(options))
    say_notes(fleet.notes)
    (planned,) = fleet.deployments
    if planned.deployment is None:
        raise DeploymentNotFoundError(planned.refusal or "")
    if options.json:
        tell_json(fleet_table.deployment_json(planned))
    else:
        tell(fleet_table.deployment_lines(planned))
    return _code(refused=planned.refusal is not None)


def _all(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    fleet = plan_platform.plan_all(plan_platform.Wanted.read(options))
    if options.json:
        tell_json(fleet_table.fleet_json(fleet))
    else:
        tell(fleet_table.fleet_lines(fleet, (), screen()))
    return _code(refused=bool(fleet.refused))


def _stack(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    planned = plan_platform.plan_stack(options.stack or None, Path(options.cwd or "."))
    if options.json:
        tell_json(fleet_table.fleet_json(planned.fleet))
    else:
        tell(fleet_table.fleet_lines(planned.fleet, planned.waves, screen()))
    return _code(refused=bool(planned.fleet.refused))


def _lines(outcome: Plan | Refusal) -> list[str]:
    return plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)


def _code(*, refused: bool) -> ExitCode:
    return ExitCode.REFUSED if refused else ExitCode.DONE


COMMAND: Final = Command(
    name="plan", help="show the path from what runs to a target", add_arguments=_add_arguments, run=_run
)
