"""The documentation against the program: what a page shows was printed, and what a table says is so."""

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
from astro_deployment_runtime.cli.console import ExitCode
from astro_deployment_runtime.cli.main import COMMANDS
from astro_deployment_runtime.cli.plan import FORMS
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
from astro_deployment_runtime.execution import decisions, health_confirmation, reconciler, wave_soak
from astro_deployment_runtime.houston import client, graphql_documents
from astro_deployment_runtime.planning import plan_warnings
from astro_deployment_runtime.planning.accepted_risks import ACCEPTABLE_RISKS, DENIABLE_WARNINGS
from astro_deployment_runtime.planning.base_images import VENDORS, BaseImages, Family
from astro_deployment_runtime.planning.model import WarningName
from astro_deployment_runtime.planning.rules import RULES
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.plugin import server
from astro_deployment_runtime.program.fleet import declare_fleet
from tests.contract.sandbox_server import TOKEN, serving
from tools import configuration_tables, recording
from tools.configuration_tables import shown_default

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astro_deployment_runtime.cli.console import Command

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
CONFIGURATION: Final = ROOT / "docs" / "configuration.md"
COMMAND_LINE: Final = ROOT / "docs" / "command-line.md"
HOW_IT_WORKS: Final = ROOT / "docs" / "how-it-works.md"
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
PACKAGE: Final = ROOT / "provider" / "astro_deployment_runtime"


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def table(page: Path, *heads: str) -> dict[str, list[str]]:
    """The rows of the one table with these heads, by their first cell, without code quotes."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        if tuple(rows[0]) == heads:
            found.append({row[0].strip("`"): [cell.strip("`") for cell in row[1:]] for row in rows[2:]})
    assert len(found) == 1, f"{page.name} has {len(found)} tables with the heads {heads}"
    return found[0]


def sessions() -> Iterator[Any]:
    """Every command of the command line that a page shows, with what is shown below it, and the exit code."""
    for page in PAGES:
        for block in blocks(page, "console"):
            command, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
            line, _, output = command.partition("\n")
            code = int(rest[0].partition("\n")[2]) if rest else None
            yield pytest.param(line, output, code, id=f"{page.stem} {line.partition('runtime ')[2]}")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox with the fleet that the pages speak of, named as a user names a platform."""
    rows = yaml.safe_load((ROOT / "stacks" / "sandbox-fleet.yaml").read_text(encoding="utf-8"))
    with serving(tmp_path_factory.mktemp("sandbox"), rows=rows) as served:
        named = {"ASTRO_HOUSTON_URL": served.url, "ASTRO_HOUSTON_TOKEN": TOKEN, "ASTRO_CATALOG": "guide"}
        yield {**os.environ, **named}


@pytest.mark.parametrize(("command", "output", "code"), list(sessions()))
def test_a_shown_command_prints_what_is_shown(
    command: str, output: str, code: int | None, environment: dict[str, str]
) -> None:
    """Word for word; where a page shows the exit code, it is that one."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "astro_deployment_runtime"]
    run = subprocess.run(
        [sys.executable, *words[1:]], capture_output=True, check=False, text=True, env=environment, cwd=ROOT
    )
    assert run.stdout == output
    assert run.stderr == ""
    assert code is None or run.returncode == code


def test_the_reference_is_what_the_code_says() -> None:
    """Word for word; ``make docs`` writes it."""
    page = CONFIGURATION.read_text(encoding="utf-8")
    assert configuration_tables.written(page) == page


def test_the_arguments_are_those_of_the_resource_and_of_an_entry() -> None:
    """Every key; an entry has two more."""
    parameters = inspect.signature(AstroDeploymentRuntime).parameters
    assert {name for name in parameters if name not in {"resource_name", "held", "hold", "opts"}} == set(
        ResourceArguments.model_fields
    )
    more = table(CONFIGURATION, "key", "default", "meaning")
    assert set(more) == set(DeploymentEntry.model_fields) - set(ResourceArguments.model_fields)


def test_what_declares_a_fleet_is_listed() -> None:
    """The keys of the config, typed in Pulumi.yaml, with the arguments that stand for them, and what is in them."""
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


def test_the_defaults_of_the_resource_are_those_of_an_entry() -> None:
    """One table tells both."""
    parameters = inspect.signature(AstroDeploymentRuntime).parameters
    for name, field in ResourceArguments.model_fields.items():
        default = parameters[name].default
        if field.is_required():
            assert default is inspect.Parameter.empty
        elif name not in {"accept", "deny"}:
            assert shown_default(default) == shown_default(field.default), name


class _Asked(dict[str, str]):
    """A source of settings that remembers what it was asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.keys_asked: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        """Remember the key, and answer."""
        self.keys_asked.append(key)
        return super().get(key, default)


