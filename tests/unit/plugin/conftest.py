"""An engine for the tests of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pulumi.runtime.proto import engine_pb2_grpc

from tests.unit.plugin.plugin_process import Engine, listening

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> Engine:
    """An engine that keeps its log lines."""
    return Engine()


@pytest.fixture
def address(engine: Engine) -> Iterator[str]:
    """Address at which the engine listens."""
    with listening(lambda server: engine_pb2_grpc.add_EngineServicer_to_server(engine, server)) as where:
        yield where
