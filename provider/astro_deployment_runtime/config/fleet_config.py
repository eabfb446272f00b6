"""What a stack's config declares as a whole: Deployments, what picks more of them, and in which order they go.

Checked as a whole: every mistake is reported, each with the path of its key. What an entry leaves out it takes from
its wave, and then from the defaults; so that what is read here is complete, and nobody below knows of levels.
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
    Accepted,
    DeclaredTarget,
    Denied,
    Duration,
    Image,
    ProjectArguments,
    ResourceArguments,
    StrategyName,
    Witness,
    agree,
    mistakes,
    shown,
)
from astro_deployment_runtime.errors import InvalidConfigError, InvalidVersionError
from astro_deployment_runtime.planning.model import Latest
from astro_deployment_runtime.planning.targets import hint
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion

ON_REFUSAL: Final = ("stop", "skip")


class Defaults(BaseModel):
    """Arguments for all Deployments of a level that do not give their own."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    runtime_version: DeclaredTarget | None = None
    image: Image | None = None
    project: ProjectArguments | None = None
    strategy: StrategyName | None = None
    accept: Accepted | None = None
    deny: Denied | None = None
    timeout: Duration | None = None
    wait: bool | None = None
    verify: Witness | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        agree(image=self.image, project=self.project, accept=self.accept, deny=self.deny)
        return self


class DeploymentEntry(ResourceArguments):
    """One entry of ``astro:deployments``: the arguments of the resource, its name in the stack, and its wave."""

    name: Annotated[str, Field(min_length=1)]
    wave: str | None = None


