"""The soak of a wave for the request that this thread serves, shared by both protocols of the plugin.

Pulumi programs import this module, so nothing here imports an HTTP client or a validator at import time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.plugin.engine_call import CallClock, CallReporter, PartialProgressError, current_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.plugin.connection import PlatformConnection

_AHEAD: Final = "the next wave begins when this wave has arrived and stayed healthy for {soak}, {deadline}"
_UNFINISHED: Final = (
    "the last run did not finish the soak of this wave; the next wave begins when this wave has stayed healthy for "
    "{soak}, {deadline}"
)


def announce_soak(seconds: float, timeout: float, *, unfinished: bool = False) -> None:
    """Show the soak that this run has to wait for.

    Args:
        seconds: soak time.
        timeout: seconds that the Deployments may be unhealthy.
        unfinished: no Deployment changes, and an earlier run did not finish the soak.
    """
    from astro_deployment_runtime.execution.wave_soak import deadline_text
    from astro_deployment_runtime.support.text_formatting import duration

    text = (_UNFINISHED if unfinished else _AHEAD).format(
        soak=duration(seconds), deadline=deadline_text(seconds, timeout)
    )
    CallReporter(current_call()).info(text)


def soak_wave(  # noqa: PLR0913 - what to wait for, and what to save if it fails
    connection: PlatformConnection,
    deployments: Sequence[str],
    *,
    seconds: float,
    timeout: float,
    resource_id: str,
    unfinished: Mapping[str, Any],
) -> None:
    """Wait until the Deployments have been healthy long enough.

    Args:
        connection: to the platform.
        deployments: their ids.
        seconds: soak time.
        timeout: seconds that the Deployments may be unhealthy.
        resource_id: the wave's, for partial progress.
        unfinished: the outputs to save if the soak does not finish.

    Raises:
        PartialProgressError: the soak did not finish.
        AstroRuntimeError: likewise, on Pulumi's own host, which cannot save partial progress.
    """
    from astro_deployment_runtime.errors import AstroRuntimeError
    from astro_deployment_runtime.execution.wave_soak import soak

    call = current_call()
    try:
        soak(
            deployments,
            seconds=seconds,
            timeout=timeout,
            houston=connection.lifecycle().houston,
            clock=CallClock(call),
            reporter=CallReporter(call),
        )
    except AstroRuntimeError as error:
        if call is None:
            raise
        raise PartialProgressError(str(error), resource_id=resource_id, outputs=unfinished) from None
