"""Output of the command line under limits: other encodings, narrow terminals, full disks, closed streams."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from astro_deployment_runtime.cli import main
from astro_deployment_runtime.support.text_table import text_width
from tests.contract.sandbox_server import FLEET, TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHINESE: Final = "\u6570\u636e\u5e73\u53f0"
_HOSTILE: Final = "a\x1b[31mred\x07\r\n\u202eb"
_LONG: Final = "x" * 100_000
_ROWS: Final = tuple(
    {**row, "label": label} for row, label in zip(FLEET, (_CHINESE, _HOSTILE, _LONG, "plain"), strict=True)
)
_COMMANDS: Final = {
    "plan": ["plan", "--from", "AC 2.2.3", "--to", "6.0.0"],
    "plan-json": ["plan", "--from", "AC 2.2.3", "--to", "6.0.0", "--json"],
    "plan-refused": ["plan", "--from", "AC 2.2.3", "--to", "9.0.0"],
    "explain": ["explain", "AC 1.10.5", "3.1-12"],
    "explain-refused": ["explain", "Runtime 8.10.0", "9.0.0", "--deny", "database-migration"],
    "graph": ["graph", "AC 2.2.3", "6.0.0"],
    "releases": ["releases"],
    "help": ["--help"],
    "help-plan": ["plan", "--help"],
    "init": ["init", "."],
    "report": ["report", "preview.json"],
}
_LIVE: Final = {
    **{row["releaseName"]: ["plan", "--release", row["releaseName"], "--to", "5.0.4"] for row in FLEET},
    "all": ["plan", "--all", "--to", "5.0.4"],
    "stack": ["plan", "--stack"],
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a sandbox whose Deployments have hostile labels."""
    with serving(tmp_path_factory.mktemp("platform"), rows=_ROWS) as served:
        yield served.url


@pytest.fixture
def environment(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment of a command, in a folder with the files that the commands read."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.yaml").write_text("name: fleet\nruntime: python\n", encoding="utf-8")
    Path("Pulumi.test.yaml").write_text(
        "config:\n  astro:selectors: [{releaseName: '*', runtimeVersion: 5.0.4}]\n  astro:excludes: [a]\n",
        encoding="utf-8",
    )
    Path("preview.json").write_text(
        json.dumps({"diagnostics": [{"message": f"error: {_CHINESE}\n", "severity": "error"}]}), encoding="utf-8"
    )
    for name, value in (("ASTRO_HOUSTON_URL", platform), ("ASTRO_HOUSTON_TOKEN", TOKEN), ("ASTRO_CATALOG", "guide")):
        monkeypatch.setenv(name, value)
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG", "COL"))}


