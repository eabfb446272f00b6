"""A stack's config as its file has it, read without the engine.

The file is the engine's: ``Pulumi.<stack>.yaml``, in the folder of ``Pulumi.yaml`` or where that one's
``stackConfigDir`` says. What is encrypted in it only the engine can read, so that is left out, by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from astro_deployment_runtime.errors import InvalidDeclarationError, InvalidInputError
from astro_deployment_runtime.plugin_entry import PROJECT, project_file
from astro_deployment_runtime.stack import KEYS

_NAMESPACE: Final = "astro"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """The config of one stack."""

    name: str
    """The file's."""
    values: Mapping[str, Any]
    """By full key, ``astro:deployments``; without what is encrypted."""
    encrypted: frozenset[str]
    """The full keys of ours of which something is encrypted."""

    def declared(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return what declares a fleet, by the keys of :data:`~astro_deployment_runtime.stack.KEYS`.

        Raises:
            InvalidDeclarationError: some of it is encrypted, or is no JSON where it is a text.
        """
        if hidden := [key for key in KEYS if f"{_NAMESPACE}:{key}" in self.encrypted]:
            names = ", ".join(f"{_NAMESPACE}:{key}" for key in hidden)
            raise InvalidDeclarationError(
                f"{self.name}: {names} is encrypted, and cannot be read without the engine: run pulumi preview instead"
            )
        given = {key: self._structure(key) for key in KEYS}
        return {**given, "onRefusal": given["onRefusal"] or environment.get("ASTRO_ON_REFUSAL")}

    def setting(self, key: str) -> str | None:
        """Return a key of the connection settings as the engine would give it, None where there is none."""
        value = self.values.get(f"{_NAMESPACE}:{key}")
        if value is None:
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)

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
        value = self.values.get(f"{_NAMESPACE}:{key}")
        if key == "onRefusal" or not isinstance(value, str) or not value:
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidDeclarationError(f"astro:{key}: {value!r} is neither a structure nor JSON") from None


def read_stack_file(folder: Path, stack: str | None, environment: Mapping[str, str]) -> StackFile:
    """Read the config of a stack of the project in that folder.

    Args:
        folder: where ``Pulumi.yaml`` is.
        stack: the stack's name, also a qualified one; None: the one that ``PULUMI_STACK`` names, or the only one.
        environment: where that variable is looked up.

    Raises:
        InvalidInputError: there is no such project or stack, or a file cannot be read.
    """
    project = _load(project_file(folder))
    configs = folder / str(project.get("stackConfigDir") or ".")
    name = stack or environment.get("PULUMI_STACK") or _only_stack(configs)
    path = configs / f"Pulumi.{name.rpartition('/')[2]}.yaml"
    if not path.is_file():
        known = ", ".join(_stacks(configs)) or "none"
        raise InvalidInputError(f"there is no config of the stack {name!r} in {configs}; stacks with one: {known}")
    values = _defaults(project) | _mapping(_load(path).get("config"), path)
    hidden = frozenset(key for key, value in values.items() if _is_encrypted(value))
    return StackFile(
        name=path.name,
        values={key: value for key, value in values.items() if key not in hidden},
        encrypted=frozenset(key for key in hidden if key.startswith(f"{_NAMESPACE}:")),
    )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(yaml.safe_load(path.read_bytes()), path)
    except OSError as error:
        hint = "; name the project's folder with --cwd" if path.name == PROJECT else ""
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}){hint}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path}: is not YAML ({' '.join(str(error).split())})") from error


def _mapping(value: object, path: Path) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{path}: is not a mapping of keys to values")
    return {str(key): each for key, each in value.items()}


def _defaults(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the project's own file gives to all its stacks."""
    found = {}
    for key, each in _mapping(project.get("config"), Path(PROJECT)).items():
        full = key if ":" in key else f"{project.get('name')}:{key}"
        value = each.get("value", each.get("default")) if isinstance(each, Mapping) else each
        if value is not None:
            found[full] = value
    return found


def _stacks(configs: Path) -> list[str]:
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in configs.glob("Pulumi.*.yaml"))


def _only_stack(configs: Path) -> str:
    match _stacks(configs):
        case [only]:
            return only
        case []:
            raise InvalidInputError(f"there is no Pulumi.<stack>.yaml in {configs}")
        case several:
            raise InvalidInputError(f"there are several stacks, {', '.join(several)}: say which, with --stack NAME")


def _is_encrypted(value: object) -> bool:
    """Tell whether there is a secret in a value: the engine writes it as ``{secure: CIPHERTEXT}``."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))
