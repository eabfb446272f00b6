"""The connection to the platform that a stack's config names: one for the plugin process, made at its first use."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.config.config_keys import NAMESPACE
from astro_deployment_runtime.errors import InvalidSettingsError, PlatformError
from astro_deployment_runtime.plugin.engine_call import current_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi import dynamic

    from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle

_CONNECTION_KEYS: Final = ("houstonUrl", "token", "caFile")
_SAVED_CONFIG: Final = (
    "Unless it runs the program, a refresh uses the {keys} that the last 'pulumi up' saved in the state, not what is "
    "set now. To use and save what is set now, run 'pulumi up' without --refresh, or 'pulumi refresh --run-program'."
)


class PlatformConnection:
    """The platform that a stack's config, or else the environment, names. Thread-safe."""

    def __init__(
        self, config: Mapping[str, Any] | dynamic.Config, environment: Mapping[str, str] | None = None
    ) -> None:
        """Keep the config until the platform is needed, so that a mistake in it fails the request that needs it.

        Args:
            config: the stack's config by full key, such as ``astro:houstonUrl``.
            environment: replaces the variables of this process.
        """
        self._config = config
        self._environment = os.environ if environment is None else environment
        self._connecting = threading.Lock()
        self._lifecycle: DeploymentLifecycle | None = None
        self.program_runs = False
        """The program has run, so the config is what is set now. A refresh may get the config of the last update."""

    def lifecycle(self) -> DeploymentLifecycle:
        """Return the lifecycle of the platform's Deployments.

        Raises:
            InvalidInputError: the settings are missing or unsafe, or the catalog cannot be used.
        """
        with self._connecting:
            if self._lifecycle is None:
                from astro_deployment_runtime.lifecycle.deployment import connect

                self._lifecycle = connect(self._value, self._environment)
            return self._lifecycle

    @contextmanager
    def explaining_saved_config(self) -> Iterator[None]:
        """Add to an error of the connection that a refresh may use an old config."""
        try:
            yield
        except (PlatformError, InvalidSettingsError) as error:
            saved = [f"{NAMESPACE}:{key}" for key in _CONNECTION_KEYS if self._value(key)]
            if self.program_runs or not saved:
                raise
            raise type(error)(f"{error}\n{_SAVED_CONFIG.format(keys=' and '.join(saved))}") from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._lifecycle is not None:
            self._lifecycle.close()

    def _value(self, key: str) -> str | None:
        found: str | None = self._config.get(f"{NAMESPACE}:{key}")
        return found


def connection_of(request: dynamic.ConfigureRequest) -> PlatformConnection:
    """Return the connection of this process, or on Pulumi's own host a new one."""
    call = current_call()
    return call.connection if call and call.connection else PlatformConnection(request.config)
