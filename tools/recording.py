"""`make recording`: draw a real preview and a real run against the sandbox as the terminal in README.md.

The drawing has the engine's own colours. It leaves out values that differ between runs: times, progress lines, and all
rows of a resource except the last.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tools import sandbox_project

DRAWING: Final = sandbox_project.ROOT / "docs" / "recording.svg"
COMMANDS: Final = ("pulumi preview", "pulumi up --yes --skip-preview")
_CONFIG: Final = {
    "astro:catalog": "guide",
    "astro:deployments": [
        {
            "name": "data-eng",
            "releaseName": "galactic-stars-1234",
            "runtimeVersion": "5.0.4",
            "image": "registry.example.com/team/airflow:{distribution}-{version}",
        }
    ],
}
_COLUMNS: Final = 134
"""Width of the longest line."""
_COLOUR: Final = r"(?:\x1b\[[0-9;]*m)*"
_ALIVE: Final = re.compile(rf"^{_COLOUR}@ .*\n", re.MULTILINE)
_DURATION: Final = re.compile(rf"^{_COLOUR}Duration:.*\n\n?", re.MULTILINE)
_SECONDS: Final = re.compile(r" \(\d+s\)")
_ROW: Final = re.compile(rf"^ {_COLOUR}[+~-]? *{_COLOUR} *{_COLOUR} *(pulumi\S+ \S+) .*\n", re.MULTILINE)
_FORMAT: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px "Fira Code", monospace; }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def run() -> str:
    """Run the commands in their own project, and return the terminal's text."""
    shown = []
    with tempfile.TemporaryDirectory(prefix="astro-recording-") as temporary:
        folder = Path(temporary)
        project = folder / "project"
        sandbox_project.lay_out(project)
        settings = project / "stacks" / "Pulumi.production.yaml"
        settings.write_text(yaml.safe_dump({"config": _CONFIG}), encoding="utf-8")
        with sandbox_project.sandbox(state=folder / "houston.sqlite", rollout_seconds=0) as url:
            pulumi = sandbox_project.pulumi_settings(folder=folder / "pulumi", url=url)
            environment = sandbox_project.environment({**pulumi, "PULUMI_OPTION_COLOR": "always"})
            for command in ("pulumi stack init production", *COMMANDS):
                done = subprocess.run(
                    shlex.split(command),
                    check=True,
                    cwd=project,
                    env=environment,
                    stderr=subprocess.STDOUT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                if command in COMMANDS:
                    shown.append(f"\x1b[1m$ {command}\x1b[0m\n{steady(done.stdout).strip()}\n")
    return "\n".join(shown)


def steady(printed: str) -> str:
    """Leave out values that differ between runs."""
    lasting = _DURATION.sub("", _ALIVE.sub("", _SECONDS.sub("", printed)))
    last = {found[1]: found.start() for found in _ROW.finditer(lasting)}
    return _ROW.sub(lambda found: found[0] if last[found[1]] == found.start() else "", lasting)


def draw(shown: str) -> str:
    """Draw a terminal's text as SVG."""
    console = Console(record=True, file=io.StringIO(), width=_COLUMNS, force_terminal=True, color_system="256")
    console.print(Text.from_ansi(shown), soft_wrap=True)
    return console.export_svg(title="", theme=DIMMED_MONOKAI, code_format=_FORMAT, unique_id="terminal")


if __name__ == "__main__":
    DRAWING.write_text(draw(run()), encoding="utf-8")
    print(f"recording: {DRAWING.relative_to(sandbox_project.ROOT)}")
