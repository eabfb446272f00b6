"""YAML read as the engine reads it. tests/e2e/test_yaml.py checks the same tables against the engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from astro_deployment_runtime.config import engine_yaml
from astro_deployment_runtime.config.engine_yaml import UnreadableYamlError, read_yaml
from astro_deployment_runtime.config.stack_file import StackFile, read_stack_file
from astro_deployment_runtime.errors import InvalidInputError
from tests.yaml_cases import ACCEPTED, REFUSED, SCALARS

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: bytes) -> StackFile:
    """Read the config of a stack with that file."""
    (folder / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_bytes(text)
    return read_stack_file(folder, "test", {})


@pytest.mark.parametrize(("written", "text", "value"), SCALARS, ids=[row[0] for row in SCALARS])
def test_a_scalar_has_the_value_that_the_engine_gives_it(written: str, text: str, value: Any, tmp_path: Path) -> None:
    """As the string that a program gets, and within a structure."""
    found = read(tmp_path, f"config:\n  mine:a: {written}\n  mine:b:\n    - {written}\n".encode())
    assert found.values["mine:a"] == text or json.loads(found.values["mine:a"]) == json.loads(text)
    within = json.loads(found.values["mine:b"])[0]
    assert (within, type(within)) == (value, type(value))


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_file_has_the_values_that_the_engine_reads(case: str, tmp_path: Path) -> None:
    """Merges, anchors, documents, encodings, and forms of keys."""
    text, config = ACCEPTED[case]
    values = read(tmp_path, text).values
    assert {
        key: value if isinstance(config[key], str) else json.loads(value) for key, value in values.items()
    } == config


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_the_engine_refuses_is_an_error(case: str, tmp_path: Path) -> None:
    """The message is one line that starts with the file."""
    with pytest.raises(InvalidInputError, match=r"Pulumi\.test\.yaml: ") as caught:
        read(tmp_path, REFUSED[case])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nb: {x: 1,\n  x: 2}", "line 3: the key 'x' is given twice, first in line 2; remove one of the two"),
        (b"a: &b [*b]", "line 1: the anchor 'b' contains itself"),
        (b"a: *b", "line 1: there is no anchor 'b'"),
        (b"a: !!int x", "line 1: 'x' is not a !!int"),
        (b'a: !!binary "???"', "line 1: !!binary is not base64"),
        (b"a: 1\n\tb: 2", "is not YAML (line 2: "),
        (b"a: \xff", "is not YAML (at byte 3: "),
    ],
)
def test_an_error_names_the_line(text: bytes, message: str) -> None:
    """Or the byte, if the text is not UTF-8."""
    with pytest.raises(UnreadableYamlError) as caught:
        read_yaml(text)
    assert str(caught.value).startswith(message)


def test_libyaml_is_optional(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Scalars and keys have the same values without it."""
    monkeypatch.setattr(engine_yaml, "_PARSER", yaml.BaseLoader)
    for number, (written, text, _) in enumerate(SCALARS):
        values = read(tmp_path, f"config:\n  mine:a: {written}\n".encode()).values
        assert values["mine:a"].replace(" ", "") == text.replace(" ", ""), f"{number}: {written}"
    with pytest.raises(InvalidInputError, match="given twice"):
        read(tmp_path, REFUSED["a key that is given twice"])
