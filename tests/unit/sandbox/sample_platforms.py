"""Small worlds for the sandbox's tests: a clock that is moved by hand, a catalog, a platform, Deployments."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.catalog import Catalog, CertifiedRelease, RuntimeRelease
from sandbox.deployment import Deployment
from sandbox.platform_rules import Platform
from sandbox.platform_version import Generation


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_650_000_000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


CATALOG = Catalog(
    certified=tuple(CertifiedRelease(version=each, tag=f"{each}-1") for each in ("2.2.3", "2.2.4", "2.2.5", "2.3.0")),
    runtime=tuple(
        RuntimeRelease(version=version, airflow=airflow, migrates_database=migrates)
        for version, airflow, migrates in (
            ("4.1.0", "2.2.4", True),
            ("4.2.4", "2.2.5", False),
            ("4.2.5", "2.2.5", False),
            ("5.0.4", "2.3.0", True),
            ("12.12.0", "2.11.0", True),
            ("3.0-1", "3.0.0", True),
        )
    ),
)


def platform(version: str = "0.30.4", *, clock: Clock | None = None, allow_downgrades: bool = False) -> Platform:
    """Make a platform whose rollouts take 100 seconds."""
    return Platform(
        generation=Generation.of(version),
        catalog=CATALOG,
        allow_downgrades=allow_downgrades,
        rollout_seconds=100.0,
        clock=clock or Clock(),
    )


def certified(version: str, *, desired: str = "", runtime: str = "") -> Deployment:
    """Make a Deployment on Certified, perhaps with an upgrade or a migration started."""
    return Deployment(
        id="ckw1",
        release_name="galactic-stars-1234",
        label="Galactic stars",
        workspace="ckw0",
        airflow_version=version,
        desired_airflow_version=desired or version,
        desired_runtime_version=runtime,
    )


def runtime(version: str, airflow: str, *, desired: str = "", certified_before: str = "") -> Deployment:
    """Make a Deployment on Runtime, perhaps with an upgrade started, perhaps migrated from Certified."""
    return Deployment(
        id="ckw2",
        release_name="solar-wind-9012",
        label="Solar wind",
        workspace="ckw0",
        airflow_version=certified_before,
        desired_airflow_version=certified_before,
        runtime_version=version,
        desired_runtime_version=desired or version,
        runtime_airflow=airflow,
    )
