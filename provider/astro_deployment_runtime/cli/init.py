"""``init``: add the plugin's script and its lines in ``Pulumi.yaml`` to a Pulumi project."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.cli.subcommand import ExitCode, Subcommand
from astro_deployment_runtime.cli.terminal import print_lines
from astro_deployment_runtime.errors import InvalidInputError, UnreadableFileError
from astro_deployment_runtime.support.atomic_write import replace_file
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, read_file

if TYPE_CHECKING:
    import argparse

_NEXT: Final = """\
Next, in the project, once its program declares an AstroDeploymentRuntime:
  pulumi config set astro:houstonUrl https://houston.BASEDOMAIN/v1
  pulumi config set --secret astro:token
  pulumi preview"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="folder of the project, with Pulumi.yaml (default: the current folder)",
    )


def _run(options: argparse.Namespace) -> ExitCode:
    from astro_deployment_runtime.config.pulumi_project_file import FOLDER, SCRIPT, add_plugin, project_file

    project = project_file(Path(options.folder))
    script = project.parent / FOLDER / SCRIPT
    before = _read(project)
    if before is None:
        raise InvalidInputError(f"there is no {project}: create a project first, for example with pulumi new python")
    try:
        text = before.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{project}: is not UTF-8 (byte {error.start}): convert it, then run init again"
        ) from error
    after = add_plugin(text, str(project)).encode()
    print_lines([f"{FOLDER}/{SCRIPT}: {_install_script(script)}"])
    if after == before:
        print_lines([f"{project.name}: unchanged, it names the plugin already"])
    else:
        _write(project, after)
        print_lines([f"{project.name}: plugin added, under plugins"])
    print_lines(_NEXT.split("\n"))
    return ExitCode.DONE


def _install_script(script: Path) -> str:
    """Write or update the plugin's script; return a description of the change."""
    from astro_deployment_runtime.config.pulumi_project_file import is_ours

    ours = (files("astro_deployment_runtime.plugin") / "scripts" / script.name).read_bytes()
    found = _read(script)
    if found is not None and found != ours and not is_ours(found):
        raise InvalidInputError(
            f"{script} exists already and is not from this package: move it away, then run init again"
        )
    if found == ours and os.access(script, os.X_OK):
        return "unchanged"
    _write(script, ours)
    script.chmod(0o755)
    if found is None:
        return "written"
    return "made executable" if found == ours else "updated; it was from another release, or edited"


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


SUBCOMMAND: Final = Subcommand(
    name="init", help="add the plugin to a Pulumi project", add_arguments=_add_arguments, run=_run
)
