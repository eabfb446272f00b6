"""Describe the errors of a pydantic validation in the user's terms: key, value found, and what to write."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.support.spelling import unknown_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_Model = TypeVar("_Model", bound=BaseModel)

_LONGEST_VALUE: Final = 60
"""Characters of a value that a message shows."""
_LONGEST_REASON: Final = 400
"""Characters of a message after its key."""

_NOT_STRING: Final = "{value} is not a string: put it in quotes"
_NOT_LIST: Final = "{value} is not a list"
_NOT_MAPPING: Final = "{value} is not a mapping of keys to values"
_NOT_FLAG: Final = "{value} is not a boolean: write true or false"
_NOT_NUMBER: Final = "{value} is not a whole number"
_REASONS: Final = {
    "value_error": "{error}",
    "json_invalid": "is not JSON ({error})",
    "missing": "is missing",
    "string_type": _NOT_STRING,
    "string_too_short": "is empty: give it a value, or remove it",
    "tuple_type": _NOT_LIST,
    "list_type": _NOT_LIST,
    "model_type": _NOT_MAPPING,
    "dict_type": _NOT_MAPPING,
    "bool_type": _NOT_FLAG,
    "bool_parsing": _NOT_FLAG,
    "int_type": _NOT_NUMBER,
    "int_from_float": _NOT_NUMBER,
    "greater_than_equal": "{value} is too small: write {ge} or more",
    "literal_error": "{value} is unknown: write {expected}",
}
"""Messages by pydantic's type of error; pydantic's own messages are about Python."""


def validated(model: type[_Model], given: Mapping[str, Any]) -> _Model:
    """Return the checked values.

    Raises:
        InvalidConfigError: some are wrong; the message lists all mistakes, a line each.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        lines = error_messages(error, "", model)
    # Outside of the handler: the validator's error has the values, which may be secrets.
    raise InvalidConfigError("\n".join(lines))


def error_messages(error: ValidationError, prefix: str, model: type[BaseModel]) -> list[str]:
    """Return a message for each error: the path of the key, the value found, and what to write.

    Args:
        error: of a validation.
        prefix: path of the value that was validated; empty if its keys are the whole path.
        model: the model that it was validated against.
    """
    return [_message(prefix, each, model) for each in error.errors(include_url=False)]


def display_value(value: object) -> str:
    """Return a value as a message shows it: shortened, spelled as in YAML; of a structure only the kind."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str | int | float):
        with contextlib.suppress(ValueError):  # Python does not convert an integer of thousands of digits
            text = repr(value)
            return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
        return "a number of thousands of digits"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _message(prefix: str, error: ErrorDetails, model: type[BaseModel]) -> str:
    path = prefix
    for part in error["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    reason = _reason(error, model)
    reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
    return f"{path}: {reason}" if path else reason


def _reason(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    value: Any = error["input"]
    if kind in {"extra_forbidden", "invalid_key"}:
        return _unknown_key(error["loc"], model)
    reason = _REASONS.get(kind, "{value} cannot be used here").format(value=display_value(value), **context)
    if reason.endswith("is not a list") and value and isinstance(value, str) and len(value) <= _LONGEST_VALUE:
        reason += f": write [{value}]"
    return reason.removesuffix(": put it in quotes") if isinstance(value, Mapping | list | tuple) else reason


def _unknown_key(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        fields = {str(field.alias or name): field for name, field in model.model_fields.items()}
        options = get_args(fields[str(part)].annotation)
        model = next(each for each in options if isinstance(each, type) and issubclass(each, BaseModel))
    known = [str(field.alias or name) for name, field in model.model_fields.items()]
    return unknown_name("key", str(location[-1]), known)
