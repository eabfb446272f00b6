"""Compare the documentation with the program: commands, printed outputs, tables, drawings and links."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

import astro_deployment_runtime
from astro_deployment_runtime import AstroDeploymentRuntime
from astro_deployment_runtime.cli import main
from astro_deployment_runtime.cli.main import SUBCOMMANDS
from astro_deployment_runtime.cli.plan import FORMS
from astro_deployment_runtime.cli.subcommand import ExitCode
from astro_deployment_runtime.config.config_keys import FLEET
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.config.fleet_config import (
    CRITERIA,
    Defaults,
    DeploymentEntry,
    Selector,
    Wave,
    read_fleet_config,
)
from astro_deployment_runtime.config.resource_arguments import ProjectArguments, ResourceArguments
from astro_deployment_runtime.delivery import registry_image, user_command
from astro_deployment_runtime.execution import decision_types, health_confirmation, reconciler, wave_soak
from astro_deployment_runtime.houston import client, graphql_documents
from astro_deployment_runtime.planning import plan_warnings
from astro_deployment_runtime.planning.accepted_risks import ACCEPTABLE_RISKS, DENIABLE_WARNINGS
from astro_deployment_runtime.planning.base_images import VENDORS, BaseImages, Family
from astro_deployment_runtime.planning.plan_model import WarningName
from astro_deployment_runtime.planning.upgrade_rules import RULES
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.plugin import server
from astro_deployment_runtime.program.fleet_declaration import declare_fleet
from tests.contract.sandbox_server import TOKEN, serving
from tools import configuration_tables, recording
from tools.configuration_tables import shown_default

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astro_deployment_runtime.cli.subcommand import Subcommand


ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
CONFIGURATION: Final = ROOT / "docs" / "configuration.md"
COMMAND_LINE: Final = ROOT / "docs" / "command-line.md"
LANGUAGES: Final = ROOT / "docs" / "languages.md"
HOW_IT_WORKS: Final = ROOT / "docs" / "how-it-works.md"
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
PACKAGE: Final = ROOT / "provider" / "astro_deployment_runtime"


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def table(page: Path, *heads: str) -> dict[str, list[str]]:
    """Return the rows of the one table with these heads, by first cell, without code quotes."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        if tuple(rows[0]) == heads:
            found.append({row[0].strip("`"): [cell.strip("`") for cell in row[1:]] for row in rows[2:]})
    assert len(found) == 1, f"{page.name} has {len(found)} tables with the heads {heads}"
    return found[0]


def console_sessions() -> Iterator[Any]:
    """Yield every console command that a page shows, with its output and its exit code."""
    for page in PAGES:
        for block in blocks(page, "console"):
            command, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
            line, _, output = command.partition("\n")
            code = int(rest[0].partition("\n")[2]) if rest else None
            yield pytest.param(line, output, code, id=f"{page.stem} {line.partition('runtime ')[2]}")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a sandbox with the fleet of the pages, and return the environment of its user."""
    rows = yaml.safe_load((ROOT / "stacks" / "sandbox-fleet.yaml").read_text(encoding="utf-8"))
    with serving(tmp_path_factory.mktemp("sandbox"), rows=rows) as served:
        named = {"ASTRO_HOUSTON_URL": served.url, "ASTRO_HOUSTON_TOKEN": TOKEN, "ASTRO_CATALOG": "guide"}
        yield {**os.environ, **named}


@pytest.mark.parametrize(("command", "output", "code"), list(console_sessions()))
def test_a_console_block_shows_the_real_output(
    command: str, output: str, code: int | None, environment: dict[str, str]
) -> None:
    """The output matches word for word, and so does the exit code if the page shows one."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "astro_deployment_runtime"]
    run = subprocess.run(
        [sys.executable, *words[1:]], capture_output=True, check=False, text=True, env=environment, cwd=ROOT
    )
    assert run.stdout == output
    assert run.stderr == ""
    assert code is None or run.returncode == code


