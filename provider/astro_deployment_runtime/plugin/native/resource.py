"""The interface between the servicer and a resource of the package. Names of properties are in snake_case."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from pulumi.runtime.proto import provider_pb2

from astro_deployment_runtime.plugin.engine_call import CallReporter, current_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Properties = dict[str, Any]


class Change(IntEnum):
    """The kind of a property's change, for the engine's display."""

    ADD = provider_pb2.PropertyDiff.ADD
    DELETE = provider_pb2.PropertyDiff.DELETE
    UPDATE = provider_pb2.PropertyDiff.UPDATE
    UPDATE_REPLACE = provider_pb2.PropertyDiff.UPDATE_REPLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCheck:
    """Checked inputs, and the reasons against them."""

    inputs: Properties
    failures: tuple[tuple[str, str], ...] = ()
    """Pairs of an argument (empty: none in particular) and a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDiff:
    """Whether the engine has to create or update the resource."""

    changes: bool
    replaces: tuple[str, ...] = ()
    details: Mapping[str, Change] = field(default_factory=dict)
    """The properties to show as changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRead:
    """A resource as it is now."""

    id: str
    inputs: Properties
    outputs: Properties


class Resource(Protocol):
    """A resource type of the package. A property may be unknown in a check, a diff and a preview."""

    def check(self, urn: str, olds: Properties, news: Properties) -> ResourceCheck:
        """Check the arguments, and add the plan. ``olds`` are the old inputs."""

    def diff(self, id_: str, old_inputs: Properties, olds: Properties, news: Properties) -> ResourceDiff:
        """Compare the checked inputs with the saved outputs."""

    def planned(self, olds: Properties, news: Properties) -> Properties:
        """Return the outputs that a create (``olds`` is empty) or an update would end with. Touch nothing."""

    def create(self, urn: str, news: Properties) -> tuple[str, Properties]:
        """Carry out the plan. Return the id and the outputs."""

    def update(self, id_: str, olds: Properties, news: Properties) -> Properties:
        """Carry out the plan. Return all outputs."""

    def read(self, id_: str, inputs: Properties, olds: Properties) -> ResourceRead | None:
        """Read the resource for a refresh, or without ``olds`` for an import; None: it does not exist."""

    def delete(self, id_: str, olds: Properties) -> None:
        """Forget the resource."""


def is_from_dynamic_resource(olds: Mapping[str, Any]) -> bool:
    """Return whether saved outputs are those of the dynamic resource, which an update has to rewrite."""
    return "__provider" in olds


def announce_takeover() -> None:
    """Say at the resource's row why a resource without a step is updated."""
    CallReporter(current_call()).info(
        "taken over from the dynamic resource: this update rewrites the state and changes nothing on the platform"
    )


def own(properties: Mapping[str, Any]) -> Properties:
    """Return properties without those of the dynamic resource's protocol."""
    return {name: value for name, value in properties.items() if not name.startswith("__")}


def changed(
    names: Iterable[str],
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    meaning: Callable[[str, Any], Any] = lambda _, value: value,
) -> dict[str, Change]:
    """Return which of these inputs changed, and how.

    Args:
        names: of the inputs.
        olds: the old inputs.
        news: the new ones.
        meaning: returns what the value of an input means; None: as if it was not given.
    """
    details = {}
    for name in names:
        old, new = (
            None if each in ([], ()) else each
            for each in (meaning(name, olds.get(name)), meaning(name, news.get(name)))
        )
        if old != new:
            details[name] = Change.ADD if old is None else Change.DELETE if new is None else Change.UPDATE
    return details


def releases_of(path: str) -> list[str]:
    """Return the releases of a path, as the outputs have both."""
    from astro_deployment_runtime.planning.plan_messages import ARROW

    return path.split(ARROW)


def end_of(path: str) -> str:
    """Return the release at the end of a path."""
    return releases_of(path)[-1]
