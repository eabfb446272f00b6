"""Find the Pulumi engine, or get it, and print its folder.

Four ways, tried in this order; the first that gives a whole engine wins:

1. a `pulumi` on PATH that is new enough,
2. the per-user cache, filled by an earlier run,
3. the official release, downloaded and checked against its published SHA-256,
4. a build with Go, for machines that reach a Go module proxy and little else.

`python3 tools/engine.py` prints the folder on stdout and its progress on stderr. It needs only Python >= 3.11, because
it runs before there is a virtual environment. An interrupted run leaves no partial engine behind: the cache's folder is
filled under another name and renamed when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import queue
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol
from urllib.error import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from http.client import HTTPResponse
    from types import FrameType

TOOLS: Final = Path(__file__).resolve().parent
OLDEST: Final = (3, 216, 0)
"""The oldest CLI that lets a project name its own plugin and understands all of this project's files."""
SCRIPTS: Final = {"pulumi-language-python-exec": "python/cmd", "pulumi-resource-pulumi-python": "python/dist"}
"""Scripts of the SDK that run Python programs and dynamic resources, and their places."""
PROGRAMS: Final = ("pulumi", "pulumi-language-python", "pulumi-language-yaml", *SCRIPTS)
RELEASES: Final = "https://get.pulumi.com/releases/sdk"
"""The address from which the official installer downloads."""
STALL_SECONDS: Final = 15.0
"""Seconds without data after which a download fails."""
TAIL_LINES: Final = 30
SDK_MODULE: Final = "github.com/pulumi/pulumi/sdk/v3"
WAYS_OUT: Final = f"""no Pulumi engine here, and no way to get one. One of these is needed:
  - a `pulumi` >= {".".join(map(str, OLDEST))} on PATH (https://www.pulumi.com/docs/iac/download-install/)
  - {RELEASES} reachable, directly or through https_proxy
  - Go (https://go.dev/dl/) on PATH, and a Go module proxy that it reaches"""


class EngineError(Exception):
    """No engine is available; the message says what would help."""


class ClosedWayError(Exception):
    """One way leads to no engine on this machine; the message says why in one line."""


class Say(Protocol):
    """Reports progress to the user, in one line."""

    def __call__(self, line: str, /) -> object:
        """Show the line."""


def _to_stderr(line: str, /) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)


def user_cache(name: str = "engine") -> Path:
    """Return the folder with the cached engines, or with other programs, one folder per version."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "astro-deployment-runtime" / name


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program that Go builds."""

    name: str
    module: str
    """The folder in tools/ whose go.mod states the versions."""
    package: str
    linker_flags: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """The parts of the machine that the search depends on; tests replace them."""

    search_path: str = field(default_factory=lambda: os.environ.get("PATH", os.defpath))
    cache: Path = field(default_factory=user_cache)
    releases: str = RELEASES
    say: Say = _to_stderr
    answer_seconds: float = 5.0
    """Seconds within which a server has to answer."""
    heartbeat_seconds: float = 15.0
    """Seconds between two progress lines."""