def test_the_generated_tables_are_up_to_date() -> None:
    """``make docs`` writes them from the code."""
    page = CONFIGURATION.read_text(encoding="utf-8")
    assert configuration_tables.written(page) == page


def test_the_resource_and_a_fleet_entry_have_the_same_arguments() -> None:
    """An entry of a fleet has two more keys, which the page lists."""
    parameters = inspect.signature(AstroDeploymentRuntime).parameters
    assert {name for name in parameters if name not in {"resource_name", "opts"}} == set(ResourceArguments.model_fields)
    more = table(CONFIGURATION, "key", "default", "meaning")
    assert set(more) == set(DeploymentEntry.model_fields) - set(ResourceArguments.model_fields)


def test_the_keys_of_a_fleet_are_listed() -> None:
    """The page has each config key with its argument and default, each criterion and each wave key."""
    rows = table(CONFIGURATION, "key of a fleet", "argument", "default", "meaning")
    arguments = inspect.signature(declare_fleet).parameters
    assert [(key, cells[0]) for key, cells in rows.items()] == [
        (f"astro:{key}", name) for key, name in zip(FLEET, arguments, strict=True)
    ]
    typed = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert list(typed) == list(FLEET)
    assert {key: str(each["default"]) or "stop" for key, each in typed.items()} == {
        key: rows[f"astro:{key}"][1] for key in FLEET
    }
    criteria = table(CONFIGURATION, "criterion", "meaning")
    assert list(criteria) == [Selector.model_fields[name].alias for name in CRITERIA]
    waves = table(CONFIGURATION, "key of a wave", "default", "meaning")
    assert set(waves) == {field.alias for name, field in Wave.model_fields.items() if name not in Defaults.model_fields}


def test_the_resource_and_a_fleet_entry_have_the_same_defaults() -> None:
    """One table describes both."""
    parameters = inspect.signature(AstroDeploymentRuntime).parameters
    for name, field in ResourceArguments.model_fields.items():
        default = parameters[name].default
        if field.is_required():
            assert default is inspect.Parameter.empty
        elif name not in {"accept", "deny"}:
            assert shown_default(default) == shown_default(field.default), name


class _RecordingSettings(dict[str, str]):
    """A source of settings that records each key it is asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.keys_asked: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        """Record the key and return its value."""
        self.keys_asked.append(key)
        return super().get(key, default)


def test_the_connection_settings_are_listed() -> None:
    """The page has exactly the keys that the code reads, each with its variable and default."""
    config = _RecordingSettings({})
    environment = _RecordingSettings(
        {"ASTRO_HOUSTON_URL": "https://houston.example.com/v1", "ASTRO_HOUSTON_TOKEN": "t"}
    )
    settings = ConnectionSettings.load(config.get, environment)
    keys = dict(zip(config.keys_asked, environment.keys_asked, strict=True))
    rows = table(CONFIGURATION, "config", "environment", "default", "meaning")
    assert {key: cells[0] for key, cells in rows.items()} == {f"astro:{key}": keys[key] for key in keys}
    defaults: dict[str, object] = {
        "caFile": settings.ca_file,
        "allowHttp": settings.allow_http,
        "catalog": settings.catalog,
        "resolve": settings.resolve,
        "maxRequestsPerSecond": f"{settings.max_requests_per_second:g}",
        "baseImages": {},
    }
    for key in keys:
        assert rows[f"astro:{key}"][1] == shown_default(defaults.get(key, "required"))
    assert len(keys) == len(ConnectionSettings.__dataclass_fields__)


def test_the_base_images_are_listed() -> None:
    """Each key has its default, and the guide's example is valid."""
    rows = table(CONFIGURATION, "key of `astro:baseImages`", "default", "the repository of")
    assert {key: cells[0] for key, cells in rows.items()} == {
        str(family): VENDORS._repository(family) for family in Family
    }
    (example,) = [block for block in blocks(ROOT / "docs" / "guide.md", "yaml") if "baseImages" in block]
    BaseImages.load(json.dumps(yaml.safe_load(example)["astro:baseImages"]))


