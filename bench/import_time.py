"""Import time of the resource beside that of Pulumi."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import Final

from bench.sandbox_project import USERS, Table, verdict
from tests.e2e.pulumi_project import users_environment

ROUNDS: Final = 15
BOUND: Final = 100.0
_IMPORTS: Final = {
    "import pulumi": "",
    "from astro_deployment_runtime import AstroDeploymentRuntime": "the resource",
    "from astro_deployment_runtime import declare_fleet": "what declares a fleet",
}


def measure() -> Table:
    """Import both in turn, each in its own process."""
    rounds = [[_import(f"import pulumi; {text}") for text in _IMPORTS] for _ in range(ROUNDS + 1)][1:]
    plain, *others = (list(column) for column in zip(*rounds, strict=True))
    rows = [[f"`{next(iter(_IMPORTS))}`", f"{statistics.median(plain):.0f} ms", "-"]]
    added = []
    for text, times in zip(list(_IMPORTS)[1:], others, strict=True):
        added.append(statistics.median(ours - theirs for ours, theirs in zip(times, plain, strict=True)))
        rows.append([f"`{text}`", f"{statistics.median(times):.0f} ms", f"{added[-1]:.0f} ms"])
    verdicts = [
        verdict(f"the import of {what} beside `import pulumi`", found, BOUND, " ms")
        for what, found in zip(list(_IMPORTS.values())[1:], added, strict=True)
    ]
    return Table("imports", ["import", "takes", "adds"], rows, verdicts)


def _import(text: str) -> float:
    before = time.perf_counter()
    subprocess.run([USERS / "bin" / "python", "-c", text], check=True, env=users_environment())
    return (time.perf_counter() - before) * 1000
