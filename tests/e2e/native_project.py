"""A YAML project with the native package, on the real engine."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.e2e.pulumi_project import IMAGE, Project
from tests.e2e.sandbox_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE: Final = ROOT / "native"
"""The plugin with the pauses of users."""
EXAMPLES: Final = ROOT / "examples" / "yaml"
TYPE: Final = "astro:DeploymentRuntime"


class NativeProject(Project):
    """A project without a program in Python: its ``Pulumi.yaml`` declares the resources."""

    def lay_out(self) -> None:
        """Write a project without resources."""
        (self.folder / "stacks").mkdir()
        self.write({})

    def write(self, program: Mapping[str, Any]) -> None:
        """Write ``Pulumi.yaml`` with these resources, outputs, variables and config."""
        # With a version, the engine keeps the schema, and starts the plugin once in a run and not twice.
        plugin = {"name": "astro", "version": version("astro-deployment-runtime"), "path": str(self.plugin)}
        own = {
            "name": self.name,
            "runtime": "yaml",
            "stackConfigDir": "stacks",
            "plugins": {"providers": [plugin]},
        }
        # JSON is YAML without anchors, which the YAML host refuses.
        (self.folder / "Pulumi.yaml").write_text(json.dumps({**program, **own}, indent=2), encoding="utf-8")

    def one(self, options: Mapping[str, Any] | None = None, **properties: Any) -> None:
        """Write a program with one Deployment, ``data-eng``. An argument that is None is left out."""
        given = {"releaseName": "stars-1", "runtimeVersion": "5.0.4", "image": IMAGE, **properties}
        declared = {name: value for name, value in given.items() if value is not None}
        self.write({"resources": {"data-eng": {"type": TYPE, "properties": declared, "options": dict(options or {})}}})

    def example(self, place: str = ".", **replaced: str) -> None:
        """Write an example of the repository, with some words replaced."""
        text = (EXAMPLES / place / "Pulumi.yaml").read_text(encoding="utf-8")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        self.write(yaml.safe_load(text))

    def configure(self, **config: str) -> None:
        """Write the stack's config. Names without a namespace are the project's."""
        path = self.folder / "stacks" / "Pulumi.test.yaml"
        kept = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump({**kept, "config": config}), encoding="utf-8")

    def files(self) -> str:
        """Return all that Pulumi has written: states, their copies, and its own files."""
        places = (self.folder / "backend", self.folder / "home")
        return "".join(
            path.read_text(encoding="utf-8", errors="replace")
            for place in places
            for path in place.rglob("*")
            if path.is_file()
        )
