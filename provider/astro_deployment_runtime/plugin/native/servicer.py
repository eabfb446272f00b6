"""Pulumi's native protocol on our server: the package ``astro``, for every Pulumi language.

The servicer translates messages. The operations on a Deployment decide, as they do for the dynamic protocol.
"""

from __future__ import annotations

import functools
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from astro_deployment_runtime.config.config_keys import CONNECTION, NAMESPACE, unknown_key_warnings
from astro_deployment_runtime.errors import RefusedError
from astro_deployment_runtime.plugin import properties, secret_marks
from astro_deployment_runtime.plugin.engine_call import Severity
from astro_deployment_runtime.plugin.native import functions, provider_config
from astro_deployment_runtime.plugin.native.deployment import DeploymentResource
from astro_deployment_runtime.plugin.native.wave import WaveResource
from astro_deployment_runtime.plugin.properties import to_camel, to_snake
from astro_deployment_runtime.plugin.request_secrets import RequestSecrets
from astro_deployment_runtime.support.spelling import unknown_name
from astro_deployment_runtime.support.urns import NATIVE_DEPLOYMENT_TYPE, NATIVE_WAVE_TYPE, Urn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import grpc

    from astro_deployment_runtime.plugin.connection import PlatformConnection
    from astro_deployment_runtime.plugin.native.resource import Properties, Resource
    from astro_deployment_runtime.plugin.server import EngineCalls

_RESOURCES: Final[Mapping[str, Callable[[PlatformConnection], Resource]]] = {
    NATIVE_DEPLOYMENT_TYPE: DeploymentResource,
    NATIVE_WAVE_TYPE: WaveResource,
}


@functools.cache
def schema() -> str:
    """Return the schema of the package, as JSON."""
    return Path(__file__).parents[1].joinpath("schema.json").read_text(encoding="utf-8")


