"""Pulumi's dynamic protocol on our server: Pulumi's own servicer, and what it lacks.

Pulumi's own host has four worker threads, ignores Cancel, cannot save partial progress, prints a traceback for every
error, does not tell a provider's methods which resource they serve, and leaves secrets to the engine, which cannot know
the outputs that repeat them. Its servicer stays as it is behind a thin wrapper, so that the protocol stays Pulumi's.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import grpc
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from astro_deployment_runtime.plugin.connection import PlatformConnection
from astro_deployment_runtime.plugin.request_secrets import METHODS, RequestSecrets
from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPE, WAVE_TYPE, Urn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf import struct_pb2

    from astro_deployment_runtime.plugin.server import EngineCalls

PLAN_FLEET: Final = "pulumi-python:astro:planFleet"
"""Token of the function that plans a program's fleet before the program declares any of it.

Its argument ``question`` and its result ``answer`` are JSON texts, because Pulumi may change numbers on the way.
"""

NO_IMPORT: Final = (
    "{name}: Pulumi cannot import a dynamic resource. Remove import_ and declare the Deployment: 'pulumi up' adopts it "
    "as it is."
)


class _StockFoundError(Exception):
    """Ends the import of Pulumi's host after it has made its servicer."""

    def __init__(self, servicer: provider_pb2_grpc.ResourceProviderServicer) -> None:
        self.servicer = servicer


def stock_servicer() -> provider_pb2_grpc.ResourceProviderServicer:
    """Return the servicer of Pulumi's own host.

    The import of that host starts it and never returns, so the import ends where the host registers its servicer.
    """

    def capture(servicer: provider_pb2_grpc.ResourceProviderServicer, _server: grpc.Server) -> NoReturn:
        raise _StockFoundError(servicer)

    register = provider_pb2_grpc.add_ResourceProviderServicer_to_server
    provider_pb2_grpc.add_ResourceProviderServicer_to_server = capture  # type: ignore[assignment]
    try:
        importlib.import_module("pulumi.dynamic.__main__")
    except _StockFoundError as found:
        return found.servicer
    finally:
        provider_pb2_grpc.add_ResourceProviderServicer_to_server = register
    raise ImportError("pulumi.dynamic.__main__ starts no server: this release of Pulumi is not supported")


class _AbortedError(Exception):
    """Pulumi's servicer has ended a request. ``__context__`` is the exception that it was handling."""


class _StockContext:
    """A gRPC context whose ``abort`` ends no request: Pulumi's servicer gives it a traceback, and we want the error."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - replaces the whole context
        return getattr(self._context, name)

    def abort(self, _code: grpc.StatusCode, details: str) -> NoReturn:
        """Raise; Python keeps the exception that is being handled as the context of this one."""
        raise _AbortedError(details)


class DynamicServicer:
    """Pulumi's servicer, with requests that know their resource and can be cancelled."""

    def __init__(self, stock: provider_pb2_grpc.ResourceProviderServicer, calls: EngineCalls) -> None:
        """Wrap Pulumi's servicer."""
        self._stock = stock
        self._calls = calls
        for method in METHODS:
            setattr(self, method, self._wrapped(method))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the protocol
        """Leave all other methods to Pulumi's servicer."""
        return getattr(self._stock, name)

    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> object:  # noqa: N802
        """Keep the stack's config, and ask for the marks of secrets: our answers then have to carry them too."""
        config = rpc.deserialize_properties(request.args)
        self._calls.connection = PlatformConnection({key: rpc.unwrap_rpc_secret(each) for key, each in config.items()})
        answer: Any = self._stock.Configure(request, context)  # type: ignore[arg-type]
        answer.acceptSecrets = True
        return answer

    def Cancel(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802 - the protocol's name
        """Cancel the requests in flight."""
        self._calls.cancel()
        return self._stock.Cancel(request, context)  # type: ignore[arg-type]

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> object:  # noqa: N802
        """Answer the function that plans a program's fleet."""
        if request.tok != PLAN_FLEET:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown function {request.tok}")
        with self._calls.serve("", context):
            answer = fleet_manifest_json(self._calls.connection, str(request.args["question"]))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").update({"answer": answer})
            return response

    def _wrapped(self, name: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        method: Callable[[Any, Any], Any] = getattr(self._stock, name)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message of the protocol
            _refuse_import(name, request, context)
            secrets = RequestSecrets(name, request, _serialized)
            with self._calls.serve(request.urn, context, properties=secrets.marked_properties, secret=secrets.paths):
                return secrets.marked_answer(_ask(method, secrets.plain_request(), context))

        return answer


def _serialized(outputs: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write outputs as the properties of a dynamic resource."""
    written: struct_pb2.Struct = asyncio.run(rpc.serialize_properties(dict(outputs), {}))
    return written


def _ask(method: Callable[[Any, Any], Any], request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
    """Call a method of Pulumi's servicer, and raise what the provider raised."""
    try:
        return method(request, _StockContext(context))
    except _AbortedError as aborted:
        error = aborted.__context__ or aborted
    raise error


def fleet_manifest_json(connection: PlatformConnection, question: str) -> str:
    """Plan the fleet in a question, and return its manifest. Both are JSON texts."""
    from astro_deployment_runtime.lifecycle.fleet_planning import build_manifest

    connection.program_runs = True
    asked = json.loads(question)
    return build_manifest(asked["declared"], asked["saved"], connection.lifecycle, secret=asked["secret"]).to_json()


def _refuse_import(method: str, request: Any, context: grpc.ServicerContext) -> None:  # noqa: ANN401 - any message
    """End a read that names no provider: the engine imports a resource, which a dynamic one does not support."""
    urn = Urn.parse(request.urn)
    if method != "Read" or urn is None or urn.type not in {DEPLOYMENT_TYPE, WAVE_TYPE}:
        return
    if "__provider" not in request.properties and "__provider" not in request.inputs:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, NO_IMPORT.format(name=urn.name))


def servicer(calls: EngineCalls) -> provider_pb2_grpc.ResourceProviderServicer:
    """Return the servicer of the dynamic protocol."""
    return cast("provider_pb2_grpc.ResourceProviderServicer", DynamicServicer(stock_servicer(), calls))
