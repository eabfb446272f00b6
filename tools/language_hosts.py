"""Build what Go and TypeScript programs need beside the engine, and print its folder.

The folder has the hosts that run such programs, and `generate-sdk SCHEMA.json nodejs|go FOLDER`, which does the work of
`pulumi package gen-sdk`. The official Pulumi CLI brings newer hosts, which also generate SDKs. Their source is in no Go
module proxy, so the tests of the examples use the newest ones that Go can build everywhere. Only these tests need them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Final

from tools.engine import TOOLS, ClosedWayError, GoProgram, Surroundings, alone, build, filled, user_cache

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS: Final = (
    GoProgram("pulumi-language-go", "go-nodejs-hosts", "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go"),
    GoProgram(
        "pulumi-language-nodejs",
        "go-nodejs-hosts",
        "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    ),
    GoProgram("generate-sdk", "pulumi-engine", "./generate-sdk"),
)
_SOURCES: Final = ("go-nodejs-hosts/go.mod", "pulumi-engine/go.mod", "pulumi-engine/generate-sdk/main.go")


def find_or_build(where: Surroundings | None = None) -> Path:
    """Return the folder with the programs, built if necessary.

    Raises:
        ClosedWayError: they are not in the cache and cannot be built.
    """
    where = where or Surroundings(cache=user_cache("language-hosts"))
    version = hashlib.sha256(b"".join((TOOLS / source).read_bytes() for source in _SOURCES)).hexdigest()[:16]
    folder = where.cache / version
    with alone(where):
        if not all(os.access(folder / program.name, os.X_OK) for program in PROGRAMS):
            where.say("building the hosts of Go and TypeScript; without the engine's Go caches it takes some minutes")
            with filled(where, version) as unfinished:
                build(where, PROGRAMS, unfinished)
    return folder


if __name__ == "__main__":
    try:
        print(find_or_build())
    except ClosedWayError as problem:
        sys.exit(f"language hosts: {problem}")
