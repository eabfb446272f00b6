"""Commands of the user, run for real: small scripts in a temporary folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from astro_deployment_runtime.delivery.user_command import CommandRunner, UserCommand
from astro_deployment_runtime.errors import CommandInterruptedError, DeliveryFailedError, InvalidProjectError
from tests.unit.delivery.cancellable_clock import CancellableClock

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "canary-token-4711"
NO_TOKEN = SecretStr("")
VALUES = {"deployment_id": "ckw1", "release_name": "stars-1", "version": "5.0.4", "image": "quay.io/a/b:5.0.4"}


def script(folder: Path, text: str, name: str = "job") -> UserCommand:
    """Write a program, and return the command that runs it."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return parsed(f"./{name}")


def parsed(template: str, token: SecretStr = NO_TOKEN) -> UserCommand:
    """Split a template."""
    return UserCommand.parse(template, name="project.deploy", token=token)


def run(
    folder: Path,
    command: UserCommand,
    *,
    seconds: float = 20.0,
    cancelled: Callable[[], bool] = lambda: False,
    with_token: bool = True,
    said: list[str] | None = None,
    token: str = TOKEN,
) -> list[str]:
    """Run a command, and return its messages."""
    said = [] if said is None else said
    CommandRunner(
        folder=folder,
        clock=CancellableClock(cancelled),
        say=said.append,
        token=SecretStr(token),
        environment={"PATH": os.environ["PATH"], "ASTRO_HOUSTON_TOKEN": "inherited"},
    ).run(command, seconds=seconds, with_token=with_token)
    return said


def alive(pid: int) -> bool:
    """Return whether a process runs. A zombie and a killed process do not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        # A SIGKILL sent just now may not have taken effect yet.
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("astro deploy {deployment_id} --force", ("astro", "deploy", "ckw1", "--force")),
        ("a 'b {version}' \"c d\"", ("a", "b 5.0.4", "c d")),
        ("a {image}@{release_name} # no; comment | $(x) `y` *", None),
    ],
)
def test_a_template_is_split_before_it_is_filled_in(template: str, words: tuple[str, ...] | None) -> None:
    """Characters that a shell would interpret are plain text, and a value stays within its word."""
    filled = parsed(template).fill(VALUES).words
    assert filled == (words or ("a", "quay.io/a/b:5.0.4@stars-1", "#", "no;", "comment", "|", "$(x)", "`y`", "*"))


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("", "is not a command"),
        ("''", "is not a command"),
        ("a\nb", "is not a command"),
        ("a 'b", "cannot be split into words: No closing quotation"),
        ("{image} x", "name its program without placeholders"),
        ("a {token}", "a brace that belongs to no placeholder"),
        ("a {{version}}", "a brace that belongs to no placeholder"),
        ("a }", "a brace that belongs to no placeholder"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(template: str, why: str) -> None:
    """With the argument's name, the value found and what may be written."""
    with pytest.raises(InvalidProjectError, match=r"project\.deploy") as refused:
        parsed(template)
    assert why in str(refused.value)


def test_a_command_prints_as_it_is_typed() -> None:
    """With quotes where a shell needs them, and without any around placeholders."""
    assert str(parsed("astro deploy {deployment_id} --tag 'a b'")) == "astro deploy {deployment_id} --tag 'a b'"


@pytest.mark.parametrize(
    ("template", "vendors"),
    [
        ("astro deploy {deployment_id} --force", True),
        ("/opt/bin/astro deploy --description 'x' {deployment_id} -f", True),
        ("astro deploy {deployment_id} --image-name x:1", False),
        ("astro deploy {deployment_id} --image-name=x:1 --remote", False),
        ("astro dev parse", False),
        ("./deploy.sh {deployment_id}", False),
    ],
)
def test_the_vendors_deploy_command_is_recognised(template: str, vendors: bool) -> None:
    """By its program and subcommand, if it builds the Dockerfile."""
    assert parsed(template).is_vendors_deploy is vendors


