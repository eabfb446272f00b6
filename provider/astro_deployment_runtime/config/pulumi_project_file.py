"""Add the plugin to a project's file, ``Pulumi.yaml``, without changing its other lines.

To keep comments and order, the lines are inserted as text at a place that the parser reports. The result is parsed
again: unless it means the same as before plus our plugin, the change is refused, with the lines to paste.
"""

from __future__ import annotations

import posixpath
import textwrap
from typing import TYPE_CHECKING, Any, Final

import yaml

from astro_deployment_runtime.config.engine_yaml import UnreadableYamlError, read_yaml
from astro_deployment_runtime.errors import InvalidInputError
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, MAX_SCRIPT_BYTES, read_file

if TYPE_CHECKING:
    from pathlib import Path

PROJECT: Final = "Pulumi.yaml"
PROJECTS: Final = (PROJECT, "Pulumi.yml", "Pulumi.json")
"""Names that a project's file can have."""
FOLDER: Final = "plugin"
"""Folder of the plugin's script, beside the project's file."""
SCRIPT: Final = "pulumi-resource-pulumi-python"
"""Name of the executable that the engine starts for dynamic resources in Python."""
_STARTS_OURS: Final = b"-m astro_deployment_runtime.plugin"
_PLUGIN: Final = "pulumi-python"
_ENTRY: Final = {"name": _PLUGIN, "path": f"./{FOLDER}"}
_KEYS: Final = ("plugins", "providers")
_LINES: Final = (
    f"{_KEYS[0]}:",
    f"  {_KEYS[1]}:",
    f"    - name: {_ENTRY['name']}",
    f"      path: {_ENTRY['path']}",
)


def add_plugin(text: str, file: str) -> str:
    """Return a project's file with our plugin added; unchanged if it has our plugin already.

    Args:
        text: content of ``Pulumi.yaml``.
        file: path of the file, for messages.

    Raises:
        InvalidInputError: the project is not in Python, has another plugin in our place, or cannot be extended safely.
    """
    project = _project(text.encode(), file)
    if paths := _plugin_paths(project):
        if [posixpath.normpath(path) for path in paths] == [FOLDER]:
            return text
        raise InvalidInputError(
            f"{file}: has another plugin for {_PLUGIN} already ({', '.join(paths)}). To use this one instead, change "
            f"its path to {_ENTRY['path']}"
        )
    try:
        extended = _extended(text)
        kept = read_yaml(extended.encode()) == _expected(project)
    except (yaml.YAMLError, UnreadableYamlError):
        kept = False
    if not kept:
        lines = "\n".join(_LINES)
        raise InvalidInputError(
            f"{file}: cannot be extended without changing other lines. Add these yourself:\n{lines}"
        )
    return extended


def is_ours(script: bytes) -> bool:
    """Return whether a plugin's script, of whatever release, starts our plugin process."""
    return _STARTS_OURS in script


def project_file(folder: Path) -> Path:
    """Return the path of the project's file in a folder; ``Pulumi.yaml`` if it does not exist yet."""
    return next((path for name in PROJECTS if (path := folder / name).is_file()), folder / PROJECT)


def uses_our_plugin(folder: Path) -> bool:
    """Return whether the engine starts our plugin process for a project; False if its file cannot be read.

    Args:
        folder: the project's folder, or one below it: ``main`` can name the folder of the program.
    """
    start = folder.absolute()
    files = (project_file(each) for each in (start, *start.parents))
    try:
        file = next(path for path in files if path.is_file())
        paths = _plugin_paths(_project(read_file(file, max_bytes=MAX_CONFIG_BYTES), PROJECT))
        scripts = [read_file(file.parent / path / SCRIPT, max_bytes=MAX_SCRIPT_BYTES) for path in paths]
        return bool(scripts) and all(map(is_ours, scripts))
    except (StopIteration, InvalidInputError):
        return False


def _project(text: bytes, file: str) -> dict[str, Any]:
    try:
        project = read_yaml(text)
    except UnreadableYamlError as error:
        raise InvalidInputError(f"{file}: {error}") from error
    runtime = project.get("runtime") if isinstance(project, dict) else None
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise InvalidInputError(
            f"{file}: its runtime is {name!r}, but init serves programs in Python only. For another language, add the "
            "native plugin under plugins.providers: {name: astro, path: FOLDER}, where FOLDER has the program "
            "pulumi-resource-astro"
        )
    return dict(project)


def _plugin_paths(project: dict[str, Any]) -> list[str]:
    """Return the paths of the plugins for dynamic resources in Python."""
    plugins = project.get(_KEYS[0])
    providers = plugins.get(_KEYS[1]) if isinstance(plugins, dict) else None
    entries = [each for each in providers if isinstance(each, dict)] if isinstance(providers, list) else []
    return [str(each.get("path")) for each in entries if each.get("name") == _PLUGIN]


def _expected(project: dict[str, Any]) -> dict[str, Any] | None:
    """Return the project with our plugin; None if something else than plugins is under our keys."""
    plugins = project.get(_KEYS[0]) or {}
    if not isinstance(plugins, dict):
        return None
    providers = plugins.get(_KEYS[1]) or []
    if not isinstance(providers, list):
        return None
    return {**project, _KEYS[0]: {**plugins, _KEYS[1]: [_ENTRY, *providers]}}


def _extended(text: str) -> str:
    """Insert our lines below the last of our keys that the file has; at its end if it has none."""
    node, place, column, depth = yaml.compose(text), len(text), 0, 0
    for name in _KEYS:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in pairs if key.value == name), None)
        if found is None:
            break
        key, node = found
        place, depth = key.end_mark.index, depth + 1
        # A key without a value has an empty scalar, and no lines below it.
        column = key.start_mark.column + 2 if isinstance(node, yaml.ScalarNode) else node.start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", place) + 1 or len(text)
    head = text[:end] if text[:end].endswith("\n") else f"{text[:end]}{newline}"
    ours = textwrap.indent(textwrap.dedent("\n".join(_LINES[depth:])), " " * column)
    return f"{head}{ours.replace(chr(10), newline)}{newline}{text[end:]}"
