"""A stack's config as its file has it, read without the engine.

The file is the engine's: ``Pulumi.<stack>.yaml``, in the folder of ``Pulumi.yaml`` or where that one's
``stackConfigDir`` says. It is read by the engine's rules, and each value is the text that the engine would give a
program. What is encrypted in the file only the engine can read, so that is left out, by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.config_keys import FLEET, NAMESPACE, unknown_keys
from astro_deployment_runtime.config.engine_yaml import UnreadableYamlError, read_yaml, scalar_text, whole
from astro_deployment_runtime.config.pulumi_project_file import PROJECT
from astro_deployment_runtime.config.resource_arguments import shown
from astro_deployment_runtime.errors import InvalidConfigError, InvalidInputError, UnreadableFileError
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, read_file

if TYPE_CHECKING:
    from pathlib import Path

_ENDINGS: Final = (".yaml", ".yml")
"""Of a project's file, in the order in which the engine looks; a stack's file has that of its project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """The config of one stack."""

    name: str
    """The file's."""
    values: Mapping[str, str]
    """By full key, ``astro:deployments``, as the engine gives them to a program: a structure is JSON. Without what is
    encrypted."""
    encrypted: frozenset[str]
    """The full keys of ours of which something is encrypted."""

    def declared(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return what declares a fleet, by the keys of :data:`~astro_deployment_runtime.config.config_keys.FLEET`.

        Raises:
            InvalidConfigError: some of it is encrypted, or is no JSON where it is a text.
        """
        if hidden := [key for key in FLEET if f"{NAMESPACE}:{key}" in self.encrypted]:
            names = ", ".join(f"{NAMESPACE}:{key}" for key in hidden)
            raise InvalidConfigError(
                f"{self.name}: {names} is encrypted, and cannot be read without the engine: run pulumi preview instead"
            )
        given = {key: self._structure(key) for key in FLEET}
        return {**given, "onRefusal": given["onRefusal"] or environment.get("ASTRO_ON_REFUSAL")}

    def setting(self, key: str) -> str | None:
        """Return a key of the connection settings as the engine would give it, None where there is none."""
        return self.values.get(f"{NAMESPACE}:{key}")

    @property
    def notes(self) -> list[str]:
        """What may be a mistake in the file, and what of it was not read."""
        unknown = unknown_keys([*self.values, *self.encrypted])
        return [*([self.unread] if self.unread else []), *unknown]

    @property
    def unread(self) -> str | None:
        """Say what of the file was not read, and what counts in its place; None where all was."""
        if not self.encrypted:
            return None
        names = ", ".join(sorted(self.encrypted))
        verb = "is" if len(self.encrypted) == 1 else "are"
        return f"{names} {verb} encrypted in {self.name}, which only the engine can read: the environment counts here"

    def _structure(self, key: str) -> Any:  # noqa: ANN401 - whatever is in the file
        """Return a value; ``pulumi config set`` without ``--path`` writes structures as texts of JSON."""
        text = self.values.get(f"{NAMESPACE}:{key}")
        if not text:
            return None
        if key == "onRefusal":
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidConfigError(f"{NAMESPACE}:{key}: {shown(text)} is neither a structure nor JSON") from None


def read_stack_file(folder: Path, stack: str | None, environment: Mapping[str, str]) -> StackFile:
    """Read the config of a stack of the project in that folder.

    Args:
        folder: where ``Pulumi.yaml`` is.
        stack: the stack's name, also a qualified one; None: the one that ``PULUMI_STACK`` names, or the only one.
        environment: where that variable is looked up.

    Raises:
        InvalidInputError: there is no such project or stack, or a file cannot be read.
    """
    path, project = _project(folder)
    # A text under `config` is what older projects have in the place of stackConfigDir.
    named = project.get("stackConfigDir") or project.get("config")
    configs = folder / (named if isinstance(named, str) else ".")
    name = stack or environment.get("PULUMI_STACK") or _only_stack(configs, path.suffix)
    file = configs / f"Pulumi.{name.rpartition('/')[2]}{path.suffix}"
    try:
        config = _load(file).get("config")
    except UnreadableFileError as error:
        if not error.missing:
            raise
        known = ", ".join(_stacks(configs, path.suffix)) or "none"
        raise InvalidInputError(
            f"there is no config of the stack {name!r} in {configs}; stacks with one: {known}"
        ) from None
    values = _defaults(path, project) | _qualified(file, project, config)
    hidden = frozenset(key for key, value in values.items() if _is_encrypted(value))
    return StackFile(
        name=file.name,
        values={key: _text(file, key, value) for key, value in values.items() if key not in hidden},
        encrypted=frozenset(key for key in hidden if key.startswith(f"{NAMESPACE}:")),
    )


def _project(folder: Path) -> tuple[Path, dict[str, Any]]:
    for ending in _ENDINGS:
        path = (folder / PROJECT).with_suffix(ending)
        try:
            return path, _load(path)
        except UnreadableFileError as error:
            if not error.missing:
                raise
    raise InvalidInputError(f"there is no {PROJECT} in {folder}: name the project's folder with --cwd")


def _load(path: Path) -> dict[str, Any]:
    try:
        return _mapping(read_yaml(read_file(path, max_bytes=MAX_CONFIG_BYTES)), str(path))
    except UnreadableYamlError as error:
        raise InvalidInputError(f"{path}: {error}") from error


def _mapping(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where}: is not a mapping of keys to values")
    return value


def _qualified(path: Path, project: Mapping[str, Any], config: object) -> dict[str, Any]:
    """Return a config by full keys: a bare one belongs to the project, and ``astro:config:x`` is ``astro:x``."""
    found: dict[str, Any] = {}
    for key, value in _mapping(config, f"{path}: config").items():
        match key.split(":"):
            case [name]:
                full = f"{project.get('name')}:{name}"
            case [namespace, name] | [namespace, "config", name]:
                full = f"{namespace}:{name}"
            case _:
                raise InvalidInputError(f"{path}: the key {key!r} is not of the form NAMESPACE:NAME")
        if full in found:
            raise InvalidInputError(f"{path}: the key {full!r} is given twice, once as {key!r}; remove one of the two")
        found[full] = value
    return found


def _defaults(path: Path, project: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the project's own file gives to all its stacks."""
    config = project.get("config")
    if isinstance(config, str):
        return {}
    given = {
        key: each.get("default", each.get("value")) if isinstance(each, Mapping) else each
        for key, each in _mapping(config, f"{path}: config").items()
    }
    return _qualified(path, project, {key: value for key, value in given.items() if value is not None})


def _text(path: Path, key: str, value: object) -> str:
    """Return a value as the engine gives it to a program."""
    try:
        if isinstance(value, dict | list):
            return json.dumps(_numbers(value), allow_nan=False)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError  # noqa: TRY301 - as json has it
    except ValueError:
        raise InvalidInputError(f"{path}: {key} has a number that JSON does not have, .inf or .nan") from None
    except RecursionError:
        raise InvalidInputError(f"{path}: {key} is nested too deeply") from None
    return scalar_text(value)


def _numbers(value: Any) -> Any:  # noqa: ANN401
    """Return a structure with the numbers that the engine makes of those in it: all are floats to it."""
    match value:
        case dict():
            return {key: _numbers(each) for key, each in value.items()}
        case list():
            return [_numbers(each) for each in value]
        case int() | float() if not isinstance(value, bool):
            number = float(value)
            return whole(number) if number.is_integer() and abs(number) < 1e21 else number
        case _:
            return value


def _stacks(configs: Path, ending: str) -> list[str]:
    files = (path.name for path in configs.glob(f"Pulumi.*{ending}"))
    return sorted(name.removeprefix("Pulumi.").removesuffix(ending) for name in files)


def _only_stack(configs: Path, ending: str) -> str:
    match _stacks(configs, ending):
        case [only]:
            return only
        case []:
            raise InvalidInputError(f"there is no Pulumi.<stack>{ending} in {configs}")
        case several:
            raise InvalidInputError(f"there are several stacks, {', '.join(several)}: say which, with --stack NAME")


def _is_encrypted(value: object) -> bool:
    """Tell whether there is a secret in a value: the engine writes it as ``{secure: CIPHERTEXT}``."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return True
        return any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))
