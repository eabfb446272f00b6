"""``plan``: show the path from a release, a Deployment or a fleet to a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.options import (
    CURRENT_HELP,
    TARGET_HELP,
    add_catalog_option,
    add_path_options,
    parse_current,
    parse_target,
    read_catalog,
    read_path_options,
    read_plan_request,
    with_base_images,
)
from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_json, print_lines, print_notes, screen
from astro_deployment_runtime.errors import DeploymentNotFoundError, InvalidInputError
from astro_deployment_runtime.planning.plan_json import plan_json
from astro_deployment_runtime.planning.plan_messages import OFFLINE, plan_lines, refusal_lines
from astro_deployment_runtime.planning.plan_model import Plan, Refusal
from astro_deployment_runtime.planning.plan_request import PlanRequest
from astro_deployment_runtime.planning.plan_warnings import unreadable_row_notes
from astro_deployment_runtime.planning.planner import plan
from astro_deployment_runtime.support.file_reading import MAX_BATCH_BYTES, read_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.plan_model import Target


FORMS: Final = {
    "current": ("--from FROM --to TO", {"target", "catalog", "strategy", "accept", "deny", "json"}),
    "batch": ("--batch FILE", {"catalog", "strategy", "accept", "deny", "json"}),
    "release": ("--release NAME --to TO", {"target", "strategy", "accept", "deny", "json"}),
    "all": ("--all --to TO", {"target", "strategy", "accept", "deny", "json"}),
    "stack": ("--stack [NAME]", {"cwd", "json"}),
}
"""Forms of the subcommand by the option that selects one: its usage, and the other options that it allows."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="current", metavar="FROM", help=CURRENT_HELP)
    parser.add_argument("--to", dest="target", metavar="TO", help=TARGET_HELP)
    parser.add_argument(
        "--batch", metavar="FILE", help="a file with lines FROM<tab>TO; the answer is one line of JSON for each"
    )
    parser.add_argument("--release", metavar="NAME", help="instead of --from: the Deployment with this release name")
    parser.add_argument("--all", action="store_true", help="instead of --from: every Deployment of the platform")
    parser.add_argument(
        "--stack", nargs="?", const="", metavar="NAME", help="the fleet in a stack's config, without the engine"
    )
    parser.add_argument("--cwd", metavar="FOLDER", help="folder of the stack's project (default: the current folder)")
    add_catalog_option(parser)
    add_path_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(live=False)


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
    """Return the form that the user chose.

    Raises:
        InvalidInputError: none or several are chosen, or an option is not allowed with the form.
    """
    given = {name for name, value in vars(options).items() if value not in (None, [], False)} - {"run"}
    chosen = given & FORMS.keys()
    if len(chosen) == 1:
        (form,) = chosen
        usage, allowed = FORMS[form]
        if given - {form} <= allowed and ("target" in given) == ("target" in allowed):
            return form
        allowed_options = ", ".join(f"--{name}" for name in sorted(allowed - {"target"}))
        raise InvalidInputError(f"use {usage}; the only other options for it are {allowed_options}")
    raise InvalidInputError(f"use one of: {', '.join(usage for usage, _ in FORMS.values())}")


def _offline(options: argparse.Namespace) -> ExitCode:
    outcome = with_base_images(plan(read_plan_request(options)))
    if options.json:
        print_json(plan_json(outcome))
    else:
        print_lines([*_lines(outcome), OFFLINE])
    return _code(refused=isinstance(outcome, Refusal))


def _batch(options: argparse.Namespace) -> ExitCode:
    """Plan each line of a file; the exit code is that of the worst line."""
    catalog = read_catalog(options)
    print_notes(unreadable_row_notes(catalog))
    path_options = read_path_options(options, live=False)
    codes = {ExitCode.DONE}
    for line in _batch_lines(options.batch):
        try:
            current, target = _batch_line(line, catalog)
        except InvalidInputError as error:
            print_json({"error": str(error)}, indent=None)
            codes.add(ExitCode.UNUSABLE_INPUT)
            continue
        request = PlanRequest(current=current, target=target, catalog=catalog, **path_options)
        outcome = with_base_images(plan(request))
        print_json(plan_json(outcome), indent=None)
        codes.add(_code(refused=isinstance(outcome, Refusal)))
    return ExitCode.UNUSABLE_INPUT if ExitCode.UNUSABLE_INPUT in codes else max(codes)


def _batch_lines(file: str) -> Iterator[str]:
    try:
        text = read_file(Path(file), max_bytes=MAX_BATCH_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file}: is not UTF-8 (byte {error.start})") from error
    # splitlines() would also break lines at characters that editors do not treat as the end of a line.
    lines = text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    return (line.removesuffix("\r") for line in lines)


def _batch_line(line: str, catalog: Catalog) -> tuple[Release, Target]:
    texts = line.split("\t")
    if len(texts) != 2:
        raise InvalidInputError(f"{line!r} is not FROM<tab>TO: write two fields with a tab between them")
    return parse_current(texts[0], catalog), parse_target(texts[1])


def _release(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    fleet = plan_platform.plan_release(options.release, plan_platform.DesiredVersion.read(options))
    print_notes(fleet.notes)
    (planned,) = fleet.deployments
    if planned.deployment is None:
        raise DeploymentNotFoundError(planned.refusal or "")
    if options.json:
        print_json(fleet_table.deployment_json(planned))
    else:
        print_lines(fleet_table.deployment_lines(planned))
    return _code(refused=planned.refusal is not None)


def _all(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    fleet = plan_platform.plan_all(plan_platform.DesiredVersion.read(options))
    if options.json:
        print_json(fleet_table.fleet_json(fleet))
    else:
        print_lines(fleet_table.fleet_lines(fleet, (), screen()))
    return _code(refused=bool(fleet.refused))


def _stack(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.cli import fleet_table, plan_platform

    planned = plan_platform.plan_stack(options.stack or None, Path(options.cwd or "."))
    if options.json:
        print_json(fleet_table.fleet_json(planned.fleet))
    else:
        print_lines(fleet_table.fleet_lines(planned.fleet, planned.waves, screen()))
    return _code(refused=bool(planned.fleet.refused))


def _lines(outcome: Plan | Refusal) -> list[str]:
    return plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)


def _code(*, refused: bool) -> ExitCode:
    return ExitCode.REFUSED if refused else ExitCode.DONE


SUBCOMMAND: Final = Subcommand(
    name="plan", help="show the path from the current release to a target", add_arguments=_add_arguments, run=_run
)
