"""Masks that keep secrets out of our texts, and checks of which arguments may be secret.

Pulumi encrypts secret values in the state and hides them in its own display, but it does not look into our texts. So
every text passes :data:`MASKS` before it is cut, wrapped or printed.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MASK: Final = "[secret]"
"""Replaces a secret in a text, as in Pulumi's own display."""

DERIVED: Final[Mapping[str, tuple[str, ...]]] = {"plan": ("image", "project")}
"""Outputs that repeat arguments. Such an output is secret if one of its arguments is. Any other output repeats at most
the argument of the same name."""

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
"""Keys of a fleet whose values have to be readable in texts."""

_SHORT: Final = 4
"""A shorter value is masked only as a whole word. Within words it occurs by chance."""
_COMMON: Final = frozenset({"airflow", "runtime", "certified", "latest", "astronomer", "docker.io", "quay.io"})
"""Parts of image names that are not secret, and that other texts need."""
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_FILLED: Final = r"[\w.:/{}-]*"
_LONGEST_FILLED: Final = 80
"""Longest text, in characters, that the placeholders of an image are filled with."""


class Masks:
    """A set of secrets, and the replacement of each by :data:`MASK`. Safe to share among threads."""

    def __init__(self) -> None:
        """Start without secrets."""
        self._lock = threading.Lock()
        self._patterns: dict[str, int] = {}
        self._all: re.Pattern[str] | None = None
        self.longest = 0
        """Length of the longest secret, in characters. A text that was cut may end with a part of one."""

    def add(self, where: str, value: str) -> None:
        """Mask a value from now on, in every form in which a text may quote it.

        Args:
            where: the path of its argument. From ``image`` and ``project.path`` more forms are derived.
            value: the secret.
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
        """Replace every secret by the mask."""
        return self._all.sub(MASK, text) if self._all else text


MASKS: Final = Masks()
"""The secrets of this process. All resources share them, because a text may quote another resource's argument."""


def _forms(where: str, value: str) -> set[str]:
    """Return the forms in which a text may quote a value: as it is, stripped, escaped, quoted, or one line of it."""
    values = {value, value.strip(), " ".join(value.split()), *(line.strip() for line in value.splitlines())}
    if where.rpartition(".")[2] == "path":
        values |= set(_paths(value.strip()))
    escaped = {each.encode("unicode_escape").decode("ascii") for each in values}
    quoted = {form for each in values for form in (repr(each)[1:-1], json.dumps(each)[1:-1], _in_quotes(each))}
    return {form for form in values | escaped | quoted if form}


def _in_quotes(value: str) -> str:
    """Escape a value as between the single quotes of a shell."""
    return value.replace("'", "'\"'\"'")


def _paths(value: str) -> Iterator[str]:
    """Expand a path as :class:`~astro_deployment_runtime.delivery.astro_project.Project` does."""
    try:
        expanded = Path(value).expanduser()
        yield from (str(expanded), str(expanded.absolute()), str(expanded.resolve()))
    except (OSError, ValueError, RuntimeError):
        return


def _patterns_of_image(value: str) -> dict[str, int]:
    """Return patterns for the image of any hop, and for its repository, which a registry may name alone."""
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
    """Let the pattern of a name without a slash match only whole names: the vendor's images contain such parts."""
    return pattern if "/" in name else rf"(?<![\w.-]){pattern}(?![\w-])"


def refused_secrets(
    secret: Collection[str], given: Mapping[str, Any], spelled: Callable[[str], str] = str
) -> str | None:
    """Say which arguments are secret and may not be, and why; None if there are none.

    Args:
        secret: paths of the secret arguments, such as ``image``, ``project.path`` or ``accept``.
        given: the arguments.
        spelled: returns an argument's name as the user writes it.
    """
    found = set(secret)
    if _PROJECT in found:
        project = given.get(_PROJECT)
        found |= {name for name in _COMMANDS if isinstance(project, Mapping) and name.partition(".")[2] in project}
        found.discard(_PROJECT)
    return "\n".join(_reason(name, spelled(name)) for name in sorted(found.difference(_MAY_BE_SECRET))) or None


def _reason(name: str, shown: str) -> str:
    if name in _COMMANDS:
        return (
            f"{shown} is a secret, and every user of this machine can read the arguments of a process: give the "
            "command as plain text, and let it read the secret from a file or from its environment"
        )
    where = "the URN, the id and the path show it" if name in _SHOWN_BY_PULUMI else "plans and messages show it"
    return (
        f"{shown} is a secret, which cannot be kept because {where}: give it as plain text, for example with "
        "pulumi.Output.unsecret (only image and project.path may be secret)"
    )


def mask_config_secrets(declared: Mapping[str, Any], secret: Collection[str]) -> None:
    """Mask the values of config keys that contain a secret, except values that texts have to show.

    Pulumi does not tell which of the values below a key is the secret.
    """
    for key in secret:
        for path, value in _leaves(declared.get(key), ()):
            if path and not _PUBLIC & {_camel(part) for part in path}:
                MASKS.add(".".join(path), value)


def mask_all_config_values(text: str, declared: Mapping[str, Any], secret: Collection[str]) -> str:
    """Mask all values of config keys that contain a secret, except names: a secret may be in the wrong place."""
    masks = Masks()
    for key in secret:
        for path, value in _leaves(declared.get(key), ()):
            if path[-1:] != ("name",):
                masks.add(".".join(path), value)
    return masks.mask(text)


def refused_config_secrets(declared: Mapping[str, Any], secret: Collection[str]) -> str | None:
    """Say which commands may be the secret below their config key; None if there are none."""
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
    """Yield all texts in a value, each with the keys that lead to it."""
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
