"""What would be planned for the Deployments of a live platform, without the engine and without a stack's state.

Each question is put as what a stack would declare, so that the answer is that of preview: the same reading of the
platform, the same planner.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from astro_deployment_runtime.cli.console import read_terms
from astro_deployment_runtime.cli.question import parse_target
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
from astro_deployment_runtime.lifecycle.fleet import plan_fleet

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from astro_deployment_runtime.config.fleet_config import Wave
    from astro_deployment_runtime.config.stack_file import StackFile
    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
    from astro_deployment_runtime.lifecycle.fleet import FleetPlan
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.platform_version import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, of one Deployment or of all."""

    target: str
    strategy: str
    accept: Sequence[str]
    deny: Sequence[str]

    @classmethod
    def read(cls, options: argparse.Namespace) -> Self:
        """Read what a person asks for, where no Deployment is named yet.

        Raises:
            InvalidInputError: the target is none, or a name cannot be accepted or denied.
        """
        parse_target(options.target)
        terms = read_terms(options, dated=True)
        return cls(target=options.target, strategy=str(terms["strategy"]), accept=options.accept, deny=options.deny)

    def entry(self, release_name: str) -> DeploymentEntry:
        """Declare that for a Deployment, under its release name.

        Raises:
            InvalidConfigError: some of it cannot be used.
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
    """Read what the platform offers that the environment names.

    Raises:
        InvalidInputError: a setting cannot be used.
        PlatformError: Houston cannot be read.
    """
    with contextlib.closing(connect(_nothing, os.environ)) as lifecycle:
        snapshot = lifecycle.houston.snapshot()
    return snapshot.catalog, snapshot.platform


def plan_release(release_name: str, wanted: Wanted) -> FleetPlan:
    """Plan one Deployment of the platform that the environment names, as a fleet of one.

    Returns:
        What is planned, and notes about what Houston shows.

    Raises:
        InvalidInputError: what is asked for, or a setting, cannot be used.
        PlatformError: Houston cannot be read.
    """
    stack = FleetConfig(deployments=(wanted.entry(release_name),))
    with contextlib.closing(connect(_nothing, os.environ)) as lifecycle:
        return plan_fleet(stack, lifecycle, saved={})


def plan_all(wanted: Wanted) -> FleetPlan:
    """Plan every Deployment that the token can see, in the order of their release names.

    Raises:
        InvalidInputError: what is asked for, or a setting, cannot be used.
        PlatformError: Houston cannot be read.
    """
    everything = Selection(where="--all", selector=Selector(release_name="*"), template=wanted.entry("any"))
    with contextlib.closing(connect(_nothing, os.environ)) as lifecycle:
        return plan_fleet(FleetConfig(selections=(everything,)), lifecycle, saved={})


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What a stack's config comes to."""

    fleet: FleetPlan
    waves: tuple[Wave, ...]


def plan_stack(name: str | None, folder: Path) -> StackPlan:
    """Plan what a stack's config declares. Settings that are encrypted in it are taken from the environment.

    Args:
        name: the stack's; None: the one that ``PULUMI_STACK`` names, or the only one.
        folder: the project's; relative paths in the config begin there, as they do for the engine.

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


def _nothing(_: str) -> None:
    """Stand in for the config of a stack, where there is none."""
