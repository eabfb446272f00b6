"""Command line: exit codes, errors and imports that all subcommands share."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from astro_deployment_runtime.cli import main, plan
from astro_deployment_runtime.errors import PlanVerificationError

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = ("plan", "--catalog", "guide")


@pytest.mark.parametrize("arguments", [[], ["walk"], ["plan", "--strategy", "best"], ["plan", "--fr", "AC 2.2.3"]])
def test_an_error_of_argparse_looks_like_any_other(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It has no usage text."""
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_bug_of_this_package_has_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither a refusal nor unusable input."""

    def fail(*_: object, **__: object) -> None:
        raise PlanVerificationError("the check objects")

    monkeypatch.setattr(plan, "plan", fail)
    assert main.main([*GUIDE, "--from", "AC 2.2.3", "--to", "5.0.4"]) == 1
    assert capsys.readouterr().err == "error: the check objects\n"


def test_a_reader_that_exits_early_causes_no_traceback(tmp_path: Path) -> None:
    """As with ``| head -1``."""
    file = tmp_path / "pairs"
    file.write_text("AC 2.2.3\t5.0.4\n" * 5000)
    command = [sys.executable, "-m", "astro_deployment_runtime", *GUIDE, "--batch", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_ctrl_c_has_the_exit_code_of_shells_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """130."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "plan", interrupt)
    assert main.main([*GUIDE, "--from", "AC 2.2.3", "--to", "5.0.4"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_offline_planning_imports_neither_pulumi_nor_httpx() -> None:
    """They would slow down the start."""
    code = (
        "import sys; from astro_deployment_runtime.cli import main; "
        "main.main(['plan', '--from', 'AC 2.2.3', '--to', '5.0.4']); "
        "sys.exit(str({'pulumi', 'httpx'} & {*sys.modules}) if {'pulumi', 'httpx'} & {*sys.modules} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