def test_the_acceptable_risks_are_listed() -> None:
    """The page has every name, in the order of a refusal."""
    assert tuple(table(CONFIGURATION, "name", "what is accepted")) == ACCEPTABLE_RISKS


def test_the_placeholders_are_listed() -> None:
    """The configuration page lists each, and the guide shows its values."""
    assert tuple(table(CONFIGURATION, "placeholder", "becomes")) == tuple(
        f"{{{name}}}" for name in registry_image.PLACEHOLDERS
    )
    rows = table(ROOT / "docs" / "guide.md", "placeholder", "for AC 2.3.0", "for Astro Runtime 5.0.4")
    assert rows["{base}"] == [VENDORS.image(ReleaseId.parse(name)) for name in ("AC 2.3.0", "Runtime 5.0.4")]
    assert len(rows) == len(registry_image.PLACEHOLDERS)


def test_the_keys_of_a_project_are_listed() -> None:
    """Each key has its default, and each placeholder of its commands is listed."""
    expected = {
        name: "required" if field.is_required() else shown_default(field.default)
        for name, field in ProjectArguments.model_fields.items()
    }
    rows = table(CONFIGURATION, "key of `project`", "default", "meaning")
    assert {key: cells[0] for key, cells in rows.items()} == expected
    listed = table(CONFIGURATION, "placeholder of a command", "becomes")
    assert tuple(listed) == tuple(f"{{{name}}}" for name in user_command.PLACEHOLDERS)


def test_the_public_names_are_listed() -> None:
    """The page has exactly the names of ``__all__``."""
    assert list(table(CONFIGURATION, "name", "is")) == astro_deployment_runtime.__all__


@pytest.mark.parametrize("command", SUBCOMMANDS, ids=lambda command: command.name)
def test_the_options_of_the_command_line_are_listed(command: Subcommand) -> None:
    """The page has every argument of each subcommand, in the order of its help."""
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    named = [action.option_strings[0] if action.option_strings else action.metavar for action in parser._actions]
    assert list(table(COMMAND_LINE, f"option of `{command.name}`", "default", "meaning")) == named


def test_the_forms_and_the_exit_codes_of_the_command_line_are_listed() -> None:
    """The page has every form as a user types it, and every exit code."""
    assert list(table(COMMAND_LINE, "form of `plan`", "shows")) == [written for written, _ in FORMS.values()]
    assert list(table(COMMAND_LINE, "exit code", "meaning")) == [str(code.value) for code in ExitCode]


def test_the_rules_are_listed() -> None:
    """The page has the id, reason and source of each rule, in order."""
    rows = table(HOW_IT_WORKS, "id", "reason", "source")
    assert list(rows.items()) == [(rule.id, [rule.reason, rule.source]) for rule in RULES]


def test_the_constants_have_the_values_of_the_code() -> None:
    """Each constant of the page exists in one module, with the same value."""
    for name, (value, _) in table(HOW_IT_WORKS, "constant", "value", "meaning").items():
        (actual,) = {
            getattr(module, name)
            for module in (plan_warnings, health_confirmation, reconciler, decision_types, wave_soak, client, server)
            if hasattr(module, name)
        }
        assert float(value) == actual, name


