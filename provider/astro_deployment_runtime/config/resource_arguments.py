"""Arguments of the resource: the model of what a user declares for one Deployment.

All mistakes are reported at once, each with the path of its key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.errors import InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks, read_denied
from astro_deployment_runtime.planning.plan_model import Strategy, WarningName
from astro_deployment_runtime.planning.target_versions import parse_target
from astro_deployment_runtime.support.validation import display_value, validated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from astro_deployment_runtime.planning.plan_model import Target

_DURATION: Final = re.compile(r"(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s)?", re.ASCII)
_LONGEST_SECONDS: Final = 7 * 24 * 3600


def _matches(pattern: str, description: str) -> AfterValidator:
    """Check a string against a regular expression; the error describes the expression in words."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"{display_value(value)} is not valid: {description}")
        return value

    return AfterValidator(check)


def seconds(given: object) -> float:
    """Return a duration such as ``1h30m`` in seconds.

    Raises:
        ValueError: it is none, or out of range.
    """
    value = given
    if isinstance(value, str) and value and (match := _DURATION.fullmatch(value)):
        hours, minutes, rest = (int(part or 0) for part in match.groups())
        value = float(hours * 3600 + minutes * 60 + rest)
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{display_value(value)} is not a duration: write 1h, 90m, 1h30m or 45s"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports only ValueError
    if not 0 < value <= _LONGEST_SECONDS:
        raise ValueError(f"{display_value(given)} is out of range: write more than 0s and at most 168h (7 days)")
    return float(value)


def version_string(value: object) -> str:
    """Return a version without the space around it.

    Raises:
        ValueError: it is not a string. YAML reads 5.0 as a number.
    """
    if not isinstance(value, str):
        message = f"{display_value(value)} is not a string: put the version in quotes, for example '5.0.4'"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports only ValueError
    return value.strip()


def _target(value: object) -> object:
    text = version_string(value)
    try:
        parse_target(text, vendor_feed.shipped)
    except InvalidVersionError as error:
        raise ValueError(str(error)) from None
    return text


def _names(read: Callable[[Iterable[str]], object]) -> AfterValidator:
    """Check names with a function of the planner."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            read(names)
        except InvalidInputError as error:
            raise ValueError(str(error)) from None
        return names

    return AfterValidator(check)


def check_conflicts(
    *,
    image: str | None,
    project: ProjectArguments | None,
    accept: tuple[str, ...] | None,
    deny: tuple[str, ...] | None,
) -> None:
    """Check that arguments which exclude each other are not given together.

    Raises:
        ValueError: some are; the message lists all conflicts.
    """
    problems = []
    if image is not None and project is not None:
        problems.append("image and project are both given: keep one of the two")
    if both := sorted({*(accept or ())} & {*(deny or ())}):
        problems.append(f"{', '.join(both)}: both accepted and denied; keep one of the two")
    if problems:
        raise ValueError("; ".join(problems))


_ReleaseName = Annotated[
    str,
    _matches(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a release name has up to 63 lowercase letters, digits and hyphens, for example galactic-stars-1234",
    ),
]
_DeploymentId = Annotated[
    str, _matches(r"[A-Za-z0-9_-]{1,64}", "an id has up to 64 letters, digits, hyphens and underscores")
]
Duration = Annotated[float, BeforeValidator(seconds)]
"""Seconds, written as ``90m`` or as a number."""
DeclaredTarget = Annotated[str, BeforeValidator(_target)]
Image = Annotated[str, Field(min_length=1)]
StrategyName = Literal["certified-first", "fewest-hops"]
AcceptedNames = Annotated[tuple[str, ...], _names(AcceptedRisks.parse)]
DeniedNames = Annotated[tuple[str, ...], _names(read_denied)]
HealthSource = Literal["airflow", "houston"]


class ProjectArguments(BaseModel):
    """An Astro project on this machine, built and deployed for every hop."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    path: Annotated[str, Field(min_length=1)]
    """Folder of the Astro project; a relative path starts at the Pulumi project's folder."""
    test: str | None = None
    """Command that must succeed before a hop is deployed."""
    deploy: str = "astro deploy {deployment_id} --force"


class ResourceArguments(BaseModel):
    """One Deployment and its target version: the arguments of the resource, with their defaults."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    release_name: _ReleaseName | None = None
    deployment_id: _DeploymentId | None = None
    runtime_version: DeclaredTarget
    image: Image | None = None
    project: ProjectArguments | None = None
    strategy: StrategyName = "certified-first"
    accept: AcceptedNames = ()
    deny: DeniedNames = ()
    """Warnings that refuse the plan."""
    timeout: Duration = 3600.0
    """Seconds per hop, from when a run starts to wait for it."""
    wait: bool = True
    verify: HealthSource = "airflow"
    """Source that confirms a hop: ``airflow``, Houston and the Deployment's own Airflow; ``houston``, Houston alone."""

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if (self.release_name is None) == (self.deployment_id is None):
            raise ValueError("name the Deployment by exactly one of releaseName and deploymentId")
        return self

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        check_conflicts(image=self.image, project=self.project, accept=self.accept, deny=self.deny)
        return self

    @property
    def target(self) -> Target:
        """Target version, as the planner's type."""
        return parse_target(self.runtime_version, vendor_feed.shipped)

    @property
    def accepted(self) -> AcceptedRisks:
        """Accepted risks, as the planner's type."""
        return AcceptedRisks.parse(self.accept)

    @property
    def denied(self) -> frozenset[WarningName]:
        """Denied warnings, as the planner's type."""
        return read_denied(self.deny)

    @property
    def path_strategy(self) -> Strategy:
        """Strategy, as the planner's type."""
        return Strategy(self.strategy)


def read_arguments(arguments: Mapping[str, Any], spelled: Callable[[str], str] = str) -> ResourceArguments:
    """Check the arguments of one resource. An argument that is None counts as not given.

    Args:
        arguments: with names in snake_case or in camelCase.
        spelled: returns a name as the user writes it, for the messages.

    Raises:
        InvalidConfigError: some are wrong; the message lists all mistakes, a line each.
    """
    given = {spelled(name): value for name, value in arguments.items() if value is not None}
    return validated(ResourceArguments, given)
