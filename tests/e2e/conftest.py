"""The engine, and factories of sandboxes and projects. No engine is a failure, never a skip."""

from __future__ import annotations

import signal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from tests.e2e.native_project import NativeProject
from tests.e2e.pulumi_project import QUICK_PLUGIN, Project
from tests.e2e.sandbox_process import Sandbox
from tools.engine import find_or_get

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("engine")


@pytest.fixture(scope="session")
def engine() -> Path:
    """The folder with the engine's programs."""
    return find_or_get()


class StartSandbox(Protocol):
    """Starts a sandbox with a fleet."""

    def __call__(self, *fleet: Mapping[str, Any], **options: str) -> Sandbox:
        """Start it; ``options`` are those of ``python -m sandbox serve``."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[StartSandbox]:
    """A factory of sandboxes, which end with the test."""
    started: list[Sandbox] = []

    def start(*fleet: Mapping[str, Any], **options: str) -> Sandbox:
        folder = tmp_path / f"sandbox{len(started)}"
        folder.mkdir()
        started.append(Sandbox(folder, fleet, **options))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.stop(signal.SIGTERM)


class MakeProject(Protocol):
    """Makes a Pulumi project for a platform."""

    def __call__(
        self, sandbox: Sandbox, environment: Mapping[str, str] = NOTHING, *, plugin: Path = QUICK_PLUGIN
    ) -> Project:
        """Make it; ``plugin`` is the folder of the plugin, ``environment`` goes to pulumi."""


@pytest.fixture
def project(tmp_path: Path, engine: Path) -> MakeProject:
    """A factory of projects."""

    def make(sandbox: Sandbox, environment: Mapping[str, str] = NOTHING, *, plugin: Path = QUICK_PLUGIN) -> Project:
        return Project(tmp_path / "project", engine, sandbox.url, dict(environment), plugin=plugin, sandbox=sandbox)

    return make


class MakeNativeProject(Protocol):
    """Makes a YAML project for a platform."""

    def __call__(
        self, sandbox: Sandbox, environment: Mapping[str, str] = NOTHING, *, plugin: Path = QUICK_PLUGIN
    ) -> NativeProject:
        """Make it; ``plugin`` is the folder of the plugin, ``environment`` goes to pulumi."""


@pytest.fixture
def native(tmp_path: Path, engine: Path) -> MakeNativeProject:
    """A factory of YAML projects."""

    def make(
        sandbox: Sandbox, environment: Mapping[str, str] = NOTHING, *, plugin: Path = QUICK_PLUGIN
    ) -> NativeProject:
        return NativeProject(
            tmp_path / "native", engine, sandbox.url, dict(environment), plugin=plugin, sandbox=sandbox
        )

    return make
