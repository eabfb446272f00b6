"""Safety of outputs: no token, and no control of the terminal."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e import processes
from tests.e2e.crash_run import Case, opened
from tests.e2e.sandbox_process import TOKEN
from tests.fault_proxy import Faults, revoked

if TYPE_CHECKING:
    from pathlib import Path

_OF_THE_ENGINE: Final = re.compile(
    r'"msg":"(Marshaling property for RPC\[Provider\[|Planner decided .*pulumi:providers:pulumi-python)'
)
_PATH: Final = ("2.4.3", "6.10.0", "7.6.0")


def texts(folder: Path) -> dict[str, bytes]:
    """Return the text of every file in a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def loudly(case: Case, log: Path, lines: set[str]) -> str:
    """Run up with the engine's own log; keep the command lines of all its processes."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "-v=9", "--logtostderr"],
            cwd=case.stack.folder,
            env=case.stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None:
            lines |= set(processes.below(process.pid).values())
            time.sleep(0.2)
    return log.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["environment", "stack"])
def test_no_output_contains_the_token(where: str, tmp_path: Path, engine: Path) -> None:
    """In no state, preview, log of any verbosity, error, command line or request log.

    The engine's own log is the exception: it shows the secrets of a stack's config in clear, and we cannot change that.
    """
    with opened(tmp_path, engine, _PATH) as case:
        if where == "stack":
            del case.stack.environment["ASTRO_HOUSTON_TOKEN"]
            case.stack.start("config", "set", "--secret", "astro:token", TOKEN).communicate(timeout=60)
        lines: set[str] = set()
        faults = Faults(case.proxy)
        revoked(faults)
        logs = [loudly(case, tmp_path / "refused.log", lines)]
        faults.end()
        assert "it has expired, or may not do this" in logs[0]
        printed = [case.stack.preview("--diff").text, case.stack.preview("--json").text]
        logs.append(loudly(case, tmp_path / "up.log", lines))
        printed.append(case.stack.run("stack", "export", code=0).text)
        assert case.sandbox.show("stars-1")["version"] == "7.6.0"
        assert any(processes.PLUGIN.search(line) for line in lines)
        assert [text for text in (*printed, *lines) if TOKEN in text] == []
        told = [line for log in logs for line in log.splitlines() if TOKEN in line]
        assert [line for line in told if where == "environment" or not _OF_THE_ENGINE.search(line)] == []
        (tmp_path / "refused.log").unlink()
        (tmp_path / "up.log").unlink()
        assert [name for name, content in texts(tmp_path).items() if TOKEN.encode() in content] == []


def test_hostile_names_cannot_break_the_output(tmp_path: Path, engine: Path) -> None:
    """Control characters, escape sequences, line breaks and Markdown in a label are printed as text."""
    label = "\x1b[31mred\x1b]0;title\x07\n| # **bold** `x`\r\n:::\u202e\x9b2J"
    with opened(tmp_path, engine, _PATH, label=label) as case:
        preview = case.stack.preview().text
        code, printed = case.up()
        assert code == 0, printed
        for text in (preview, printed):
            assert not [char for char in text if char != "\n" and not char.isprintable()]
            assert not [line for line in text.splitlines() if line.startswith(("| #", ":::"))]
