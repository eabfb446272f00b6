"""Marks of secrets: removed from requests and put on answers."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc

from astro_deployment_runtime.plugin import secret_marks


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """Make properties; ``S(x)`` is a secret."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


def S(value: Any) -> Any:  # noqa: N802 - a mark
    """Mark a value as Pulumi does."""
    return rpc.wrap_rpc_secret(value)


def test_marks_are_removed_at_any_depth() -> None:
    """In lists, in mappings, and a secret in a secret."""
    given = {"a": S("x"), "b": [1, S({"c": S(2)})], "d": {"e": [{"f": S(None)}]}, "g": rpc.UNKNOWN}
    plain = {"a": "x", "b": [1, {"c": 2}], "d": {"e": [{"f": None}]}, "g": rpc.UNKNOWN}
    assert MessageToDict(secret_marks.plain(struct(given))) == plain


def test_path_of_a_mark_names_no_list_item() -> None:
    """Which item is secret makes no difference."""
    given = {"image": S("x"), "project": {"path": S("y"), "test": "z"}, "accept": ["a", S("b")], "k": S({"l": "m"})}
    found = dict(secret_marks.secrets(struct(given)))
    assert sorted(found) == ["accept", "image", "k", "project.path"]
    assert list(secret_marks.texts("k", found["k"])) == [("k.l", "m")]


@pytest.mark.parametrize(
    ("outputs", "inputs", "expected"),
    [
        ({"a": "x"}, {"a": S("y")}, {"a": S("x")}),
        ({"a": S("x")}, {"a": S("y")}, {"a": S("x")}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": S(0), "c": 0, "d": S(0)}}, {"a": {"b": S(1), "c": 2}}),
        ({"a": {"b": 1}}, {"a": S({"b": 0})}, {"a": S({"b": 1})}),
        ({"a": [1, 2]}, {"a": [S(2), 1]}, {"a": S([1, 2])}),
        ({"a": 1}, {"a": {"b": S(0)}}, {"a": S(1)}),
        ({"a": None, "b": rpc.UNKNOWN}, {"a": S(1), "b": S(1)}, {"a": S(None), "b": S(rpc.UNKNOWN)}),
        ({"a": 1}, {"b": S(1)}, {"a": 1}),
        ({"plan": ["x"], "path": "p"}, {"image": S("x")}, {"plan": S(["x"]), "path": "p"}),
        ({"plan": ["x"]}, {"project": {"path": S("x")}}, {"plan": S(["x"])}),
        ({"plan": ["x"]}, {"image": "x", "timeout": S("1h")}, {"plan": ["x"]}),
    ],
)
def test_outputs_are_marked_like_their_inputs(
    outputs: dict[str, Any], inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """By name, as the engine does it, and also derived outputs."""
    made = struct(outputs)
    secret_marks.mark(made, struct(inputs), {"plan": ("image", "project")})
    assert MessageToDict(made) == MessageToDict(struct(expected))


@pytest.mark.parametrize(
    ("outputs", "before", "inputs", "expected"),
    [
        ({"a": "x"}, {"a": S("x")}, {"a": "new"}, {"a": S("x")}),
        ({"a": "x"}, {"a": S("x")}, {}, {"a": S("x")}),
        ({"a": "x"}, {"a": S("x")}, {"a": "x"}, {"a": "x"}),
        ({"a": "new"}, {"a": S("x")}, {"a": "new"}, {"a": "new"}),
        ({"a": {"b": 1}}, {"a": {"b": S(1)}}, {"a": {"b": 2}}, {"a": {"b": S(1)}}),
        ({}, {"a": S("x")}, {}, {}),
    ],
)
def test_saved_secret_stays_secret(
    outputs: dict[str, Any], before: dict[str, Any], inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Unless the user gives its value in plain text now."""
    made = struct(outputs)
    secret_marks.keep(made, struct(before), struct(inputs))
    assert MessageToDict(made) == MessageToDict(struct(expected))
