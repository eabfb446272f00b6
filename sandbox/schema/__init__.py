"""The schema of a platform version, composed of the parts in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphql import (
    REMOVE,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import Node
    from graphql.language.visitor import VisitorAction

    from sandbox.platform_version import Generation

_FOLDER = Path(__file__).parent


def sdl(generation: Generation) -> str:
    """Give the schema of this generation in GraphQL's schema language."""
    image = "image-runtime" if generation.image_needs_runtime else "image"
    chosen = {
        "base": True,
        "clusters": generation.clusters,
        "releases": not generation.clusters,
        "settings": generation.settings,
        "offer": generation.certified_offer,
        "desired": generation.desired_versions,
        "starts": generation.starts,
        "changed": generation.starts and not generation.desired_versions,
        "certified": generation.certified,
        "pagination": generation.pagination,
        "registry": generation.image_mutation,
        image: generation.image_mutation,
        "upsert": generation.upsert,
    }
    parts = "\n".join(
        (_FOLDER / f"{name}.graphql").read_text(encoding="utf-8") for name, used in chosen.items() if used
    )
    if generation.desired_versions:
        parts = parts.replace("ChangedDeployment", "Deployment")
    if not generation.settings:
        parts = parts.replace(
            "(clusterId: Uuid): AppConfig", "(clusterId: Uuid, workspaceUuid: Uuid, deploymentUuid: Uuid): AppConfig"
        )
    return parts if generation.starts else parts.replace("extend type Mutation", "type Mutation", 1)


def without(text: str, lacking: Sequence[str]) -> str:
    """Take fields, each named as ``Type.field``, out of a schema.

    Raises:
        SandboxError: the schema does not have one of them.
    """
    wanted = {tuple(each.partition(".")[::2]) for each in lacking}
    left = set(wanted)

    class Taker(Visitor):
        kind = ""

        def enter(self, node: Node, *_: object) -> VisitorAction:
            if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
                self.kind = node.name.value
            elif isinstance(node, FieldDefinitionNode) and (found := (self.kind, node.name.value)) in wanted:
                left.discard(found)
                return REMOVE
            return None

    document = visit(parse(text), Taker())
    if left:
        names = ", ".join(sorted(".".join(each) for each in left))
        raise SandboxError(f"this platform has no field {names} that it could lack: write Type.field")
    return print_ast(document)
