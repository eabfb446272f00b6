"""`make matrix`: run the tests without an engine on every Python that the SDK supports.

Each version that `uv` finds on this machine gets a virtual environment in `build/matrix`, with the locked requirements.
A missing version is named and skipped; nothing is downloaded for it. Words on the command line go to pytest:
`python -m tools.matrix tests/unit`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
ENVIRONMENTS: Final = ROOT / "build" / "matrix"
VERSIONS: Final = ("3.11", "3.12", "3.13", "3.14")
_UV: Final = (sys.executable, "-m", "uv")
_TESTS: Final = ("-n", "2", "--ignore", "tests/e2e")


def find(version: str) -> str | None:
    """Return the interpreter of that version; None if the machine has none."""
    command = [*_UV, "python", "find", "--no-project", "--system", "--no-python-downloads", version]
    # pyenv's programs on PATH need a variable to select the version.
    environment = {**os.environ, "PYENV_VERSION": version}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True)
    return found.stdout.strip() or None


def prepare(version: str, interpreter: str) -> Path:
    """Make or update the environment for a version; return its interpreter."""
    python = ENVIRONMENTS / version / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter, "-m", "venv", ENVIRONMENTS / version], check=True)
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "install", "--requirement", "requirements-dev.txt"], cwd=ROOT, check=True)
    return python


def run(version: str, words: Sequence[str]) -> str:
    """Run the tests on a version; return the result in a word or two."""
    interpreter = find(version)
    if interpreter is None:
        return "not on this machine"
    python = prepare(version, interpreter)
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    tests = subprocess.run([python, "-m", "pytest", *_TESTS, *words], cwd=ROOT, env=environment, check=False)
    return "failed" if tests.returncode else "passed"


def main(words: Sequence[str]) -> int:
    """Run the tests on each version and print the results; return the exit code."""
    outcomes = {}
    for version in VERSIONS:
        print(f"matrix: Python {version}", flush=True)
        outcomes[version] = run(version, words)
    print("\n".join(f"matrix: Python {version}: {outcome}" for version, outcome in outcomes.items()))
    return int("failed" in outcomes.values() or "passed" not in outcomes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