def wanted_version(go_mod: Path = TOOLS / "pulumi-engine" / "go.mod") -> str:
    """Return the version to download or build, such as `v3.254.0`, from go.mod."""
    found = re.search(r"^\s*(?:require )?github\.com/pulumi/pulumi/pkg/v3 (v\S+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise EngineError(f"{go_mod} does not say which engine to build")
    return found[1]


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Return the numbers of `v3.250.0` or `3.251.0-alpha.1+dirty`; None for any other text."""
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?", text.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def find_or_get(where: Surroundings | None = None) -> Path:
    """Return the folder of a working engine, downloaded or built if necessary.

    The companions of a `pulumi` from PATH may be elsewhere on PATH, so prepend the folder to PATH.

    Raises:
        EngineError: no way led to an engine.
    """
    where = where or Surroundings()
    version = wanted_version()
    for way in _on_path, _in_cache:
        try:
            return way(where, version)
        except ClosedWayError as closed:
            where.say(str(closed))
    with alone(where):
        with contextlib.suppress(ClosedWayError):  # another process may have filled the cache meanwhile
            return _in_cache(where, version)
        for get in _download, _build:
            try:
                with filled(where, version) as folder:
                    get(where, version, folder)
                    _check(folder, version)
                return _in_cache(where, version)
            except ClosedWayError as closed:
                where.say(str(closed))
    raise EngineError(WAYS_OUT)


def _on_path(where: Surroundings, _version: str) -> Path:
    """Way 1: the user's installation."""
    found = shutil.which("pulumi", path=where.search_path)
    oldest = ".".join(map(str, OLDEST))
    if not found:
        raise ClosedWayError(f"no pulumi on PATH (wanted: {oldest} or newer)")
    answer = _version_of(Path(found))
    if answer is None or answer < OLDEST:
        raise ClosedWayError(f"{found} is {_dotted(answer)}, too old (wanted: {oldest} or newer)")
    # The engine looks for its companions beside itself, links followed, and on PATH. The last one is a script that only
    # has to exist: not every installer marks it executable.
    folder, linked = Path(found).absolute().parent, Path(found).resolve().parent
    for program in PROGRAMS:
        beside = (folder / program).is_file() or (linked / program).is_file()
        if not beside and not shutil.which(program, path=where.search_path):
            raise ClosedWayError(f"{found} lacks {program}")
    where.say(f"{found}, {_dotted(answer)}, from PATH")
    return folder


def _in_cache(where: Surroundings, version: str) -> Path:
    """Way 2: the cache of an earlier run."""
    folder = where.cache / version
    if not all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
        raise ClosedWayError(f"none in the cache, {folder}")
    where.say(f"{version} from {folder}")
    return folder


def _version_of(program: Path) -> tuple[int, int, int] | None:
    """Return the answer of `pulumi version`; None without one."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [program, "version"],
            capture_output=True,
            check=True,
            env=quiet,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
        )
        return parse_version(answer.stdout)
    return None


def _dotted(version: tuple[int, int, int] | None) -> str:
    return ".".join(map(str, version)) if version else "of no version that it tells"


@contextlib.contextmanager
def alone(where: Surroundings) -> Iterator[None]:
    """Let one process at a time fill the cache, and remove the remains of a killed one.

    The kernel releases the lock with its process, in any case.
    """
    where.cache.mkdir(parents=True, exist_ok=True)
    with (where.cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where.say(f"another process is filling {where.cache}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in where.cache.glob(".unfinished-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        yield


@contextlib.contextmanager
def filled(where: Surroundings, name: str) -> Iterator[Path]:
    """Yield a folder to fill, and give it its name in the cache if nothing was raised."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=where.cache, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        yield folder
        shutil.rmtree(where.cache / name, ignore_errors=True)  # incomplete: a complete one would have been used
        folder.rename(where.cache / name)


def _check(folder: Path, version: str) -> None:
    """Raise ClosedWayError unless the folder's engine works and has the version."""
    for program in PROGRAMS:
        (folder / program).chmod(0o755)
    if (answer := _version_of(folder / "pulumi")) != parse_version(version):
        raise ClosedWayError(f"what came is not {version}: pulumi is {_dotted(answer)}")


def _download(where: Surroundings, version: str, folder: Path) -> None:
    """Way 3: the official release."""
    archive = f"pulumi-{version}-{_release_platform()}.tar.gz"
    url = f"{where.releases}/{archive}"
    where.say(f"downloading {url}")
    try:
        with _opened(f"{where.releases}/pulumi-{version.removeprefix('v')}-checksums.txt", where) as answer:
            checksums = answer.read().decode()
        expected = re.search(rf"^([0-9a-f]{{64}})\s+\*?{re.escape(archive)}$", checksums, re.MULTILINE)
        if not expected:
            raise ClosedWayError(f"no download: the release's checksums do not name {archive}")
        with tempfile.TemporaryFile(dir=folder.parent) as file:
            with _opened(url, where) as answer:
                checksum = _receive(answer, file.write, where)
            if checksum != expected[1]:
                raise ClosedWayError(
                    f"no download: {archive} has the SHA-256 {checksum}, not the published {expected[1]}"
                )
            file.seek(0)
            with tarfile.open(fileobj=file) as members:
                for program in PROGRAMS:
                    content = members.extractfile(f"pulumi/{program}")
                    if content is None:
                        raise ClosedWayError(f"no download: pulumi/{program} in {archive} is not a file")
                    with (folder / program).open("wb") as out:
                        shutil.copyfileobj(content, out)
    except (OSError, HTTPException, tarfile.TarError, KeyError, UnicodeDecodeError) as problem:
        raise ClosedWayError(f"no download: {problem}") from problem


def _release_platform() -> str:
    """Return the release's name for this machine, such as `linux-x64`."""
    processors = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{processors.get(machine, machine)}"


@contextlib.contextmanager
def _opened(url: str, where: Surroundings) -> Iterator[HTTPResponse]:
    """Return a server's answer to a GET, or raise OSError within seconds.

    It asks in a thread, because the timeout of a socket does not limit the name lookup.
    """
    answers: queue.Queue[HTTPResponse | OSError | HTTPException] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=STALL_SECONDS))  # noqa: S310 - the address is ours, and https
        except (OSError, HTTPException) as problem:
            if isinstance(problem, HTTPError):
                problem.close()  # it has the answer's socket
            answers.put(problem)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=where.answer_seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {where.answer_seconds:g} s") from None
    if isinstance(answer, OSError | HTTPException):
        raise answer
    with answer:
        yield answer


