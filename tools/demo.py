"""`make demo`: the vendor guide's migration on the real Pulumi engine, against the sandbox, in Python and in YAML.

It prints each command before its output, and checks every announced result. Everything happens in a temporary folder:
no file of the repository changes, and no process outlives the demo.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.client import Client
from sandbox.errors import SandboxError
from tools import sandbox_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TARGET: Final = "5.0.4"
WAITING: Final = "lunar-tides-3456"
"""The Deployment without a declared image: another team deploys it; the demo plays that team."""
_COMMAND_SECONDS: Final = 180.0
"""Seconds until a command is interrupted, and again until it is killed."""
_ROLLOUT_SECONDS: Final = 2.0
_PATH: Final = r"AC 2\.2\.3 > AC 2\.3\.0 > Astro Runtime 5\.0\.4"
_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class UnexpectedResultError(Exception):
    """A step had another result than announced."""


def say(text: str = "") -> None:
    """Print what the demo does, distinct from the output of its commands."""
    print(f"\x1b[1;36m{text}\x1b[0m" if text and sys.stdout.isatty() else text, flush=True)


def show_command(words: Sequence[str]) -> None:
    """Print a command as a user types it."""
    line = f"$ {shlex.join(words)}"
    print(f"\n\x1b[1m{line}\x1b[0m" if sys.stdout.isatty() else f"\n{line}", flush=True)


def expect(condition: object, problem: str) -> None:
    """Stop the demo unless the announced result holds."""
    if not condition:
        raise UnexpectedResultError(problem)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The demo's project folder, its sandbox, and the environment for both."""

    project: Path
    environment: dict[str, str]
    houston: Client

    def run(self, *words: str, code: int | None = 0, quiet: bool = False) -> str:
        """Run a command in the project, print its output as it arrives, and return it without colours.

        Args:
            words: The command.
            code: The announced exit code; None for any but 0.
            quiet: Print the output only if the command fails.
        """
        show_command(words)
        printed = []
        with _running(words, self.project, self.environment) as process:
            assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
            for line in process.stdout:
                printed.append(line)
                if not quiet:
                    print(line, end="", flush=True)
        expected = process.returncode != 0 if code is None else process.returncode == code
        if quiet and not expected:
            print("".join(printed), end="")
        wanted = "another code than 0" if code is None else code
        expect(expected, f"`{shlex.join(words)}` ended with exit code {process.returncode}, expected was {wanted}")
        return _COLOUR.sub("", "".join(printed))

    def show(self) -> list[dict[str, str]]:
        """Print Houston's fleet, and return it."""
        words = ("python", "-m", "sandbox", "show")
        show_command(words)
        subprocess.run([sys.executable, *words[1:]], check=True, cwd=sandbox_project.ROOT, env=self.environment)
        return self.houston.fleet()

    def deploy(self, release: str, image: str) -> None:
        """Deploy an image as the team that owns the Deployment would."""
        words = ("python", "-m", "sandbox", "deploy", release, image)
        show_command(words)
        subprocess.run([sys.executable, *words[1:]], check=True, cwd=sandbox_project.ROOT, env=self.environment)


