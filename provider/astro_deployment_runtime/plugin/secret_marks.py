"""Marks of secrets in the messages between the engine and a provider: removed from requests, put on answers.

The engine marks a secret, at any depth, by replacing its value with an object that has a signature. With Pulumi's own
servicer, the engine marks outputs by the names of the inputs. It cannot know that one output repeats another argument.
Our server knows, so it asks for the marks and carries them itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no secret


def plain(properties: Struct) -> Struct:
    """Return properties without marks."""
    return Struct(fields={key: _plain(value) for key, value in properties.fields.items()})


def mark(outputs: Struct, inputs: Struct, derived: Mapping[str, tuple[str, ...]]) -> None:
    """Mark outputs that have the name of a marked input, at any depth, and outputs that are derived from one.

    A list that contains a secret is marked as a whole, because a provider may reorder its items.

    Args:
        outputs: changed in place.
        inputs: with marks.
        derived: by output, the inputs that it repeats.
    """
    _mark_by_name(outputs, inputs)
    for name, sources in derived.items():
        if name in outputs.fields and any(_holds_secret(inputs.fields[each]) for each in sources if each in inputs):
            _wrap(outputs.fields[name])


def keep(outputs: Struct, before: Struct, inputs: Struct) -> None:
    """Mark unchanged outputs that were saved as secrets, unless the inputs now give the same value in plain text.

    Args:
        outputs: changed in place.
        before: the saved outputs, with marks.
        inputs: with marks.
    """
    for name, value in before.fields.items():
        if name not in outputs.fields or not _holds_secret(value):
            continue
        found = _plain(outputs.fields[name])
        if found == _plain(value) and not (name in inputs.fields and found == _plain(inputs.fields[name])):
            _mark_by_name(outputs, Struct(fields={name: value}))


def mark_whole(outputs: Struct, names: Iterable[str]) -> None:
    """Mark these outputs, in place, as far as they exist."""
    for name in names:
        if name in outputs.fields:
            _wrap(outputs.fields[name])


def exposes(outputs: Struct, inputs: Struct, derived: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether saved outputs hold in plain text what the inputs mark as a secret now."""
    marked = Struct()
    marked.CopyFrom(outputs)
    mark(marked, inputs, derived)
    return marked != outputs


def secrets(properties: Struct) -> Iterator[tuple[str, Value]]:
    """List the marked values, each with its path. A path does not name the items of lists."""
    for name, value in properties.fields.items():
        yield from _secrets(name, value)


def texts(path: str, value: Value) -> Iterator[tuple[str, str]]:
    """List the texts in a value, each with its path."""
    match value.WhichOneof("kind"):
        case "string_value":
            yield path, value.string_value
        case "struct_value" if _is_secret(value):
            yield from texts(path, value.struct_value.fields["value"])
        case "struct_value":
            for name, each in value.struct_value.fields.items():
                yield from texts(f"{path}.{name}", each)
        case "list_value":
            for each in value.list_value.values:
                yield from texts(path, each)


def _secrets(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    if _is_secret(value):
        yield path, value
    elif value.HasField("struct_value"):
        for name, each in value.struct_value.fields.items():
            yield from _secrets(f"{path}.{name}", each)
    elif value.HasField("list_value"):
        for each in value.list_value.values:
            yield from _secrets(path, each)


def _is_secret(value: Value) -> bool:
    return (
        value.HasField("struct_value")
        and _SIGNATURE in value.struct_value.fields
        and value.struct_value.fields[_SIGNATURE].string_value == _SECRET
    )


def _is_object(value: Value) -> bool:
    """Return whether a value is a user's mapping. A signature marks a secret, an asset or a reference."""
    return value.HasField("struct_value") and _SIGNATURE not in value.struct_value.fields


def _holds_secret(value: Value) -> bool:
    return any(True for _ in _secrets("", value))


def _mark_by_name(outputs: Struct, inputs: Struct) -> None:
    for name, given in inputs.fields.items():
        if name not in outputs.fields:
            continue
        value = outputs.fields[name]
        if _is_object(value) and _is_object(given):
            _mark_by_name(value.struct_value, given.struct_value)
        elif _holds_secret(given):
            _wrap(value)


def _wrap(value: Value) -> None:
    if not _is_secret(value):
        inner = Value()
        inner.CopyFrom(value)
        fields = {_SIGNATURE: Value(string_value=_SECRET), "value": inner}
        value.struct_value.CopyFrom(Struct(fields=fields))


def _plain(value: Value) -> Value:
    if _is_secret(value):
        return _plain(value.struct_value.fields["value"])
    if value.HasField("struct_value"):
        return Value(struct_value=plain(value.struct_value))
    if value.HasField("list_value"):
        return Value(list_value=ListValue(values=map(_plain, value.list_value.values)))
    return value
