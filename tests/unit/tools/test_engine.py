"""The search for the engine, with small scripts instead of the programs, and real sockets and processes."""

from __future__ import annotations

import functools
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = engine.wanted_version()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Machine:
    """A machine made up of folders: its PATH, its cache, and what the search said."""

    bin: Path
    surroundings: engine.Surroundings
    said: list[str] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        """Where its engines are kept."""
        return self.surroundings.cache

    def find_or_get(self, **changes: object) -> Path:
        """Search on this machine, or on one that differs in a few things."""
        return engine.find_or_get(replace(self.surroundings, say=self.said.append, **changes))  # type: ignore[arg-type]

    def left(self) -> list[str]:
        """Return the files in the cache beside the lock."""
        return sorted(path.name for path in self.cache.glob("*") if path.name != ".lock")


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def machine(tmp_path: Path, closed_port: int) -> Machine:
    """A machine with nothing on PATH, an empty cache, and a release server that refuses."""
    folder = tmp_path / "bin"
    folder.mkdir()
    surroundings = engine.Surroundings(
        search_path=str(folder), cache=tmp_path / "cache" / "engine", releases=f"http://127.0.0.1:{closed_port}"
    )
    return Machine(bin=folder, surroundings=surroundings)


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served, and its address."""
    folder = tmp_path / "releases"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def script(path: Path, body: str) -> Path:
    """Write a program in shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_engine(folder: Path, version: str = VERSION) -> Path:
    """Put an engine that answers with a version, and its companions, into a folder."""
    script(folder / "pulumi", f"echo {version}")
    for companion in engine.PROGRAMS[1:]:
        script(folder / companion, "")
    return folder


def fake_go(machine: Machine, tmp_path: Path, *, before: str = "", version: str = VERSION) -> Path:
    """Put a Go on PATH that 'builds' programs that answer with a version, and tells its calls to a file."""
    module = tmp_path / "module"
    for name, place in engine.SCRIPTS.items():
        script(module / place / name, "")
    calls = tmp_path / "calls"
    body = f"""
echo "$1 in $(basename "$PWD")" >> {calls}
{before}
if [ "$1" = list ]; then echo {module}; exit; fi
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho {version}\\n' > "$2"
chmod +x "$2"
"""
    script(machine.bin / "go", body)
    return calls


def publish(folder: Path, *, version: str = VERSION, checksum: str | None = None) -> None:
    """Publish a release for this machine as the official server does."""
    content = fake_engine(folder / "content", version)
    archive = folder / f"pulumi-{VERSION}-{engine._release_platform()}.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(content, arcname="pulumi")
    checksum = checksum or hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / f"pulumi-{VERSION[1:]}-checksums.txt").write_text(
        f"{'0' * 64}  other.tar.gz\n{checksum}  {archive.name}\n"
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.250.0\n", (3, 250, 0)),
        ("3.216.0", (3, 216, 0)),
        ("v3.251.0-alpha.1+dirty", (3, 251, 0)),
        ("", None),
        ("v3.250", None),
        ("warning: v3.250.0", None),
    ],
)
def test_version_is_read_from_the_answer(text: str, version: tuple[int, int, int] | None) -> None:
    """Only a whole version counts: a program that tells none is not one that we know."""
    assert engine.parse_version(text) == version


def test_wanted_version_is_the_one_that_go_would_build() -> None:
    """The version is a released one, and new enough by our own measure."""
    version = engine.parse_version(VERSION)
    assert version is not None
    assert version >= engine.OLDEST


def test_go_mod_without_the_engine_is_an_error(tmp_path: Path) -> None:
    """A version that is stated nowhere is told, not guessed."""
    (tmp_path / "go.mod").write_text("module x\n")
    with pytest.raises(engine.EngineError, match="does not say which engine"):
        engine.wanted_version(tmp_path / "go.mod")


@pytest.mark.parametrize(
    ("variable", "below"),
    [("/elsewhere", "/elsewhere"), ("", "/home/me/.cache"), ("relative", "/home/me/.cache")],
)
def test_cache_follows_the_users_setting(monkeypatch: pytest.MonkeyPatch, variable: str, below: str) -> None:
    """XDG_CACHE_HOME counts where it is set and absolute, as its specification says."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert engine.user_cache() == Path(below) / "astro-deployment-runtime" / "engine"


def test_engine_on_path_wins(machine: Machine) -> None:
    """The search uses the user's installation even if the cache has an engine, and writes nothing."""
    fake_engine(machine.bin, "v3.216.0")
    fake_engine(machine.cache / VERSION)
    assert machine.find_or_get() == machine.bin
    assert machine.left() == [VERSION]
    assert len(machine.said) == 1


