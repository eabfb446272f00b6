"""URNs, Pulumi's names of resources, and the types of ours. Nothing else parses a URN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

DEPLOYMENT_TYPE: Final = "pulumi-python:dynamic/astro:DeploymentRuntime"
WAVE_TYPE: Final = "pulumi-python:dynamic/astro:Wave"
NATIVE_DEPLOYMENT_TYPE: Final = "astro:index:DeploymentRuntime"
NATIVE_WAVE_TYPE: Final = "astro:index:Wave"
NATIVE_PROVIDER_TYPE: Final = "pulumi:providers:astro"
DEPLOYMENT_TYPES: Final = frozenset({DEPLOYMENT_TYPE, NATIVE_DEPLOYMENT_TYPE})
TYPES: Final = DEPLOYMENT_TYPES | {WAVE_TYPE, NATIVE_WAVE_TYPE, NATIVE_PROVIDER_TYPE}
"""The types of all our resources, of the dynamic and of the native protocol."""
_PREFIX: Final = "urn:pulumi:"


@dataclass(frozen=True, slots=True)
class Urn:
    """The parts of ``urn:pulumi:STACK::PROJECT::TYPE::NAME``. A name may hold anything, also ``::``."""

    stack: str
    project: str
    type: str
    """Without the types of its parents."""
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse a URN; return None if the text is something else."""
        parts = text.split("::", 3)
        if len(parts) != 4 or not parts[0].startswith(_PREFIX):
            return None
        return cls(parts[0].removeprefix(_PREFIX), parts[1], parts[2].rpartition("$")[2], parts[3])


def resource_name(urn: str) -> str:
    """Return the name in a URN: all that follows the third ``::``. Any other text is returned as it is."""
    parsed = Urn.parse(urn)
    return parsed.name if parsed else urn
