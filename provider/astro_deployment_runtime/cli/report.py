"""``report``: turn ``pulumi preview --json`` into a pull request comment, JSON or JUnit XML."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_bytes
from astro_deployment_runtime.errors import InvalidPreviewError, UnreadableFileError
from astro_deployment_runtime.reports.json_report import json_report
from astro_deployment_runtime.reports.junit import junit_xml
from astro_deployment_runtime.reports.markdown import markdown_comment
from astro_deployment_runtime.reports.preview import read_preview
from astro_deployment_runtime.support.file_reading import MAX_PREVIEW_BYTES, read_file, read_stream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from astro_deployment_runtime.reports.preview import Preview

_STDIN: Final = "-"
_FORMATS: Final[dict[str, Callable[[Preview], str]]] = {
    "markdown": markdown_comment,
    "json": lambda preview: json.dumps(json_report(preview), indent=2) + "\n",
    "junit": junit_xml,
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        default=_STDIN,
        metavar="FILE",
        help="output of 'pulumi preview --json' (default: standard input)",
    )
    parser.add_argument(
        "--format", choices=list(_FORMATS), default="markdown", help="format of the report (default: %(default)s)"
    )


def _run(options: argparse.Namespace) -> ExitCode:
    written = _FORMATS[options.format](read_preview(_read(options.file)))
    # Programs read the report as UTF-8, whatever the encoding of standard output.
    print_bytes(written.encode())
    return ExitCode.DONE


def _read(file: str) -> bytes:
    if file != _STDIN:
        return read_file(Path(file), max_bytes=MAX_PREVIEW_BYTES)
    try:
        return read_stream(sys.stdin.buffer, max_bytes=MAX_PREVIEW_BYTES)
    except UnreadableFileError as error:
        raise InvalidPreviewError(f"standard input: {error.reason}") from None
    except (OSError, AttributeError) as error:
        # sys.stdin is None if standard input was closed.
        reason = getattr(error, "strerror", None) or "it is closed"
        raise InvalidPreviewError(f"standard input: cannot be read ({reason})") from error


SUBCOMMAND: Final = Subcommand(
    name="report",
    help="turn 'pulumi preview --json' into a pull request comment, JSON or JUnit XML",
    add_arguments=_add_arguments,
    run=_run,
)
