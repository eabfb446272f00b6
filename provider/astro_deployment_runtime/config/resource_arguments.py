"""What a user may declare of one Deployment: the arguments of the resource.

Checked as a whole: every mistake is reported, each with the path of its key.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.config.config_keys import nearest
from astro_deployment_runtime.errors import InvalidConfigError, InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks, read_denied
from astro_deployment_runtime.planning.model import Strategy, WarningName
from astro_deployment_runtime.planning.targets import parse_target

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from astro_deployment_runtime.planning.model import Target

_DURATION: Final = re.compile(r"(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s)?", re.ASCII)
_LONGEST_SECONDS: Final = 7 * 24 * 3600
_LONGEST_SHOWN: Final = 60
_LONGEST_REASON: Final = 400
_RELEASE_NAME: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
_PATTERNS: Final = {
    _RELEASE_NAME: "a release name has small letters, digits and hyphens, at most 63, such as galactic-stars-1234",
    _ID: "an id has letters, digits, hyphens and underscores, at most 64",
}
"""What fits a pattern, in words."""


def _seconds(given: object) -> object:
    value = given
    if isinstance(value, str) and value and (match := _DURATION.fullmatch(value)):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        value = float(hours * 3600 + minutes * 60 + seconds)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a duration: write 1h, 90m, 1h30m or 45s")  # noqa: TRY004 - pydantic's way
    if not 0 < value <= _LONGEST_SECONDS:
        raise ValueError(f"{shown(given)} is out of range: more than nothing, at most 7 days")
    return float(value)


def _target(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a text: put the version in quotes, for example '5.0.4'")  # noqa: TRY004
    try:
        parse_target(value, vendor_feed.shipped)
    except InvalidVersionError as error:
        raise ValueError(str(error)) from None
    return value.strip()


def _acceptable(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        AcceptedRisks.parse(names)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None
    return names


def _deniable(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        read_denied(names)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None
    return names


def agree(
    *,
    image: str | None,
    project: ProjectArguments | None,
    accept: tuple[str, ...] | None,
    deny: tuple[str, ...] | None,
) -> None:
    """Let arguments that exclude each other not be given together.

    Raises:
        ValueError: some are.
    """
    problems = []
    if image is not None and project is not None:
        problems.append("an image arrives in one way: give image or project, not both")
    if both := sorted({*(accept or ())} & {*(deny or ())}):
        problems.append(f"{', '.join(both)}: accepted as well as denied; keep one of the two")
    if problems:
        raise ValueError("; ".join(problems))


_ReleaseName = Annotated[str, Field(pattern=_RELEASE_NAME)]
_Id = Annotated[str, Field(pattern=_ID)]
Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, written as ``90m`` or as a number."""
DeclaredTarget = Annotated[str, BeforeValidator(_target)]
Image = Annotated[str, Field(min_length=1)]
StrategyName = Literal["certified-first", "fewest-hops"]
Accepted = Annotated[tuple[str, ...], AfterValidator(_acceptable)]
Denied = Annotated[tuple[str, ...], AfterValidator(_deniable)]
Witness = Literal["airflow", "houston"]


class ProjectArguments(BaseModel):
    """An Astro project on this machine, which is built and deployed for every hop."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    path: Annotated[str, Field(min_length=1)]
    """Its folder; a relative one begins at the Pulumi project."""
    test: str | None = None
    """A command that has to succeed before a hop is deployed."""
    deploy: str = "astro deploy {deployment_id} --force"


class ResourceArguments(BaseModel):
    """One Deployment and the version that it is to have: the arguments of the resource, with their defaults."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    release_name: _ReleaseName | None = None
    deployment_id: _Id | None = None
    runtime_version: DeclaredTarget
    image: Image | None = None
    project: ProjectArguments | None = None
    strategy: StrategyName = "certified-first"
    accept: Accepted = ()
    deny: Denied = ()
    """Warnings that are refusals."""
    timeout: Duration = 3600.0
    """Seconds per hop, from when a run begins to wait for it."""
    wait: bool = True
    verify: Witness = "airflow"
    """Whose word it takes for a hop's arrival: the Deployment's own Airflow's, too, or Houston's alone."""

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if (self.release_name is None) == (self.deployment_id is None):
            raise ValueError("name the Deployment by exactly one of releaseName and deploymentId")
        return self

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        agree(image=self.image, project=self.project, accept=self.accept, deny=self.deny)
        return self

    @property
    def target(self) -> Target:
        """What is wanted, in the planner's terms."""
        return parse_target(self.runtime_version, vendor_feed.shipped)

    @property
    def accepted(self) -> AcceptedRisks:
        """What is accepted, in the planner's terms."""
        return AcceptedRisks.parse(self.accept)

    @property
    def denied(self) -> frozenset[WarningName]:
        """What is denied, in the planner's terms."""
        return read_denied(self.deny)

    @property
    def chosen_by(self) -> Strategy:
        """How a path is chosen, in the planner's terms."""
        return Strategy(self.strategy)


