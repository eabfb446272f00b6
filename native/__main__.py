"""Start of the native provider ``astro``, for ``pulumi-resource-astro`` beside it and for ``PulumiPlugin.yaml``."""

from __future__ import annotations

import sys
from pathlib import Path

try:
    from astro_deployment_runtime.plugin.native.__main__ import main
except ModuleNotFoundError as error:
    sys.exit(
        f"astro: {sys.executable} has no module {error.name}. Install the package with: "
        f"cd {Path(__file__).resolve().parent} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    )

if __name__ == "__main__":
    main()
