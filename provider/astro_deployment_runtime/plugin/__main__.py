"""Where the plugin process begins: ``python -m astro_deployment_runtime.plugin ENGINE_ADDRESS``.

Its start is a large part of every preview, so nothing is collected before all is imported (a sixth of that time), and
what the first question needs is imported while the engine shakes hands.
"""

from __future__ import annotations

import gc
import sys
import threading

from astro_deployment_runtime.execution.polling import POLLING, Polling


def _prepare() -> None:
    from astro_deployment_runtime.lifecycle import muster  # noqa: F401, PLC0415 - kept for the first question

    gc.freeze()
    gc.enable()


def main(polling: Polling = POLLING) -> None:
    """Serve the engine. Returns when interrupted."""
    gc.disable()
    from astro_deployment_runtime.plugin import server  # noqa: PLC0415 - after the collector was stopped

    threading.Thread(target=_prepare, name="prepare", daemon=True).start()
    server.main(sys.argv[1:], polling)


if __name__ == "__main__":
    main()
