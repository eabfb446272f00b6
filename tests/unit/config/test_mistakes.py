"""Every mistake in a stack's config or in a resource's arguments, in words that are not pydantic's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from astro_deployment_runtime.config.config_keys import FLEET
from astro_deployment_runtime.config.fleet_config import Defaults, DeploymentEntry, Selector, Wave, read_fleet_config
from astro_deployment_runtime.config.resource_arguments import ProjectArguments, ResourceArguments, read_arguments
from astro_deployment_runtime.errors import InvalidConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

_WRONG: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 5, 5.5, float("nan"), 10**400, 10**5000),
    *("", " ", "x", "no", "A b!", "\u4e2d", "a\x1b[31mb", "x" * 100_000, "(" * 50, "5.0", "1:30"),
    *([], [1], ["x"], [None], [[]], [{}], {}, {"a": 1}, {"path": 5}, {"path": "."}, {1: 2}, (1,), {1}, object()),
)
_PYDANTICS: Final = re.compile(
    r"Input should|[Ss]hould (be|have|match)|Field required|Extra inputs|not permitted|[Vv]alid (tuple|string|list|"
    r"boolean|integer|number|dict)|union_tag|Value error|pydantic|[Tt]uple|dictionary|instance of|unable to|"
    r"cannot be used here"
)
_LEAST: Final = {
    "defaults": {},
    "deployments": {"name": "a", "releaseName": "a", "runtimeVersion": "5.0.4"},
    "selectors": {"releaseName": "*", "runtimeVersion": "5.0.4"},
    "waves": {"name": "w"},
}
_MODELS: Final[dict[str, type[BaseModel]]] = {
    "defaults": Defaults,
    "deployments": DeploymentEntry,
    "selectors": Selector,
    "waves": Wave,
}


def told(given: dict[str, Any]) -> list[str]:
    """Give the lines for a config; none where it can be used."""
    try:
        read_fleet_config(given)
    except InvalidConfigError as error:
        return str(error).split("\n")
    return []


def judge(lines: list[str], beginning: str) -> None:
    """Hold each line to what every one has to be."""
    for line in lines:
        assert not _PYDANTICS.search(line), line
        assert line.startswith(beginning), line
        assert len(line) < 500, line


def entry(key: str, **more: Any) -> dict[str, Any]:
    """Give a config with one such entry, the least of it and more."""
    whole = {**_LEAST[key], **more}
    return {key: whole if key == "defaults" else [whole]}


@pytest.mark.parametrize("key", FLEET)
def test_a_key_of_the_wrong_kind_is_told_in_the_users_words(key: str) -> None:
    """The whole value, and each entry of a list."""
    for wrong in _WRONG:
        judge(told({key: wrong}), f"astro:{key}")
        judge(told({key: [wrong]}), f"astro:{key}")


@pytest.mark.parametrize("key", _MODELS)
def test_a_field_of_the_wrong_kind_is_told_in_the_users_words(key: str) -> None:
    """Every field of every kind of entry, with its dotted path, and an unknown one."""
    for name, field in _MODELS[key].model_fields.items():
        for wrong in _WRONG:
            judge(told(entry(key, **{str(field.alias or name): wrong})), f"astro:{key}")
    (line,) = told(entry(key, runtimeversion="5.0.4"))
    assert line.endswith(".runtimeversion: unknown key: did you mean runtimeVersion?")


@pytest.mark.parametrize("name", ProjectArguments.model_fields)
def test_a_field_of_a_project_is_told_with_its_path(name: str) -> None:
    """Below the entry that has it."""
    for wrong in _WRONG:
        lines = told(entry("deployments", project={"path": ".", name: wrong}))
        judge(lines, f"astro:deployments[0].project.{name}: ")
    (line,) = told(entry("deployments", project={"path": ".", "deployment": "x"}))
    assert line == "astro:deployments[0].project.deployment: unknown key: did you mean deploy?"


@pytest.mark.parametrize("name", ResourceArguments.model_fields)
def test_an_argument_of_the_wrong_kind_is_told_in_the_users_words(name: str) -> None:
    """Of a resource that a program declares."""
    for wrong in _WRONG:
        try:
            read_arguments({"release_name": "a", "runtime_version": "5.0.4", name: wrong})
        except InvalidConfigError as error:
            judge(str(error).split("\n"), "")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"accept": "newer"}, "accept: 'newer' is not a list: write [newer]"),
        ({"deny": {"a": 1}}, "deny: a mapping is not a list"),
        ({"accept": [5]}, "accept[0]: 5 is not a text: put it in quotes"),
        ({"image": 5.0}, "image: 5.0 is not a text: put it in quotes"),
        ({"image": ["a"]}, "image: a list is not a text"),
        ({"image": " "}, "image: is empty: give it a value, or leave it out"),
        ({"project": "here"}, "project: 'here' is not a mapping of keys to values"),
        ({"project": {}}, "project.path: is missing"),
        ({"wait": "perhaps"}, "wait: 'perhaps' is neither true nor false"),
        ({"strategy": "slow"}, "strategy: 'slow' is not known: write 'certified-first' or 'fewest-hops'"),
        ({"releaseName": "Big"}, "releaseName: 'Big' does not fit: a release name has small letters, digits and "),
        ({"wave": 5}, "wave: there is no wave 5: astro:waves declares none"),
        ({"run_time_version": "5"}, "run_time_version: unknown key: did you mean runtimeVersion?"),
        ({"colour": "red"}, "colour: unknown key: known are releaseName, deploymentId, runtimeVersion, "),
    ],
)
def test_a_mistake_says_what_to_write(given: dict[str, Any], line: str) -> None:
    """With what was found."""
    (found,) = told(entry("deployments", **given))
    assert found.startswith(f"astro:deployments[0].{line}")


def test_how_many_is_a_whole_number() -> None:
    """At least one."""
    beginning = "astro:waves[0].maxParallel: "
    assert told(entry("waves", maxParallel="2")) == [f"{beginning}'2' is not a whole number"]
    assert told(entry("waves", maxParallel=2.5)) == [f"{beginning}2.5 is not a whole number"]
    assert told(entry("waves", maxParallel=0)) == [f"{beginning}0 is too small: write 1 or more"]