def test_the_architecture_page_describes_every_layer() -> None:
    """Its table has a row for each folder or module, in the order of the layers in ``pyproject.toml``."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    modules = [name.strip() for layer in layers for name in layer.split("|")]
    assert list(table(ARCHITECTURE, "folder or module", "its job")) == modules


@pytest.mark.parametrize("page", [*PAGES, ROOT / "sandbox" / "README.md", PACKAGE / "catalogs" / "README.md"])
def test_relative_links_resolve(page: Path) -> None:
    """Each link names an existing file, and an existing heading if it has a fragment."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_no_local_paths_or_addresses(page: Path) -> None:
    """Pages contain no path of one machine, no private host and no loopback address."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"/(?:work|root|home|tmp|mnt|Users)\b/?\S*", text) == []
    assert re.findall(r"\b(?:127|10|192\.168)\.\d+\.\d+\S*|localhost", text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_yaml_blocks_are_valid(page: Path) -> None:
    """YAML can be parsed, and a declared fleet is accepted."""
    for block in blocks(page, "yaml"):
        loaded = yaml.safe_load(block)
        if "config" in loaded:
            read = read_fleet_config({key: loaded["config"].get(f"astro:{key}") for key in FLEET})
            assert read.deployments or read.selections


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_excerpt_is_part_of_its_example(page: Path) -> None:
    """Other tests run the examples."""
    excerpts = re.findall(
        r"^<!-- from: (\S+) -->\n```\w+\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for example, text in excerpts:
        assert text.strip("\n")
        assert text in (ROOT / example).read_text(encoding="utf-8"), example


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "provider" / "README.md"], ids=["README", "provider"])
def test_the_first_program_in_yaml_is_the_example(page: Path) -> None:
    """With the plugin of the project's own environment."""
    (program,) = [yaml.safe_load(block) for block in blocks(page, "yaml") if "runtime: yaml" in block]
    example = yaml.safe_load((ROOT / "examples" / "yaml" / "Pulumi.yaml").read_text(encoding="utf-8"))
    del example["outputs"]
    example["plugins"]["providers"][0]["path"] = ".venv/bin"
    if page.parent != ROOT:
        del example["resources"]["data-eng"]["properties"]["image"]
    assert program == example


def test_the_plugin_is_named_with_its_version() -> None:
    """With another version, the engine would not find the plugin for an SDK."""
    package = json.loads((PACKAGE / "plugin" / "schema.json").read_text(encoding="utf-8"))
    named = [yaml.safe_load(block).get("plugins", {}).get("providers", []) for block in blocks(LANGUAGES, "yaml")]
    versions = [each["version"] for providers in named for each in providers if "version" in each]
    assert versions == [package["version"]]


def test_the_native_package_is_listed() -> None:
    """The page has each function with its arguments, each argument of a wave, and names that exist."""
    package = json.loads((PACKAGE / "plugin" / "schema.json").read_text(encoding="utf-8"))
    names = {token.rpartition(":")[2]: function for token, function in package["functions"].items()}
    functions = table(LANGUAGES, "function", "arguments", "result")
    assert set(functions) == set(names)
    for name, (arguments, result) in functions.items():
        declared = names[name].get("inputs", {"properties": {}})["properties"]
        assert set(re.findall(r"`(\w+)`", f"`{arguments}`")) - {"none"} == set(declared), name
        assert set(re.findall(r"`(\w+)`", f"`{result}`")) <= set(names[name]["outputs"]["properties"]), name
    wave = package["resources"]["astro:index:Wave"]["inputProperties"]
    assert list(table(LANGUAGES, "argument of `Wave`", "meaning")) == list(wave)


def test_the_text_about_a_moved_deployment_is_that_of_a_recorded_preview() -> None:
    """The engine shows it at the row of the only update."""
    (moved,) = re.findall(
        r"^<!-- moved: (\S+) -->\n```text\n(.*\n)```$", LANGUAGES.read_text(encoding="utf-8"), re.MULTILINE
    )
    recorded = json.loads((ROOT / "tests" / "golden" / "previews" / moved[0]).read_text(encoding="utf-8"))
    (step,) = [step for step in recorded["steps"] if step["op"] == "update"]
    assert [each["message"] for each in recorded["diagnostics"] if each.get("urn") == step["urn"]] == [moved[1]]


