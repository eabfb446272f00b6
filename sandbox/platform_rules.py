"""The platform's rules for a Deployment: start, cancel, deploy. Pure: a state goes in, the next state comes out.

A version changes in two phases. Starting sets the desired version and interrupts nothing; an image whose label is the
desired version completes the change, and the pods restart. The platform accepts an image with another label and ignores
it silently. Undocumented behaviour is marked (inferred) here and listed in ``README.md``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox import heartbeats, versions
from sandbox.deployment import Deployment, Outcome, Push
from sandbox.errors import RefusedError
from sandbox.platform_quirks import Quirks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.catalog import Catalog, RuntimeRelease
    from sandbox.image_labels import Labels
    from sandbox.platform_version import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The rules of one platform.

    Attributes:
        generation: abilities of this platform version.
        catalog: releases on offer.
        allow_downgrades: accept a lower version; the real server's own refusal is unknown.
        rollout_seconds: duration of a restart of the pods after an accepted image.
        quirks: changes that it makes to a hop without a request.
        heartbeat_seconds: interval of the heartbeats of an Airflow's components.
        clock: returns the time, in seconds since 1970.
    """

    generation: Generation
    catalog: Catalog
    allow_downgrades: bool = False
    rollout_seconds: float = 0.0
    quirks: Quirks = field(default_factory=Quirks)
    heartbeat_seconds: float = 5.0
    clock: Callable[[], float] = time.time

    def start_airflow(self, deployment: Deployment, desired: str) -> Deployment:
        """Start an upgrade of Certified, or cancel the pending change by naming the current version.

        Raises:
            RefusedError: on Runtime, for a version that is not on offer, for a lower one.
        """
        if deployment.on_runtime:
            raise RefusedError(
                f"{deployment.release_name} runs Astro Runtime {deployment.version}, not Astronomer Certified"
            )
        if desired == deployment.airflow_version:
            return self._idle(deployment)
        if not self.catalog.offers_certified(desired):
            raise RefusedError(f"Astronomer Certified {desired} is not available on this platform")
        if not self.allow_downgrades and versions.numbers(desired) < versions.numbers(deployment.airflow_version):
            raise _lower(deployment, desired)
        return self._touched(replace(self._idle(deployment), desired_airflow_version=desired))

    def start_runtime(self, deployment: Deployment, desired: str) -> Deployment:
        """Start a migration (on Certified) or an upgrade (on Runtime); the current version cancels the pending change.

        Raises:
            RefusedError: for a version that is not on offer, a Runtime that is not equivalent, a lower one, or a
                platform without this change.
        """
        if desired and desired == deployment.runtime_version:
            return self._idle(deployment)
        release = self.catalog.find_runtime(desired)
        if release is None:
            raise RefusedError(f"Astro Runtime {desired} is not available on this platform")
        if not deployment.on_runtime:
            self._check_migration(deployment, release)
        elif self.generation.upgrade_by_image:
            raise RefusedError(
                f"desired Runtime versions are disabled on this platform: deploy an image of Astro Runtime {desired}"
            )
        elif not self.allow_downgrades and _is_lower(release, deployment):
            raise _lower(deployment, desired)
        return self._touched(replace(self._idle(deployment), desired_runtime_version=desired))

    def cancel(self, deployment: Deployment) -> Deployment:
        """Cancel the pending change; an idle Deployment stays idle (inferred)."""
        return self._idle(deployment)

    def deploy(self, deployment: Deployment, image: str, labels: Labels) -> Deployment:
        """Accept an image: complete the pending change, deploy the same version again, or ignore the image silently.

        The versions change at once and the pods restart for ``rollout_seconds`` (inferred).
        """
        reason = self._why_ignored(deployment, labels)
        now = self.clock()
        push = Push(
            image=image,
            version=str(labels),
            at=now,
            outcome=Outcome.IGNORED if reason else Outcome.APPLIED,
            reason=reason,
        )
        if reason:
            return replace(deployment, last_push=push)
        versioned = deployment
        if labels.runtime and labels.runtime != deployment.runtime_version:
            release = self.catalog.find_runtime(labels.runtime)
            airflow = release.airflow if release else deployment.airflow
            versioned = replace(
                deployment,
                runtime_version=labels.runtime,
                desired_runtime_version=labels.runtime,
                runtime_airflow=airflow,
            )
        elif not labels.runtime:
            versioned = replace(deployment, airflow_version=labels.airflow, desired_airflow_version=labels.airflow)
        deployed = replace(
            versioned,
            image=image,
            deploys=deployment.deploys + 1,
            updated_at=now,
            rollout=(now, now + self.rollout_seconds),
            last_push=push,
            stopped={},
            heartbeats=heartbeats.all_of(deployment, now, self.heartbeat_seconds),
        )
        return self.quirks.completed(deployment, deployed, now)

    def stop(self, deployment: Deployment, component: str) -> Deployment:
        """Kill a component of the Airflow: its heartbeats end until the next rollout starts it again.

        Raises:
            RefusedError: the Deployment does not run that component.
        """
        running = heartbeats.running(deployment)
        if component not in running:
            raise RefusedError(f"{deployment.release_name} runs no {component}: it runs {', '.join(running)}")
        return replace(deployment, stopped={component: self.clock(), **deployment.stopped})

    def _why_ignored(self, deployment: Deployment, labels: Labels) -> str:
        """Say why an image changes nothing; ``""`` if it is deployed."""
        if labels.runtime:
            wanted, label = deployment.desired_runtime_version, labels.runtime
            if deployment.on_runtime and self.generation.upgrade_by_image and label != wanted:
                return self._why_not_direct(deployment, label)
        elif deployment.on_runtime:
            return "a Certified image for a Deployment on Runtime"
        elif deployment.desired_runtime_version:
            return f"Runtime {deployment.desired_runtime_version} is desired"
        else:
            wanted, label = deployment.desired_airflow_version, labels.airflow
        if label == wanted:
            return ""
        return f"{wanted} is desired" if wanted else "no Runtime version is desired"

    def _why_not_direct(self, deployment: Deployment, label: str) -> str:
        release = self.catalog.find_runtime(label)
        if release is None:
            return "not available on this platform"
        if not self.allow_downgrades and _is_lower(release, deployment):
            return f"lower than {deployment.version}"
        return ""

    def _check_migration(self, deployment: Deployment, release: RuntimeRelease) -> None:
        if self.generation.migration_broken:
            raise RefusedError(f"platform {self.generation.text} cannot migrate to Astro Runtime: fixed in 0.33.3")
        if release.airflow != deployment.airflow_version:
            raise RefusedError(
                f"Astro Runtime {release.version} has Airflow {release.airflow}, {deployment.release_name} runs "
                f"{deployment.airflow_version}: you can't simultaneously migrate and upgrade a Deployment"
            )

    def _idle(self, deployment: Deployment) -> Deployment:
        """Set desired to current for both distributions: the newest request replaces an older one (inferred)."""
        return self._touched(
            replace(
                deployment,
                desired_airflow_version=deployment.airflow_version,
                desired_runtime_version=deployment.runtime_version,
            )
        )

    def _touched(self, deployment: Deployment) -> Deployment:
        return replace(deployment, updated_at=self.clock())


def misfits(deployment: Deployment, generation: Generation) -> list[str]:
    """List why a platform of this generation cannot have a Deployment in this state."""
    found = []
    if not generation.certified and not deployment.on_runtime:
        found.append(f"Astronomer Certified cannot exist on platform {generation.text}")
    elif deployment.pending and not generation.starts:
        found.append(f"platform {generation.text} has no pending changes")
    return found


def _is_lower(release: RuntimeRelease, deployment: Deployment) -> bool:
    return versions.runtime_key(release.version, release.airflow) < versions.runtime_key(
        deployment.runtime_version, deployment.runtime_airflow
    )


def _lower(deployment: Deployment, desired: str) -> RefusedError:
    return RefusedError(f"{desired} is lower than {deployment.version}: you can't revert to an earlier version")
