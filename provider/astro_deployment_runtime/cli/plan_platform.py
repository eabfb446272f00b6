"""Plan the Deployments of a live platform, without the engine and without a stack's state.

Each question becomes the config that a stack would have, so that ``pulumi preview`` gives the same answer: both read
the platform and plan in the same way.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from astro_deployment_runtime.cli.options import parse_target, read_path_options
from astro_deployment_runtime.config.fleet_config import (
    DeploymentEntry,
    FleetConfig,
    Selection,
    Selector,
    read_fleet_config,
)
from astro_deployment_runtime.config.resource_arguments import read_arguments
from astro_deployment_runtime.config.stack_file import read_stack_file
from astro_deployment_runtime.errors import InvalidSettingsError
from astro_deployment_runtime.lifecycle.deployment import connect
from astro_deployment_runtime.lifecycle.fleet_planning import plan_fleet

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from astro_deployment_runtime.config.fleet_config import Wave
    from astro_deployment_runtime.config.stack_file import StackFile
    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
    from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.platform_version import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredVersion:
    """Target, strategy, and accepted and denied names, for one Deployment or for all."""

    target: str
    strategy: str
    accept: Sequence[str]
    deny: Sequence[str]

    @classmethod
    def read(cls, options: argparse.Namespace) -> Self:
        """Read the options.

        Raises:
            InvalidInputError: the target is not valid, or a name cannot be accepted or denied.
        """
        parse_target(options.target)
        path_options = read_path_options(options, live=True)
        strategy = str(path_options["strategy"])
        return cls(target=options.target, strategy=strategy, accept=options.accept, deny=options.deny)

    def entry(self, release_name: str) -> DeploymentEntry:
        """Return the entry that a stack's config would have for a Deployment.

        Raises:
            InvalidConfigError: the release name is not valid.
        """
        declared = {
            "release_name": release_name,
            "runtime_version": self.target,
            "strategy": self.strategy,
            "accept": list(self.accept),
            "deny": list(self.deny),
        }
        return DeploymentEntry(name=release_name, **read_arguments(declared).model_dump())


def read_offer() -> tuple[Catalog, Platform]:
    """Read the releases of the platform that the environment names.

    Raises:
        InvalidInputError: a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    with contextlib.closing(connect(_no_config, os.environ)) as lifecycle:
        snapshot = lifecycle.houston.snapshot()
    return snapshot.catalog, snapshot.platform


def plan_release(release_name: str, desired: DesiredVersion) -> FleetPlan:
    """Plan one Deployment of the platform that the environment names, as a fleet of one.

    Raises:
        InvalidInputError: the release name or a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    stack = FleetConfig(deployments=(desired.entry(release_name),))
    with contextlib.closing(connect(_no_config, os.environ)) as lifecycle:
        return plan_fleet(stack, lifecycle, saved={})


def plan_all(desired: DesiredVersion) -> FleetPlan:
    """Plan every Deployment that the token can see, in the order of their release names.

    Raises:
        InvalidInputError: a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    everything = Selection(key="--all", selector=Selector(release_name="*"), template=desired.entry("any"))
    with contextlib.closing(connect(_no_config, os.environ)) as lifecycle:
        return plan_fleet(FleetConfig(selections=(everything,)), lifecycle, saved={})


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """Plan of the fleet in a stack's config."""

    fleet: FleetPlan
    waves: tuple[Wave, ...]


def plan_stack(name: str | None, folder: Path) -> StackPlan:
    """Plan the fleet in a stack's config. Settings that are encrypted there come from the environment.

    Args:
        name: name of the stack; None: the one that ``PULUMI_STACK`` names, or the only one.
        folder: folder of the project; relative paths in the config start there, as for the engine.

    Raises:
        InvalidInputError: the config, or a setting, cannot be used.
        PlatformError: Houston cannot be read.
    """
    file = read_stack_file(folder, name, os.environ)
    with contextlib.chdir(folder):
        stack = read_fleet_config(file.declared(os.environ))
        with contextlib.closing(_connect(file)) as lifecycle:
            fleet = plan_fleet(stack, lifecycle)
    fleet = replace(fleet, notes=(*file.notes, *fleet.notes))
    return StackPlan(fleet=fleet, waves=stack.waves)


def _connect(file: StackFile) -> DeploymentLifecycle:
    try:
        return connect(file.setting, os.environ)
    except InvalidSettingsError as error:
        raise InvalidSettingsError("\n".join([str(error), *file.notes])) from None


def _no_config(_: str) -> None:
    """Return no value for any key: there is no stack."""
