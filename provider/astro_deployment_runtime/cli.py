"""The command line: paths planned, from a catalog alone or from what a platform runs. It needs no Pulumi engine.

Exit codes: 0 an answer, 3 a refusal, 2 something that cannot be read, 130 Ctrl-C, 1 anything else.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from astro_deployment_runtime import (
    explain_command,
    graph_command,
    init_command,
    plan_command,
    releases_command,
    report_command,
)
from astro_deployment_runtime.console import PROGRAM, ExitCode
from astro_deployment_runtime.errors import AstroRuntimeError, InvalidInputError
from astro_deployment_runtime.report import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = (
    plan_command.COMMAND,
    explain_command.COMMAND,
    releases_command.COMMAND,
    graph_command.COMMAND,
    report_command.COMMAND,
    init_command.COMMAND,
)
"""Every subcommand, in the order in which ``--help`` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: ExitCode = options.run(options)
        sys.stdout.flush()
    except InvalidInputError as error:
        _complain(str(error))
        return ExitCode.UNREADABLE
    except AstroRuntimeError as error:
        _complain(str(error))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        _complain("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Complains as the rest of the command line does."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see {self.prog} --help)")
        self.exit(ExitCode.UNREADABLE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.help, allow_abbrev=False)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def _complain(message: str) -> None:
    lines = (printable(line) for line in message.split("\n"))
    print("error: " + "\n".join(lines), file=sys.stderr)
