"""Warnings about the stack's config, for the program that reads it."""

from __future__ import annotations

import functools

import pulumi
from pulumi.runtime import config

from astro_deployment_runtime.config.config_keys import unknown_key_warnings


@functools.cache
def warn_of_unknown_keys() -> None:
    """Warn of each key below ``astro:`` that this package does not read, once per process.

    A later call does nothing: a program calls this for each of its resources.
    """
    for warning in unknown_key_warnings({*config.CONFIG.get(), *config.get_config_env()}):
        pulumi.log.warn(warning)
