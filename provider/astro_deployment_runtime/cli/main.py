"""The command line: paths planned, from a catalog alone or from what a platform runs. It needs no Pulumi engine.

Exit codes: 0 an answer, 3 a refusal, 2 something that cannot be read, 130 Ctrl-C, 1 anything else.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from astro_deployment_runtime.cli import console, explain, graph, init, plan, releases, report
from astro_deployment_runtime.cli.console import PROGRAM, ExitCode
from astro_deployment_runtime.errors import AstroRuntimeError, InvalidInputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import SupportsWrite

COMMANDS: Final = (
    plan.COMMAND,
    explain.COMMAND,
    releases.COMMAND,
    graph.COMMAND,
    report.COMMAND,
    init.COMMAND,
)
"""Every subcommand, in the order in which ``--help`` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    console.prepare()
    try:
        options = _parser().parse_args(arguments)
        code: ExitCode = options.run(options)
        console.flush()
    except InvalidInputError as error:
        console.complain(str(error))
        return ExitCode.UNREADABLE
    except OutputError as error:
        console.complain(str(error))
        console.discard(sys.stdout)
        return ExitCode.FAILED
    except AstroRuntimeError as error:
        console.complain(str(error))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        console.complain("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, and wants no more; nor does it want to hear of that.
        console.discard(sys.stdout)
        return ExitCode.FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Prints and complains as the rest of the command line does."""

    def error(self, message: str) -> NoReturn:
        console.complain(f"{message} (see {self.prog} --help)")
        self.exit(ExitCode.UNREADABLE)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help, which can fail as any output can."""
        if file is not None:
            super().print_help(file)
            return
        console.write(self.format_help())
        console.flush()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.help, allow_abbrev=False)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
