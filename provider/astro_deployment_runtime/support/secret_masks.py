"""What may be secret, what derives from it, and the masks that keep it out of texts.

Pulumi marks values as secrets; it encrypts them in the state and hides them in its own display. Texts are ours: every
one passes :data:`MASKS` before somebody reads it, and before it is cut or wrapped.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

MASK: Final = "[secret]"
"""Stands for a secret in a text, as in Pulumi's own display."""

DERIVED: Final[Mapping[str, tuple[str, ...]]] = {"plan": ("image", "project")}
"""The outputs that repeat arguments: such an output is a secret where one of its arguments is. No other output has
more of ``image`` or ``project`` in it than the argument of the same name."""

_PROJECT: Final = "project"
_COMMANDS: Final = ("project.test", "project.deploy")
_MAY_BE_SECRET: Final = ("image", "project.path")
_SHOWN_BY_PULUMI: Final = ("release_name", "deployment_id", "runtime_version")

_PUBLIC: Final = frozenset(
    re.sub("_([a-z])", lambda match: match[1].upper(), name)
    for name in (
        *_SHOWN_BY_PULUMI,
        *("name", "wave", "strategy", "accept", "deny", "timeout", "wait", "verify", "soak", "max_parallel"),
        *("distribution", "below"),
    )
)
"""Keys of a fleet whose values texts have to show."""

_SHORT: Final = 4
"""A value with fewer characters is masked only where it stands alone: within words it is there by chance."""
_COMMON: Final = frozenset({"airflow", "runtime", "certified", "latest", "astronomer", "docker.io", "quay.io"})
"""Parts of an image's name that give nothing away, and that other texts need."""
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_FILLED: Final = r"[\w.:/{}-]*"
_LONGEST_FILLED: Final = 80
"""Characters that placeholders of an image may come to."""


