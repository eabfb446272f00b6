"""URNs: a resource's name is all that follows the third pair of colons."""

from __future__ import annotations

import pytest

from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPE, Urn, resource_name

NAMES = [
    "data-eng",
    "a::b",
    "::",
    ":::a",
    'it\'s "quoted"',
    "team/data eng",
    "Ünïcode-数据",
    "a$b::c",
    "urn:pulumi:x",
    "",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parents", ["", "my:module:Component$other:index:Thing$"])
def test_a_urn_is_taken_apart(name: str, parents: str) -> None:
    """Also within components, whose types come before its own."""
    text = f"urn:pulumi:dev::astro::{parents}{DEPLOYMENT_TYPE}::{name}"
    assert Urn.parse(text) == Urn("dev", "astro", DEPLOYMENT_TYPE, name)
    assert resource_name(text) == name


@pytest.mark.parametrize("text", ["", "data-eng", "a::b::c::d", "urn:pulumi:dev::astro::type"])
def test_another_text_is_no_urn(text: str) -> None:
    """The plan of a fleet has names and no URNs yet."""
    assert Urn.parse(text) is None
    assert resource_name(text) == text
