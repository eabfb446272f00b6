"""Error messages for wrong values in a stack's config or in a resource's arguments: none in pydantic's words."""

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
_WORDS_OF_PYDANTIC: Final = re.compile(
    r"Input should|[Ss]hould (be|have|match)|Field required|Extra inputs|not permitted|[Vv]alid (tuple|string|list|"
    r"boolean|integer|number|dict)|union_tag|Value error|pydantic|[Tt]uple|dictionary|instance of|unable to|"
    r"cannot be used here"
)
_MINIMAL: Final = {
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


def messages(given: dict[str, Any]) -> list[str]:
    """Return the error messages for a config; none if it is valid."""
    try:
        read_fleet_config(given)
    except InvalidConfigError as error:
        return str(error).split("\n")
    return []


def check_each(lines: list[str], beginning: str) -> None:
    """Check that each message names its key, is short, and has no word of pydantic's."""
    for line in lines:
        assert not _WORDS_OF_PYDANTIC.search(line), line
        assert line.startswith(beginning), line
        assert len(line) < 500, line


def entry(key: str, **more: Any) -> dict[str, Any]:
    """Return a config with one minimal entry of a kind, and more keys in it."""
    whole = {**_MINIMAL[key], **more}
    return {key: whole if key == "defaults" else [whole]}


@pytest.mark.parametrize("key", FLEET)
def test_a_wrong_value_of_a_key_has_a_plain_message(key: str) -> None:
    """By itself and as an entry of a list."""
    for wrong in _WRONG:
        check_each(messages({key: wrong}), f"astro:{key}")
        check_each(messages({key: [wrong]}), f"astro:{key}")


@pytest.mark.parametrize("key", _MODELS)
def test_a_wrong_value_of_a_field_has_a_plain_message(key: str) -> None:
    """For each field of each kind of entry, and for an unknown one."""
    for name, field in _MODELS[key].model_fields.items():
        for wrong in _WRONG:
            check_each(messages(entry(key, **{str(field.alias or name): wrong})), f"astro:{key}")
    (line,) = messages(entry(key, runtimeversion="5.0.4"))
    assert line.endswith(".runtimeversion: unknown key: did you mean runtimeVersion?")


@pytest.mark.parametrize("name", ProjectArguments.model_fields)
def test_a_message_about_a_field_of_a_project_has_the_whole_path(name: str) -> None:
    """From the key of the config down to the field."""
    for wrong in _WRONG:
        lines = messages(entry("deployments", project={"path": ".", name: wrong}))
        check_each(lines, f"astro:deployments[0].project.{name}: ")
    (line,) = messages(entry("deployments", project={"path": ".", "deployment": "x"}))
    assert line == "astro:deployments[0].project.deployment: unknown key: did you mean deploy?"


@pytest.mark.parametrize("name", ResourceArguments.model_fields)
def test_a_wrong_value_of_a_resources_argument_has_a_plain_message(name: str) -> None:
    """For each argument."""
    for wrong in _WRONG:
        try:
            read_arguments({"release_name": "a", "runtime_version": "5.0.4", name: wrong})
        except InvalidConfigError as error:
            check_each(str(error).split("\n"), "")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"accept": "newer"}, "accept: 'newer' is not a list: write [newer]"),
        ({"deny": {"a": 1}}, "deny: a mapping is not a list"),
        ({"accept": [5]}, "accept[0]: 5 is not a string: put it in quotes"),
        ({"image": 5.0}, "image: 5.0 is not a string: put it in quotes"),
        ({"image": ["a"]}, "image: a list is not a string"),
        ({"image": " "}, "image: is empty: give it a value, or remove it"),
        ({"project": "here"}, "project: 'here' is not a mapping of keys to values"),
        ({"project": {}}, "project.path: is missing"),
        ({"wait": "perhaps"}, "wait: 'perhaps' is not a boolean: write true or false"),
        ({"strategy": "slow"}, "strategy: 'slow' is unknown: write 'certified-first' or 'fewest-hops'"),
        ({"releaseName": "Big"}, "releaseName: 'Big' is not valid: a release name has up to 63 lowercase "),
        ({"wave": 5}, "wave: there is no wave 5: astro:waves declares none"),
        ({"run_time_version": "5"}, "run_time_version: unknown key: did you mean runtimeVersion?"),
        ({"colour": "red"}, "colour: unknown key: known keys: releaseName, deploymentId, runtimeVersion, "),
    ],
)
def test_a_message_has_the_value_found_and_what_to_write(given: dict[str, Any], line: str) -> None:
    """For each kind of mistake."""
    (found,) = messages(entry("deployments", **given))
    assert found.startswith(f"astro:deployments[0].{line}")


def test_max_parallel_is_a_positive_whole_number() -> None:
    """A string or a fraction is an error."""
    beginning = "astro:waves[0].maxParallel: "
    assert messages(entry("waves", maxParallel="2")) == [f"{beginning}'2' is not a whole number"]
    assert messages(entry("waves", maxParallel=2.5)) == [f"{beginning}2.5 is not a whole number"]
    assert messages(entry("waves", maxParallel=0)) == [f"{beginning}0 is too small: write 1 or more"]
