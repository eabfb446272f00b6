"""The fleet that a stack's config declares: Deployments, selectors that pick more of them, and waves.

All mistakes are reported at once, each with the path of its key. Values that an entry leaves out come from its wave,
then from the defaults. The result is complete, so that no other module handles these levels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.config.resource_arguments import (
    AcceptedNames,
    DeclaredTarget,
    DeniedNames,
    Duration,
    HealthSource,
    Image,
    ProjectArguments,
    ResourceArguments,
    StrategyName,
    check_conflicts,
    version_string,
)
from astro_deployment_runtime.errors import InvalidConfigError, InvalidVersionError
from astro_deployment_runtime.planning.plan_model import Latest
from astro_deployment_runtime.planning.target_versions import did_you_mean
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion
from astro_deployment_runtime.support.validation import display_value, error_messages

ON_REFUSAL: Final = ("stop", "skip")


class Defaults(BaseModel):
    """Arguments for all Deployments of a wave, a selector or the fleet that do not give their own."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    runtime_version: DeclaredTarget | None = None
    image: Image | None = None
    project: ProjectArguments | None = None
    strategy: StrategyName | None = None
    accept: AcceptedNames | None = None
    deny: DeniedNames | None = None
    timeout: Duration | None = None
    wait: bool | None = None
    verify: HealthSource | None = None

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        check_conflicts(image=self.image, project=self.project, accept=self.accept, deny=self.deny)
        return self


class DeploymentEntry(ResourceArguments):
    """An entry of ``astro:deployments``: the arguments of the resource, its name in the stack, and its wave."""

    name: Annotated[str, Field(min_length=1)]
    wave: str | None = None


class Wave(Defaults):
    """An entry of ``astro:waves``: the next wave starts when all Deployments of this one have arrived."""

    name: Annotated[str, Field(min_length=1)]
    soak: Duration | None = None
    """Seconds the Deployments must stay healthy before the next wave starts."""
    max_parallel: Annotated[int, Field(ge=1, strict=True)] | None = None
    """Number of Deployments that run at the same time; None: all."""


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def _version(value: object) -> object:
    text = version_string(value)
    try:
        RuntimeVersion.parse(text)
    except InvalidVersionError as error:
        raise ValueError(f"{error}{did_you_mean(text, vendor_feed.shipped())}") from None
    return text


class Selector(Defaults):
    """An entry of ``astro:selectors``: picks the Deployments that match all of its criteria."""

    workspace: Annotated[str, Field(min_length=1)] | None = None
    """Label or id of the workspace."""
    release_name: Annotated[str, Field(min_length=1)] | None = None
    """Pattern for the whole release name: ``*`` matches any characters, ``?`` any one."""
    label: Annotated[str, Field(min_length=1), AfterValidator(_regular_expression)] | None = None
    """Regular expression to find anywhere in the Deployment's label."""
    distribution: Literal["certified", "runtime"] | None = None
    """Distribution that the Deployment runs now."""
    below: Annotated[str, BeforeValidator(_version)] | None = None
    """Runtime version that the Deployment runs less than; every Certified release is less."""
    wave: str | None = None

    @model_validator(mode="after")
    def _has_criterion(self) -> Self:
        if not any(getattr(self, name) for name in CRITERIA):
            raise ValueError(
                "a selector without a criterion would pick every Deployment: add workspace, releaseName, label, "
                "distribution or below (releaseName: '*' picks all)"
            )
        return self


CRITERIA: Final = ("workspace", "release_name", "label", "distribution", "below")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A selector, and the entry for each Deployment that it picks."""

    key: str
    """Path of the selector in the config."""
    selector: Selector
    template: DeploymentEntry
    """The entry, with placeholders for its name and its release name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """The declared fleet, before its selectors are matched against a platform."""

    deployments: tuple[DeploymentEntry, ...] = ()
    selections: tuple[Selection, ...] = ()
    exclude: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()
    skips_refused: bool = False

    @property
    def resolves(self) -> bool:
        """Whether some target, such as ``5.x``, has to be resolved to a version."""
        declared = (*self.deployments, *(selection.template for selection in self.selections))
        return any(isinstance(entry.target, Line | Latest) for entry in declared)


def read_fleet_config(given: Mapping[str, Any]) -> FleetConfig:
    """Check the config that declares a fleet. A value that is None or empty counts as not given.

    Args:
        given: values by key; the keys are :data:`~astro_deployment_runtime.config.config_keys.FLEET`.

    Raises:
        InvalidConfigError: the config has mistakes; the message lists all of them, a line each.
    """
    reader = _Reader({key: value for key, value in given.items() if value not in (None, "")})
    read = reader.read()
    if reader.mistakes:
        raise InvalidConfigError("\n".join(reader.mistakes))
    return read


_Model = TypeVar("_Model", bound=BaseModel)
_Level = dict[str, Any]