def test_the_token_is_refused_in_a_template() -> None:
    """Every user sees a command's arguments in the process list. The message does not repeat the token."""
    with pytest.raises(InvalidProjectError, match="ASTRO_HOUSTON_TOKEN") as refused:
        parsed(f"astro deploy --token {TOKEN}", SecretStr(TOKEN))
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("value", ["--remote", "a b", "$(x)", "", "a\nb", "a;b", "'", "é", "{image}"])
def test_only_names_are_inserted(value: str) -> None:
    """A platform's names cannot become options of a command."""
    with pytest.raises(InvalidProjectError, match="is not put into a command"):
        parsed("a {release_name}").fill(VALUES | {"release_name": value})


def test_a_program_is_found_on_path_or_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name on PATH, also in a relative entry. With a slash, from the project's folder."""
    job = script(tmp_path, "true")
    assert job.find(tmp_path) == str(tmp_path / "job")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")
    assert parsed("job").find(Path("/")) == str(tmp_path / "job")
    with pytest.raises(InvalidProjectError, match="'astro', which 'astro deploy' runs, is not on PATH"):
        parsed("astro deploy").find(tmp_path)
    with pytest.raises(InvalidProjectError, match="is not an executable file in"):
        parsed("./missing").find(tmp_path)


def test_output_is_reported_line_by_line(tmp_path: Path) -> None:
    """Both streams in order. A carriage return ends a line, and the last line needs no end."""
    command = script(tmp_path, r"echo one; echo two >&2; printf 'three\rfour\n\n  \nfive'")
    assert run(tmp_path, command) == [f"./job: {word}" for word in ("one", "two", "three", "four", "five")]


def test_a_command_runs_in_the_folder_without_a_shell_or_input(tmp_path: Path) -> None:
    """It gets its arguments unchanged, and no input from the user."""
    script(tmp_path, 'pwd; echo "$#" "$1" "$2"; cat')
    said = run(tmp_path, parsed("./job '$HOME' 'a;b'"))
    assert said == [f"./job: {tmp_path}", "./job: 2 $HOME a;b"]


def test_the_token_is_only_in_the_environment(tmp_path: Path) -> None:
    """Only of the command that needs it. In its output, the token is masked."""
    command = script(
        tmp_path,
        'echo "$ASTRO_HOUSTON_TOKEN" | wc -c; echo "token: $ASTRO_HOUSTON_TOKEN."; tr "\\0" " " < /proc/$$/cmdline',
    )
    said = run(tmp_path, command)
    assert said[0].split() == ["./job:", str(len(TOKEN) + 1)]
    assert said[1] == "./job: token: ***."
    assert "canary" not in "".join(said)
    assert run(tmp_path, script(tmp_path, "echo nothing to mask"), token="") == ["./job: nothing to mask"]
    without = run(tmp_path, script(tmp_path, "env"), with_token=False)
    assert not any("ASTRO_HOUSTON_TOKEN" in line for line in without)


def test_output_cannot_disturb_the_terminal(tmp_path: Path) -> None:
    """Colours, titles, links and cursor movements are removed. Other control characters are escaped."""
    command = script(
        tmp_path,
        r"printf '\033[31mred\033[0m \033]0;title\007\033]8;;http://x\033\\link \033[2Jx\033(B \001\342\200\256 \377\n'"
        "\n"
        r"printf 'canary-\033[1mtoken-4711\n'",
    )
    assert run(tmp_path, command) == [r"./job: red link x\x1b(B \x01\u202e " + "\ufffd", "./job: ***"]