@contextlib.contextmanager
def _running(words: Sequence[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command in its own session; end it as Ctrl-C would after an interruption or a timeout."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        start_new_session=True,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    over = threading.Event()

    def watch() -> None:
        for number in (signal.SIGINT, signal.SIGKILL):
            if over.wait(_COMMAND_SECONDS):
                return
            process.send_signal(number)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield process
        process.wait()
    finally:
        over.set()
        sandbox_project.stop(process, signal.SIGINT)


@contextlib.contextmanager
def team(stage: Stage) -> Iterator[None]:
    """Play the team that deploys its own images: deploy one whenever its Deployment waits for it."""
    over = threading.Event()
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while not over.wait(0.5):
                row = next(row for row in stage.houston.fleet() if row["releaseName"] == WAITING)
                if version := row["pending"]:
                    # Astronomer Certified has Airflow's numbers and ended with 2.4.3.
                    distribution = "certified" if version.startswith("2.") else "runtime"
                    say(f"\n{WAITING} waits for its image of {distribution} {version}; its team deploys it now:")
                    stage.deploy(WAITING, f"registry.example.com/research/airflow:{distribution}-{version}")
        except (SandboxError, subprocess.CalledProcessError) as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    expect(not problems, f"the team could not deploy: {problems}")


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """Set up a temporary folder with the repository's project and the sandbox, and remove it."""
    with tempfile.TemporaryDirectory(prefix="astro-demo-") as temporary:
        project = Path(temporary) / "project"
        sandbox_project.lay_out(project)
        shutil.copy(sandbox_project.STACK, project / "stacks" / "Pulumi.demo.yaml")
        say("Starting the sandbox, an embedded Houston, on a free loopback port.")
        with _served(project, Path(temporary)) as stage:
            say(f"It serves {stage.environment['ASTRO_HOUSTON_URL']}, with this fleet:")
            yield stage


@contextlib.contextmanager
def staged_in_yaml() -> Iterator[Stage]:
    """Set up the example in YAML, the plugin at its relative path, and another sandbox; remove all of it."""
    with tempfile.TemporaryDirectory(prefix="astro-demo-") as temporary:
        project = Path(temporary) / "examples" / "yaml"
        project.mkdir(parents=True)
        shutil.copy(sandbox_project.ROOT / "examples" / "yaml" / "Pulumi.yaml", project)
        for name in ("native", ".venv"):
            (Path(temporary) / name).symlink_to(sandbox_project.ROOT / name)
        with _served(project, Path(temporary)) as stage:
            yield stage


@contextlib.contextmanager
def _served(project: Path, folder: Path) -> Iterator[Stage]:
    """Run the sandbox for a project; all that it and Pulumi write is in the folder."""
    with sandbox_project.sandbox(state=folder / "houston.sqlite", rollout_seconds=_ROLLOUT_SECONDS) as url:
        settings = sandbox_project.pulumi_settings(folder=folder / "pulumi", url=url)
        settings |= {
            "PULUMI_OPTION_COLOR": "always" if sys.stdout.isatty() else "never",
            "ASTRO_CATALOG": "guide",  # the sandbox's; the config of the repository's stack has it, too
        }
        yield Stage(
            project=project,
            environment=sandbox_project.environment(settings),
            houston=Client(url, sandbox_project.TOKEN),
        )


def play(stage: Stage) -> None:
    """Run all steps, and stop at the first one with another result than announced."""
    before = stage.show()
    expect(len(before) >= 5, "the fleet has fewer than five Deployments")
    say("\nThe stack declares Astro Runtime 5.0.4 for all of them. `finance` takes the vendor's bare base image and")
    say("accepts that by name (base-image), as nothing real runs here; an image of one's own has one's DAGs in it.")
    show_command(("cat", "stacks/Pulumi.demo.yaml"))
    print((stage.project / "stacks" / "Pulumi.demo.yaml").read_text(), end="", flush=True)
    stage.run("pulumi", "stack", "init", "demo", quiet=True)

    say("\n1. What would happen? Every hop is shown, and nothing is changed.")
    preview = stage.run("pulumi", "preview")
    expect(re.search(_PATH, preview), "the preview does not show the guide's path for galactic-stars-1234")
    expect(_moving(stage.houston.fleet()) == _moving(before), "the preview changed the fleet")

    say(f"\n2. Do it. {WAITING} declares no image, so its hops wait until its team has deployed one.")
    with team(stage):
        stage.run("pulumi", "up", "--yes")
    for row in stage.show():
        ended = (row["distribution"], row["version"], row["pending"]) == ("runtime", TARGET, "")
        expect(ended, f"{row['releaseName']} ended at {row['distribution']} {row['version']}, not at runtime {TARGET}")

    say("\n3. Again: there is nothing to do.")
    preview = stage.run("pulumi", "preview")
    expect(not re.search(r"\d+ to (create|update|delete|replace)", preview), "the second preview has something to do")
    expect(
        re.search(rf"\b{len(before) + 1} unchanged", preview), "the second preview does not call everything unchanged"
    )

    say("\n4. A downgrade is refused, in any declaration.")
    after = stage.houston.fleet()
    stage.run("pulumi", "config", "set", "--path", "astro:deployments[2].runtimeVersion", "4.2.5")
    refusal = stage.run("pulumi", "preview", code=None)
    expect("NO-REVERT" in refusal, "the refusal does not name its rule, NO-REVERT")
    expect(_moving(stage.houston.fleet()) == _moving(after), "the refused preview changed the fleet")


def play_in_yaml(stage: Stage) -> None:
    """Migrate one Deployment of the same fleet from YAML."""
    before = stage.houston.fleet()
    say("\n5. The same migration in YAML, on another platform with the first fleet.")
    show_command(("cat", "Pulumi.yaml"))
    print((stage.project / "Pulumi.yaml").read_text(), end="", flush=True)
    stage.run("pulumi", "stack", "init", "demo", quiet=True)
    preview = stage.run("pulumi", "preview")
    expect(re.search(_PATH, preview), "the preview from YAML does not show the guide's path for galactic-stars-1234")
    expect(_moving(stage.houston.fleet()) == _moving(before), "the preview from YAML changed the fleet")
    stage.run("pulumi", "up", "--yes", "--skip-preview")
    after = {row["releaseName"]: (row["distribution"], row["version"]) for row in stage.houston.fleet()}
    expect(after["galactic-stars-1234"] == ("runtime", TARGET), f"galactic-stars-1234 is not at runtime {TARGET}")


def _moving(fleet: Sequence[dict[str, str]]) -> list[tuple[str, ...]]:
    """Return the values of a fleet that only a version change alters."""
    return [(row["releaseName"], row["distribution"], row["version"], row["pending"]) for row in fleet]


def _changed_files() -> str:
    """Return git's changes of the files that Pulumi may write; empty in a copy without git."""
    with contextlib.suppress(OSError):
        command = ["git", "status", "--porcelain", "--untracked-files=all", "--", "Pulumi.yaml", "plugin", "stacks"]
        return subprocess.run(command, capture_output=True, check=False, cwd=sandbox_project.ROOT, text=True).stdout
    return ""


def main() -> int:
    """Run the demo; return 0 if all results were as announced."""
    sandbox_project.end_on_sigterm()
    began = time.monotonic()
    changed = _changed_files()
    try:
        with staged() as stage:
            play(stage)
        with staged_in_yaml() as stage:
            play_in_yaml(stage)
        expect(_changed_files() == changed, f"files of the repository changed:\n{_changed_files()}")
    except (
        UnexpectedResultError,
        sandbox_project.SandboxNotStartedError,
        SandboxError,
        OSError,
        subprocess.CalledProcessError,
    ) as problem:
        print(f"\ndemo: unexpected result: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything that it started has ended", file=sys.stderr)
        return 130
    seconds = time.monotonic() - began
    say(
        f"\nAll as expected: previewed, migrated, nothing left to do, a downgrade refused, and the same in YAML, "
        f"in {seconds:.0f} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
