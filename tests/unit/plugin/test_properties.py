"""Properties of the native protocol: names, unknown values, secrets."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from astro_deployment_runtime.config.resource_arguments import ResourceArguments
from astro_deployment_runtime.plugin import properties
from astro_deployment_runtime.plugin.deployment_operations import OUTPUTS
from astro_deployment_runtime.plugin.properties import UNKNOWN

NAMES = st.from_regex(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", fullmatch=True)
SCALARS = st.booleans() | st.floats(allow_nan=False) | st.text() | st.just(UNKNOWN)
KEYS = st.lists(st.sampled_from(("path", "x1", "v")), min_size=1, max_size=3).map("_".join)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10)


def struct(**values: Any) -> Struct:
    """Make the properties of a message."""
    made = Struct()
    made.update(values)
    return made


@given(st.dictionaries(KEYS, VALUES))
def test_written_properties_are_read_back(values: dict[str, Any]) -> None:
    """Names, unknown values and every type of JSON."""
    assert properties.read(properties.write(values)) == values


@given(NAMES)
def test_names_convert_both_ways(name: str) -> None:
    """A name that has the right spelling already stays."""
    camel = properties.to_camel(name)
    assert "_" not in camel
    assert (properties.to_camel(camel), properties.to_snake(name)) == (camel, name)
    assert properties.to_snake(camel) == name


@pytest.mark.parametrize("name", [*ResourceArguments.model_fields, *OUTPUTS])
def test_names_of_a_deployment_convert_as_in_the_config(name: str) -> None:
    """The argument model has the same names in camelCase."""
    field = ResourceArguments.model_fields.get(name)
    assert properties.to_snake(properties.to_camel(name)) == name
    assert field is None or field.alias == properties.to_camel(name)


def test_state_of_the_dynamic_resource_reads_alike() -> None:
    """Its names are in snake_case, and the keys of its mappings are names of resources."""
    saved = struct(__provider="pickled", current_version="AC 2.3.0", walked={"dataEng": "AC 2.3.0"})
    assert properties.read(saved) == {
        "__provider": "pickled",
        "current_version": "AC 2.3.0",
        "walked": {"dataEng": "AC 2.3.0"},
    }


def test_objects_in_lists_are_renamed() -> None:
    """They are objects of ours."""
    members = [{"id": "ckw1", "currentVersion": "AC 2.3.0"}]
    assert properties.read(struct(deployments=members)) == {
        "deployments": [{"id": "ckw1", "current_version": "AC 2.3.0"}]
    }


def test_secrets_are_read_in_plain_text() -> None:
    """At any depth, also a secret that is unknown."""
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    given_values = struct(image={**secret, "value": "team/airflow"}, project={"path": {**secret, "value": rpc.UNKNOWN}})
    assert properties.read(given_values) == {"image": "team/airflow", "project": {"path": UNKNOWN}}


def test_unknown_parts_are_split_off() -> None:
    """Known items of a list are kept."""
    values = {"image": UNKNOWN, "accept": ["newer", UNKNOWN], "project": {"path": UNKNOWN}, "wait": True}
    known, unknown = properties.split(values)
    assert known == {"accept": ["newer"], "wait": True}
    assert unknown == {"image", "accept", "project"}


def test_every_unknown_text_of_the_engine_is_unknown() -> None:
    """The engine has one text for each type."""
    assert rpc.UNKNOWN in properties._UNKNOWNS
    texts = {f"p{number}": text for number, text in enumerate(properties._UNKNOWNS)}
    assert set(properties.read(struct(**texts)).values()) == {UNKNOWN}


def test_none_is_left_out() -> None:
    """Pulumi's own protocol does the same. Null is read as None."""
    assert properties.write({"pending": None, "plan": ["one"]}) == struct(plan=["one"])
    assert properties.read(struct(pending=None)) == {"pending": None}


def test_other_types_are_a_bug() -> None:
    """A message holds JSON only."""
    with pytest.raises(TypeError, match="set cannot be a property"):
        properties.write({"accept": {"newer"}})
