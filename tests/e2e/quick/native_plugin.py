"""Starts the native provider as users have it, with short pauses between two looks at a Deployment."""

from __future__ import annotations

from astro_deployment_runtime.execution.polling import Polling
from astro_deployment_runtime.plugin.native.__main__ import main

if __name__ == "__main__":
    main(Polling(first=0.1, confirming=0.05, longest=0.5))
