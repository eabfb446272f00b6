"""Start of the native protocol's process: ``python -m astro_deployment_runtime.plugin.native ENGINE_ADDRESS``."""

from __future__ import annotations

from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.plugin.startup import leave_out_sdk, serve_engine


def main(polling: Polling = POLLING) -> None:
    """Serve the engine until it interrupts this process or exits."""
    leave_out_sdk()
    serve_engine("native.servicer", polling, needed="lifecycle.deployment")


if __name__ == "__main__":
    main()
