"""Plan the paths of Deployments to Astro Runtime versions, from a catalog or on a live platform.

Exit codes: 0 an answer, 1 any other error, 2 unusable input, 3 a refusal, 130 Ctrl-C. No Pulumi engine is needed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from astro_deployment_runtime.cli import explain, graph, init, plan, releases, report, terminal
from astro_deployment_runtime.cli.subcommand import ExitCode, program_name
from astro_deployment_runtime.errors import AstroRuntimeError, InvalidInputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import SupportsWrite

SUBCOMMANDS: Final = (
    plan.SUBCOMMAND,
    explain.SUBCOMMAND,
    releases.SUBCOMMAND,
    graph.SUBCOMMAND,
    report.SUBCOMMAND,
    init.SUBCOMMAND,
)
"""All subcommands, in the order of ``--help``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    terminal.escape_unencodable()
    try:
        options = _parser().parse_args(arguments)
        code: ExitCode = options.run(options)
        terminal.flush()
    except InvalidInputError as error:
        terminal.print_error(str(error))
        return ExitCode.UNUSABLE_INPUT
    except OutputError as error:
        terminal.print_error(str(error))
        terminal.discard_unwritten(sys.stdout)
        return ExitCode.FAILED
    except AstroRuntimeError as error:
        terminal.print_error(str(error))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        terminal.print_error("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head -1`, has all it needs: end without a message.
        terminal.discard_unwritten(sys.stdout)
        return ExitCode.FAILED
    return code


class _Parser(argparse.ArgumentParser):
    """Prints help and errors like the rest of the command line."""

    def error(self, message: str) -> NoReturn:
        terminal.print_error(f"{message} (see {self.prog} --help)")
        self.exit(ExitCode.UNUSABLE_INPUT)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; a full disk is an error as for any output."""
        if file is not None:
            super().print_help(file)
            return
        terminal.print_text(self.format_help())
        terminal.flush()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=program_name(), description=__doc__, allow_abbrev=False)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for subcommand in SUBCOMMANDS:
        description = f"{subcommand.help[0].upper()}{subcommand.help[1:]}."
        subparser = subparsers.add_parser(
            subcommand.name, help=subcommand.help, description=description, allow_abbrev=False
        )
        subcommand.add_arguments(subparser)
        subparser.set_defaults(run=subcommand.run)
    return parser
