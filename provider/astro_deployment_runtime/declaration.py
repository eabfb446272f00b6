"""What a user may declare of one Deployment: the arguments of the resource.

Checked as a whole: every mistake is reported, each with the path of its key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from astro_deployment_runtime import feeds
from astro_deployment_runtime.errors import InvalidDeclarationError, InvalidInputError, InvalidVersionError
from astro_deployment_runtime.model import Acceptance, Strategy, WarningName, read_warnings
from astro_deployment_runtime.targets import parse_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astro_deployment_runtime.model import Target

_DURATION: Final = re.compile(r"(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s)?", re.ASCII)
_LONGEST_SECONDS: Final = 7 * 24 * 3600


def _seconds(given: object) -> object:
    value = given
    if isinstance(value, str) and value and (match := _DURATION.fullmatch(value)):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        value = float(hours * 3600 + minutes * 60 + seconds)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a duration: write 1h, 90m, 1h30m or 45s")  # noqa: TRY004 - pydantic's way
    if not 0 < value <= _LONGEST_SECONDS:
        raise ValueError(f"{given!r} is out of range: more than nothing, at most 7 days")
    return float(value)


def _target(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text: put the version in quotes, for example '5.0.4'")  # noqa: TRY004
    try:
        parse_target(value, feeds.shipped)
    except InvalidVersionError as error:
        raise ValueError(str(error)) from None
    return value.strip()


def _acceptable(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        Acceptance.parse(names)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None
    return names


def _deniable(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        read_warnings(names)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None
    return names


def agree(
    *,
    image: str | None,
    project: ProjectDeclaration | None,
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


_ReleaseName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, written as ``90m`` or as a number."""
DeclaredTarget = Annotated[str, BeforeValidator(_target)]
Image = Annotated[str, Field(min_length=1)]
StrategyName = Literal["certified-first", "fewest-hops"]
Accepted = Annotated[tuple[str, ...], AfterValidator(_acceptable)]
Denied = Annotated[tuple[str, ...], AfterValidator(_deniable)]
Witness = Literal["airflow", "houston"]


class ProjectDeclaration(BaseModel):
    """An Astro project on this machine, which is built and deployed for every hop."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    path: Annotated[str, Field(min_length=1)]
    """Its folder; a relative one begins at the Pulumi project."""
    test: str | None = None
    """A command that has to succeed before a hop is deployed."""
    deploy: str = "astro deploy {deployment_id} --force"


class RuntimeDeclaration(BaseModel):
    """One Deployment and the version that it is to have: the arguments of the resource, with their defaults."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    release_name: _ReleaseName | None = None
    deployment_id: _Id | None = None
    runtime_version: DeclaredTarget
    image: Image | None = None
    project: ProjectDeclaration | None = None
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
        return parse_target(self.runtime_version, feeds.shipped)

    @property
    def accepted(self) -> Acceptance:
        """What is accepted, in the planner's terms."""
        return Acceptance.parse(self.accept)

    @property
    def denied(self) -> frozenset[WarningName]:
        """What is denied, in the planner's terms."""
        return read_warnings(self.deny)

    @property
    def chosen_by(self) -> Strategy:
        """How a path is chosen, in the planner's terms."""
        return Strategy(self.strategy)


def read_arguments(arguments: Mapping[str, Any]) -> RuntimeDeclaration:
    """Check the arguments of one resource; those that are None count as not given.

    Raises:
        InvalidDeclarationError: some are wrong; the message lists all of them, a line each.
    """
    try:
        return RuntimeDeclaration.model_validate({key: value for key, value in arguments.items() if value is not None})
    except ValidationError as error:
        lines = mistakes(error, "")
    raise InvalidDeclarationError("\n".join(lines))


def mistakes(error: ValidationError, where: str) -> list[str]:
    """Write what pydantic found, a line each: the path of the key below ``where``, and what was expected."""
    return [_mistake(where, each["loc"], each["msg"]) for each in error.errors(include_url=False)]


def _mistake(where: str, location: tuple[int | str, ...], message: str) -> str:
    path = where
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return (f"{path}: " if path else "") + message.removeprefix("Value error, ")
