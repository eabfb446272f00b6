"""Read YAML as the Pulumi engine does: by the rules of Go's ``yaml.v3``.

PyYAML follows YAML 1.1, in which ``on`` is a boolean and ``1:30`` is a number, and it keeps the last of two equal keys.
``plan --stack`` would then see another config than ``pulumi preview``. So PyYAML parses only the syntax, with libyaml
if it is installed, from which the engine's parser was ported. This module decides what a scalar means.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARSER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES: Final = (16, 8, 2, 10)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?(Z|[-+]\d{2}:\d{2})?)?",
    re.ASCII,
)
_TYPES: Final = {"bool": bool, "int": int, "float": float, "null": type(None)}


class UnreadableYamlError(ValueError):
    """The engine cannot read the text either. The message completes a sentence that starts with the file's name."""


def read_yaml(text: bytes) -> Any:  # noqa: ANN401 - any YAML value
    """Return the value of the first document; the engine ignores the others.

    Args:
        text: UTF-8, or UTF-16 with a byte order mark.

    Returns:
        None, booleans, numbers, strings, lists and dictionaries with strings as keys. A date is a string in the form
        that the engine gives a program. An empty text is None.

    Raises:
        UnreadableYamlError: the text is not YAML, has a key twice, or has an anchor that contains itself.
    """
    try:
        return _Reader(yaml.parse(text, Loader=_PARSER)).document()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnreadableYamlError(f"is not YAML ({line}{error.problem or error.context})") from error
    except yaml.reader.ReaderError as error:
        raise UnreadableYamlError(f"is not YAML (at byte {error.position}: {error.reason})") from error
    except RecursionError as error:
        raise UnreadableYamlError("is nested too deeply") from error


class _Reader:
    """Builds values from the parser's events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        """Values, and the number of nodes in each."""
        self._open: set[str] = set()
        self._nodes = 0
        self._repeated = 0

    def document(self) -> Any:  # noqa: ANN401
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        return self._value(next(self._events))

    def _value(self, event: Any) -> Any:  # noqa: ANN401
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor, before = event.anchor, self._nodes
        self._nodes += 1
        if anchor:
            self._open.add(anchor)
        match event:
            case yaml.ScalarEvent():
                value = _scalar(event)
            case yaml.SequenceStartEvent():
                value = [self._value(each) for each in self._until(yaml.SequenceEndEvent)]
            case _:
                value = self._mapping()
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = value, self._nodes - before
        return value

    def _until(self, end: type[Any]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        lines: dict[str, int] = {}
        for event in self._until(yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._value(event)
            if isinstance(key, list | dict):
                raise UnreadableYamlError(f"line {line}: a list or a mapping cannot be a key: write a string")
            written = event.value if isinstance(event, yaml.ScalarEvent) else _key(key)
            if written in lines:
                raise UnreadableYamlError(
                    f"line {line}: the key {written!r} is given twice, first in line {lines[written]}; remove one of "
                    "the two"
                )
            lines[written] = line
            value = self._value(next(self._events))
            if written == "<<" and isinstance(event, yaml.ScalarEvent) and event.tag in {None, f"{_TAG}merge"}:
                merged = value if isinstance(value, list) else [value]
                if not all(isinstance(each, dict) for each in merged):
                    raise UnreadableYamlError(f"line {line}: '<<' needs a mapping, or a list of mappings")
            else:
                found[_key(key)] = value
        for each in merged:
            found = {**each, **found}
        return found

    def _alias(self, event: Any) -> Any:  # noqa: ANN401
        if event.anchor in self._open:
            raise UnreadableYamlError(f"line {event.start_mark.line + 1}: the anchor {event.anchor!r} contains itself")
        if event.anchor not in self._anchors:
            raise UnreadableYamlError(f"line {event.start_mark.line + 1}: there is no anchor {event.anchor!r}")
        value, nodes = self._anchors[event.anchor]
        self._nodes += nodes
        self._repeated += nodes
        # The engine's own limit: aliases of aliases can make a short text huge.
        share = min(0.99, max(0.1, 0.99 - 0.89 * (self._nodes - 400_000) / 3_600_000))
        if self._repeated > 100 and self._nodes > 1000 and self._repeated > share * self._nodes:
            raise UnreadableYamlError("repeats too many values by aliases: write some of them out")
        return value


def _key(key: object) -> str:
    return "<nil>" if key is None else scalar_text(key)


def scalar_text(value: object) -> str:
    """Return a scalar value as the string that the engine gives a program."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer() and abs(value) < 1e21:
            return format(whole_number(value), "d")
        case float() if 1e-6 <= abs(value) < 1e21:
            return format(Decimal(repr(value)), "f")
        case float():
            return re.sub(r"e([-+])0", r"e\1", repr(value))
        case _:
            return str(value)


def whole_number(value: float) -> int:
    """Return a float without a fraction as an integer: its shortest digits, padded with zeros as in Go."""
    return int(Decimal(repr(value)))


def _scalar(event: Any) -> Any:  # noqa: ANN401
    text, tag = event.value, event.tag
    if tag in {None, "!"}:
        return _plain(text) if event.style in {None, ""} else text
    kind = tag.removeprefix(_TAG)
    if kind == "binary" and kind != tag:
        try:
            return base64.b64decode(re.sub(r"\s", "", text), validate=True).decode(errors="replace")
        except binascii.Error as error:
            raise UnreadableYamlError(f"line {event.start_mark.line + 1}: !!binary is not base64") from error
    if kind not in {*_TYPES, "timestamp"} or kind == tag:
        return text
    value = _plain(text)
    if kind == "float" and type(value) is int:
        value = float(value)
    fits = _timestamp(text) is not None if kind == "timestamp" else type(value) is _TYPES[kind]
    if not fits:
        raise UnreadableYamlError(f"line {event.start_mark.line + 1}: {text!r} is not a !!{kind}")
    return value


def _plain(text: str) -> Any:  # noqa: ANN401
    """Return the value of a scalar without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[0] == ".":
        return _float(text)
    if (time := _timestamp(text)) is not None:
        return time
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        sign, *groups = match.groups()
        number = next(int(group, base) for group, base in zip(groups, _BASES, strict=True) if group is not None)
        number = -number if sign == "-" else number
        if -(2**63) <= number < 2 ** (63 if sign else 64):
            return number
    number_or_text = _float(digits)
    return text if isinstance(number_or_text, str) else number_or_text


def _float(text: str) -> float | str:
    if not _FLOAT.fullmatch(text) or math.isinf(number := float(text)):
        return text
    return number


def _timestamp(text: str) -> str | None:
    """Return a date as Go writes it; None if the text is not a date."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, fraction, zone = match.groups()
    # A time has a zone if and only if a T separates it from the date.
    if separator is not None and (zone is None) != (separator == " "):
        return None
    try:
        offset = UTC
        if zone and zone != "Z":
            minutes = int(zone[1:3]) * 60 + int(zone[4:6])
            offset = timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
        time = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), 0, offset)
    except ValueError:
        return None
    parts = (fraction or "")[:9].rstrip("0")
    name = time.strftime("%z")
    shown = f"{name} UTC" if name == "+0000" else f"{name} {name}"
    return f"{time.replace(tzinfo=None).isoformat(' ')}{f'.{parts}' if parts else ''} {shown}"
