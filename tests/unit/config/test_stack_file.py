"""A stack's config, read from its file as the engine would read it."""

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


def test_structures_are_read_as_yaml_or_as_json(tmp_path: Path) -> None:
    """``pulumi config set`` without ``--path`` writes JSON into a text."""
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


def test_the_environment_tells_what_becomes_of_the_refused(tmp_path: Path) -> None:
    """Where the config does not, as in a Pulumi program."""
    environment = {"ASTRO_ON_REFUSAL": "skip"}
    assert read(tmp_path).declared(environment)["onRefusal"] == "skip"
    stopped = read(tmp_path, "config: {'astro:onRefusal': stop}")
    assert stopped.declared(environment)["onRefusal"] == "stop"


def test_the_project_gives_what_the_stack_does_not(tmp_path: Path) -> None:
    """By the keys of the project's own namespace and by full ones, as values or as defaults."""
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


def test_settings_are_texts_as_the_engine_gives_them(tmp_path: Path) -> None:
    """A flag is ``true``, not Python's ``True``."""
    found = read(tmp_path, "config: {'astro:allowHttp': true, 'astro:houstonUrl': 'https://h'}")
    assert (found.setting("allowHttp"), found.setting("houstonUrl"), found.setting("token")) == (
        "true",
        "https://h",
        None,
    )
    assert found.unread is None


def test_a_structured_setting_is_json_as_the_engine_gives_it(tmp_path: Path) -> None:
    """Whether it is written as YAML or as JSON in a text."""
    for value in ("{runtime: a/b}", '\'{"runtime": "a/b"}\''):
        found = read(tmp_path, f"config:\n  astro:baseImages: {value}\n")
        assert found.setting("baseImages") == '{"runtime": "a/b"}'


def test_what_is_encrypted_is_left_out_by_name(tmp_path: Path) -> None:
    """Only what is ours is named."""
    found = read(tmp_path, "config:\n  astro:token: {secure: v1:abc}\n  mine:other: {secure: v1:abc}\n")
    assert found.setting("token") is None
    assert found.unread == (
        "astro:token is encrypted in Pulumi.test.yaml, which only the engine can read: the environment counts here"
    )


def test_a_fleet_with_a_secret_in_it_cannot_be_read(tmp_path: Path) -> None:
    """However deep in it."""
    found = read(tmp_path, "config:\n  astro:deployments: [{name: {secure: v1:abc}}]\n")
    with pytest.raises(InvalidInputError, match="astro:deployments is encrypted, and cannot be read without"):
        found.declared({})


def test_the_stack_is_named_or_the_only_one(tmp_path: Path) -> None:
    """By the argument, also a qualified name, else by ``PULUMI_STACK``."""
    assert read(tmp_path, name="org/mine/test").name == "Pulumi.test.yaml"
    assert read(tmp_path, name=None).name == "Pulumi.test.yaml"
    (tmp_path / "Pulumi.other.yaml").write_text("")
    assert read_stack_file(tmp_path, None, {"PULUMI_STACK": "other"}).name == "Pulumi.other.yaml"
    with pytest.raises(InvalidInputError, match="there are several stacks, other, test: say which, with --stack NAME"):
        read_stack_file(tmp_path, None, {})
    with pytest.raises(InvalidInputError, match=r"no config of the stack 'mine' in .*; stacks with one: other, test$"):
        read_stack_file(tmp_path, "mine", {})


def test_the_configs_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    """As the project says."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.production.yaml").write_text("config: {'astro:exclude': [a]}")
    (tmp_path / "Pulumi.yaml").write_text("name: astro\nstackConfigDir: stacks\n")
    assert read_stack_file(tmp_path, "production", {}).declared({})["exclude"] == ["a"]
    (folder / "Pulumi.production.yaml").unlink()
    with pytest.raises(InvalidInputError, match=r"there is no Pulumi\.<stack>\.yaml in .*stacks$"):
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
def test_what_cannot_be_read_is_told_with_its_file(tmp_path: Path, stack: str, project: str, complaint: str) -> None:
    """In one line."""
    with pytest.raises(InvalidInputError, match=complaint) as caught:
        read(tmp_path, stack, project).declared({})
    assert "\n" not in str(caught.value)


def test_keys_are_those_of_the_engine(tmp_path: Path) -> None:
    """A bare one belongs to the project; one that is given in two forms is refused."""
    project = "name: astro\n"
    assert read(tmp_path, "config: {exclude: [a], 'astro:config:catalog': guide}", project).values == {
        "astro:exclude": '["a"]',
        "astro:catalog": "guide",
    }
    with pytest.raises(InvalidInputError, match="the key 'astro:exclude' is given twice, once as 'exclude'"):
        read(tmp_path, "config: {'astro:exclude': [a], exclude: [b]}", project)


def test_a_null_counts_as_not_given(tmp_path: Path) -> None:
    """As where all lines of a list are comments; the project's default is not taken either, as by the engine."""
    project = "name: astro\nconfig: {exclude: {type: array, default: [a]}}\n"
    found = read(tmp_path, "config:\n  astro:deployments:\n  astro:exclude: ~\n", project)
    assert found.declared({})["deployments"] is None
    assert found.declared({})["exclude"] is None


def test_a_project_file_may_end_in_yml(tmp_path: Path) -> None:
    """Those of its stacks do then, too."""
    (tmp_path / "Pulumi.yml").write_text("name: mine\nconfig: configs\n")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "Pulumi.test.yml").write_text("config: {'astro:catalog': guide}")
    assert read_stack_file(tmp_path, None, {}).setting("catalog") == "guide"


def test_a_misspelt_key_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    """Also an encrypted one; those of other namespaces do not count."""
    found = read(tmp_path, "config: {'astro:deployment': [], 'astro:tokn': {secure: x}, 'mine:deployment': 1}")
    assert found.notes[1:] == [
        "astro:deployment is not read: did you mean astro:deployments? If the key is your program's own, ignore this.",
        "astro:tokn is not read: did you mean astro:token? If the key is your program's own, ignore this.",
    ]


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    """With the option that names another."""
    with pytest.raises(InvalidInputError, match="name the project's folder with --cwd"):
        read_stack_file(tmp_path, None, {})
