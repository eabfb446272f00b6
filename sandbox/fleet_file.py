"""The fleet file: a YAML list of the Deployments that the platform starts with."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import versions
from sandbox.deployment import Deployment
from sandbox.errors import SandboxError, problems
from sandbox.files import read_text
from sandbox.platform_rules import misfits

if TYPE_CHECKING:
    from sandbox.catalog import Catalog
    from sandbox.platform_rules import Platform

_SHIPPED = Path(__file__).parent / "fleets"
_REQUIRED = ("id", "releaseName", "label", "workspace", "distribution", "version")
_OPTIONAL = ("dagDeployment", "image", "airflow", "pending", "triggerer")
_DAG_DEPLOYMENTS = ("image", "volume", "git_sync", "dag_deploy")
_RUNNING = "running"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_RESERVED = ("v1", "sandbox")  # first segments of the sandbox's own paths


def shipped(platform: Platform) -> Path:
    """Return the demo fleet that fits the platform: without Certified where that cannot exist."""
    return _SHIPPED / ("demo.yaml" if platform.generation.certified else "demo-runtime.yaml")


def load(path: Path, platform: Platform) -> tuple[Deployment, ...]:
    """Read a fleet file; raises one SandboxError that lists all mistakes."""
    try:
        rows = yaml.safe_load(read_text(path, "fleet file"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SandboxError(f"the fleet file {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(rows, list) or not rows:
        raise SandboxError(f"the fleet file {path} is not a list of Deployments")
    found: list[str] = []
    deployments = [_deployment(row, f"[{index}]", platform, found) for index, row in enumerate(rows)]
    read = tuple(deployment for deployment in deployments if deployment is not None)
    found += [f"the id {value!r} is given twice" for value in _twice([deployment.id for deployment in read])]
    found += [
        f"the releaseName {value!r} is given twice"
        for value in _twice([deployment.release_name for deployment in read])
    ]
    if found:
        raise problems(f"the fleet file {path} has mistakes", found)
    return read


def _twice(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _deployment(row: object, where: str, platform: Platform, found: list[str]) -> Deployment | None:
    if not isinstance(row, dict):
        found.append(f"{where}: is not a mapping")
        return None
    name = row.get("releaseName")
    where = f"{where} {name}" if isinstance(name, str) else where
    mistakes = _shape(row)
    if not mistakes:
        deployment, mistakes = _state(row, platform)
        if not mistakes:
            return deployment
    found += [f"{where}: {mistake}" for mistake in mistakes]
    return None


def _shape(row: dict[str, Any]) -> list[str]:
    """List the mistakes in the keys and in the types of the values."""
    mistakes = [f"{key} is missing" for key in _REQUIRED if key not in row]
    mistakes += [f"{key} is not a known key" for key in row if key not in _REQUIRED + _OPTIONAL]
    for key in (key for key in _REQUIRED + _OPTIONAL if key in row):
        value = row[key]
        if not isinstance(value, str) or not value:
            mistakes.append(f"{key}: {value!r} is not a text (quote a version such as '2.3.0')")
        elif key in ("id", "releaseName", "workspace") and not _NAME.fullmatch(value):
            mistakes.append(f"{key}: {value!r} may have letters, digits, '-', '_' and '.' only")
    if row.get("releaseName") in _RESERVED:
        mistakes.append(f"releaseName: {row['releaseName']!r} is taken by the sandbox's own addresses")
    return mistakes


def _state(row: dict[str, str], platform: Platform) -> tuple[Deployment, list[str]]:
    """Build the Deployment and list the mistakes in its versions."""
    bare = _bare(row, platform.clock())
    mistakes = []
    if bare.dag_deployment not in _DAG_DEPLOYMENTS:
        mistakes.append(f"dagDeployment: {bare.dag_deployment!r} is none of {', '.join(_DAG_DEPLOYMENTS)}")
    if row.get("triggerer", _RUNNING) != _RUNNING:
        mistakes.append(f"triggerer: {row['triggerer']!r} is not {_RUNNING}; leave it out where none runs")
    match row["distribution"]:
        case "certified":
            deployment, wrong = _certified(bare, row["version"], row.get("airflow", ""))
        case "runtime":
            deployment, wrong = _runtime(bare, row["version"], row.get("airflow", ""), platform.catalog)
        case other:
            return bare, [*mistakes, f"distribution: {other!r} is neither certified nor runtime"]
    if row.get("pending"):
        deployment, also_wrong = _started(deployment, row["pending"], platform.catalog)
        wrong += also_wrong
    return deployment, mistakes + wrong + misfits(deployment, platform.generation)


def _bare(row: dict[str, str], now: float) -> Deployment:
    return Deployment(
        id=row["id"],
        release_name=row["releaseName"],
        label=row["label"],
        workspace=row["workspace"],
        dag_deployment=row.get("dagDeployment", "image"),
        image=row.get("image", ""),
        triggerer=row.get("triggerer") == _RUNNING,
        created_at=now,
        updated_at=now,
    )


def _certified(bare: Deployment, version: str, airflow: str) -> tuple[Deployment, list[str]]:
    wrong = []
    if not versions.is_airflow(version):
        wrong.append(f"version: {version!r} is not an Astronomer Certified version x.y.z")
    elif airflow not in ("", version):
        wrong.append(f"airflow: Astronomer Certified {version} has Airflow {version}, not {airflow}")
    return replace(bare, airflow_version=version, desired_airflow_version=version), wrong


def _runtime(bare: Deployment, version: str, airflow: str, catalog: Catalog) -> tuple[Deployment, list[str]]:
    wrong = []
    known = catalog.find_runtime(version)
    if not versions.is_runtime(version):
        wrong.append(f"version: {version!r} is not an Astro Runtime version such as 5.0.4 or 3.1-12")
    elif known is None and not versions.is_airflow(airflow):
        wrong.append(f"airflow: the catalog lacks Astro Runtime {version}, so give its Airflow version x.y.z")
    elif known is not None and airflow not in ("", known.airflow):
        wrong.append(f"airflow: the catalog says that Astro Runtime {version} has {known.airflow}, not {airflow}")
    running = known.airflow if known else airflow
    state = replace(bare, runtime_version=version, desired_runtime_version=version, runtime_airflow=running)
    return state, wrong


def _started(deployment: Deployment, pending: str, catalog: Catalog) -> tuple[Deployment, list[str]]:
    """Set the desired version of a change that has already started, without the checks of a start."""
    if catalog.find_runtime(pending):
        return replace(deployment, desired_runtime_version=pending), []
    if catalog.offers_certified(pending) and not deployment.on_runtime:
        return replace(deployment, desired_airflow_version=pending), []
    return deployment, [f"pending: {pending!r} is not on offer for this Deployment"]
