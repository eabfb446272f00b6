"""Stands in for Pulumi's engine before either protocol of the plugin, in this process, with a stack of one resource.

Both faces get the same declarations. Their texts, mutations and saved outputs are kept in a neutral spelling, so that
two stacks can be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from astro_deployment_runtime.plugin import dynamic_protocol, properties, secret_marks
from astro_deployment_runtime.plugin.native.servicer import NativeServicer
from astro_deployment_runtime.plugin.properties import UNKNOWN
from astro_deployment_runtime.plugin.server import EngineCalls
from astro_deployment_runtime.resource import RuntimeProvider
from astro_deployment_runtime.support.secret_masks import MASKS
from tests.contract.in_process_engine import IMAGE, POLLING
from tests.contract.sandbox_server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi.runtime.proto import engine_pb2

    from tests.contract.sandbox_server import Served

NAME: Final = "data-eng"
SECRET: Final = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_ELAPSED: Final = re.compile(r"\d\d:\d\d(?::\d\d)?")


class RequestEndedError(Exception):
    """The plugin ended a request with an error."""

    def __init__(self, message: str, saved: provider_pb2.ErrorResourceInitFailed | None) -> None:
        super().__init__(message)
        self.saved = saved


class Context:
    """The gRPC context of a request in this process."""

    def __init__(self) -> None:
        self._metadata: dict[str, bytes] = {}

    def is_active(self) -> bool:
        return True

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self._metadata.update(metadata)

    def abort(self, _code: object, details: str) -> NoReturn:
        raise RequestEndedError(details, self._saved())

    def _saved(self) -> provider_pb2.ErrorResourceInitFailed | None:
        if (packed := self._metadata.get("grpc-status-details-bin")) is None:
            return None
        (detail,) = status_pb2.Status.FromString(packed).details
        saved = provider_pb2.ErrorResourceInitFailed()
        assert detail.Unpack(saved)
        return saved


class Log:
    """The engine's log, which may act on a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.progress: list[str] = []
        self.on_line: Callable[[str], None] = lambda _: None

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:  # noqa: N802 - the protocol's name
        (self.progress if request.ephemeral else self.lines).append(neutral(request.message))
        if not request.ephemeral:
            self.on_line(request.message)
        return empty_pb2.Empty()


def neutral(text: str) -> str:
    """Return a text without measured times, and with the names of arguments in snake_case."""
    for name in ("releaseName", "deploymentId", "runtimeVersion"):
        text = re.sub(rf"\b{name}\b(?= is a secret| and | or |,|$)", properties.to_snake(name), text)
    return _ELAPSED.sub("MM:SS", text)


def secret(value: object) -> dict[str, object]:
    """Return a value as the engine marks a secret."""
    return {**SECRET, "value": value}


def forget_secrets() -> None:
    """Start without secrets to mask, as a new plugin process does."""
    MASKS._patterns, MASKS._all, MASKS.longest = {}, None, 0


@dataclass(frozen=True, kw_only=True)
class Event:
    """The lines, mutations and saved outputs of one operation on the stack."""

    lines: list[str] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    problem: str | None = None
    changes: bool | None = None
    """The answer of diff; None: it was not asked."""
    mutations: list[list[str]] = field(default_factory=list)
    outputs: dict[str, Any] | None = None
    """The saved outputs; None: the state does not hold the resource."""
    secrets: frozenset[str] = frozenset()
    """Saved outputs that are marked as secrets."""


@dataclass(slots=True)
class State:
    """The resource in the stack's state."""

    id: str
    inputs: Struct
    outputs: Struct
    unfinished: bool = False
    """The last run ended with partial progress, so the next one updates the resource again."""


