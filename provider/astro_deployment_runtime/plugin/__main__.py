"""Start of the dynamic protocol's plugin process: ``python -m astro_deployment_runtime.plugin ENGINE_ADDRESS``."""

from __future__ import annotations

from astro_deployment_runtime.execution.polling import POLLING, Polling
from astro_deployment_runtime.plugin.startup import serve_engine


def main(polling: Polling = POLLING) -> None:
    """Serve the engine until it interrupts this process or exits."""
    serve_engine("dynamic_protocol", polling, needed="lifecycle.fleet_planning")


if __name__ == "__main__":
    main()
