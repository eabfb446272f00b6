"""Sources of the settings; the token stays secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import TOKEN, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox


def test_another_project_configures_the_same_keys(platform: StartSandbox, project: MakeProject) -> None:
    """The namespace is ``astro`` in any project; the token is a secret of the stack and stays one."""
    sandbox = platform(deployment("stars-1", "4.2.5"))
    stack = project(sandbox)
    settings_file = stack.folder / "Pulumi.yaml"
    settings = yaml.safe_load(settings_file.read_text(encoding="utf-8"))
    settings_file.write_text(yaml.safe_dump({**settings, "name": "infrastructure"}), encoding="utf-8")
    stack.run("stack", "init", "other", code=0)
    for name in ("ASTRO_HOUSTON_URL", "ASTRO_HOUSTON_TOKEN", "ASTRO_CATALOG"):
        del stack.environment[name]
    stack.run("config", "set", "astro:houstonUrl", sandbox.url, code=0)
    stack.run("config", "set", "astro:catalog", "guide", code=0)
    stack.run("config", "set", "--path", "astro:deployments[0].name", "data-eng", code=0)
    stack.run("config", "set", "--path", "astro:deployments[0].releaseName", "stars-1", code=0)
    stack.run("config", "set", "--path", "astro:deployments[0].runtimeVersion", "5.0.4", code=0)
    stack.run("config", "set", "--path", "astro:deployments[0].image", IMAGE, code=0)
    stack.run("config", "set", "--path", "astro:baseImages.runtime", "localhost:5000/astro-runtime", code=0)
    stack.run("config", "set", "--secret", "astro:token", TOKEN, code=0)
    run = stack.up()
    assert "FROM localhost:5000/astro-runtime:5.0.4" in "\n".join(run.lines("data-eng"))
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    stack.preview("--expect-no-changes")
    written = [
        path for path in stack.folder.rglob("*") if path.is_file() and path.suffix in {".json", ".yaml", ".attrs"}
    ]
    assert any("data-eng" in path.read_text(encoding="utf-8") for path in written)
    assert not [path for path in written if TOKEN in path.read_text(encoding="utf-8")]
