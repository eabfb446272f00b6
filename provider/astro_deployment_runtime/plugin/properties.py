"""Properties of the native protocol: messages of the engine to dictionaries and back.

Users write names in camelCase, the lifecycle in snake_case. Names that are in snake_case already stay, so a state of
the dynamic resource reads like one of the native resource. Marks of secrets are read here and written by
:mod:`~astro_deployment_runtime.plugin.secret_marks`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value

from astro_deployment_runtime.plugin import secret_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNKNOWNS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Texts that the engine sends instead of an unknown value, one for each type of value."""
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown(Enum):
    """The value of a property that is known only when another resource exists."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


def to_camel(name: str) -> str:
    """Return a name in camelCase: ``runtimeVersion`` for ``runtime_version``."""
    return re.sub("(?<=[A-Za-z0-9])_([a-z])", lambda match: match[1].upper(), name)


def to_snake(name: str) -> str:
    """Return a name in snake_case: ``runtime_version`` for ``runtimeVersion``."""
    return re.sub("(?<=[A-Za-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def read(properties: Struct) -> dict[str, Any]:
    """Return properties with names in snake_case, secrets in plain text, and :data:`UNKNOWN` for unknown values."""
    return renamed(to_snake, _value(Value(struct_value=secret_marks.plain(properties))))


def split(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the known properties, and the names of those with an unknown part. Known items of a list are kept."""
    unknown = frozenset(name for name, value in properties.items() if holds_unknown(value))
    known = {name: value for name, value in properties.items() if name not in unknown}
    for name in unknown:
        if isinstance(value := properties[name], list):
            known[name] = [item for item in value if not holds_unknown(item)]
    return known, unknown


def holds_unknown(value: object) -> bool:
    """Return whether a value, or a part of it, is unknown."""
    match value:
        case dict():
            return any(map(holds_unknown, value.values()))
        case list() | tuple():
            return any(map(holds_unknown, value))
        case _:
            return value is UNKNOWN


def write(values: Mapping[str, Any]) -> Struct:
    """Return properties with names in camelCase. A None is left out, as Pulumi's own protocol does."""
    return _message(renamed(to_camel, dict(values))).struct_value


def renamed(spelled: Callable[[str], str], properties: dict[str, Any]) -> dict[str, Any]:
    """Rename the properties, and those of the objects in their lists. Other mappings may have a user's own keys."""
    return {spelled(name): _items_renamed(spelled, value) for name, value in properties.items()}


def _items_renamed(spelled: Callable[[str], str], value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    return [renamed(spelled, item) if isinstance(item, dict) else item for item in value]


def _value(message: Value) -> Any:  # noqa: ANN401 - any value of JSON
    match message.WhichOneof("kind"):
        case "struct_value":
            return {name: _value(each) for name, each in message.struct_value.fields.items()}
        case "list_value":
            return [_value(each) for each in message.list_value.values]
        case "string_value":
            return UNKNOWN if message.string_value in _UNKNOWNS else message.string_value
        case "number_value":
            return message.number_value
        case "bool_value":
            return message.bool_value
        case _:
            return None


def _message(value: object) -> Value:
    match value:
        case dict():
            fields = {str(name): _message(each) for name, each in value.items() if each is not None}
            return Value(struct_value=Struct(fields=fields))
        case list() | tuple():
            return Value(list_value=ListValue(values=map(_message, value)))
        case _:
            return _scalar_message(value)


def _scalar_message(value: object) -> Value:
    match value:
        case Unknown():
            return Value(string_value=_UNKNOWN_TEXT)
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be a property")
