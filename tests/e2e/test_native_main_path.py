"""The native package from YAML: the guide's migration, a change's diff, import, platforms, waves."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.e2e.native_project import PACKAGE, TYPE
from tests.e2e.pulumi_project import IMAGE, MARKED_BLOCKS, Project
from tests.e2e.sandbox_process import ROOT, START_RUNTIME, TOKEN, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox

_GOLDEN = Path(__file__).parent / "golden"
_TEAM = "registry.example.com/data-eng/airflow"


class PythonExample(Project):
    """The example in Python, with the plugin of the tests."""

    name = "airflow"

    def lay_out(self) -> None:
        """Copy its files."""
        source = ROOT / "examples" / "python"
        settings = yaml.safe_load((source / "Pulumi.yaml").read_text(encoding="utf-8"))
        settings["runtime"]["options"]["virtualenv"] = str(self.virtualenv)
        settings["plugins"]["providers"][0]["path"] = str(self.plugin)
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.program((source / "__main__.py").read_text(encoding="utf-8"))


def test_the_guides_own_migration(platform: StartSandbox, native: MakeNativeProject) -> None:
    """Ten lines of YAML migrate AC 2.2.3 to Astro Runtime 5.0.4, with the texts of the dynamic resource."""
    sandbox = platform(deployment("galactic-stars-1234", "2.2.3"))
    stack = native(sandbox, plugin=PACKAGE)
    stack.example()
    preview = stack.preview()
    ours = IMAGE.partition(":")[0]
    shown = "\n".join(preview.lines("data-eng")).replace(_TEAM, ours)
    assert shown == (_GOLDEN / "guide-preview.txt").read_text(encoding="utf-8").strip()
    assert re.search(
        r"^ \+ +astro:index:DeploymentRuntime data-eng create AC 2\.2\.3 > AC 2\.3\.0 > Astro Runtime 5\.0\.4$",
        preview.text,
        re.MULTILINE,
    ), preview.text
    assert 'runs: "Astro Runtime 5.0.4"' in preview.text
    up = stack.up()
    shown = "\n".join(up.lines("data-eng")).replace(_TEAM, ours)
    assert shown == (_GOLDEN / "guide-up.txt").read_text(encoding="utf-8").strip()
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"
    assert sandbox.mutations() == [
        "updateDeploymentAirflow",
        "updateDeploymentImage",
        "updateDeploymentRuntime",
        "updateDeploymentImage",
    ]
    saved = stack.outputs("data-eng")
    assert {name: saved.get(name) for name in ("path", "hops", "currentVersion", "airflowVersion", "pending")} == {
        "path": "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "hops": 2,
        "currentVersion": "Astro Runtime 5.0.4",
        "airflowVersion": "2.3.0",
        "pending": None,
    }
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", code=0)
    again = stack.preview("--expect-no-changes")
    assert again.lines("data-eng") == []
    stack.example(**{"5.0.4": "4.2.5"})
    refused = stack.preview(code=1)
    [reason, *others] = refused.lines("data-eng")
    assert "property runtimeVersion value {4.2.5} has a problem" in reason
    assert any(line.startswith("  NO-REVERT: Astro Runtime 4.2.5 is lower") for line in others)
    destroyed = stack.run("destroy", "--yes", "--skip-preview", code=0)
    [line] = destroyed.lines("data-eng")
    assert "is forgotten, and nothing is changed on it; it last ran Astro Runtime 5.0.4" in line
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"
    assert TOKEN not in stack.files()


def test_changes_show_both_values_and_a_saved_plan_binds(platform: StartSandbox, native: MakeNativeProject) -> None:
    """A refresh shows a manual upgrade. A preview shows the declared version and the path, and replaces nothing."""
    sandbox = platform(deployment("stars-1", "4.0.11"))
    stack = native(sandbox)
    stack.one(runtimeVersion="4.0.11")
    stack.up()
    sandbox.ask(START_RUNTIME, id="ckwstars1", v="4.2.5")
    sandbox.deploy("stars-1", "quay.io/astronomer/astro-runtime:4.2.5")
    refreshed = stack.run("refresh", "--yes", "--skip-preview", "--diff", code=0)
    assert '~ currentVersion: "Astro Runtime 4.0.11" => "Astro Runtime 4.2.5"' in refreshed.text
    stack.one(runtimeVersion="5.0.4")
    plan = str(stack.folder / "plan.json")
    changed = stack.preview("--diff", f"--save-plan={plan}")
    assert '~ runtimeVersion: "4.0.11" => "5.0.4"' in changed.text
    assert '~ path          : "Astro Runtime 4.0.11" => "Astro Runtime 4.2.5 > Astro Runtime 5.0.4"' in changed.text
    assert "~ 1 to update" in changed.text
    stack.run("up", "--yes", "--skip-preview", f"--plan={plan}", code=0)
    assert sandbox.show("stars-1")["version"] == "5.0.4"


def test_import_by_release_name_and_by_id(platform: StartSandbox, native: MakeNativeProject) -> None:
    """The generated code declares what runs, and then there is nothing to do. Certified is refused in one sentence."""
    fleet = {"solar-wind-9012": "4.2.5", "stars-1": "5.0.4", "cosmic-dust-5678": "2.3.0"}
    sandbox = platform(*(deployment(name, runs) for name, runs in fleet.items()))
    stack = native(sandbox)
    ids = {"ml": "solar-wind-9012", "stars": "ckwstars1"}
    listed = [{"type": "astro:index:DeploymentRuntime", "name": name, "id": id_} for name, id_ in ids.items()]
    (stack.folder / "import.json").write_text(json.dumps({"resources": listed}), encoding="utf-8")
    stack.run("import", "--yes", "--file", "import.json", "--out", "code.yaml", code=0)
    code = (stack.folder / "code.yaml").read_text(encoding="utf-8")
    assert MARKED_BLOCKS["native-import"] in code
    generated = yaml.safe_load(code)
    assert {name: each["properties"] for name, each in generated["resources"].items()} == {
        "stars": {"releaseName": "stars-1", "runtimeVersion": "5.0.4"},
        "ml": {"releaseName": "solar-wind-9012", "runtimeVersion": "4.2.5"},
    }
    assert stack.outputs("ml")["currentVersion"] == "Astro Runtime 4.2.5"
    stack.write(generated)
    stack.preview("--expect-no-changes")
    refused = stack.run("import", "--yes", "astro:index:DeploymentRuntime", "dust", "cosmic-dust-5678", code=1)
    [line] = refused.lines("dust")
    assert line.endswith(MARKED_BLOCKS["native-import-refused"].strip())
    assert sandbox.mutations() == []


def test_two_platforms_in_one_stack(platform: StartSandbox, native: MakeNativeProject) -> None:
    """Each provider instance has its own address and token. Both tokens are encrypted, also the one in plain text."""
    other = "token-of-america-0816"
    europe = platform(deployment("galactic-stars-1234", "2.3.0"))
    america = platform(deployment("lunar-tides-3456", "4.2.5"), deployment("solar-wind-9012", "4.2.5"), token=other)
    stack = native(europe)
    stack.example("platforms", **{"${americaToken}": other, "  americaToken: {type: string, secret: true}\n": ""})
    addresses = (f"--plaintext=europeUrl={europe.url}", f"--plaintext=americaUrl={america.url}")
    stack.run("config", "set-all", *addresses, f"--secret=europeToken={TOKEN}", code=0)
    preview = stack.preview()
    assert america.mutations() == []
    assert 'reports: "Astro Runtime 4.2.5"' in preview.text
    up = stack.up()
    assert europe.show("galactic-stars-1234")["version"] == "5.0.4"
    assert {request["status"] for request in [*europe.requests(), *america.requests()]} == {200}
    assert (len(europe.mutations()), len(america.mutations())) == (2, 2)
    assert other not in preview.text + up.text
    assert other not in stack.files()
    assert TOKEN not in stack.files()


def test_a_fleet_in_two_waves(platform: StartSandbox, native: MakeNativeProject) -> None:
    """The second wave starts after the soak of the first one. Then there is nothing to do, and nothing soaks again."""
    fleet = {"cosmic-dust-5678": "2.3.0", "galactic-stars-1234": "2.2.3", "solar-wind-9012": "4.2.5"}
    sandbox = platform(*(deployment(name, runs) for name, runs in fleet.items()))
    stack = native(sandbox)
    stack.example("fleet", **{"30m": "2s"})
    up = stack.run("up", "--yes", code=0)  # with its preview
    assert up.lines("canary-soak")[0].startswith("the next wave begins when this wave has arrived and stayed healthy")
    assert "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4 (2 hops" in up.lines("data-eng")[0]
    assert {row["version"] for row in sandbox.fleet()} == {"5.0.4"}
    acted = [request for request in sandbox.requests() if set(request["fields"]) & set(sandbox.mutations())]
    canary = [each for each in acted if "cosmicdust" in json.dumps(each["variables"]).replace("-", "")]
    last, first = canary[-1]["time"], next(each["time"] for each in acted if each not in canary)
    assert datetime.fromisoformat(first) - datetime.fromisoformat(last) > timedelta(seconds=2)
    stack.preview("--expect-no-changes")


def test_functions_answer(platform: StartSandbox, native: MakeNativeProject) -> None:
    """A refusal is an answer. The answer to a secret argument is a secret."""
    sandbox = platform(deployment("stars-1", "2.2.3"), deployment("wind-3", "5.0.4"))
    stack = native(sandbox)

    def plan(**arguments: Any) -> dict[str, Any]:
        return {"fn::invoke": {"function": "astro:getPlan", "arguments": {"releaseName": "stars-1", **arguments}}}

    secret = {"fn::secret": "5.0.4"}
    below = {"fn::invoke": {"function": "astro:getDeployments", "arguments": {"below": "5.0.4"}}}
    outputs = {
        "planned": plan(runtimeVersion="5.0.4"),
        "refused": plan(runtimeVersion="3.0.4"),
        "hidden": plan(runtimeVersion=secret),
        "below": below,
        "platform": {"fn::invoke": {"function": "astro:getReleases", "return": "platform"}},
    }
    stack.write({"outputs": outputs})
    up = stack.up()
    found = stack.checkpoint()["resources"][0]["outputs"]
    assert (found["planned"]["path"], found["planned"]["refused"]) == (
        "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        False,
    )
    assert [hop["rule"] for hop in found["planned"]["hops"]] == ["AC-UPGRADE", "MIGRATE-EQUAL"]
    assert (found["refused"]["refused"], found["refused"]["hops"]) == (True, [])
    assert found["refused"]["refusals"]
    assert [each["releaseName"] for each in found["below"]["deployments"]] == ["stars-1"]
    assert found["platform"] == "0.30.4"
    assert "hidden  : [secret]" in up.text
    assert "ciphertext" in found["hidden"]
    assert sandbox.mutations() == []


def test_a_python_program_without_an_sdk(platform: StartSandbox, engine: Path, tmp_path: Path) -> None:
    """The example plans and upgrades, and its outputs are known in the preview."""
    sandbox = platform(deployment("galactic-stars-1234", "2.3.0"))
    stack = PythonExample(tmp_path / "project", engine, sandbox.url, sandbox=sandbox)
    up = stack.run("up", "--yes", code=0)  # with its preview
    assert up.text.count('path: "AC 2.3.0 > Astro Runtime 5.0.4"') == 2
    assert up.text.count('runs: "Astro Runtime 5.0.4"') == 2
    assert sandbox.show("galactic-stars-1234")["version"] == "5.0.4"


def test_values_that_are_not_known_yet(platform: StartSandbox, native: MakeNativeProject) -> None:
    """The preview plans what it can, and says what it cannot: a version, the address of a provider."""
    sandbox = platform(deployment("stars-1", "4.2.5"), deployment("wind-3", "4.2.5"))
    stack = native(sandbox)
    wind = {"releaseName": "wind-3", "runtimeVersion": "5.0.4"}
    address = {"type": "pulumi:providers:astro", "properties": {"houstonUrl": "${known.airflowUrl}", "token": "none"}}
    stack.write(
        {
            "resources": {
                "known": {"type": TYPE, "properties": {"releaseName": "stars-1", "runtimeVersion": "5.0.4"}},
                "version": {"type": TYPE, "properties": {**wind, "runtimeVersion": "${known.airflowUrl}"}},
                "platform": address,
                "elsewhere": {"type": TYPE, "properties": wind, "options": {"provider": "${platform}"}},
            }
        }
    )
    preview = stack.preview()
    assert "Astro Runtime 4.2.5 > Astro Runtime 5.0.4 (1 hop" in preview.lines("known")[0]
    [line] = preview.lines("version")
    assert line.startswith("nothing is planned yet: the plan depends on runtimeVersion")
    assert "5 to create" in preview.text
