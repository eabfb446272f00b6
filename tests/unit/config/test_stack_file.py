"""A stack's config read from its file, without the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.config.stack_file import StackFile, read_stack_file
from astro_deployment_runtime.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path


def read(
    folder: Path, stack: str = "config:\n", project: str = "name: mine\n", *, name: str | None = "test"
) -> StackFile:
    """Read the config of a project with that stack."""
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "Pulumi.test.yaml").write_text(stack)
    return read_stack_file(folder, name, {})


def test_a_structure_can_be_yaml_or_json_in_a_string(tmp_path: Path) -> None:
    """``pulumi config set`` without ``--path`` writes the second."""
    found = read(
        tmp_path,
        "config:\n  astro:exclude: '[\"a\"]'\n  astro:defaults: {runtimeVersion: 5.0.4}\n  mine:astro: 1\n",
    )
    assert found.declared({}) == {
        "defaults": {"runtimeVersion": "5.0.4"},
        "deployments": None,
        "selectors": None,
        "exclude": ["a"],
        "waves": None,
        "onRefusal": None,
    }


def test_on_refusal_comes_from_the_environment_if_the_config_lacks_it(tmp_path: Path) -> None:
    """As in a Pulumi program."""
    environment = {"ASTRO_ON_REFUSAL": "skip"}
    assert read(tmp_path).declared(environment)["onRefusal"] == "skip"
    stopped = read(tmp_path, "config: {'astro:onRefusal': stop}")
    assert stopped.declared(environment)["onRefusal"] == "stop"


def test_a_key_that_the_stack_lacks_comes_from_the_project(tmp_path: Path) -> None:
    """As a value or a default, under a bare key of the project's namespace or a full one."""
    project = (
        "name: astro\n"
        "config:\n  exclude: {type: array, default: [a]}\n  astro:waves: {value: [{name: w}]}\n"
        "  caFile: here.pem\n  selectors: {type: array}\n"
    )
    found = read(tmp_path, "config: {'astro:waves': [{name: mine}]}", project)
    assert found.declared({})["exclude"] == ["a"]
    assert found.declared({})["waves"] == [{"name": "mine"}]
    assert found.declared({})["selectors"] is None
    assert found.setting("caFile") == "here.pem"


def test_a_setting_is_the_string_that_the_engine_gives(tmp_path: Path) -> None:
    """``true``, not Python's ``True``."""
    found = read(tmp_path, "config: {'astro:allowHttp': true, 'astro:houstonUrl': 'https://h'}")
    assert (found.setting("allowHttp"), found.setting("houstonUrl"), found.setting("token")) == (
        "true",
        "https://h",
        None,
    )
    assert found.encrypted_note is None


def test_a_structured_setting_is_json(tmp_path: Path) -> None:
    """Written as YAML or as JSON in a string."""
    for value in ("{runtime: a/b}", '\'{"runtime": "a/b"}\''):
        found = read(tmp_path, f"config:\n  astro:baseImages: {value}\n")
        assert found.setting("baseImages") == '{"runtime": "a/b"}'


def test_an_encrypted_setting_is_left_out_and_named(tmp_path: Path) -> None:
    """Those of other namespaces are not named."""
    found = read(tmp_path, "config:\n  astro:token: {secure: v1:abc}\n  mine:other: {secure: v1:abc}\n")
    assert found.setting("token") is None
    assert found.encrypted_note == (
        "astro:token is encrypted in Pulumi.test.yaml, and only the engine can read that; plan --stack uses the "
        "environment variables instead"
    )


def test_a_fleet_with_an_encrypted_value_is_an_error(tmp_path: Path) -> None:
    """At any depth."""
    found = read(tmp_path, "config:\n  astro:deployments: [{name: {secure: v1:abc}}]\n")
    with pytest.raises(InvalidInputError, match="astro:deployments is encrypted, and only the engine can read it"):
        found.declared({})


