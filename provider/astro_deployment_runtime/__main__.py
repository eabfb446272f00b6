"""``python -m astro_deployment_runtime``."""

import sys

from astro_deployment_runtime.cli.main import main

sys.exit(main())
