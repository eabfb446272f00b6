"""``init``: our plugin host in another Pulumi project, the script and the lines that name it."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.console import Command, ExitCode, tell
from astro_deployment_runtime.errors import InvalidInputError, UnreadableFileError
from astro_deployment_runtime.support.atomic_write import replace_file
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, read_file

if TYPE_CHECKING:
    import argparse

_NEXT: Final = """\
Next, in the project, whose program declares an AstroDeploymentRuntime:
  pulumi config set astro:houstonUrl https://houston.BASEDOMAIN/v1
  pulumi config set --secret astro:token
  pulumi preview"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="of the project, in which Pulumi.yaml is (default: the current one)",
    )


def _run(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.config.pulumi_project_file import FOLDER, SCRIPT, add_plugin, project_file

    project = project_file(Path(options.folder))
    script = project.parent / FOLDER / SCRIPT
    before = _read(project)
    if before is None:
        raise InvalidInputError(f"{project}: there is none; make a project first, for example with pulumi new python")
    try:
        text = before.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{project}: is not UTF-8") from error
    after = add_plugin(text, str(project)).encode()
    tell([f"{FOLDER}/{SCRIPT}: {_put_script(script)}"])
    if after == before:
        tell([f"{project.name}: names it already"])
    else:
        _write(project, after)
        tell([f"{project.name}: names it now, under plugins"])
    tell(_NEXT.split("\n"))
    return ExitCode.DONE


def _put_script(script: Path) -> str:
    """Have our script there, and say what that took."""
    from astro_deployment_runtime.config.pulumi_project_file import is_ours

    ours = (files("astro_deployment_runtime.plugin") / "scripts" / script.name).read_bytes()
    found = _read(script)
    if found is not None and found != ours and not is_ours(found):
        raise InvalidInputError(f"{script}: is there already, and is not ours; move it away, then run this again")
    if found == ours and os.access(script, os.X_OK):
        return "is there already"
    _write(script, ours)
    script.chmod(0o755)
    if found is None:
        return "written"
    return "made executable" if found == ours else "written anew; it was another release's, or edited"


def _read(path: Path) -> bytes | None:
    try:
        return read_file(path, max_bytes=MAX_CONFIG_BYTES)
    except UnreadableFileError as error:
        if error.missing:
            return None
        raise


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from error


COMMAND: Final = Command(
    name="init", help="put the plugin host into a Pulumi project", add_arguments=_add_arguments, run=_run
)
