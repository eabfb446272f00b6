"""The process of the native protocol, as the engine starts it."""

from __future__ import annotations

import tomllib
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2

from tests.contract.sandbox_server import TOKEN, serving
from tests.unit.plugin.plugin_process import ROOT, Engine, started

if TYPE_CHECKING:
    from pathlib import Path

URN = "urn:pulumi:dev::astro::astro:index:DeploymentRuntime::data-eng"


@pytest.mark.slow
def test_process_plans_and_shows_the_plan_at_the_row(engine: Engine, address: str, tmp_path: Path) -> None:
    """It prints its port first, and finds the engine's address beside options."""
    with (
        serving(tmp_path) as served,
        started("--logtostderr", address, "--tracing=", module="astro_deployment_runtime.plugin.native") as (stub, _),
    ):
        assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=20).version
        config, news = Struct(), Struct()
        config.update({"houstonUrl": served.url, "token": TOKEN, "catalog": "guide"})
        news.update({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
        stub.Configure(provider_pb2.ConfigureRequest(args=config), timeout=20)
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=news), timeout=20)
        assert not checked.failures
        assert checked.inputs["path"] == "AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4"
        assert {line.urn for line in engine.lines} == {URN}


def test_wheel_has_the_program_that_the_engine_looks_for() -> None:
    """On PATH it has the name of the package."""
    project = tomllib.loads((ROOT / "provider" / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = project["project"]["scripts"]["pulumi-resource-astro"].partition(":")
    assert callable(getattr(import_module(module), function))
    assert "plugin/schema.json" in project["tool"]["setuptools"]["package-data"]["astro_deployment_runtime"]
