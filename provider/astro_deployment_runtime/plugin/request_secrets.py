"""The secrets of one request of the engine, in every protocol: masked in texts, marked again on the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from astro_deployment_runtime.plugin import secret_marks
from astro_deployment_runtime.support.secret_masks import DERIVED, MASKS
from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPES, Urn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message


_Answer = TypeVar("_Answer", bound="Message")


@dataclass(frozen=True, slots=True)
class _Source:
    """The fields of a request that a field of its answer repeats."""

    given: str
    """The field with the properties of this run."""
    before: str = ""
    """The field with the saved properties; empty if there is none."""


METHODS: Final[Mapping[str, Mapping[str, _Source]]] = {
    "Check": {"inputs": _Source("news", "olds")},
    "Diff": {"": _Source("news", "olds")},
    "Create": {"properties": _Source("properties")},
    "Update": {"properties": _Source("news", "olds")},
    "Delete": {"": _Source("properties")},
    "Read": {"properties": _Source("properties", "inputs"), "inputs": _Source("inputs")},
}
"""By method and by the answer's field. An empty field name means that the answer has no properties."""


class RequestSecrets:
    """The secrets of one request: their marks are removed for the provider and put on its answer again."""

    def __init__(self, method: str, request: Any, write: Callable[[Mapping[str, Any]], struct_pb2.Struct]) -> None:  # noqa: ANN401
        """Keep the request as it came.

        Args:
            method: the protocol's name of the method.
            request: any message of the protocol.
            write: writes outputs as the properties of the face's protocol.
        """
        self._write = write
        self._sources = METHODS[method]
        self._request = request
        urn = Urn.parse(request.urn)
        ours = urn is not None and urn.type in DEPLOYMENT_TYPES
        self._derived = DERIVED if ours else {}
        self.paths = frozenset(
            path for path, _ in secret_marks.secrets(self._given(next(iter(self._sources.values()))))
        )
        if ours:
            self._mask()

    def _mask(self) -> None:
        """Mask the arguments that are secrets. Texts derived from them are shown with these masks."""
        for name in self._fields():
            for path, value in secret_marks.secrets(getattr(self._request, name)):
                if path.partition(".")[0] not in self._derived:
                    for where, text in secret_marks.texts(path, value):
                        MASKS.add(where, text)

    def plain_request(self) -> Any:  # noqa: ANN401 - any message of the protocol
        """Return the request without marks."""
        made = type(self._request)()
        made.CopyFrom(self._request)
        for name in self._fields():
            getattr(made, name).CopyFrom(secret_marks.plain(getattr(made, name)))
        return made

    def marked_answer(self, answer: _Answer) -> _Answer:
        """Mark the secrets in an answer's properties, and mask them in its texts."""
        for name, source in self._sources.items():
            if name and answer.HasField(name):
                self._mark(getattr(answer, name), source)
        for failure in getattr(answer, "failures", ()):
            failure.reason = MASKS.mask(failure.reason)
            if any(path.partition(".")[0] == failure.property for path in self.paths):
                failure.property = ""  # the engine would print its value
        if self._derived and isinstance(answer, provider_pb2.DiffResponse):
            self._update_if_exposed(answer)
        return answer

    def marked_properties(self, outputs: Mapping[str, Any]) -> struct_pb2.Struct:
        """Write the outputs of partial progress, with the secrets among them marked."""
        properties = self._write(outputs)
        self._mark(properties, next(iter(self._sources.values())))
        return properties

    def _update_if_exposed(self, answer: provider_pb2.DiffResponse) -> None:
        """Report a change where the state holds in plain text what is a secret now.

        The engine keeps the outputs of an unchanged resource as they are. The update changes nothing on the platform.
        """
        unchanged = answer.changes == provider_pb2.DiffResponse.DIFF_NONE
        if unchanged and secret_marks.exposes(self._request.olds, self._request.news, self._derived):
            answer.changes = provider_pb2.DiffResponse.DIFF_SOME

    def _mark(self, properties: struct_pb2.Struct, source: _Source) -> None:
        given = self._given(source)
        secret_marks.mark(properties, given, self._derived)
        if source.before:
            secret_marks.keep(properties, getattr(self._request, source.before), given)

    def _given(self, source: _Source) -> struct_pb2.Struct:
        found: struct_pb2.Struct = getattr(self._request, source.given)
        return found

    def _fields(self) -> list[str]:
        """Name the request's fields that hold properties."""
        return [
            field.name
            for field, _ in self._request.ListFields()
            if field.message_type is not None
            and field.message_type.full_name == struct_pb2.Struct.DESCRIPTOR.full_name
            and not field.is_repeated
        ]
