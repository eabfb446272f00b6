"""The plugin process and the engine that it talks to, for tests."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from astro_deployment_runtime.resource import RuntimeProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).parents[3]
URN: Final = "urn:pulumi:dev::astro::pulumi-python:dynamic/astro:DeploymentRuntime::data-eng"


class Engine(engine_pb2_grpc.EngineServicer):
    """Pulumi's engine as the plugin sees it: keeps the log lines."""

    def __init__(self) -> None:
        self.lines: list[engine_pb2.LogRequest] = []

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Keep a line."""
        self.lines.append(request)
        return empty_pb2.Empty()

    def texts(self, *, ephemeral: bool) -> list[str]:
        """List the texts of the status column, or those that stay."""
        return [line.message for line in self.lines if line.ephemeral is ephemeral]


@contextlib.contextmanager
def listening(register: Callable[[grpc.Server], None]) -> Iterator[str]:
    """Serve over gRPC on a free port, and give the address."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait(10)


@contextlib.contextmanager
def client_of(servicer: Any) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Serve a provider's servicer, and give a client of it."""

    def register(server: grpc.Server) -> None:
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)

    with listening(register) as address, grpc.insecure_channel(address) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def create(stub: provider_pb2_grpc.ResourceProviderStub, urn: str = URN) -> provider_pb2.CreateResponse:
    """Call Create."""
    answer: provider_pb2.CreateResponse = stub.Create(provider_pb2.CreateRequest(urn=urn), timeout=10)
    return answer


def metadata(error: grpc.RpcError) -> dict[str, Any]:
    """Read the trailing metadata of an error."""
    return {each.key: each.value for each in error.trailing_metadata() or ()}


def init_failed(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """Read the partial progress that an error tells the engine to save."""
    status = status_pb2.Status.FromString(metadata(error)["grpc-status-details-bin"])
    assert status.code == grpc.StatusCode.UNKNOWN.value[0]
    assert status.message == error.details()
    (detail,) = status.details
    failed = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(failed)
    return failed


@contextlib.contextmanager
def started(
    *arguments: str, module: str = "astro_deployment_runtime.plugin"
) -> Iterator[tuple[provider_pb2_grpc.ResourceProviderStub, subprocess.Popen[str]]]:
    """Start the plugin as the engine does, and give a client of it."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"PULUMI_PROJECT": "astro"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel), process
        finally:
            process.terminate()


def struct(**values: Any) -> struct_pb2.Struct:
    """Make the properties of a resource, with its pickled provider."""
    made = struct_pb2.Struct()
    made.update({"__provider": serialize_provider(RuntimeProvider()), **values})
    return made


def configured(stub: provider_pb2_grpc.ResourceProviderStub, **config: str) -> None:
    """Configure the plugin with a stack's config."""
    arguments = struct_pb2.Struct()
    arguments.update({f"astro:{key}": value for key, value in config.items()})
    stub.Configure(provider_pb2.ConfigureRequest(args=arguments), timeout=10)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until another process has done something."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.02)
