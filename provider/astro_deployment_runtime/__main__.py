"""Entry point of ``python -m astro_deployment_runtime``: the command line."""

import sys

from astro_deployment_runtime.cli.main import main

sys.exit(main())
