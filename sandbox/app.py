"""HTTP routes of the API, the Airflows and the sandbox's own addresses.

``POST /v1`` is Houston. No real platform has the addresses below ``/sandbox``: ``POST /sandbox/push`` simulates a push
to the platform's registry, ``POST /sandbox/stop`` kills a process, and ``GET /sandbox/fleet`` shows what only an
operator can see. Errors outside Airflow are JSON, never HTML.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import airflow, graphql_execution
from sandbox.errors import RefusedError
from sandbox.houston import NO_PERMISSION, Houston, Role
from sandbox.image_labels import Labels
from sandbox.queries import Context
from sandbox.request_log import BODY
from sandbox.timestamps import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware import Middleware
    from starlette.requests import Request

    from sandbox.deployment import Deployment

#: Largest request in bytes that Houston accepts: the limit of its web server (inferred).
_LARGEST_BODY = 100 * 1024


def create(houston: Houston, middleware: Sequence[Middleware] = (), lacking: Sequence[str] = ()) -> Starlette:
    """Make the app of a Houston.

    ``middleware`` wraps every request, the first one outermost, for logs and faults. ``lacking`` names fields, as
    ``Type.field``, that the platform lacks although its version should have them.
    """
    schema = graphql_execution.executable(houston.platform.generation, tuple(lacking))

    async def v1(request: Request) -> Response:
        body = await _json(request)
        request.scope[BODY] = body
        role = _role(houston, request)
        if role is None:
            return JSONResponse({"errors": [_error(NO_PERMISSION, "UNAUTHENTICATED")], "data": None})
        status, answer = graphql_execution.run(schema, body, Context(houston, role))
        return JSONResponse(answer, status_code=status)

    async def push(request: Request) -> Response:
        body = await _json(request)
        if _role(houston, request) is not Role.ADMIN:
            return _refusal(403, NO_PERMISSION, "FORBIDDEN")
        given = {key: body.get(key, "") for key in ("releaseName", "image", "airflowVersion", "runtimeVersion")}
        if (
            not all(isinstance(value, str) for value in given.values())
            or not given["releaseName"]
            or not given["image"]
        ):
            return _refusal(400, "give releaseName and image as texts", "BAD_USER_INPUT")
        labels = Labels(airflow=given["airflowVersion"], runtime=given["runtimeVersion"])
        try:
            deployment = houston.deploy(given["releaseName"], given["image"], labels)
        except RefusedError as error:
            return _refusal(404 if error.code == "NOT_FOUND" else 400, str(error), error.code)
        return JSONResponse(_row(houston, deployment))

    async def fleet(request: Request) -> Response:
        if _role(houston, request) is None:
            return _refusal(403, NO_PERMISSION, "UNAUTHENTICATED")
        return JSONResponse([_row(houston, each) for each in houston.deployments()])

    async def webserver(request: Request) -> Response:
        return airflow.answer(houston, request)

    return Starlette(
        routes=[
            Route("/v1", v1, methods=["POST"]),
            Route("/sandbox/push", push, methods=["POST"]),
            Route("/sandbox/stop", partial(_stop, houston), methods=["POST"]),
            Route("/sandbox/fleet", fleet),
            Route("/{release}/airflow/{path:path}", webserver),
        ],
        middleware=list(middleware),
        exception_handlers={HTTPException: _not_served, ClientDisconnect: _gone, Exception: _failed},
    )


def _role(houston: Houston, request: Request) -> Role | None:
    return houston.role(request.headers.get("authorization", ""))


async def _json(request: Request) -> dict[str, Any]:
    text = await request.body()
    if len(text) > _LARGEST_BODY:
        raise HTTPException(413, "request entity too large")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return body


async def _stop(houston: Houston, request: Request) -> Response:
    body = await _json(request)
    if _role(houston, request) is not Role.ADMIN:
        return _refusal(403, NO_PERMISSION, "FORBIDDEN")
    release, component = str(body.get("releaseName", "")), str(body.get("component", ""))
    deployment = houston.store.find(release_name=release)
    if deployment is None:
        return _refusal(404, f"No deployment exists with releaseName: {release}", "NOT_FOUND")
    try:
        stopped = houston.change(deployment.id, lambda found: houston.platform.stop(found, component))
    except RefusedError as error:
        return _refusal(400, str(error), error.code)
    return JSONResponse(_row(houston, stopped))


def _row(houston: Houston, deployment: Deployment) -> dict[str, str]:
    """Return what ``show`` prints about a Deployment."""
    push = deployment.last_push
    note = (
        f"{push.image}: {push.outcome}{f' ({push.reason})' if push.reason else ''}, {moment(push.at)}" if push else ""
    )
    return {
        "releaseName": deployment.release_name,
        "id": deployment.id,
        "label": deployment.label,
        "workspace": deployment.workspace,
        "distribution": "runtime" if deployment.on_runtime else "certified",
        "version": deployment.version,
        "airflow": deployment.airflow,
        "pending": deployment.pending,
        "health": deployment.health(houston.platform.clock()).value,
        "lastPush": note,
    }


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _refusal(status: int, message: str, code: str) -> Response:
    return JSONResponse({"errors": [_error(message, code)]}, status_code=status)


async def _not_served(_: Request, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    return _refusal(status, detail, "BAD_REQUEST")


async def _gone(_: Request, __: Exception) -> Response:
    """Answer a client that has disconnected, with nginx's status for it, so that the request log shows it."""
    return Response(status_code=499)


async def _failed(_: Request, __: Exception) -> Response:
    return _refusal(500, "Internal server error", "INTERNAL_SERVER_ERROR")