def test_the_settings_are_those_that_are_read() -> None:
    """Every key of the config with its variable and its default, and none more."""
    config = _Asked({})
    environment = _Asked({"ASTRO_HOUSTON_URL": "https://houston.example.com/v1", "ASTRO_HOUSTON_TOKEN": "t"})
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
    """Every key with its default; the example of the guide is accepted."""
    rows = table(CONFIGURATION, "key of `astro:baseImages`", "default", "the repository of")
    assert {key: cells[0] for key, cells in rows.items()} == {
        str(family): VENDORS._repository(family) for family in Family
    }
    (example,) = [block for block in blocks(ROOT / "docs" / "guide.md", "yaml") if "baseImages" in block]
    BaseImages.load(json.dumps(yaml.safe_load(example)["astro:baseImages"]))


def test_what_can_be_accepted_is_listed() -> None:
    """Every name, in the order in which a refusal lists them."""
    assert tuple(table(CONFIGURATION, "name", "what is accepted")) == ACCEPTABLE_RISKS


def test_the_placeholders_are_listed() -> None:
    """On the page that lists them, and in the guide with what each becomes."""
    assert tuple(table(CONFIGURATION, "placeholder", "becomes")) == tuple(
        f"{{{name}}}" for name in registry_image.PLACEHOLDERS
    )
    rows = table(ROOT / "docs" / "guide.md", "placeholder", "for AC 2.3.0", "for Astro Runtime 5.0.4")
    assert rows["{base}"] == [VENDORS.image(ReleaseId.parse(name)) for name in ("AC 2.3.0", "Runtime 5.0.4")]
    assert len(rows) == len(registry_image.PLACEHOLDERS)


def test_the_keys_of_a_project_are_listed() -> None:
    """With their defaults, and what its commands may name."""
    expected = {
        name: "required" if field.is_required() else shown_default(field.default)
        for name, field in ProjectArguments.model_fields.items()
    }
    rows = table(CONFIGURATION, "key of `project`", "default", "meaning")
    assert {key: cells[0] for key, cells in rows.items()} == expected
    listed = table(CONFIGURATION, "placeholder of a command", "stands for")
    assert tuple(listed) == tuple(f"{{{name}}}" for name in user_command.PLACEHOLDERS)


def test_the_names_of_a_program_are_listed() -> None:
    """All that is public, and no more."""
    assert list(table(CONFIGURATION, "name", "is")) == astro_deployment_runtime.__all__


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_options_of_the_command_line_are_listed(command: Command) -> None:
    """Every argument of every subcommand, in the order of its help."""
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    named = [action.option_strings[0] if action.option_strings else action.metavar for action in parser._actions]
    assert list(table(COMMAND_LINE, f"option of `{command.name}`", "default", "meaning")) == named


def test_the_forms_and_the_exit_codes_of_the_command_line_are_listed() -> None:
    """As a user writes the forms, and with every code."""
    assert list(table(COMMAND_LINE, "form of `plan`", "shows")) == [written for written, _ in FORMS.values()]
    assert list(table(COMMAND_LINE, "exit code", "meaning")) == [str(code.value) for code in ExitCode]


def test_the_rules_are_listed() -> None:
    """Id, reason and source of each, in order."""
    rows = table(HOW_IT_WORKS, "id", "reason", "source")
    assert list(rows.items()) == [(rule.id, [rule.reason, rule.source]) for rule in RULES]


def test_the_constants_are_those_of_the_code() -> None:
    """How often, how long and how many."""
    for name, (value, _) in table(HOW_IT_WORKS, "constant", "value", "meaning").items():
        (actual,) = {
            getattr(module, name)
            for module in (plan_warnings, health_confirmation, reconciler, decisions, wave_soak, client, server)
            if hasattr(module, name)
        }
        assert float(value) == actual, name


