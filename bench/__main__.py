"""Run the benchmarks and write ``docs/benchmarks.md``: ``python -m bench [NAME...]``, without names all of them."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import (
    import_time,
    planner_speed,
    preview_time,
    shared_client,
    stop_time,
    thousand_deployments,
    up_time,
    yaml_time,
)
from tools.markdown_tables import put, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.sandbox_project import Table

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MEASURES: Final[dict[str, Callable[[], Table]]] = {
    "planner": planner_speed.measure,
    "imports": import_time.measure,
    "previews": preview_time.measure,
    "ups": up_time.measure,
    "yaml": yaml_time.measure,
    "stock": up_time.on_the_stock_host,
    "stopping": stop_time.measure,
    "memory": thousand_deployments.memory,
    "weather": thousand_deployments.weather,
    "clients": shared_client.measure,
}


def machine() -> list[str]:
    """Describe the machine."""
    engine = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True).stdout.strip()
    names = ("pulumi", "httpx", "pydantic", "grpcio")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = [
        ["processors", f"{os.cpu_count()}, {_processor()}"],
        ["memory", f"{memory:.0f} GiB"],
        ["system", f"{platform.system()} {platform.release()}"],
        ["Python", platform.python_version()],
        ["engine", engine],
        *([name, version(name)] for name in names),
    ]
    return table(["what", "which"], rows)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main(names: list[str]) -> None:
    """Run the named benchmarks, one after another. Nothing else should run meanwhile."""
    # A background job ignores SIGINT; the engine would then wait forever for the processes that it interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if unknown := set(names) - set(MEASURES):
        raise SystemExit(f"there is no measurement {', '.join(sorted(unknown))}: name any of {', '.join(MEASURES)}")
    document = put(DOCUMENT.read_text(encoding="utf-8"), "machine", machine())
    for name in names or MEASURES:
        print(f"measuring {name} ...", flush=True)
        found = MEASURES[name]()
        lines = [*table(found.head, found.rows), "", *found.verdicts]
        print("\n".join(lines), flush=True)
        document = put(document, name, lines)
        DOCUMENT.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