def read_arguments(arguments: Mapping[str, Any]) -> ResourceArguments:
    """Check the arguments of one resource; those that are None count as not given.

    Raises:
        InvalidConfigError: some are wrong; the message lists all of them, a line each.
    """
    try:
        return ResourceArguments.model_validate({key: value for key, value in arguments.items() if value is not None})
    except ValidationError as error:
        lines = mistakes(error, "", ResourceArguments)
    raise InvalidConfigError("\n".join(lines))


def mistakes(error: ValidationError, where: str, model: type[BaseModel]) -> list[str]:
    """Write what pydantic found, a line each: the path of the key below ``where``, what was found and what to write.

    Args:
        error: of a validation.
        where: the path of what was validated; empty: its keys are the whole path.
        model: what it was validated as.
    """
    return [_mistake(where, each, model) for each in error.errors(include_url=False)]


def shown(value: object) -> str:
    """Write a value of the user's as a message shows it: cut, as YAML has it, and of a structure its kind alone."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str | int | float):
        with contextlib.suppress(ValueError):  # an integer of thousands of digits has no text
            text = repr(value)
            return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        return "a number of thousands of digits"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


_NO_TEXT: Final = "{value} is not a text: put it in quotes"
_NO_LIST: Final = "{value} is not a list"
_NO_MAPPING: Final = "{value} is not a mapping of keys to values"
_NO_FLAG: Final = "{value} is neither true nor false"
_NO_NUMBER: Final = "{value} is not a whole number"
_REASONS: Final = {
    "value_error": "{error}",
    "json_invalid": "is not JSON ({error})",
    "missing": "is missing",
    "string_type": _NO_TEXT,
    "string_too_short": "is empty: give it a value, or leave it out",
    "string_pattern_mismatch": "{value} does not fit: {fits}",
    "tuple_type": _NO_LIST,
    "list_type": _NO_LIST,
    "model_type": _NO_MAPPING,
    "dict_type": _NO_MAPPING,
    "bool_type": _NO_FLAG,
    "bool_parsing": _NO_FLAG,
    "int_type": _NO_NUMBER,
    "int_from_float": _NO_NUMBER,
    "greater_than_equal": "{value} is too small: write {ge} or more",
    "literal_error": "{value} is not known: write {expected}",
}
"""What is wrong with a value, by pydantic's names. Its own words speak of Python."""


def _mistake(where: str, found: ErrorDetails, model: type[BaseModel]) -> str:
    path = where
    for part in found["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    reason = _reason(found, model)
    reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
    return f"{path}: {reason}" if path else reason


def _reason(found: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    if kind in {"extra_forbidden", "invalid_key"}:
        return _unknown_key(found["loc"], model)
    fits = _PATTERNS.get(context.get("pattern", ""), "correct it")
    reason = _REASONS.get(kind, "{value} cannot be used here").format(value=shown(value), fits=fits, **context)
    if reason.endswith("is not a list") and value and isinstance(value, str) and len(value) <= _LONGEST_SHOWN:
        reason += f": write [{value}]"
    return reason if not isinstance(value, Mapping | list | tuple) else reason.removesuffix(": put it in quotes")


def _unknown_key(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    for part in location[:-1]:
        fields = {str(field.alias or name): field for name, field in model.model_fields.items()}
        options = get_args(fields[str(part)].annotation)
        model = next(each for each in options if isinstance(each, type) and issubclass(each, BaseModel))
    known = [str(field.alias or name) for name, field in model.model_fields.items()]
    near = nearest(str(location[-1]), known)
    return "unknown key: " + (f"did you mean {near}?" if near else f"known are {', '.join(known)}")
