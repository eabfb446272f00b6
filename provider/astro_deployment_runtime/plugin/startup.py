"""Start of the plugin process, alike for both protocols.

The start takes a large part of every preview. Garbage collection therefore begins after the imports (a sixth of that
time), and what the first request needs is imported while the engine connects.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.polling import Polling


def _prepare() -> None:
    from astro_deployment_runtime.lifecycle import fleet_planning  # noqa: F401 - for the first request

    gc.freeze()
    gc.enable()


def serve_engine(face: str, polling: Polling) -> None:
    """Serve the engine until it interrupts this process or exits.

    Args:
        face: the module of this folder that has the servicer of the engine's protocol.
        polling: how often a hop looks at its Deployment.
    """
    gc.disable()
    from astro_deployment_runtime.plugin import server

    module = importlib.import_module(f"astro_deployment_runtime.plugin.{face}")
    threading.Thread(target=_prepare, name="prepare", daemon=True).start()
    server.run(sys.argv[1:], module.servicer, polling)
