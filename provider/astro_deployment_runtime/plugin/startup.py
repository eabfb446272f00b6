"""Start of the plugin process for both protocols.

The start takes a large part of every preview. Garbage collection therefore begins after the imports (a sixth of that
time), and what the first request needs is imported while the engine connects.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astro_deployment_runtime.execution.polling import Polling


def leave_out_sdk() -> None:
    """Let this process import the messages of Pulumi's protocols without the rest of Pulumi's SDK.

    The SDK is for programs, and its import takes a third of the start. The packages that hold the messages become empty
    ones, whose modules Python finds as before. In a process that has imported the SDK, nothing changes.
    """
    if "pulumi" in sys.modules or (found := importlib.util.find_spec("pulumi")) is None:
        return
    folders = found.submodule_search_locations or []
    for name, path in (("pulumi", folders), ("pulumi.runtime", [f"{each}/runtime" for each in folders])):
        sys.modules[name] = package = ModuleType(name)
        package.__path__ = path


def _prepare(needed: str) -> None:
    importlib.import_module(f"astro_deployment_runtime.{needed}")
    gc.freeze()
    gc.enable()


def serve_engine(face: str, polling: Polling, *, needed: str) -> None:
    """Serve the engine until it interrupts this process or exits.

    Args:
        face: the module of this folder that has the servicer of the engine's protocol.
        polling: how often a hop looks at its Deployment.
        needed: the module of the package that the first request needs.
    """
    gc.disable()
    from astro_deployment_runtime.plugin import server

    module = importlib.import_module(f"astro_deployment_runtime.plugin.{face}")
    threading.Thread(target=_prepare, args=(needed,), name="prepare", daemon=True).start()
    server.run(sys.argv[1:], module.servicer, polling)
