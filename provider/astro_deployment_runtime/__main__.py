"""``python -m astro_deployment_runtime``."""

import sys

from astro_deployment_runtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
