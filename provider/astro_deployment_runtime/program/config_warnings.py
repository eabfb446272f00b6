"""What a Pulumi program is warned of in its stack's config."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi.runtime import config

from astro_deployment_runtime.config.config_keys import unknown_keys

_SHOWN: Final[set[str]] = set()


def warn_of_unknown_keys() -> None:
    """Warn of keys below ``astro:`` that nothing here reads; once in a process, however many resources there are."""
    for line in unknown_keys({*config.CONFIG.get(), *config.get_config_env()}):
        if line not in _SHOWN:
            _SHOWN.add(line)
            pulumi.log.warn(line)
