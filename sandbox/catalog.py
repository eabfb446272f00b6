"""The releases that the platform offers, read from the vendor's two feeds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import versions
from sandbox.errors import SandboxError, problems
from sandbox.files import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = Path(__file__).parent.parent / "provider" / "astro_deployment_runtime" / "catalogs"
CERTIFIED_FILE = "astronomer-certified.json"
RUNTIME_FILE = "astronomer-runtime.json"

#: Channels that the platform does not offer. It offers rows without a channel, and yanked and future ones (README).
WITHHELD = frozenset({"alpha", "beta", "nightly"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedRelease:
    """An Astronomer Certified version without its hot-fix build, and the image tag of its newest build."""

    version: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRelease:
    """An Astro Runtime version, its Airflow, and whether the step from the row before it migrates the database."""

    version: str
    airflow: str
    migrates_database: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The releases on offer, in the order of the feeds."""

    certified: tuple[CertifiedRelease, ...]
    runtime: tuple[RuntimeRelease, ...]

    def find_runtime(self, version: str) -> RuntimeRelease | None:
        """Return the Runtime release of that exact name, if it is on offer."""
        return next((release for release in self.runtime if release.version == version), None)

    def offers_certified(self, version: str) -> bool:
        """Return whether that Certified version (x.y.z) is on offer."""
        return any(release.version == version for release in self.certified)

    def equivalents(self, airflow: str) -> tuple[RuntimeRelease, ...]:
        """Return the Runtime releases with exactly that Airflow."""
        return tuple(release for release in self.runtime if release.airflow == airflow)


def load(name: str) -> Catalog:
    """Read a shipped catalog (``guide``, ``published``) or a folder that holds both feeds.

    Raises SandboxError that lists every mistake in a file.
    """
    folder = SHIPPED / name if name in ("guide", "published") else Path(name)
    if not folder.is_dir():
        raise SandboxError(
            f"there is no catalog {name!r}: it is guide, published or a folder with {CERTIFIED_FILE} and {RUNTIME_FILE}"
        )
    return Catalog(certified=_certified(folder / CERTIFIED_FILE), runtime=_runtime(folder / RUNTIME_FILE))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, "catalog file"))
    except (ValueError, RecursionError) as error:
        raise SandboxError(f"the catalog file {path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise SandboxError(f"the catalog file {path} is not a JSON object")
    return content


def _certified(path: Path) -> tuple[CertifiedRelease, ...]:
    rows = _read(path).get("available_releases")
    if not isinstance(rows, list):
        raise SandboxError(f"the catalog file {path} has no list available_releases")
    newest: dict[str, tuple[int, str]] = {}
    found = []
    for index, row in enumerate(rows):
        match row:
            case {"channel": channel} if channel in WITHHELD:
                continue
            case {"version": str(full), "tags": [str(tag), *_]}:
                version, _, build = full.partition("-")
            case _:
                found.append(f"available_releases[{index}]: needs a version and tags")
                continue
        if not versions.is_airflow(version) or not (build or "0").isdigit():
            found.append(f"available_releases[{index}]: {full!r} is not a version x.y.z or x.y.z-N")
            continue
        newest[version] = max(newest.get(version, (-1, "")), (int(build or 0), tag))
    if found:
        raise problems(f"the catalog file {path} has mistakes", found)
    return tuple(CertifiedRelease(version=version, tag=tag) for version, (_, tag) in newest.items())


def _runtime(path: Path) -> tuple[RuntimeRelease, ...]:
    content = _read(path)
    found: list[str] = []
    releases = tuple(_rows(content, found))
    if found:
        raise problems(f"the catalog file {path} has mistakes", found)
    return releases


def _rows(content: dict[str, Any], found: list[str]) -> Iterator[RuntimeRelease]:
    for section in ("runtimeVersions", "runtimeVersionsV3"):
        rows = content.get(section, {})
        if not isinstance(rows, dict):
            found.append(f"{section}: is not an object")
            continue
        for version, row in rows.items():
            match row:
                case {"metadata": {"channel": channel}} if channel in WITHHELD:
                    continue
                case {"metadata": {"airflowVersion": str(airflow)}} if versions.is_airflow(
                    airflow
                ) and versions.is_runtime(version):
                    migrates = (row.get("migrations") or {}).get("airflowDatabase", False)
                    yield RuntimeRelease(version=version, airflow=airflow, migrates_database=migrates in (True, "true"))
                case _:
                    found.append(f"{section}.{version}: needs a Runtime version and metadata.airflowVersion x.y.z")