def test_companions_may_lie_elsewhere_on_path(machine: Machine, tmp_path: Path) -> None:
    """The engine looks for its companions on PATH too, so we do."""
    other = fake_engine(tmp_path / "other")
    (other / "pulumi").rename(machine.bin / "pulumi")
    assert machine.find_or_get(search_path=f"{machine.bin}:{other}") == machine.bin


def test_companions_may_lie_where_a_link_leads(machine: Machine, tmp_path: Path) -> None:
    """A link to the engine is as good as the engine, and its script needs not be executable."""
    installed = fake_engine(tmp_path / "installed")
    (installed / "pulumi-language-python-exec").chmod(0o644)
    (machine.bin / "pulumi").symlink_to(installed / "pulumi")
    assert machine.find_or_get() == machine.bin


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("echo v3.215.9", "is 3.215.9, too old"), ("echo", "of no version that it tells"), ("exit 1", "of no version")],
)
def test_unfit_engine_on_path_is_passed_over(machine: Machine, answer: str, reason: str) -> None:
    """One that is too old, tells no version or fails is named with the reason, and the next way is tried."""
    fake_engine(machine.bin)
    script(machine.bin / "pulumi", answer)
    cached = fake_engine(machine.cache / VERSION)
    assert machine.find_or_get() == cached
    assert reason in machine.said[0]


@pytest.mark.parametrize("host", ["pulumi-language-python", "pulumi-language-yaml"])
def test_engine_without_a_language_host_is_passed_over(machine: Machine, host: str) -> None:
    """Without its hosts an engine cannot run this project and its examples."""
    fake_engine(machine.bin)
    (machine.bin / host).unlink()
    cached = fake_engine(machine.cache / VERSION)
    assert machine.find_or_get() == cached
    assert f"lacks {host}" in machine.said[0]


@pytest.mark.parametrize("missing", engine.PROGRAMS)
def test_incomplete_cache_is_replaced(machine: Machine, tmp_path: Path, missing: str) -> None:
    """A folder that lacks a program does not count, and does not stand in the way."""
    (fake_engine(machine.cache / VERSION) / missing).unlink()
    fake_go(machine, tmp_path)
    assert machine.find_or_get() == machine.cache / VERSION
    assert all((machine.cache / VERSION / program).exists() for program in engine.PROGRAMS)
    assert machine.left() == [VERSION]


def test_release_is_downloaded_and_found_again(machine: Machine, releases: tuple[Path, str]) -> None:
    """The release is checked, kept, and not fetched twice."""
    folder, address = releases
    publish(folder)
    assert machine.find_or_get(releases=address) == machine.cache / VERSION
    assert machine.left() == [VERSION]
    machine.said.clear()
    assert machine.find_or_get() == machine.cache / VERSION  # from here on the server refuses
    assert machine.said[1:] == [f"{VERSION} from {machine.cache / VERSION}"]


def test_release_with_a_wrong_checksum_is_refused(machine: Machine, releases: tuple[Path, str]) -> None:
    """An archive without the published checksum is never unpacked."""
    folder, address = releases
    publish(folder, checksum="f" * 64)
    with pytest.raises(engine.EngineError):
        machine.find_or_get(releases=address)
    assert any("not the published ffff" in line for line in machine.said)
    assert machine.left() == []


def test_release_that_is_not_what_it_says_is_refused(machine: Machine, releases: tuple[Path, str]) -> None:
    """A new engine must work and have the wanted version before it gets its name."""
    folder, address = releases
    publish(folder, version="v3.1.0")
    with pytest.raises(engine.EngineError):
        machine.find_or_get(releases=address)
    assert any(f"what came is not {VERSION}: pulumi is 3.1.0" in line for line in machine.said)
    assert machine.left() == []


def test_missing_release_fails_over(machine: Machine, tmp_path: Path, releases: tuple[Path, str]) -> None:
    """A server that lacks the release is told in one line, and Go builds."""
    fake_go(machine, tmp_path)
    assert machine.find_or_get(releases=releases[1]) == machine.cache / VERSION
    assert any("no download: HTTP Error 404" in line for line in machine.said)


