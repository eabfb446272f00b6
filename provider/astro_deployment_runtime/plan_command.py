"""``plan``: the path from what runs to a target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime import feeds
from astro_deployment_runtime.console import Command, ExitCode, add_catalog, add_terms
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.model import Acceptance, Equivalent, Plan, Refusal, Strategy
from astro_deployment_runtime.planner import plan
from astro_deployment_runtime.question import parse_current, parse_target
from astro_deployment_runtime.report import OFFLINE, plan_json, plan_lines, refusal_lines

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from astro_deployment_runtime.catalog import Catalog, Release
    from astro_deployment_runtime.versions import RuntimeVersion


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="current", metavar="FROM", help="'AC 2.2.3', 'Runtime 5.0.4' or 'Runtime 5.0.4 (Airflow 2.3.0)'"
    )
    parser.add_argument("--to", dest="target", metavar="TO", help="a Runtime version such as 5.0.4, or 'equivalent'")
    parser.add_argument("--batch", metavar="FILE", help="a file of lines FROM<tab>TO; one JSON object per line")
    add_catalog(parser)
    add_terms(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(options: argparse.Namespace) -> ExitCode:
    single = options.current is not None or options.target is not None
    if single == (options.batch is not None) or (single and None in {options.current, options.target}):
        raise InvalidInputError("say either --from and --to, or --batch")
    catalog = feeds.load(options.catalog)
    accepted, strategy = Acceptance.parse(options.accept), Strategy(options.strategy)
    if options.batch is not None:
        return _batch(options.batch, catalog, strategy, accepted)
    current, target = parse_current(options.current, catalog), parse_target(options.target)
    outcome = plan(current, target, catalog, strategy=strategy, accepted=accepted)
    if options.json:
        print(json.dumps(plan_json(outcome), indent=2))
    else:
        print("\n".join([*_lines(outcome), OFFLINE]))
    return ExitCode.REFUSED if isinstance(outcome, Refusal) else ExitCode.DONE


def _lines(outcome: Plan | Refusal) -> list[str]:
    return plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)


def _batch(file: str, catalog: Catalog, strategy: Strategy, accepted: Acceptance) -> ExitCode:
    """Plan each line of a file; the exit code is that of the worst line."""
    codes = {ExitCode.DONE}
    for line in _batch_lines(file):
        try:
            current, target = _batch_line(line, catalog)
        except InvalidInputError as error:
            print(json.dumps({"error": str(error)}))
            codes.add(ExitCode.UNREADABLE)
            continue
        outcome = plan(current, target, catalog, strategy=strategy, accepted=accepted)
        print(json.dumps(plan_json(outcome)))
        codes.add(ExitCode.REFUSED if isinstance(outcome, Refusal) else ExitCode.DONE)
    return ExitCode.UNREADABLE if ExitCode.UNREADABLE in codes else max(codes)


def _batch_lines(file: str) -> Iterator[str]:
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file}: is not UTF-8 (byte {error.start})") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInputError(f"{file}: cannot be read ({reason})") from error
    # Not splitlines(), which would also break a line at characters that no editor takes for a line's end.
    lines = text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    return (line.removesuffix("\r") for line in lines)


def _batch_line(line: str, catalog: Catalog) -> tuple[Release, RuntimeVersion | Equivalent]:
    texts = line.split("\t")
    if len(texts) != 2:
        raise InvalidInputError(f"{line!r} is not FROM<tab>TO")
    return parse_current(texts[0], catalog), parse_target(texts[1])


COMMAND: Final = Command(
    name="plan", help="show the path from what runs to a target", add_arguments=_add_arguments, run=_run
)
