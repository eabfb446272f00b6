"""Read a stack's config from its file, without the engine.

The file is ``Pulumi.<stack>.yaml``, in the folder of ``Pulumi.yaml`` or in its ``stackConfigDir``. It is read by the
engine's rules, and each value is the string that the engine would give a program. Only the engine can read encrypted
values; they are left out, and their keys are reported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.config_keys import FLEET, NAMESPACE, unknown_key_warnings
from astro_deployment_runtime.config.engine_yaml import UnreadableYamlError, read_yaml, scalar_text, whole_number
from astro_deployment_runtime.config.pulumi_project_file import PROJECT
from astro_deployment_runtime.errors import InvalidConfigError, InvalidInputError, UnreadableFileError
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, read_file
from astro_deployment_runtime.support.validation import display_value

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES: Final = (".yaml", ".yml")
"""Suffixes of a project's file, in the engine's order; a stack's file has the suffix of its project's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """The config of one stack."""

    name: str
    """File name."""
    values: Mapping[str, str]
    """Values by full key, such as ``astro:deployments``, as the engine gives them to a program: a structure is JSON.
    Encrypted ones are left out."""
    encrypted: frozenset[str]
    """Full keys in the namespace ``astro`` whose value is encrypted, or has an encrypted part."""

    def declared(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of the keys :data:`~astro_deployment_runtime.config.config_keys.FLEET`.

        Raises:
            InvalidConfigError: one of them is encrypted, or is a string that is not JSON.
        """
        if hidden := [key for key in FLEET if f"{NAMESPACE}:{key}" in self.encrypted]:
            names = ", ".join(f"{NAMESPACE}:{key}" for key in hidden)
            raise InvalidConfigError(
                f"{self.name}: {names} is encrypted, and only the engine can read it: run pulumi preview instead"
            )
        given = {key: self._structure(key) for key in FLEET}
        return {**given, "onRefusal": given["onRefusal"] or environment.get("ASTRO_ON_REFUSAL")}

    def setting(self, key: str) -> str | None:
        """Return the value of a key of the connection settings as the engine would give it; None if not given."""
        return self.values.get(f"{NAMESPACE}:{key}")

    @property
    def notes(self) -> list[str]:
        """Encrypted keys, which were not read, and unknown keys."""
        unknown = unknown_key_warnings([*self.values, *self.encrypted])
        return [*([self.encrypted_note] if self.encrypted_note else []), *unknown]

    @property
    def encrypted_note(self) -> str | None:
        """Note about the encrypted keys, and the environment variables that replace them; None if there are none."""
        if not self.encrypted:
            return None
        names = ", ".join(sorted(self.encrypted))
        verb = "is" if len(self.encrypted) == 1 else "are"
        return (
            f"{names} {verb} encrypted in {self.name}, and only the engine can read that; plan --stack uses the "
            "environment variables instead"
        )

    def _structure(self, key: str) -> Any:  # noqa: ANN401 - whatever is in the file
        """Return a value as a structure; ``pulumi config set`` without ``--path`` writes it as a JSON string."""
        text = self.values.get(f"{NAMESPACE}:{key}")
        if not text:
            return None
        if key == "onRefusal":
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidConfigError(
                f"{NAMESPACE}:{key}: {display_value(text)} is neither a structure nor JSON"
            ) from None


def read_stack_file(folder: Path, stack: str | None, environment: Mapping[str, str]) -> StackFile:
    """Read the config of a stack of the project in that folder.

    Args:
        folder: the folder of ``Pulumi.yaml``.
        stack: the stack's name, which may be qualified; None: the one that ``PULUMI_STACK`` names, or the only one.
        environment: environment variables, for ``PULUMI_STACK``.

    Raises:
        InvalidInputError: the project or the stack does not exist, or a file cannot be read.
    """
    path, project = _project(folder)
    # Older projects name the folder with a string under `config` instead of stackConfigDir.
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
            f"there is no config of the stack {name!r} in {configs}; stacks with a config: {known}"
        ) from None
    values = _defaults(path, project) | _qualified(file, project, config)
    hidden = frozenset(key for key, value in values.items() if _is_encrypted(value))
    return StackFile(
        name=file.name,
        values={key: _text(file, key, value) for key, value in values.items() if key not in hidden},
        encrypted=frozenset(key for key in hidden if key.startswith(f"{NAMESPACE}:")),
    )


def _project(folder: Path) -> tuple[Path, dict[str, Any]]:
    for suffix in _SUFFIXES:
        path = (folder / PROJECT).with_suffix(suffix)
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


def _mapping(value: object, source: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError(f"{source}: is not a mapping of keys to values")
    return value


def _qualified(path: Path, project: Mapping[str, Any], config: object) -> dict[str, Any]:
    """Return a config by full keys: a bare key belongs to the project, and ``astro:config:x`` means ``astro:x``."""
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
    """Return the values that the project's file gives to all stacks."""
    config = project.get("config")
    if isinstance(config, str):
        return {}
    given = {
        key: each.get("default", each.get("value")) if isinstance(each, Mapping) else each
        for key, each in _mapping(config, f"{path}: config").items()
    }
    return _qualified(path, project, {key: value for key, value in given.items() if value is not None})


def _text(path: Path, key: str, value: object) -> str:
    """Return a value as the string that the engine gives a program."""
    try:
        if isinstance(value, dict | list):
            return json.dumps(_numbers(value), allow_nan=False)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError  # noqa: TRY301 - as json.dumps does for a number within a structure
    except ValueError:
        raise InvalidInputError(
            f"{path}: {key} has the number .inf or .nan, which JSON does not have: write a finite one"
        ) from None
    except RecursionError:
        raise InvalidInputError(f"{path}: {key} is nested too deeply") from None
    return scalar_text(value)


def _numbers(value: Any) -> Any:  # noqa: ANN401
    """Return a structure with its numbers as the engine writes them: it reads all of them as floats."""
    match value:
        case dict():
            return {key: _numbers(each) for key, each in value.items()}
        case list():
            return [_numbers(each) for each in value]
        case int() | float() if not isinstance(value, bool):
            number = float(value)
            return whole_number(number) if number.is_integer() and abs(number) < 1e21 else number
        case _:
            return value


def _stacks(configs: Path, suffix: str) -> list[str]:
    files = (path.name for path in configs.glob(f"Pulumi.*{suffix}"))
    return sorted(name.removeprefix("Pulumi.").removesuffix(suffix) for name in files)


def _only_stack(configs: Path, suffix: str) -> str:
    match _stacks(configs, suffix):
        case [only]:
            return only
        case []:
            raise InvalidInputError(
                f"there is no Pulumi.<stack>{suffix} in {configs}: make a stack with pulumi stack init"
            )
        case several:
            raise InvalidInputError(f"there are several stacks, {', '.join(several)}: name one with --stack NAME")


def _is_encrypted(value: object) -> bool:
    """Return whether a value has a secret in it: the engine writes one as ``{secure: CIPHERTEXT}``."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return True
        return any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))
