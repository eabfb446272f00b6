"""The schema of the package agrees with the arguments, the outputs, the settings and the version."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from astro_deployment_runtime.config.config_keys import CONNECTION
from astro_deployment_runtime.config.fleet_config import CRITERIA, Selector
from astro_deployment_runtime.config.resource_arguments import (
    HealthSource,
    ProjectArguments,
    ResourceArguments,
    StrategyName,
    read_arguments,
    seconds,
)
from astro_deployment_runtime.config.wave_arguments import WaveArguments, WaveMember, read_wave_arguments
from astro_deployment_runtime.planning.versions import Distribution
from astro_deployment_runtime.plugin.deployment_operations import OUTPUTS
from astro_deployment_runtime.plugin.native import deployment, functions, wave
from astro_deployment_runtime.plugin.native.servicer import schema
from astro_deployment_runtime.plugin.properties import to_camel
from astro_deployment_runtime.support.urns import (
    DEPLOYMENT_TYPE,
    NATIVE_DEPLOYMENT_TYPE,
    NATIVE_WAVE_TYPE,
    WAVE_TYPE,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMA: Final = json.loads(schema())
ROOT: Final = Path(__file__).parents[4]
DEPLOYMENT: Final = SCHEMA["resources"][NATIVE_DEPLOYMENT_TYPE]
WAVE: Final = SCHEMA["resources"][NATIVE_WAVE_TYPE]
MODELS: Final = [
    (DEPLOYMENT["inputProperties"], DEPLOYMENT["requiredInputs"], ResourceArguments),
    (WAVE["inputProperties"], WAVE["requiredInputs"], WaveArguments),
    (SCHEMA["types"]["astro:index:Project"]["properties"], ["path"], ProjectArguments),
    (SCHEMA["types"]["astro:index:WaveMember"]["properties"], ["id", "currentVersion"], WaveMember),
]


@pytest.mark.parametrize(("inputs", "required", "model"), MODELS)
def test_inputs_are_the_arguments(inputs: dict[str, Any], required: list[str], model: type[BaseModel]) -> None:
    """The names, and which of them have to be given."""
    aliases = {field.alias or name: field for name, field in model.model_fields.items()}
    assert set(inputs) == set(aliases)
    assert set(required) == {name for name, field in aliases.items() if field.is_required()}


def test_arguments_are_named_once_more_for_a_quick_start() -> None:
    """The plugin names them without an import of the models."""
    assert tuple(ResourceArguments.model_fields) == deployment.ARGUMENTS
    assert tuple(WaveArguments.model_fields) == wave.ARGUMENTS


def test_defaults_are_those_of_the_arguments() -> None:
    """Where an SDK fills them in, nothing changes."""
    required = {"releaseName": "stars-1", "runtimeVersion": "5.0.4"}
    filled = _defaults(DEPLOYMENT["inputProperties"])
    assert set(filled) == {"strategy", "timeout", "wait", "verify"}
    assert read_arguments(required | filled) == read_arguments(required)
    assert dict(deployment.DEFAULTS) == filled | {"timeout": seconds(filled["timeout"])}
    members = {"deployments": [{"id": "ckw1", "currentVersion": "AC 2.3.0"}]}
    assert read_wave_arguments(members | _defaults(WAVE["inputProperties"])) == read_wave_arguments(members)
    assert _defaults(SCHEMA["types"]["astro:index:Project"]["properties"]) == {
        "deploy": ProjectArguments.model_fields["deploy"].default
    }


def _defaults(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: each["default"] for name, each in properties.items() if "default" in each}


def test_outputs_are_those_of_the_provider() -> None:
    """Arguments are outputs too."""
    assert set(DEPLOYMENT["properties"]) == {*DEPLOYMENT["inputProperties"], *map(to_camel, OUTPUTS)}
    assert set(WAVE["properties"]) == {*WAVE["inputProperties"], "soaked"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Strategy", get_args(StrategyName)),
        ("HealthSource", get_args(HealthSource)),
        ("Distribution", [str(each) for each in Distribution]),
    ],
)
def test_enums_have_the_values_of_the_arguments(name: str, values: list[str]) -> None:
    """No more and no fewer."""
    assert {each["value"] for each in SCHEMA["types"][f"astro:index:{name}"]["enum"]} == set(values)


def test_config_has_the_settings() -> None:
    """No default reads the environment: the engine would save the token."""
    assert set(SCHEMA["config"]["variables"]) == set(CONNECTION)
    assert SCHEMA["provider"]["inputProperties"] == SCHEMA["config"]["variables"]
    assert [name for name, each in SCHEMA["config"]["variables"].items() if each.get("secret")] == ["token"]
    assert "defaultInfo" not in schema()
    assert "environment" not in _keys(SCHEMA)


def _keys(value: object) -> set[str]:
    match value:
        case dict():
            return {*value, *(key for each in value.values() for key in _keys(each))}
        case list():
            return {key for each in value for key in _keys(each)}
        case _:
            return set()


def test_functions_are_those_of_the_plugin() -> None:
    """The criteria of a list of Deployments are those of a selector."""
    assert set(SCHEMA["functions"]) == {functions.GET_PLAN, functions.GET_DEPLOYMENTS, functions.GET_RELEASES}
    criteria = {Selector.model_fields[name].alias for name in CRITERIA}
    assert set(SCHEMA["functions"][functions.GET_DEPLOYMENTS]["inputs"]["properties"]) == criteria
    assert set(SCHEMA["functions"][functions.GET_PLAN]["inputs"]["properties"]) <= set(DEPLOYMENT["inputProperties"])


def test_resources_replace_the_dynamic_ones() -> None:
    """The engine finds the state of a dynamic resource by the alias."""
    assert DEPLOYMENT["aliases"] == [{"type": DEPLOYMENT_TYPE}]
    assert WAVE["aliases"] == [{"type": WAVE_TYPE}]


def test_another_deployment_is_a_replacement() -> None:
    """Documentation says so at both names."""
    found = {name for name, each in DEPLOYMENT["inputProperties"].items() if each.get("willReplaceOnChanges")}
    assert found == {"releaseName", "deploymentId"}


def test_everything_is_described() -> None:
    """Editors show these texts."""
    described = [
        *SCHEMA["types"].values(),
        *SCHEMA["resources"].values(),
        *SCHEMA["functions"].values(),
        *SCHEMA["config"]["variables"].values(),
        *(each for kind in SCHEMA["types"].values() for each in kind.get("properties", {}).values()),
        *(each for kind in SCHEMA["types"].values() for each in kind.get("enum", ())),
        *(each for kind in SCHEMA["resources"].values() for each in kind["properties"].values()),
        *(each for kind in SCHEMA["functions"].values() for each in kind["outputs"]["properties"].values()),
    ]
    assert all(each["description"].endswith(".") for each in described)


def test_references_lead_to_types() -> None:
    """Every reference names a type of this schema."""
    references = set(_references(SCHEMA))
    assert references == {f"#/types/{name}" for name in SCHEMA["types"]}


def _references(value: object) -> list[str]:
    match value:
        case dict():
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return [*own, *(each for inner in value.values() for each in _references(inner))]
        case list():
            return [each for inner in value for each in _references(inner)]
        case _:
            return []


def test_version_is_that_of_the_wheel() -> None:
    """The schema, the wheel and the tag have one version."""
    project = tomllib.loads((ROOT / "provider" / "pyproject.toml").read_text(encoding="utf-8"))
    assert SCHEMA["version"] == project["project"]["version"]