def test_the_stack_is_the_named_one_or_the_only_one(tmp_path: Path) -> None:
    """Named by the argument, which may be qualified, or by ``PULUMI_STACK``."""
    assert read(tmp_path, name="org/mine/test").name == "Pulumi.test.yaml"
    assert read(tmp_path, name=None).name == "Pulumi.test.yaml"
    (tmp_path / "Pulumi.other.yaml").write_text("")
    assert read_stack_file(tmp_path, None, {"PULUMI_STACK": "other"}).name == "Pulumi.other.yaml"
    with pytest.raises(InvalidInputError, match="there are several stacks, other, test: name one with --stack NAME"):
        read_stack_file(tmp_path, None, {})
    with pytest.raises(
        InvalidInputError, match=r"no config of the stack 'mine' in .*; stacks with a config: other, test$"
    ):
        read_stack_file(tmp_path, "mine", {})


def test_the_files_can_be_in_the_stack_config_dir(tmp_path: Path) -> None:
    """The project's file names it."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.production.yaml").write_text("config: {'astro:exclude': [a]}")
    (tmp_path / "Pulumi.yaml").write_text("name: astro\nstackConfigDir: stacks\n")
    assert read_stack_file(tmp_path, "production", {}).declared({})["exclude"] == ["a"]
    (folder / "Pulumi.production.yaml").unlink()
    with pytest.raises(InvalidInputError, match=r"there is no Pulumi\.<stack>\.yaml in .*stacks: make a stack"):
        read_stack_file(tmp_path, None, {})


@pytest.mark.parametrize(
    ("stack", "project", "complaint"),
    [
        ("config: [", "name: a", r"Pulumi\.test\.yaml: is not YAML \(line 2: "),
        ("- config", "name: a", r"Pulumi\.test\.yaml: is not a mapping"),
        ("config: text", "name: a", r"Pulumi\.test\.yaml: config: is not a mapping"),
        ("config: {'astro:waves': 'text'}", "name: a", "astro:waves: 'text' is neither a structure nor JSON"),
        ("config: {}", "name: a\nconfig: 1", r"Pulumi\.yaml: config: is not a mapping"),
    ],
)
def test_an_error_names_the_file_or_the_key(tmp_path: Path, stack: str, project: str, complaint: str) -> None:
    """In one line."""
    with pytest.raises(InvalidInputError, match=complaint) as caught:
        read(tmp_path, stack, project).declared({})
    assert "\n" not in str(caught.value)


def test_a_key_can_be_bare_or_have_config_in_it(tmp_path: Path) -> None:
    """A bare key belongs to the project. A key in two forms is an error."""
    project = "name: astro\n"
    assert read(tmp_path, "config: {exclude: [a], 'astro:config:catalog': guide}", project).values == {
        "astro:exclude": '["a"]',
        "astro:catalog": "guide",
    }
    with pytest.raises(InvalidInputError, match="the key 'astro:exclude' is given twice, once as 'exclude'"):
        read(tmp_path, "config: {'astro:exclude': [a], exclude: [b]}", project)


def test_a_null_counts_as_not_given(tmp_path: Path) -> None:
    """For example when all lines of a list are comments. The engine does not use the project's default either."""
    project = "name: astro\nconfig: {exclude: {type: array, default: [a]}}\n"
    found = read(tmp_path, "config:\n  astro:deployments:\n  astro:exclude: ~\n", project)
    assert found.declared({})["deployments"] is None
    assert found.declared({})["exclude"] is None


def test_the_files_can_end_in_yml(tmp_path: Path) -> None:
    """Project and stacks have the same suffix."""
    (tmp_path / "Pulumi.yml").write_text("name: mine\nconfig: configs\n")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "Pulumi.test.yml").write_text("config: {'astro:catalog': guide}")
    assert read_stack_file(tmp_path, None, {}).setting("catalog") == "guide"


def test_notes_name_unknown_keys(tmp_path: Path) -> None:
    """Encrypted ones too; those of other namespaces are ignored."""
    found = read(tmp_path, "config: {'astro:deployment': [], 'astro:tokn': {secure: x}, 'mine:deployment': 1}")
    assert found.notes[1:] == [
        (
            "astro:deployment is not read: did you mean astro:deployments? If the key belongs to your own program, "
            "ignore this."
        ),
        "astro:tokn is not read: did you mean astro:token? If the key belongs to your own program, ignore this.",
    ]


def test_a_folder_without_a_project_is_an_error(tmp_path: Path) -> None:
    """The message names the option for another folder."""
    with pytest.raises(InvalidInputError, match="name the project's folder with --cwd"):
        read_stack_file(tmp_path, None, {})