def test_the_readme_is_short() -> None:
    """It has fewer than 120 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_the_readme_shows_the_recording() -> None:
    """Its only image is the recording, which ``tests/unit/tools`` compares with the golden outputs."""
    images = re.findall(r"^!\[[^]]+\]\(([^)]+)\)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [ROOT / image for image in images] == [recording.DRAWING]


def test_the_fleets_page_shows_the_golden_refusal() -> None:
    """The end-to-end tests compare this text with the engine."""
    golden = (ROOT / "tests" / "e2e" / "golden" / "fleet-refused.txt").read_text(encoding="utf-8")
    assert golden in blocks(ROOT / "docs" / "fleets.md", "text")


def test_the_command_line_page_shows_the_golden_graph() -> None:
    """The golden tests compare this text with the program."""
    golden = (ROOT / "tests" / "golden" / "command_line" / "graph-guide.mmd").read_text(encoding="utf-8")
    assert blocks(COMMAND_LINE, "mermaid") == [golden]


@pytest.mark.parametrize(
    ("command", "drawing"),
    re.findall(r"^<!-- drawn: (.*) -->\n```mermaid\n((?:.*\n)*?)```$", HOW_IT_WORKS.read_text(), re.MULTILINE),
)
def test_a_drawing_is_the_output_of_its_command(command: str, drawing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The comment above the drawing has the command."""
    main.main(shlex.split(command))
    assert capsys.readouterr().out == drawing


def test_the_decision_flowchart_names_each_rule_once() -> None:
    """No rule is missing or repeated."""
    drawing = blocks(HOW_IT_WORKS, "mermaid")[0]
    assert sorted(re.findall(r"\b[A-Z][A-Z0-9-]{4,}\b", drawing)) == sorted(rule.id for rule in RULES)


def test_the_calls_of_the_sequence_diagram_exist() -> None:
    """Each is a function of its participant's module, or a method of one of its classes."""
    (drawing,) = [block for block in blocks(ARCHITECTURE, "mermaid") if block.startswith("sequenceDiagram")]
    calls = [
        (module, name)
        for module, message in re.findall(r"->>(\w+): (.*)", drawing)
        for name in re.findall(r"(\w+)\(\)", message)
    ]
    modules = dict(re.findall(r"participant (\w+) as ([\w/]+)$", drawing, re.MULTILINE))
    assert len(calls) > 10
    for participant, name in calls:
        module = modules.get(participant, participant).replace("/", ".")
        loaded = importlib.import_module(f"astro_deployment_runtime.{module}")
        assert any(hasattr(thing, name) for thing in (loaded, *vars(loaded).values())), f"{module}.{name}"
    for field in re.findall(r"\b(?:app|deployment|runtime|workspace|update)[A-Z]\w+", drawing):
        assert field in inspect.getsource(graphql_documents), field


def test_the_changelog_has_the_version_of_the_package() -> None:
    """The newest released entry is the version in ``pyproject.toml``, under the same licence."""
    project = tomllib.loads((ROOT / "provider" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_make_targets_exist() -> None:
    """The Makefile has every target that a page names."""
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z0-9]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page.name


def test_the_pre_commit_hooks_match_make_lint() -> None:
    """They run the same tools of the same environment, and also fix what they can."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    checks = [
        line.strip("\t@").replace("$(BIN)", ".venv/bin").removesuffix(" --check") for line in recipe[1].split("\n")
    ]
    assert [hook["entry"].removesuffix(" --fix") for hook in hooks] == checks[:-1]


def test_the_warnings_are_listed() -> None:
    """The page has every warning in order, and whether it can be accepted or denied."""
    rows = table(HOW_IT_WORKS, "warning", "when", "accept, deny")
    assert [(name, cells[1]) for name, cells in rows.items()] == [
        (name, "yes" if name in DENIABLE_WARNINGS else "no") for name in WarningName
    ]