def _receive(answer: HTTPResponse, write: Callable[[bytes], object], where: Surroundings) -> str:
    """Pass a download to `write` piece by piece, report progress, and return its SHA-256."""
    size = int(answer.headers.get("Content-Length", 0)) >> 20
    checksum, received, shown = hashlib.sha256(), 0, time.monotonic()
    while piece := answer.read(1 << 20):
        checksum.update(piece)
        write(piece)
        received += len(piece)
        if time.monotonic() - shown >= where.heartbeat_seconds:
            shown = time.monotonic()
            where.say(f"downloaded {received >> 20} of {size} MiB")
    return checksum.hexdigest()


def _build(where: Surroundings, version: str, folder: Path) -> None:
    """Way 4: compile the engine and the hosts of Python and YAML, and copy the scripts that belong to them."""
    version_flag = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"
    programs = (
        GoProgram("pulumi", "pulumi-engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", version_flag),
        GoProgram("pulumi-language-yaml", "pulumi-engine", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"),
        GoProgram(
            "pulumi-language-python",
            "language-host",
            "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        ),
    )
    go = _go(where)
    where.say(
        f"building Pulumi {version} with Go; the first build takes about 5 minutes on 2 cores, and 4 GiB of Go's caches"
    )
    build(where, programs, folder)
    sdk = _run_go(
        where,
        [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE],
        TOOLS / "pulumi-engine",
        "looking for the SDK's scripts",
    )
    try:
        for script, place in SCRIPTS.items():
            shutil.copyfile(Path(sdk.strip()) / place / script, folder / script)
    except OSError as problem:
        raise ClosedWayError(f"no build: {problem}") from problem


def build(where: Surroundings, programs: Sequence[GoProgram], folder: Path) -> None:
    """Compile programs into a folder.

    Raises:
        ClosedWayError: there is no Go, or a build failed.
    """
    go = _go(where)
    for program in programs:
        options = ("-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {program.linker_flags}")
        _run_go(
            where,
            [go, "build", *options, "-o", str(folder / program.name), program.package],
            TOOLS / program.module,
            f"building {program.name} with Go",
        )


def _go(where: Surroundings) -> str:
    go = shutil.which("go", path=where.search_path)
    if not go:
        raise ClosedWayError("no build: there is no Go on PATH")
    return go


def _run_go(where: Surroundings, command: Sequence[str], module: Path, doing: str) -> str:
    """Run Go in a module's folder, report progress, and return its output.

    Go runs in its own process group, which ends with this function in any case.
    """
    # Build without a C compiler and without a user's workspace.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            cwd=module,
            env=environment,
            start_new_session=True,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=where.heartbeat_seconds)
                    break
                except subprocess.TimeoutExpired:
                    minutes, seconds = divmod(round(time.monotonic() - began), 60)
                    where.say(f"{doing}: {minutes} min {seconds:02d} s so far")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        printed = output.read()
    if code:
        for line in printed.splitlines()[-TAIL_LINES:]:
            where.say(f"  {line}")
        raise ClosedWayError(f"no build: {' '.join(command[:2])} in {module} failed with exit code {code}, see above")
    return printed


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End on SIGTERM as on Ctrl-C, with all cleanup."""
    raise KeyboardInterrupt


def main() -> int:
    """Print the engine's folder."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        print(find_or_get())
    except EngineError as problem:
        _to_stderr(str(problem))
        return 1
    except KeyboardInterrupt:
        _to_stderr("interrupted; nothing half done is left")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