def run(words: list[str], environment: dict[str, str], stdout: int = subprocess.PIPE) -> tuple[int, bytes, bytes]:
    """Run the command line as a process; return exit code, standard output and standard error."""
    command = [sys.executable, "-m", "astro_deployment_runtime", *words]
    done = subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def show(
    words: list[str], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return the lines that a command prints on a terminal of a width."""
    monkeypatch.setenv("COLUMNS", str(width))
    try:
        main.main(words)
    except SystemExit:
        assert words[-1] == "--help"
    out, err = capsys.readouterr()
    return [*out.splitlines(), *err.splitlines()]


@pytest.mark.parametrize(
    "encoding", [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_characters_that_the_encoding_lacks_are_escaped(encoding: dict[str, str], environment: dict[str, str]) -> None:
    """On standard output and on standard error. A report is always UTF-8."""
    escaped = _CHINESE.encode("unicode_escape")
    code, out, err = run(_LIVE["stars-1"], environment | encoding)
    assert (code, err) == (0, b"")
    assert out.startswith(escaped + b" (stars-1): AC 2.2.3 > AC 2.3.0 > ")
    code, out, err = run(["plan", "--from", f"AC {_CHINESE}", "--to", "5.0.4"], environment | encoding)
    assert (code, out) == (2, b"")
    assert err.startswith(b"error: ")
    assert b"Traceback" not in err
    code, out, err = run(_COMMANDS["report"], environment | encoding)
    assert (code, err) == (0, b"")
    assert _CHINESE.encode() in out


@pytest.mark.parametrize("name", _COMMANDS)
def test_a_full_disk_is_an_error_in_one_line(name: str, environment: dict[str, str]) -> None:
    """With exit code 1, also if the answer is a refusal."""
    with Path("/dev/full").open("wb") as full:
        code, _, err = run(_COMMANDS[name], environment, full.fileno())
    assert code == 1
    assert err == (b"error: standard output cannot be written (No space left on device): the output is incomplete\n")


@pytest.mark.parametrize("name", ["plan", "help", "report"])
def test_a_closed_standard_output_is_an_error_in_one_line(name: str, environment: dict[str, str]) -> None:
    """As after ``>&-``."""
    words = [sys.executable, "-m", "astro_deployment_runtime", *_COMMANDS[name]]
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *words]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"error: standard output is closed: nothing can be printed\n")


def test_an_error_that_cannot_be_printed_keeps_its_exit_code(environment: dict[str, str]) -> None:
    """If standard error is full or closed."""
    words = [sys.executable, "-m", "astro_deployment_runtime", "plan", "--from", "AC 2", "--to", "5.0.4"]
    for redirection in ("2>/dev/full", "2>&-", ">/dev/full 2>/dev/full", ">&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *words], env=environment, check=False, timeout=60
        )
        assert done.returncode == 2, redirection


def test_a_reader_that_has_exited_causes_no_message(environment: dict[str, str]) -> None:
    """As with ``| head -1``."""
    for name in ("releases", "report"):
        command = [sys.executable, "-m", "astro_deployment_runtime", *_COMMANDS[name]]
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(command, env=environment, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60)
        os.close(write)
        assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("name", [*_COMMANDS, *_LIVE])
def test_no_line_is_wider_than_the_screen(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Except for an image, an address or a path, which stays whole. Output for programs is not wrapped."""
    lines = show((_COMMANDS | _LIVE)[name], width, monkeypatch, capsys)
    assert lines
    if name in {"plan-json", "graph", "report"}:
        return
    for line in lines:
        whole = len(line.split()) == 1 and "/" in line
        assert text_width(line) <= width or whole or name.startswith("help"), line
        assert len(line) < 500


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("name", _LIVE)
def test_control_characters_of_a_label_are_escaped(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Marks of direction too. A label of 100 kB is cut."""
    main.main(_LIVE[name])
    out = capsys.readouterr().out
    assert all(char == "\n" or char.isprintable() for char in out)
    assert len(out) < 5_000
    if name == "dust-2":
        assert out.startswith(r"a\x1b[31mred\x07\r\n\u202eb (dust-2): ")
    if name == "wind-3":
        assert out.startswith(f"{'x' * 100}...[100000 characters] (wind-3): ")


def test_a_screen_of_40_columns_is_respected(environment: dict[str, str]) -> None:
    """The terminal reports its width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    code, _, err = run(_COMMANDS["explain"], environment, theirs)
    os.close(theirs)
    shown = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is closed, and everything is read
        os.close(ours)
    assert (code, err) == (0, b"")
    lines = shown.decode().splitlines()
    assert len(lines) > 20
    assert all(len(line) <= 40 or "/" in line for line in lines)


@pytest.mark.usefixtures("environment")
def test_a_command_on_a_narrow_screen_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lines end with a backslash, as a shell needs."""
    lines = show(_COMMANDS["explain-refused"], 40, monkeypatch, capsys)
    ways = lines[lines.index("To explain a way out, run:") + 1 :]
    end = next(number for number, line in enumerate(ways) if not line.endswith(" \\")) + 1
    assert end > 1
    command = "\n".join(ways[:end])
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], check=True, capture_output=True, text=True)
    assert words.stdout.splitlines()[:5] == ["python", "-m", "astro_deployment_runtime", "explain", "Runtime 8.10.0"]


@pytest.mark.usefixtures("environment")
def test_plan_stack_notes_a_misspelt_key(capsys: pytest.CaptureFixture[str]) -> None:
    """In the table and in the JSON."""
    note = (
        "astro:excludes is not read: did you mean astro:exclude? If the key belongs to your own program, ignore this."
    )
    for more in ([], ["--json"]):
        main.main([*_LIVE["stack"], *more])
        assert note in capsys.readouterr().out