class NativeServicer(provider_pb2_grpc.ResourceProviderServicer):
    """The methods of a provider of the package."""

    def __init__(self, calls: EngineCalls) -> None:
        """Serve with these calls. Configure gives them their connection."""
        self._calls = calls

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Say what this provider understands."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Use another engine, which a debugger attaches to this process."""
        self._calls.attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Return the version."""
        return plugin_pb2.PluginInfo(version=json.loads(schema())["version"])

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Return the schema of the package."""
        return provider_pb2.GetSchemaResponse(schema=schema())

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse mistakes in the settings.

        A provider that a program declares has settings alone. The engine's own provider gets the whole config of the
        stack below ``astro:``. Its other keys are left out, with a warning if nothing else reads them.
        """
        with self._calls.serve(request.urn, context) as call:
            settings = provider_config.settings_of(request.news)
            problems = [provider_config.problem_of(settings, os.environ)]
            if others := provider_config.other_keys(request.news):
                if provider_config.is_explicit(request.urn):
                    problems += [f"{key}: {unknown_name('setting', key, CONNECTION)}" for key in others]
                else:
                    for warning in unknown_key_warnings(f"{NAMESPACE}:{key}" for key in others):
                        call.log(Severity.WARNING, warning)
            response = provider_pb2.CheckResponse()
            for key in request.news.fields.keys() - set(others):
                response.inputs.fields[key].CopyFrom(request.news.fields[key])
            secret_marks.mark_whole(response.inputs, ("token",))
            for problem in filter(None, problems):
                # Without a property, because the engine prints its value.
                response.failures.add(reason=problem)
            return response

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Report changed settings. They never replace a provider, and so no resource of it."""
        same = provider_config.settings_of(request.olds) == provider_config.settings_of(request.news)
        kinds = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(changes=kinds.DIFF_NONE if same else kinds.DIFF_SOME)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Keep the settings. The connection opens with the first request that needs the platform."""
        settings = provider_config.settings_of(request.args)
        self._calls.connection = provider_config.connection_of(settings, os.environ)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Plan, or refuse the arguments."""
        with self._serving("Check", request, context) as (secrets, resource):
            checked = resource.check(request.urn, properties.read(request.olds), properties.read(request.news))
            response = provider_pb2.CheckResponse(inputs=properties.write(checked.inputs))
            for argument, reason in checked.failures:
                response.failures.add(property=to_camel(argument), reason=reason)
            return secrets.marked_answer(response)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Report a change if there is something to do."""
        with self._serving("Diff", request, context) as (secrets, resource):
            olds, news = properties.read(request.olds), properties.read(request.news)
            old_inputs = properties.read(request.old_inputs)
            compared = resource.diff(request.id, old_inputs, olds, news)
            kinds = provider_pb2.DiffResponse
            response = provider_pb2.DiffResponse(
                changes=kinds.DIFF_SOME if compared.changes else kinds.DIFF_NONE,
                replaces=map(to_camel, compared.replaces),
                diffs=map(to_camel, compared.details),
                # Without details, the engine would show the names of a dynamic resource as changed.
                hasDetailedDiff=compared.changes,
            )
            for name, change in compared.details.items():
                kind = provider_pb2.PropertyDiff.Kind.ValueType(change)
                shown = provider_pb2.PropertyDiff(kind=kind, inputDiff=name in {*old_inputs, *news, *compared.replaces})
                response.detailedDiff[to_camel(name)].CopyFrom(shown)
            return secrets.marked_answer(response)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Carry out the plan of a new resource."""
        with self._serving("Create", request, context) as (secrets, resource):
            news = properties.read(request.properties)
            id_, outputs = _carried_out(request, resource, None, {}, news)
            response = provider_pb2.CreateResponse(id=id_, properties=properties.write(outputs))
            return secrets.marked_answer(response)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Carry out the plan of a saved resource."""
        with self._serving("Update", request, context) as (secrets, resource):
            olds, news = properties.read(request.olds), properties.read(request.news)
            _, outputs = _carried_out(request, resource, request.id, olds, news)
            response = provider_pb2.UpdateResponse(properties=properties.write(outputs))
            return secrets.marked_answer(response)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Read a resource for a refresh, an import or ``get``. An empty id tells the engine that it is gone."""
        with self._serving("Read", request, context) as (secrets, resource):
            found = resource.read(request.id, properties.read(request.inputs), properties.read(request.properties))
            if found is None:
                return provider_pb2.ReadResponse()
            response = provider_pb2.ReadResponse(
                id=found.id, inputs=properties.write(found.inputs), properties=properties.write(found.outputs)
            )
            return secrets.marked_answer(response)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Forget a resource."""
        with self._serving("Delete", request, context) as (_, resource):
            resource.delete(request.id, properties.read(request.properties))
            return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Answer a function. If an argument is a secret, so is the whole answer."""
        with self._calls.serve("", context):
            given = properties.read(request.args)
            answered = functions.answer(request.tok, self._calls.connection, given)
            if answered is None:
                raise RefusedError(f"the package astro has no function {request.tok}")
            response = provider_pb2.InvokeResponse()
            if answered.problem is not None:
                response.failures.add(reason=answered.problem)
                return response
            result = properties.write(answered.result)
            if any(True for _ in secret_marks.secrets(request.args)):
                secret_marks.mark_whole(result, tuple(result.fields))
            getattr(response, "return").CopyFrom(result)
            return response

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Cancel the requests in flight."""
        self._calls.cancel()
        return empty_pb2.Empty()

    @contextmanager
    def _serving(
        self,
        method: str,
        request: Any,  # noqa: ANN401 - any message of the protocol
        context: grpc.ServicerContext,
    ) -> Iterator[tuple[RequestSecrets, Resource]]:
        """Serve a request about a resource."""
        secrets = RequestSecrets(method, request, properties.write)
        with self._calls.serve(
            request.urn,
            context,
            properties=secrets.marked_properties,
            secret=frozenset(map(to_snake, secrets.paths)),
            time_limit=getattr(request, "timeout", 0.0),
        ):
            yield secrets, self._resource(request.urn)

    def _resource(self, urn: str) -> Resource:
        parsed = Urn.parse(urn)
        made = _RESOURCES.get(parsed.type if parsed else "")
        if made is None:
            raise RefusedError(f"the package astro has no resource {parsed.type if parsed else urn}")
        return made(self._calls.connection)


def _carried_out(
    request: provider_pb2.CreateRequest | provider_pb2.UpdateRequest,
    resource: Resource,
    id_: str | None,
    olds: Properties,
    news: Properties,
) -> tuple[str, Properties]:
    """Create or update a resource; in a preview, return the planned end and touch nothing.

    This is the only place that knows of the preview: a create or an update that ignored it would change Deployments
    during ``pulumi preview``.

    Args:
        request: says whether this is a preview.
        resource: the resource.
        id_: its id; None: it is new.
        olds: its saved outputs.
        news: its checked inputs.
    """
    if request.preview:
        return id_ or "", resource.planned(olds, news)
    if id_ is None:
        return resource.create(request.urn, news)
    return id_, resource.update(id_, olds, news)


def servicer(calls: EngineCalls) -> provider_pb2_grpc.ResourceProviderServicer:
    """Return the servicer of the native protocol."""
    return NativeServicer(calls)