def test_the_layers_are_those_that_are_checked() -> None:
    """The same list, and a row for each folder."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert blocks(ARCHITECTURE, "text")[0].split("\n")[:-1] == layers, "copy the layers to docs/architecture.md"
    modules = {name.strip() for layer in layers for name in layer.split("|")}
    assert set(table(ARCHITECTURE, "folder or module", "its job")) == modules


@pytest.mark.parametrize("page", [*PAGES, ROOT / "sandbox" / "README.md", PACKAGE / "catalogs" / "README.md"])
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name a file, and a heading of it where they name one."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_no_place_of_one_machine(page: Path) -> None:
    """Neither paths, nor hosts of a private network, nor an address of this machine."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"/(?:work|root|home|tmp|mnt|Users)\b/?\S*", text) == []
    assert re.findall(r"\b(?:127|10|192\.168)\.\d+\.\d+\S*|localhost", text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_yaml_on_a_page_can_be_read(page: Path) -> None:
    """And what declares Deployments is accepted."""
    for block in blocks(page, "yaml"):
        loaded = yaml.safe_load(block)
        if "config" in loaded:
            read = read_fleet_config({key: loaded["config"].get(f"astro:{key}") for key in FLEET})
            assert read.deployments or read.selections


def test_the_readme_is_short() -> None:
    """A reader gets to its end."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_the_readme_shows_the_recording() -> None:
    """Which ``tests/unit/tools`` holds against the golden outputs."""
    images = re.findall(r"^!\[[^]]+\]\(([^)]+)\)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [ROOT / image for image in images] == [recording.DRAWING]


def test_the_page_on_fleets_shows_the_golden_refusals() -> None:
    """The text that the end-to-end test holds against the engine."""
    golden = (ROOT / "tests" / "e2e" / "golden" / "fleet-refused.txt").read_text(encoding="utf-8")
    assert golden in blocks(ROOT / "docs" / "fleets.md", "text")


def test_the_page_on_the_command_line_draws_the_golden_graph() -> None:
    """The text that the golden test holds against the program."""
    golden = (ROOT / "tests" / "golden" / "command_line" / "graph-guide.mmd").read_text(encoding="utf-8")
    assert blocks(COMMAND_LINE, "mermaid") == [golden]


@pytest.mark.parametrize(
    ("command", "drawing"),
    re.findall(r"^<!-- drawn: (.*) -->\n```mermaid\n((?:.*\n)*?)```$", HOW_IT_WORKS.read_text(), re.MULTILINE),
)
def test_a_drawn_path_is_the_one_that_the_program_draws(
    command: str, drawing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The comment above the drawing is the command."""
    main.main(shlex.split(command))
    assert capsys.readouterr().out == drawing


def test_the_drawing_of_a_decision_names_the_rules() -> None:
    """Every rule, each once."""
    drawing = blocks(HOW_IT_WORKS, "mermaid")[0]
    assert sorted(re.findall(r"\b[A-Z][A-Z0-9-]{4,}\b", drawing)) == sorted(rule.id for rule in RULES)


def test_the_calls_on_the_way_of_a_version_exist() -> None:
    """Each is a function of the module that it leads to, or a method of one of its classes."""
    (drawing,) = blocks(ARCHITECTURE, "mermaid")
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


def test_the_changelog_speaks_of_this_version() -> None:
    """Its first entry, after what is not released yet, is the version of the package."""
    project = tomllib.loads((ROOT / "provider" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_commands_of_make_exist() -> None:
    """Every ``make`` target that a page names."""
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z0-9]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page.name


def test_the_hooks_before_a_commit_are_the_checks() -> None:
    """With the same tools of the same environment; they mend what ``make lint`` complains of."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    checks = [
        line.strip("\t@").replace("$(BIN)", ".venv/bin").removesuffix(" --check") for line in recipe[1].split("\n")
    ]
    assert [hook["entry"].removesuffix(" --fix") for hook in hooks] == checks[:-1]


def test_the_warnings_are_listed() -> None:
    """Every name, in the order in which they are given, and whether it can be accepted or denied."""
    rows = table(HOW_IT_WORKS, "warning", "when", "accept, deny")
    assert [(name, cells[1]) for name, cells in rows.items()] == [
        (name, "yes" if name in DENIABLE_WARNINGS else "no") for name in WarningName
    ]
