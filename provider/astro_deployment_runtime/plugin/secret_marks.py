"""Marks of secrets in the messages between the engine and a provider: taken off, and put on again.

The engine marks a secret, at any depth, by an object with a signature in the value's place. Pulumi's own servicer
leaves it to the engine to carry marks from a provider's inputs to its outputs, by name. The engine cannot know that
one output repeats another argument; we do, so our server asks for the marks and carries them itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no secret


def plain(properties: Struct) -> Struct:
    """Return the properties without marks."""
    return Struct(fields={key: _plain(value) for key, value in properties.fields.items()})


def mark(outputs: Struct, inputs: Struct, derived: Mapping[str, tuple[str, ...]]) -> None:
    """Mark what comes from marked inputs: by name, in objects name by name, and what is derived.

    A list with a secret in it is one as a whole: a provider may give its items in another order.

    Args:
        outputs: without marks of their own, or with some; changed in place.
        inputs: with marks.
        derived: for an output, the inputs that it repeats.
    """
    _mark_by_name(outputs, inputs)
    for name, sources in derived.items():
        if name in outputs.fields and any(_holds_secret(inputs.fields[each]) for each in sources if each in inputs):
            _wrap(outputs.fields[name])


def keep(outputs: Struct, before: Struct, inputs: Struct) -> None:
    """Mark what was saved as a secret before and comes back as it was, unless the inputs give it anew.

    Args:
        outputs: changed in place.
        before: what was saved, with marks.
        inputs: what is given now, with marks.
    """
    for name, value in before.fields.items():
        if name not in outputs.fields or not _holds_secret(value):
            continue
        found = _plain(outputs.fields[name])
        if found == _plain(value) and not (name in inputs.fields and found == _plain(inputs.fields[name])):
            _mark_by_name(outputs, Struct(fields={name: value}))


def exposes(outputs: Struct, inputs: Struct, derived: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether saved outputs have in clear what is a secret by the inputs now."""
    marked = Struct()
    marked.CopyFrom(outputs)
    mark(marked, inputs, derived)
    return marked != outputs


def secrets(properties: Struct) -> Iterator[tuple[str, Value]]:
    """List what is marked: the path, in which a list has no part of its own, and the value."""
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
    """Return whether it is a mapping of the user's; a signature marks a secret, an asset or a reference."""
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