def test_long_lines_and_floods_are_cut(tmp_path: Path) -> None:
    """A long line shows its beginning. Of many lines at once, the last are shown."""
    said = run(tmp_path, script(tmp_path, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end"))
    assert said[0] == f"./job: {'x' * 300}..."
    assert said[-1].endswith("end")
    assert len(run(tmp_path, script(tmp_path, "seq 100000"))) < 2000


def test_a_token_at_a_cut_is_not_shown(tmp_path: Path) -> None:
    """Not even with invisible text before it."""
    padding = (16_384 - 9) // 5
    text = f"i=0; while [ $i -lt {padding} ]; do printf '\\033[31m'; i=$((i+1)); done; echo {TOKEN}"
    assert "canary" not in "".join(run(tmp_path, script(tmp_path, text)))


def test_a_failure_has_the_exit_code_and_the_last_lines(tmp_path: Path) -> None:
    """No more lines than fit an error."""
    with pytest.raises(DeliveryFailedError) as failed:
        run(tmp_path, script(tmp_path, f"seq 40; echo {TOKEN}; exit 3"))
    first, *last = str(failed.value).splitlines()
    assert first == "'./job' failed with exit code 3; it printed last:"
    assert last == [*(f"  {number}" for number in range(27, 41)), "  ***"]


def test_a_failure_without_output_has_the_exit_code_or_signal(tmp_path: Path) -> None:
    """There is nothing else to report."""
    with pytest.raises(DeliveryFailedError, match=r"^'./job' failed with exit code 1$"):
        run(tmp_path, script(tmp_path, "exit 1"))
    with pytest.raises(DeliveryFailedError, match=r"^'./job' was ended by signal 9$"):
        run(tmp_path, script(tmp_path, "kill -9 $$"))


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    """The message has the system's reason."""
    (tmp_path / "job").write_bytes(b"\0")
    (tmp_path / "job").chmod(0o755)
    with pytest.raises(DeliveryFailedError, match=r"'\./job' cannot be started: Exec format error"):
        run(tmp_path, parsed("./job"))


def test_a_failed_commands_children_end_with_it(tmp_path: Path) -> None:
    """A build in the background could otherwise deploy after all."""
    with pytest.raises(DeliveryFailedError):
        run(tmp_path, script(tmp_path, "sleep 60 & echo $! > child; exit 1"))
    assert not alive(int((tmp_path / "child").read_text(encoding="utf-8")))


def test_a_command_that_hangs_is_stopped_in_time(tmp_path: Path) -> None:
    """With no output and closed streams, it still ends at its timeout."""
    with pytest.raises(DeliveryFailedError, match=r"'./job' did not end within 0.4s \(timeout\), and was stopped"):
        run(tmp_path, script(tmp_path, "echo started; exec >&- 2>&-; exec sleep 60"), seconds=0.4)


@pytest.mark.slow
def test_a_cancel_ends_the_whole_group(tmp_path: Path) -> None:
    """Children and grandchildren end within two seconds, also those that ignore signals."""
    pids = tmp_path / "pids"
    script(tmp_path, 'trap "" TERM; echo $$ >> pids; while :; do sleep 0.1; done', "deaf")
    command = script(tmp_path, "echo $$ >> pids; sh -c './deaf & wait' & sh -c 'echo $$ >> pids; exec sleep 60'")

    def all_run() -> bool:
        return pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 3

    started = time.monotonic()
    with pytest.raises(CommandInterruptedError, match=r"^'./job' was stopped$"):
        run(tmp_path, command, cancelled=all_run)
    assert time.monotonic() - started < 4
    assert not any(alive(int(pid)) for pid in pids.read_text(encoding="utf-8").split())


def test_background_processes_of_a_finished_command_are_not_waited_for(tmp_path: Path) -> None:
    """A daemon that it started may keep the pipe open."""
    started = time.monotonic()
    assert run(tmp_path, script(tmp_path, "sleep 60 & echo $! > child; echo done")) == ["./job: done"]
    assert time.monotonic() - started < 5
    os.kill(int((tmp_path / "child").read_text(encoding="utf-8")), signal.SIGKILL)


def test_an_error_in_the_reporter_stops_the_command(tmp_path: Path) -> None:
    """The command does not go on alone."""

    class BrokenList(list[str]):
        def append(self, _: str) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(tmp_path, script(tmp_path, "echo $$ > child; echo x; exec sleep 60"), said=BrokenList())
    assert not alive(int((tmp_path / "child").read_text(encoding="utf-8")))
