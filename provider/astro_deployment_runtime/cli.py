"""The command line: plan a path offline, from a catalog alone. It needs neither Pulumi nor a platform.

Exit codes: 0 a plan, 3 a refusal, 2 something that cannot be read, 1 anything else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from astro_deployment_runtime import feeds
from astro_deployment_runtime.errors import AstroRuntimeError, InvalidInputError, InvalidVersionError
from astro_deployment_runtime.model import ACCEPTABLE, Acceptance, Equivalent, Plan, Refusal, Strategy
from astro_deployment_runtime.planner import plan
from astro_deployment_runtime.report import OFFLINE, plan_json, plan_lines, printable, refusal_lines
from astro_deployment_runtime.versions import AirflowVersion, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astro_deployment_runtime.catalog import Catalog, Release

_PLANNED: Final = 0
_FAILED: Final = 1
_UNREADABLE: Final = 2
_REFUSED: Final = 3

_STATED: Final = re.compile(r"(?P<release>.+?)\s*\(Airflow\s+(?P<airflow>[^\s()]+)\)", re.ASCII | re.IGNORECASE)


def parse_current(text: str, catalog: Catalog) -> Release:
    """Read what runs: ``AC 2.2.3``, ``Runtime 5.0.4``, or ``Runtime 5.0.4 (Airflow 2.3.0)``.

    An Airflow version that is stated is believed: it is what runs, whatever the catalog has under that name.

    Raises:
        InvalidInputError: the text is none of these, or no Airflow version is known for the Runtime.
    """
    match = _STATED.fullmatch(text.strip())
    name = ReleaseId.parse(match["release"] if match else text)
    if isinstance(name.version, AirflowVersion):
        if match:
            raise InvalidVersionError(f"{text!r} is not a release: AC {name.version} has Airflow {name.version} anyway")
        return catalog.describe(name, name.version)
    if match:
        return catalog.describe(name, AirflowVersion.parse(match["airflow"]))
    release = catalog.get(name)
    if release is None:
        raise InvalidInputError(
            f"the catalog has no {name}: add the Airflow version that it runs, 'Runtime {name.version} (Airflow x.y.z)'"
        )
    return release


def parse_target(text: str) -> RuntimeVersion | Equivalent:
    """Read what is wanted: a Runtime version, or ``equivalent``.

    Raises:
        InvalidVersionError: the text is neither.
    """
    stripped = text.strip()
    if stripped == Equivalent.EQUIVALENT:
        return Equivalent.EQUIVALENT
    return RuntimeVersion.parse(stripped)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = _plan(options)
        sys.stdout.flush()
    except InvalidInputError as error:
        _complain(str(error))
        return _UNREADABLE
    except AstroRuntimeError as error:
        _complain(str(error))
        return _FAILED
    except BrokenPipeError:
        # The reader has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Complains as the rest of the command line does."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see {self.prog} --help)")
        self.exit(_UNREADABLE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m astro_deployment_runtime", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("plan", help="show the path from what runs to a target", allow_abbrev=False)
    command.add_argument(
        "--from", dest="current", metavar="FROM", help="'AC 2.2.3', 'Runtime 5.0.4' or 'Runtime 5.0.4 (Airflow 2.3.0)'"
    )
    command.add_argument("--to", dest="target", metavar="TO", help="a Runtime version such as 5.0.4, or 'equivalent'")
    command.add_argument("--batch", metavar="FILE", help="a file of lines FROM<tab>TO; one JSON object per line")
    command.add_argument(
        "--catalog", default="published", help="guide, published (default), or a folder with the two feed files"
    )
    command.add_argument(
        "--strategy",
        choices=[str(strategy) for strategy in Strategy],
        default=str(Strategy.CERTIFIED_FIRST),
        help="how to choose among legal paths (default: %(default)s)",
    )
    command.add_argument(
        "--accept", action="append", default=[], metavar="NAME", help=f"accept by name: {', '.join(ACCEPTABLE)}"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _plan(options: argparse.Namespace) -> int:
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
    return _REFUSED if isinstance(outcome, Refusal) else _PLANNED


def _lines(outcome: Plan | Refusal) -> list[str]:
    return plan_lines(outcome) if isinstance(outcome, Plan) else refusal_lines(outcome)


def _batch(file: str, catalog: Catalog, strategy: Strategy, accepted: Acceptance) -> int:
    """Plan each line of a file; the exit code is that of the worst line."""
    codes = {_PLANNED}
    for line in _batch_lines(file):
        try:
            current, target = _batch_line(line, catalog)
        except InvalidInputError as error:
            print(json.dumps({"error": str(error)}))
            codes.add(_UNREADABLE)
            continue
        outcome = plan(current, target, catalog, strategy=strategy, accepted=accepted)
        print(json.dumps(plan_json(outcome)))
        codes.add(_REFUSED if isinstance(outcome, Refusal) else _PLANNED)
    return _UNREADABLE if _UNREADABLE in codes else max(codes)


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


def _complain(message: str) -> None:
    lines = (printable(line) for line in message.split("\n"))
    print("error: " + "\n".join(lines), file=sys.stderr)
