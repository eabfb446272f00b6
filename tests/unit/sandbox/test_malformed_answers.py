"""Odd values in answers."""

from __future__ import annotations

import json

import pytest

from sandbox.errors import SandboxError
from sandbox.malformed_answers import MalformedAnswers, places


def changed(put: str, data: object) -> object:
    """Put one value into an answer; gives its data."""
    answers = MalformedAnswers(app=None, put=places([put]))  # type: ignore[arg-type]
    return json.loads(answers.changed(json.dumps({"data": data}).encode()))["data"]


@pytest.mark.parametrize(
    ("put", "after"),
    [
        ("a=null", {"a": None}),
        ("a.1=null", {"a": [{"b": 1}, None]}),
        ('a.0.b={"c": "x=y"}', {"a": [{"b": {"c": "x=y"}}, {"b": 2}]}),
        ("a.7=null", {"a": [{"b": 1}, {"b": 2}]}),
        ("z.0=null", {"a": [{"b": 1}, {"b": 2}]}),
    ],
)
def test_a_value_is_put_where_there_is_one(put: str, after: object) -> None:
    """In objects and in lists; an answer that has no such place stays as it is."""
    assert changed(put, {"a": [{"b": 1}, {"b": 2}]}) == after


@pytest.mark.parametrize("body", [b"", b'{"errors": []}', b'{"data": null}', b"[]"])
def test_an_answer_without_data_stays_as_it_is(body: bytes) -> None:
    """Also the empty one for a client that has left."""
    assert MalformedAnswers(app=None, put=places(["a=1"])).changed(body) == body  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["a", "a=", "a={"])
def test_what_is_no_place_and_value_is_an_error(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(SandboxError, match=r"is not PATH=JSON, for example w0\.0\.label=42"):
        places([text])
