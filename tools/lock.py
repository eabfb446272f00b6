"""`make lock`: pin the requirements of the package and its development to their newest compatible releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "requirements.txt"
DEVELOPMENT: Final = ROOT / "requirements-dev.txt"
_OPTIONS: Final = "--universal --python-version 3.11 --upgrade --no-emit-index-url --no-annotate --no-header --quiet"


def pins(*sources: str) -> list[str]:
    """Return the pins that satisfy these files together, for every platform and every Python from 3.11 on."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *_OPTIONS.split(), *sources]
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def main() -> None:
    """Write both files: Pulumi installs the first, the checks need the second too."""
    package = pins("provider/pyproject.toml")
    head = [
        "# Locked by `make lock` from provider/pyproject.toml. Pulumi and `make setup` install this.",
        "-e ./provider",
    ]
    PACKAGE.write_text("\n".join([*head, *package, ""]))
    # With requirements.txt as a source, the development pins equal those of the package.
    both = pins("requirements.txt", "requirements-dev.in")
    head = ["# Locked by `make lock` from requirements-dev.in, on top of requirements.txt.", "-r requirements.txt"]
    extra = [pin for pin in both if pin not in package and not pin.startswith("-e ")]
    DEVELOPMENT.write_text("\n".join([*head, *extra, ""]))


if __name__ == "__main__":
    main()
