"""Start of the plugin process: ``python -m astro_deployment_runtime.plugin ENGINE_ADDRESS``.

The start takes a large part of every preview. Garbage collection therefore begins after the imports (a sixth of that
time), and what the first request needs is imported while the engine connects.
"""

from __future__ import annotations

import gc
import sys
import threading

from astro_deployment_runtime.execution.polling import POLLING, Polling


def _prepare() -> None:
    from astro_deployment_runtime.lifecycle import fleet_planning  # noqa: F401 - for the first request

    gc.freeze()
    gc.enable()


def main(polling: Polling = POLLING) -> None:
    """Serve the engine until it interrupts this process or exits."""
    gc.disable()
    from astro_deployment_runtime.plugin import dynamic_protocol, server

    threading.Thread(target=_prepare, name="prepare", daemon=True).start()
    server.run(sys.argv[1:], dynamic_protocol.servicer, polling)


if __name__ == "__main__":
    main()