class Masks:
    """The secrets of this process. Thread-safe."""

    def __init__(self) -> None:
        """Know none yet."""
        self._lock = threading.Lock()
        self._patterns: dict[str, int] = {}
        self._all: re.Pattern[str] | None = None
        self.longest = 0
        """Characters of the longest secret: where a text was cut, a part of one may be at its end."""

    def add(self, where: str, value: str) -> None:
        """Mask a value from now on, in every form in which a text may have it.

        Args:
            where: the argument's path, ``image`` or ``project.path``: from what is given there others are derived.
            value: as it was given.
        """
        patterns = {}
        for form in _forms(where, value):
            escaped = re.escape(form)
            patterns[escaped if len(form) >= _SHORT else rf"(?<![^\s'\"(=]){escaped}(?![^\s'\").,:;])"] = len(form)
        if where.rpartition(".")[2] == "image":
            patterns |= _patterns_of_image(value.strip())
        with self._lock:
            if patterns.keys() <= self._patterns.keys():
                return
            self._patterns |= patterns
            self.longest = max(self._patterns.values())
            self._all = re.compile("|".join(sorted(self._patterns, key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """Write the mask in the place of every secret."""
        return self._all.sub(MASK, text) if self._all else text


MASKS: Final = Masks()
"""Those of this process: one resource's text may quote another's argument."""


def _forms(where: str, value: str) -> set[str]:
    """Return how a value may be written: as it is, stripped, escaped, quoted, or a line of it."""
    values = {value, value.strip(), " ".join(value.split()), *(line.strip() for line in value.splitlines())}
    if where.rpartition(".")[2] == "path":
        values |= set(_paths(value.strip()))
    escaped = {each.encode("unicode_escape").decode("ascii") for each in values}
    quoted = {form for each in values for form in (repr(each)[1:-1], json.dumps(each)[1:-1], _in_quotes(each))}
    return {form for form in values | escaped | quoted if form}


def _in_quotes(value: str) -> str:
    """Write a value as the shell's quoting has it between its quotes."""
    return value.replace("'", "'\"'\"'")


def _paths(value: str) -> Iterator[str]:
    """Write out a path as :class:`~astro_deployment_runtime.delivery.astro_project.Project` does."""
    try:
        expanded = Path(value).expanduser()
        yield from (str(expanded), str(expanded.absolute()), str(expanded.resolve()))
    except (OSError, ValueError, RuntimeError):
        return


def _patterns_of_image(value: str) -> dict[str, int]:
    """Return what finds the image of a hop, and the repository alone, which a registry's message may name."""
    literals = _PLACEHOLDER.split(value)
    patterns = {}
    if sum(map(len, literals)) >= _SHORT:
        patterns[_bounded(value, _FILLED.join(map(re.escape, literals)))] = len(value) + _LONGEST_FILLED
    for literal in literals:
        head, slash, last = literal.partition("@")[0].rpartition("/")
        repository = f"{head}{slash}{last.partition(':')[0]}"
        for part in (literal, repository, repository.partition("/")[2] if head else ""):
            named = part.strip(":/@-._")
            if len(named) >= _SHORT and named not in _COMMON:
                patterns[_bounded(named, re.escape(named))] = len(named)
    return patterns


def _bounded(name: str, pattern: str) -> str:
    """Let a pattern for a name of one part find no part of a longer name: the vendor's images have such too."""
    return pattern if "/" in name else rf"(?<![\w.-]){pattern}(?![\w-])"


def refused_secrets(secret: Collection[str], given: Mapping[str, Any]) -> str | None:
    """Say which arguments may not be secret, and why; None where all may.

    Args:
        secret: paths of the arguments that are marked as secrets: ``image``, ``project.path``, ``accept``.
        given: the arguments themselves.
    """
    found = set(secret)
    if _PROJECT in found:
        project = given.get(_PROJECT)
        found |= {name for name in _COMMANDS if isinstance(project, Mapping) and name.partition(".")[2] in project}
        found.discard(_PROJECT)
    return "\n".join(_reason(name) for name in sorted(found.difference(_MAY_BE_SECRET))) or None


def _reason(name: str) -> str:
    if name in _COMMANDS:
        return (
            f"{name} is a secret, and every user of this machine can read the arguments of a process: give the "
            "command as plain text, and let it read the secret from a file or from its environment"
        )
    where = "the URN, the id and the path show it" if name in _SHOWN_BY_PULUMI else "plans and messages show it"
    return (
        f"{name} is a secret, which cannot be kept because {where}: give it as plain text, for example with "
        "pulumi.Output.unsecret (only image and project.path may be secret)"
    )


def mask_config_secrets(declared: Mapping[str, Any], secret: Collection[str]) -> None:
    """Mask what keys of a stack's config with a secret in them hold, but for what texts have to show.

    Pulumi does not tell which of the values below a key is the secret.
    """
    for key in secret:
        for path, value in _leaves(declared.get(key), ()):
            if path and not _PUBLIC & {_camel(part) for part in path}:
                MASKS.add(".".join(path), value)


def mask_all_config_values(text: str, declared: Mapping[str, Any], secret: Collection[str]) -> str:
    """Mask all values below keys with a secret in them but names: what cannot be used may be anything."""
    masks = Masks()
    for key in secret:
        for path, value in _leaves(declared.get(key), ()):
            if path[-1:] != ("name",):
                masks.add(".".join(path), value)
    return masks.mask(text)


def refused_config_secrets(declared: Mapping[str, Any], secret: Collection[str]) -> str | None:
    """Say which commands may be the secret that is somewhere below their key; None where there are none."""
    found = [
        f"astro:{key} has a secret in it, and Pulumi does not tell which value it is, so that {name} may be it: every "
        "user of this machine can read the arguments of a process, so keep secrets out of the key that has the "
        "command, or put the command into the project as a script and leave the secret out of it"
        for key in secret
        for name in _COMMANDS
        if any(".".join(path[-2:]) == name for path, _ in _leaves(declared.get(key), ()))
    ]
    return "\n".join(found) or None


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """List all texts in a value, each with the keys that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, (*path, str(key)))
    elif isinstance(value, Sequence):
        for each in value:
            yield from _leaves(each, path)


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)
