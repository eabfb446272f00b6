"""The schema of a platform version, composed of the parts in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.generation import Generation

_FOLDER = Path(__file__).parent


def sdl(generation: Generation) -> str:
    """Give the schema of this generation in GraphQL's schema language."""
    image = "image-runtime" if generation.image_needs_runtime else "image"
    chosen = {
        "base": True,
        "clusters": generation.clusters,
        "releases": not generation.clusters,
        "desired": generation.desired_versions,
        "certified": generation.certified,
        "pagination": generation.pagination,
        "registry": generation.image_mutation,
        image: generation.image_mutation,
        "upsert": generation.upsert,
    }
    parts = "\n".join(
        (_FOLDER / f"{name}.graphql").read_text(encoding="utf-8") for name, used in chosen.items() if used
    )
    return parts if generation.desired_versions else parts.replace("extend type Mutation", "type Mutation", 1)