def test_refused_download_fails_over_at_once(machine: Machine, tmp_path: Path) -> None:
    """A server that refuses costs no time; Go then builds the engine and its hosts, each in its own module."""
    calls = fake_go(machine, tmp_path)
    began = time.monotonic()
    assert machine.find_or_get() == machine.cache / VERSION
    assert time.monotonic() - began < 5
    assert any("no download: " in line and "refused" in line for line in machine.said)
    assert calls.read_text().splitlines() == [
        "build in pulumi-engine",
        "build in pulumi-engine",
        "build in language-host",
        "list in pulumi-engine",
    ]
    assert machine.left() == [VERSION]


def test_silent_server_fails_over(machine: Machine, tmp_path: Path) -> None:
    """A server that takes the connection and never answers is given up after the time that was set."""
    fake_go(machine, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert machine.find_or_get(releases=address, answer_seconds=0.2) == machine.cache / VERSION
    assert "no download: no answer within 0.2 s" in machine.said


def test_no_way_names_all_ways_out(machine: Machine) -> None:
    """Without any way the error tells the three that would help."""
    with pytest.raises(engine.EngineError) as told:
        machine.find_or_get()
    assert all(word in str(told.value) for word in ("on PATH", engine.RELEASES, "Go"))
    assert machine.left() == []


def test_failing_build_shows_its_last_lines(machine: Machine, tmp_path: Path) -> None:
    """Go's own words are shown, from the end, and nothing is left of the build."""
    fake_go(machine, tmp_path, before="seq 100; echo 'no such module' >&2; exit 3")
    with pytest.raises(engine.EngineError):
        machine.find_or_get()
    assert "  no such module" in machine.said
    assert "  100" in machine.said
    assert "  1" not in machine.said
    assert any("failed with exit code 3" in line for line in machine.said)
    assert machine.left() == []


def test_slow_build_shows_that_it_lives(machine: Machine, tmp_path: Path) -> None:
    """While Go is silent we are not."""
    fake_go(machine, tmp_path, before="sleep 0.3")
    machine.find_or_get(heartbeat_seconds=0.1)
    assert any(line.startswith("building pulumi with Go: 0 min 0") for line in machine.said)


def test_what_a_killed_run_left_is_removed(machine: Machine, tmp_path: Path) -> None:
    """A killed run cannot tidy up; the next one does it."""
    fake_engine(machine.cache / ".unfinished-x" / VERSION)
    fake_go(machine, tmp_path)
    machine.find_or_get()
    assert machine.left() == [VERSION]


def start(machine: Machine) -> subprocess.Popen[str]:
    """Start the search as a command, on this machine, behind a proxy that refuses."""
    environment = {
        **os.environ,
        "PATH": f"{machine.bin}:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(machine.cache.parents[1]),
        "https_proxy": machine.surroundings.releases,
    }
    return subprocess.Popen(
        [sys.executable, engine.__file__],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def command_machine(machine: Machine, tmp_path: Path) -> Machine:
    """The machine, with its cache where the command looks for it."""
    cache = tmp_path / "xdg" / "astro-deployment-runtime" / "engine"
    return Machine(bin=machine.bin, surroundings=replace(machine.surroundings, cache=cache))


def test_command_prints_the_folder_alone_on_stdout(command_machine: Machine, tmp_path: Path) -> None:
    """A shell can take the folder from stdout; the story goes to stderr."""
    fake_go(command_machine, tmp_path)
    process = start(command_machine)
    folder, story = process.communicate(timeout=60)
    assert (process.returncode, folder) == (0, f"{command_machine.cache / VERSION}\n")
    assert "engine: building Pulumi" in story


def test_command_without_a_way_fails(command_machine: Machine) -> None:
    """No engine is a failure with the ways out, and nothing on stdout."""
    process = start(command_machine)
    folder, story = process.communicate(timeout=60)
    assert (process.returncode, folder) == (1, "")
    assert "One of these is needed" in story


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_build_leaves_nothing(command_machine: Machine, tmp_path: Path, number: signal.Signals) -> None:
    """Neither a half-filled folder nor Go itself outlives an interruption."""
    pid_file = tmp_path / "pid"
    fake_go(command_machine, tmp_path, before=f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60")
    process = start(command_machine)
    deadline = time.monotonic() + 30
    while not pid_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, story = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing half done" in story
    assert command_machine.left() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_two_runs_at_once_build_once(command_machine: Machine, tmp_path: Path) -> None:
    """The second waits for the first and takes what that has built."""
    calls = fake_go(command_machine, tmp_path, before="sleep 0.5")
    processes = [start(command_machine) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [folder for folder, _ in answers] == [f"{command_machine.cache / VERSION}\n"] * 2
    assert calls.read_text().count("build in language-host") == 1
    assert any("waiting for it" in story for _, story in answers)
