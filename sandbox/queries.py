"""The queries and types of the API: each field asks Houston and converts the value to the schema's form.

Arguments and fields have the schema's names in snake case: ariadne converts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.errors import RefusedError
from sandbox.houston import NO_PERMISSION, Houston, Role
from sandbox.image_labels import tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLResolveInfo

    from sandbox.catalog import RuntimeRelease
    from sandbox.deployment import Deployment
    from sandbox.store import Workspace

    Info = GraphQLResolveInfo["Context"]

#: Answers of a platform with one cluster and its own registry; no server listens there.
CLUSTER = "ckw0cluster000000000001"
REGISTRY = "registry.localhost"

_PAGE = 20

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Context:
    """The Houston of a request, and the role of its token."""

    houston: Houston
    role: Role


def houston_of(info: Info, *, admin: bool = False) -> Houston:
    """Return the Houston of a request; raises RefusedError if it needs an admin and the token is a viewer's."""
    if admin and info.context.role is not Role.ADMIN:
        raise RefusedError(NO_PERMISSION, code="FORBIDDEN")
    return info.context.houston


def _app_config(_: object, info: Info, **_where: str | None) -> dict[str, Any]:
    generation = houston_of(info).platform.generation
    return {
        "version": generation.text,
        "base_domain": "localhost",
        "byo_update_registry_host": REGISTRY,
        "smtp_configured": False,
        "manual_release_names": False,
        "hard_delete_deployment": True,
        "manual_namespace_names": False,
        "triggerer_enabled": True,
        "configure_dag_deployment": True,
        "nfs_mount_dag_deployment": False,
        "feature_flags": {
            "hardDeleteDeployment": True,
            "manualNamespaceNames": False,
            "triggererEnabled": True,
            "nfsMountDagDeployment": False,
            "gitSyncDagDeployment": True,
            "namespaceFreeFormEntry": False,
            "dagOnlyDeployment": False,
            "astroRuntimeEnabled": True,
            "byoUpdateRegistryEnabled": generation.image_mutation,
            "disableDesiredRuntimeVersion": generation.upgrade_by_image,
        },
    }


def _workspaces(_: object, info: Info) -> list[Workspace]:
    return houston_of(info).store.workspaces()


def _sys_workspaces(_: object, info: Info) -> list[Workspace]:
    return houston_of(info, admin=True).store.workspaces()


def _one_workspace(_: object, info: Info, *, workspace_uuid: str) -> Workspace | None:
    return houston_of(info).store.workspace(workspace_uuid)


def _one_deployment(_: object, info: Info, *, where: dict[str, str | None]) -> Deployment | None:
    if not any(where.values()):
        raise RefusedError("name the Deployment's id or releaseName")
    return houston_of(info).find(deployment_id=where.get("id"), release_name=where.get("release_name"))


def _workspace_deployments(
    _: object, info: Info, *, workspace_uuid: str, release_name: str | None = None
) -> list[Deployment]:
    found = houston_of(info).deployments(workspace_uuid)
    return [each for each in found if release_name in (None, "", each.release_name)]


def _workspace_deployment(_: object, info: Info, *, workspace_uuid: str, release_name: str) -> Deployment | None:
    found = houston_of(info).find(release_name=release_name)
    return found if found and found.workspace == workspace_uuid else None


def _paginated_workspaces(
    _: object, info: Info, *, take: int | None = None, page_number: int | None = None
) -> Sequence[Workspace]:
    return _page(houston_of(info).store.workspaces(), take, page_number)


def _paginated_deployments(
    _: object,
    info: Info,
    *,
    take: int | None = None,
    name: str | None = None,
    cursor: str | None = None,
    page_number: int | None = None,
) -> Sequence[Deployment]:
    """The cursor is the id of the last Deployment of a page (inferred)."""
    found = [each for each in houston_of(info, admin=True).deployments() if (name or "") in each.release_name]
    if cursor:
        seen = next((index + 1 for index, each in enumerate(found) if each.id == cursor), len(found))
        found = found[seen:]
    return _page(found, take, page_number)


def _page(items: Sequence[Item], take: int | None, page_number: int | None) -> Sequence[Item]:
    """Pages count from 1, as the CLI's do; without ``take`` they have 20 items, the CLI's default (both inferred)."""
    size = take if take and take > 0 else _PAGE
    start = max((page_number or 1) - 1, 0) * size
    return items[start : start + size]


def _deployment_config(_: object, info: Info) -> dict[str, Any]:
    platform = houston_of(info).platform
    images = platform.catalog.certified if platform.generation.certified else ()
    return {
        "executors": ["Local", "Celery", "Kubernetes"],
        "airflow_images": images,
        "airflow_versions": [image.version for image in images],
        "default_airflow_image_tag": images[-1].tag if images else None,
    }


def _runtime_releases(
    _: object, info: Info, *, airflow_version: str | None = None, **_cluster: str | None
) -> tuple[RuntimeRelease, ...]:
    catalog = houston_of(info).platform.catalog
    return catalog.equivalents(airflow_version) if airflow_version else catalog.runtime


def _role_bindings(workspace: Workspace, _: Info) -> list[dict[str, Any]]:
    """The sandbox has no users: one service account administers each workspace."""
    account = {"id": f"{workspace.id}-sandbox", "label": "sandbox"}
    return [{"role": "WORKSPACE_ADMIN", "user": None, "service_account": account}]


def _urls(deployment: Deployment, info: Info) -> list[dict[str, str]]:
    base = f"{houston_of(info).base_url}/{deployment.release_name}"
    return [{"type": kind, "url": f"{base}/{kind}"} for kind in ("airflow", "flower")]


def _deploy_info(deployment: Deployment, _: Info) -> dict[str, str | None]:
    return {"next_cli": f"cli-{deployment.deploys + 1}", "current": tag_of(deployment.image) or None}


QUERIES: Mapping[str, Callable[..., Any]] = {
    "appConfig": _app_config,
    "workspaces": _workspaces,
    "workspace": _one_workspace,
    "sysWorkspaces": _sys_workspaces,
    "paginatedWorkspaces": _paginated_workspaces,
    "deployment": _one_deployment,
    "workspaceDeployments": _workspace_deployments,
    "workspaceDeployment": _workspace_deployment,
    "paginatedDeployments": _paginated_deployments,
    "deploymentConfig": _deployment_config,
    "runtimeReleases": _runtime_releases,
}

WORKSPACE: Mapping[str, Callable[..., Any]] = {
    "description": lambda workspace, _: f"Workspace of the sandbox: {workspace.label}",
    "updatedAt": lambda workspace, _: workspace.created_at,
    "roleBindings": _role_bindings,
}

DEPLOYMENT: Mapping[str, Callable[..., Any]] = {
    "type": lambda *_: "airflow",
    "description": lambda *_: "",
    "version": lambda _, info: houston_of(info).platform.generation.text,
    "workspace": lambda deployment, info: houston_of(info).store.workspace(deployment.workspace),
    "deployInfo": _deploy_info,
    "dagDeployment": lambda deployment, _: {"type": deployment.dag_deployment},
    "runtimeAirflowVersion": lambda deployment, _: deployment.runtime_airflow or None,
    "clusterId": lambda *_: CLUSTER,
    "urls": _urls,
}

RUNTIME_RELEASE: Mapping[str, Callable[..., Any]] = {
    "airflowVersion": lambda release, _: release.airflow,
    "airflowDatabaseMigrations": lambda release, _: release.migrates_database,
}