class Wave(Defaults):
    """An entry of ``astro:waves``: the next one begins when all Deployments of this one have arrived."""

    name: Annotated[str, Field(min_length=1)]
    soak: Duration | None = None
    """Seconds for which they have to be healthy before the next one begins."""
    max_parallel: Annotated[int, Field(ge=1, strict=True)] | None = None
    """How many of them go side by side; all, where it is left out."""


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def _version(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a text: put the version in quotes, for example '5.0.4'")  # noqa: TRY004
    try:
        RuntimeVersion.parse(value.strip())
    except InvalidVersionError as error:
        raise ValueError(f"{error}{hint(value.strip(), vendor_feed.shipped())}") from None
    return value.strip()


class Selector(Defaults):
    """An entry of ``astro:selectors``: picks the Deployments that fit all of its criteria."""

    workspace: Annotated[str, Field(min_length=1)] | None = None
    """The workspace's label or id."""
    release_name: Annotated[str, Field(min_length=1)] | None = None
    """A pattern for the whole release name: ``*`` and ``?`` stand for any characters and any one."""
    label: Annotated[str, Field(min_length=1), AfterValidator(_expression)] | None = None
    """A regular expression that is found in the Deployment's label."""
    distribution: Literal["certified", "runtime"] | None = None
    """What it runs now."""
    below: Annotated[str, BeforeValidator(_version)] | None = None
    """It runs less than this Runtime version; whatever runs Certified does."""
    wave: str | None = None

    @model_validator(mode="after")
    def _some_criterion(self) -> Self:
        if not any(getattr(self, name) for name in CRITERIA):
            raise ValueError(
                "a selector without a criterion would pick every Deployment: give workspace, releaseName, label, "
                "distribution or below (releaseName: '*' picks all)"
            )
        return self


CRITERIA: Final = ("workspace", "release_name", "label", "distribution", "below")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A selector, and what is declared for each Deployment that it picks, but for the two names."""

    where: str
    """Its place in the config."""
    selector: Selector
    template: DeploymentEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """What a stack's config declares, complete but for what only the platform knows."""

    deployments: tuple[DeploymentEntry, ...] = ()
    selections: tuple[Selection, ...] = ()
    exclude: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()
    skips_refused: bool = False

    @property
    def resolves(self) -> bool:
        """Some target is not a version, and may be held at one."""
        declared = (*self.deployments, *(selection.template for selection in self.selections))
        return any(isinstance(entry.target, Line | Latest) for entry in declared)


def read_fleet_config(given: Mapping[str, Any]) -> FleetConfig:
    """Check the config that declares a fleet; what is None counts as not given.

    Args:
        given: values by key, of :data:`~astro_deployment_runtime.config.config_keys.FLEET`.

    Raises:
        InvalidConfigError: some of it is wrong; the message lists all mistakes, a line each.
    """
    reader = _Reader({key: value for key, value in given.items() if value not in (None, "")})
    read = reader.read()
    if reader.found:
        raise InvalidConfigError("\n".join(reader.found))
    return read


_Model = TypeVar("_Model", bound=BaseModel)
_Level = dict[str, Any]


class _Reader:
    """Reads every part, and collects what is wrong instead of stopping at it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.found: list[str] = []
        self.waves: dict[str, _Level] = {}
        self.broken = False
        """A level cannot be used, so that what seems to be missing further down may be given in it."""

    def read(self) -> FleetConfig:
        read = self.model(Defaults, self.given.get("defaults", {}), "astro:defaults")
        self.broken = read is None
        self.defaults = _explicit(read)
        tried = [self.model(Wave, each, where) for where, each in self.entries("waves")]
        waves = [wave for wave in tried if wave is not None]
        self.broken |= len(waves) < len(tried)
        self.waves = {wave.name: _below(_explicit(wave), self.defaults) for wave in waves}
        self.last = waves[-1].name if waves else None
        self.differ([wave.name for wave in waves], "waves")
        deployments = tuple(filter(None, (self.deployment(each, where) for where, each in self.entries("deployments"))))
        self.differ([entry.name for entry in deployments], "entries")
        return FleetConfig(
            deployments=deployments,
            selections=tuple(filter(None, (self.selection(each, where) for where, each in self.entries("selectors")))),
            exclude=tuple(pattern for where, each in self.entries("exclude") if (pattern := self.text(each, where))),
            waves=tuple(waves),
            skips_refused=self.skips_refused(),
        )

    def entries(self, key: str) -> list[tuple[str, object]]:
        value = self.given.get(key, ())
        if not isinstance(value, list | tuple):
            self.found.append(f"astro:{key}: {shown(value)} is not a list")
            return []
        return [(f"astro:{key}[{index}]", each) for index, each in enumerate(value)]

    def model(self, model: type[_Model], value: object, where: str) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.found += mistakes(error, where, model)
        return None

    def deployment(self, value: object, where: str) -> DeploymentEntry | None:
        """Read an entry, on top of its wave and the defaults."""
        if not isinstance(value, Mapping):
            self.found.append(f"{where}: {shown(value)} is not a mapping of keys to values")
            return None
        wave = self.wave(value.get("wave"), where)
        level = self.defaults if wave is None else self.waves[wave]
        own = {key: each for key, each in value.items() if each is not None or key not in _ARGUMENTS}
        try:
            return DeploymentEntry.model_validate({**_below(value, level, own=own), "wave": wave})
        except ValidationError as error:
            self.found += [
                line
                for line in mistakes(error, where, DeploymentEntry)
                if not (self.broken and line.endswith("Version: is missing"))
            ]
        return None

    def selection(self, value: object, where: str) -> Selection | None:
        """Read a selector; what it declares is checked as an entry is."""
        selector = self.model(Selector, value, where)
        if selector is None:
            return None
        explicit = {key: getattr(selector, name) for key, name in _ALIASES.items() if name in selector.model_fields_set}
        entry = {**explicit, "name": "any", "releaseName": "any", "wave": selector.wave}
        template = self.deployment(entry, where)
        return None if template is None else Selection(where=where, selector=selector, template=template)

    def wave(self, name: object, where: str) -> str | None:
        """Tell the wave of an entry: the last one, unless it names another."""
        if name is None:
            return self.last
        if isinstance(name, str) and name.strip() in self.waves:
            return name.strip()
        if self.broken:
            return self.last
        known = f"declared are {', '.join(map(repr, self.waves))}" if self.waves else "astro:waves declares none"
        self.found.append(f"{where}.wave: there is no wave {shown(name)}: {known}")
        return self.last

    def text(self, value: object, where: str) -> str | None:
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.found.append(f"{where}: {shown(value)} is neither a release name, a pattern for one, nor an id")
        return None

    def differ(self, names: list[str], what: str) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            self.found.append(f"two {what} have the name {', '.join(map(repr, twice))}: give each its own")

    def skips_refused(self) -> bool:
        value = self.given.get("onRefusal", "stop")
        if value not in ON_REFUSAL:
            self.found.append(f"astro:onRefusal: {shown(value)} is neither 'stop' nor 'skip'")
        return bool(value == "skip")


_ALIASES: Final = {str(field.alias): name for name, field in Defaults.model_fields.items()}
_ARGUMENTS: Final = frozenset([*_ALIASES, *_ALIASES.values()])


def _explicit(level: Defaults | None) -> _Level:
    """Return what a level gives, by alias; nothing where it cannot be used."""
    if level is None:
        return {}
    found = {alias: getattr(level, name) for alias, name in _ALIASES.items()}
    return {alias: value for alias, value in found.items() if value is not None}


def _below(upper: Mapping[str, Any], lower: _Level, *, own: Mapping[str, Any] | None = None) -> _Level:
    """Lay a level upon another. A way for images displaces the other way; what is given as null takes away.

    What the upper level accepts the lower one cannot deny, and the other way round.
    """
    given = {alias for alias, name in _ALIASES.items() if alias in upper or name in upper}
    if given & {"image", "project"}:
        given |= {"image", "project"}
    kept = {alias: value for alias, value in lower.items() if alias not in given}
    for name, contrary in (("accept", "deny"), ("deny", "accept")):
        if name in kept and isinstance(upper.get(contrary), list | tuple):
            kept[name] = tuple(each for each in kept[name] if each not in upper[contrary])
    return {**kept, **(upper if own is None else own)}