class _Reader:
    """Reads every part of the config, and collects mistakes instead of stopping at the first."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.mistakes: list[str] = []
        self.waves: dict[str, _Level] = {}
        self.level_invalid = False
        """The defaults or a wave are invalid. A value that an entry lacks may be given there, and is not missing."""

    def read(self) -> FleetConfig:
        read = self.model(Defaults, self.given.get("defaults", {}), "astro:defaults")
        self.level_invalid = read is None
        self.defaults = _explicit(read)
        tried = [self.model(Wave, each, key) for key, each in self.entries("waves")]
        waves = [wave for wave in tried if wave is not None]
        self.level_invalid |= len(waves) < len(tried)
        self.waves = {wave.name: _merge(_explicit(wave), self.defaults) for wave in waves}
        self.last = waves[-1].name if waves else None
        self.check_names_differ([wave.name for wave in waves], "waves")
        deployments = tuple(filter(None, (self.deployment(each, key) for key, each in self.entries("deployments"))))
        self.check_names_differ([entry.name for entry in deployments], "entries")
        return FleetConfig(
            deployments=deployments,
            selections=tuple(filter(None, (self.selection(each, key) for key, each in self.entries("selectors")))),
            exclude=tuple(pattern for key, each in self.entries("exclude") if (pattern := self.text(each, key))),
            waves=tuple(waves),
            skips_refused=self.skips_refused(),
        )

    def entries(self, key: str) -> list[tuple[str, object]]:
        value = self.given.get(key, ())
        if not isinstance(value, list | tuple):
            self.mistakes.append(f"astro:{key}: {display_value(value)} is not a list")
            return []
        return [(f"astro:{key}[{index}]", each) for index, each in enumerate(value)]

    def model(self, model: type[_Model], value: object, key: str) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.mistakes += error_messages(error, key, model)
        return None

    def deployment(self, value: object, key: str) -> DeploymentEntry | None:
        """Read an entry; values that it leaves out come from its wave and the defaults."""
        if not isinstance(value, Mapping):
            self.mistakes.append(f"{key}: {display_value(value)} is not a mapping of keys to values")
            return None
        wave = self.wave(value.get("wave"), key)
        level = self.defaults if wave is None else self.waves[wave]
        own = {key: each for key, each in value.items() if each is not None or key not in _ARGUMENTS}
        try:
            return DeploymentEntry.model_validate({**_merge(value, level, own=own), "wave": wave})
        except ValidationError as error:
            self.mistakes += [
                line
                for line in error_messages(error, key, DeploymentEntry)
                if not (self.level_invalid and line.endswith("Version: is missing"))
            ]
        return None

    def selection(self, value: object, key: str) -> Selection | None:
        """Read a selector; check its arguments as those of an entry."""
        selector = self.model(Selector, value, key)
        if selector is None:
            return None
        explicit = {key: getattr(selector, name) for key, name in _ALIASES.items() if name in selector.model_fields_set}
        entry = {**explicit, "name": "any", "releaseName": "any", "wave": selector.wave}
        template = self.deployment(entry, key)
        return None if template is None else Selection(key=key, selector=selector, template=template)

    def wave(self, name: object, key: str) -> str | None:
        """Return the wave of an entry: the last one unless it names another."""
        if name is None:
            return self.last
        if isinstance(name, str) and name.strip() in self.waves:
            return name.strip()
        if self.level_invalid:
            return self.last
        known = f"write one of {', '.join(map(repr, self.waves))}" if self.waves else "astro:waves declares none"
        self.mistakes.append(f"{key}.wave: there is no wave {display_value(name)}: {known}")
        return self.last

    def text(self, value: object, key: str) -> str | None:
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.mistakes.append(
            f"{key}: {display_value(value)} is not valid: write a release name, a pattern for one, or an id"
        )
        return None

    def check_names_differ(self, names: list[str], what: str) -> None:
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            self.mistakes.append(f"two {what} have the name {', '.join(map(repr, duplicates))}: give each its own name")

    def skips_refused(self) -> bool:
        value = self.given.get("onRefusal", "stop")
        if value not in ON_REFUSAL:
            self.mistakes.append(f"astro:onRefusal: {display_value(value)} is unknown: write 'stop' or 'skip'")
        return bool(value == "skip")


_ALIASES: Final = {str(field.alias): name for name, field in Defaults.model_fields.items()}
_ARGUMENTS: Final = frozenset([*_ALIASES, *_ALIASES.values()])


def _explicit(level: Defaults | None) -> _Level:
    """Return the values that a level gives, by alias; none if the level is invalid."""
    if level is None:
        return {}
    found = {alias: getattr(level, name) for alias, name in _ALIASES.items()}
    return {alias: value for alias, value in found.items() if value is not None}


def _merge(upper: Mapping[str, Any], lower: _Level, *, own: Mapping[str, Any] | None = None) -> _Level:
    """Merge two levels; the upper one wins, and its null removes a value of the lower one.

    ``image`` and ``project`` replace each other. A name that the upper level accepts is removed from the lower level's
    ``deny``, and the other way round.
    """
    given = {alias for alias, name in _ALIASES.items() if alias in upper or name in upper}
    if given & {"image", "project"}:
        given |= {"image", "project"}
    kept = {alias: value for alias, value in lower.items() if alias not in given}
    for name, contrary in (("accept", "deny"), ("deny", "accept")):
        if name in kept and isinstance(upper.get(contrary), list | tuple):
            kept[name] = tuple(each for each in kept[name] if each not in upper[contrary])
    return {**kept, **(upper if own is None else own)}