class Stack:
    """A stack of one Deployment, before one of the faces. Each operation has its own plugin process."""

    type_token: ClassVar[str]

    def __init__(self, platform: Served, *, catalog: str = "guide", token: str = TOKEN) -> None:
        self.platform = platform
        self.config = {"houstonUrl": platform.url, "token": token, "catalog": catalog}
        self.state: State | None = None
        self.log = Log()
        self.events: list[Event] = []
        self.details: list[str] = []
        """The names in the last answer of diff."""
        self.calls = EngineCalls(None)
        self._checked = Struct()

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::astro::{self.type_token}::{NAME}"

    # Operations

    def preview(self, **declared: Any) -> Event:
        """Check and diff the declaration. Whatever the state, this sends no mutation."""
        event = self._operation(lambda plugin: self._plan(plugin, declared, preview=True))
        assert event.mutations == [], "a preview sends no mutation"
        return event

    def up(self, interrupt_at: str = "", **declared: Any) -> Event:
        """Preview and run. Cancel the run as soon as a line has that text."""
        self.preview(**declared)
        return self._operation(lambda plugin: self._plan(plugin, declared, preview=False), interrupt_at)

    def refresh(self) -> Event:
        """Read the resource."""

        def read(plugin: Any) -> dict[str, Any]:
            assert self.state is not None
            request = provider_pb2.ReadRequest(
                id=self.state.id, urn=self.urn, properties=self.state.outputs, inputs=self.state.inputs
            )
            found = plugin.Read(request, Context())
            if not found.id:
                self.state = None
            else:
                assert not found.HasField("inputs") or found.inputs == self.state.inputs, "a refresh keeps the inputs"
                self.state.outputs = found.properties
                return {"changes": self._changes(plugin, self.state, self.state.inputs)}
            return {}

        return self._operation(read)

    def _changes(self, plugin: Any, state: State, news: Struct) -> bool:
        """Compare as the engine does after a check, and in a refresh with the inputs of the last run."""
        request = provider_pb2.DiffRequest(
            id=state.id, urn=self.urn, olds=state.outputs, news=news, old_inputs=state.inputs
        )
        return bool(plugin.Diff(request, Context()).changes == provider_pb2.DiffResponse.DIFF_SOME)

    def destroy(self) -> Event:
        """Delete the resource."""

        def delete(plugin: Any) -> dict[str, Any]:
            assert self.state is not None
            request = provider_pb2.DeleteRequest(id=self.state.id, urn=self.urn, properties=self.state.outputs)
            plugin.Delete(request, Context())
            self.state = None
            return {}

        return self._operation(delete)

    # How the faces differ

    def plugin(self) -> Any:
        """Return a new servicer that is configured."""
        raise NotImplementedError

    def arguments(self, declared: Mapping[str, Any]) -> Struct:
        """Write declared arguments as a program does."""
        raise NotImplementedError

    def plan_only(self, plugin: Any, checked: Struct) -> None:
        """Do what the engine does in a preview after check and diff."""

    # What they have in common

    def _operation(self, act: Callable[[Any], dict[str, Any]], interrupt_at: str = "") -> Event:
        forget_secrets()
        self.log = Log()
        before = len(self.platform.asked())
        self.calls = EngineCalls(self.log, POLLING)  # type: ignore[arg-type]
        plugin = self.plugin()

        def cancel(line: str) -> None:
            if interrupt_at and interrupt_at in line:
                plugin.Cancel(empty_pb2.Empty(), Context())

        self.log.on_line = cancel
        found: dict[str, Any] = {}
        try:
            found = act(plugin)
        except RequestEndedError as error:
            found = {"problem": neutral(str(error))}
            if error.saved is not None:
                inputs = self.state.inputs if self.state else self._checked
                self.state = State(error.saved.id, inputs, error.saved.properties, unfinished=True)
        finally:
            self.calls.connection.close()
        outputs = self.state.outputs if self.state else None
        event = Event(
            lines=self.log.lines,
            mutations=[each for each in self.platform.asked()[before:] if _is_mutation(each)],
            outputs=None if outputs is None else _own(properties.read(outputs)),
            secrets=frozenset(path for path, _ in secret_marks.secrets(outputs or Struct()) if path != "__provider"),
            **found,
        )
        self.events.append(event)
        return event

    def _plan(self, plugin: Any, declared: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        state = self.state
        given = {
            "release_name": "stars-1",
            "image": IMAGE,
            "accept": [],
            "timeout": "30s",
            "wait": True,
            "strategy": "certified-first",
            "verify": "airflow",
            **declared,
        }
        news = self.arguments({name: value for name, value in given.items() if value is not None})
        olds = state.inputs if state else None
        answer = plugin.Check(provider_pb2.CheckRequest(urn=self.urn, olds=olds, news=news), Context())
        if answer.failures:
            refusals = [(properties.to_snake(each.property), neutral(each.reason)) for each in answer.failures]
            return {"refusals": refusals}
        self._checked = answer.inputs
        changes = None
        if state is not None:
            difference = plugin.Diff(
                provider_pb2.DiffRequest(
                    id=state.id, urn=self.urn, olds=state.outputs, news=answer.inputs, old_inputs=state.inputs
                ),
                Context(),
            )
            changes = difference.changes == provider_pb2.DiffResponse.DIFF_SOME
            self.details = list(difference.diffs)
            if difference.replaces:
                return {"changes": True, "refusals": [("replaces", properties.to_snake(*difference.replaces))]}
        if preview:
            self.plan_only(plugin, answer.inputs)
        elif state is None:
            created = plugin.Create(provider_pb2.CreateRequest(urn=self.urn, properties=answer.inputs), Context())
            self.state = State(created.id, answer.inputs, created.properties)
        elif changes or state.unfinished:
            request = provider_pb2.UpdateRequest(
                id=state.id, urn=self.urn, olds=state.outputs, news=answer.inputs, old_inputs=state.inputs
            )
            updated = plugin.Update(request, Context())
            self.state = State(state.id, answer.inputs, updated.properties)
        else:
            state.inputs = answer.inputs
        return {"changes": changes}


class DynamicStack(Stack):
    """A Python program with the dynamic resource."""

    type_token = "pulumi-python:dynamic/astro:DeploymentRuntime"

    def plugin(self) -> Any:
        made = dynamic_protocol.servicer(self.calls)
        arguments = Struct()
        arguments.update({f"astro:{key}": value for key, value in self.config.items()})
        made.Configure(provider_pb2.ConfigureRequest(args=arguments), Context())  # type: ignore[arg-type]
        return made

    def arguments(self, declared: Mapping[str, Any]) -> Struct:
        made = Struct()
        written: dict[str, Any] = {name: _as_sent(value) for name, value in declared.items()}
        made.update({"__provider": serialize_provider(RuntimeProvider()), **written})
        return made


class NativeStack(Stack):
    """A program in any language with the native resource."""

    type_token = "astro:index:DeploymentRuntime"

    def __init__(self, platform: Served, *, catalog: str = "guide", token: str = TOKEN) -> None:
        super().__init__(platform, catalog=catalog, token=token)
        self.planned: dict[str, Any] = {}
        """The outputs that the last preview showed."""

    def plugin(self) -> Any:
        made = NativeServicer(self.calls)
        arguments = Struct()
        arguments.update(self.config)
        made.Configure(provider_pb2.ConfigureRequest(args=arguments, acceptSecrets=True), Context())  # type: ignore[arg-type]
        return made

    def arguments(self, declared: Mapping[str, Any]) -> Struct:
        made = Struct()
        made.update({properties.to_camel(name): _as_sent(value) for name, value in declared.items()})
        return made

    def plan_only(self, plugin: Any, checked: Struct) -> None:
        """Call create and update with ``preview``, whatever the state and the answer of diff."""
        created = plugin.Create(
            provider_pb2.CreateRequest(urn=self.urn, properties=checked, preview=True), Context()
        ).properties
        self.planned = properties.read(created)
        if self.state is not None:
            request = provider_pb2.UpdateRequest(
                id=self.state.id, urn=self.urn, olds=self.state.outputs, news=checked, preview=True
            )
            self.planned = properties.read(plugin.Update(request, Context()).properties)

    def take_over(self, other: Stack) -> None:
        """Take over the state of the dynamic resource, as the engine does for an alias."""
        assert other.state is not None
        inputs, outputs = Struct(), Struct()
        inputs.CopyFrom(other.state.inputs)
        outputs.CopyFrom(other.state.outputs)
        self.state = State(other.state.id, inputs, outputs, unfinished=other.state.unfinished)


def _as_sent(value: object) -> Any:
    match value:
        case dict():
            return {name: _as_sent(each) for name, each in value.items()}
        case list():
            return list(map(_as_sent, value))
        case _:
            return rpc.UNKNOWN if value is UNKNOWN else value


def _own(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outputs.items() if not name.startswith("__")}


def _is_mutation(fields: list[str]) -> bool:
    return any(name.startswith(("update", "cancel", "upsert")) for name in fields)
