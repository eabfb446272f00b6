"""Bounded reading of files that a person names, wherever one is named."""

from __future__ import annotations

import contextlib
import io
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from astro_deployment_runtime.catalogs import remote_feed, vendor_feed
from astro_deployment_runtime.cli import main
from astro_deployment_runtime.config.connection_settings import ConnectionSettings
from astro_deployment_runtime.config.pulumi_project_file import uses_our_plugin
from astro_deployment_runtime.config.resource_arguments import ProjectArguments
from astro_deployment_runtime.config.stack_file import read_stack_file
from astro_deployment_runtime.delivery.astro_project import AstroProject
from astro_deployment_runtime.errors import InvalidInputError, UnreadableFileError
from astro_deployment_runtime.support import file_reading
from astro_deployment_runtime.support.file_reading import read_file, read_stream
from astro_deployment_runtime.support.http_clients import ClientPool

if TYPE_CHECKING:
    from collections.abc import Callable

TLS = Path(__file__).parents[2] / "contract" / "tls"
SETTINGS = ConnectionSettings(url="http://localhost", token=SecretStr("canary-4711"))


def folder(path: Path) -> None:
    """Make a folder instead of a file."""
    path.mkdir()


def pipe(path: Path) -> None:
    """Make a named pipe without a writer."""
    os.mkfifo(path)


def endless(path: Path) -> None:
    """Make a link to an endless device."""
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    """Make a sparse file of 300 MiB."""
    with path.open("wb") as file:
        file.truncate(300 * file_reading.MIB)


NOT_FILES = [
    (folder, "is a folder"),
    (pipe, "is a named pipe"),
    (endless, "is a device"),
    (large, "has 300 MiB, and at"),
]


def test_a_regular_file_is_read_through_a_link(tmp_path: Path) -> None:
    """Up to and including the largest size."""
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "b").symlink_to("a")
    assert read_file(tmp_path / "b", max_bytes=100) == b"x" * 100
    (tmp_path / "a").write_bytes(b"")
    assert read_file(tmp_path / "a", max_bytes=100) == b""


@pytest.mark.parametrize(("make", "what"), NOT_FILES)
def test_only_regular_files_are_read(make: Callable[[Path], None], what: str, tmp_path: Path) -> None:
    """The error comes at once. It names the file, what it is, and what to do."""
    make(tmp_path / "a")
    with pytest.raises(UnreadableFileError) as caught:
        read_file(tmp_path / "a", max_bytes=file_reading.MIB)
    assert str(caught.value).startswith(f"{tmp_path / 'a'}: {what}")
    assert ": name " in caught.value.reason
    assert not caught.value.missing


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not opened."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a")
        with pytest.raises(UnreadableFileError, match="a: is a socket: name a regular file"):
            read_file(Path("a"), max_bytes=1)


def test_a_size_is_rounded_up(tmp_path: Path) -> None:
    """One byte too many is visible."""
    for size, shown in ((101, "101 bytes, and at most 100 bytes"), (5000, "4.9 KiB"), (2**20 + 1, "1.1 MiB")):
        (tmp_path / "a").write_bytes(b"x" * size)
        with pytest.raises(UnreadableFileError, match=f"has {shown}"):
            read_file(tmp_path / "a", max_bytes=100)


def test_a_file_of_unknown_size_is_read_up_to_the_limit(tmp_path: Path) -> None:
    """Files below /proc report no size."""
    assert read_file(Path("/proc/self/status"), max_bytes=file_reading.MIB).startswith(b"Name:")
    with pytest.raises(UnreadableFileError, match="has more than 10 bytes, which is the most that is read"):
        read_file(Path("/proc/self/status"), max_bytes=10)
    with pytest.raises(UnreadableFileError, match="has more than 10 bytes"):
        read_stream(io.BytesIO(b"x" * 11), max_bytes=10)
    assert read_stream(io.BytesIO(b"x" * 10), max_bytes=10) == b"x" * 10
    assert not list(tmp_path.iterdir())


def test_a_pipe_that_replaces_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open file is checked again, so a pipe that replaced it does not block."""
    (tmp_path / "a").write_bytes(b"x")
    regular = os.stat(tmp_path / "a")  # noqa: PTH116 - as files has it
    (tmp_path / "a").unlink()
    pipe(tmp_path / "a")
    monkeypatch.setattr(os, "stat", lambda _: regular)
    with pytest.raises(UnreadableFileError, match="is a named pipe"):
        read_file(tmp_path / "a", max_bytes=10)


@pytest.mark.parametrize(
    ("name", "why"), [("none", "No such file"), ("a/b", "Not a directory"), ("c\0d", "embedded null")]
)
def test_a_file_that_cannot_be_opened_is_named(name: str, why: str, tmp_path: Path) -> None:
    """The error marks a missing file."""
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=f"cannot be read .{why}") as caught:
        read_file(tmp_path / name, max_bytes=10)
    assert caught.value.missing == (name == "none")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Pulumi project with a stack, an Astro project and a catalog, all in one folder."""
    (tmp_path / "Pulumi.yaml").write_text(
        "name: a\nruntime: python\nplugins: {providers: [{name: pulumi-python, path: ./plugin}]}\n"
    )
    (tmp_path / "Pulumi.test.yaml").write_text("config: {}\n")
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "pulumi-resource-pulumi-python").write_text("-m astro_deployment_runtime.plugin\n")
    (tmp_path / ".astro").mkdir()
    (tmp_path / ".astro" / "config.yaml").write_text("")
    (tmp_path / "Dockerfile").write_text("FROM quay.io/astronomer/astro-runtime:5.0.4\n")
    shipped = Path(vendor_feed.__file__).parent / "guide"
    for name in vendor_feed.FILES:
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    (tmp_path / "ca.pem").write_bytes((TLS / "certificate.pem").read_bytes())
    (tmp_path / "batch").write_text("AC 2.2.3\t5.0.4\n")
    (tmp_path / "preview.json").write_text("{}")
    return tmp_path


def command(*words: str) -> None:
    """Run the command line, and raise its error."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = main.main(words)
    if code:
        raise InvalidInputError(err.getvalue())


def settings(file: Path) -> ConnectionSettings:
    """Load settings that name a CA file."""
    return ConnectionSettings.load(
        {"houstonUrl": "https://localhost", "token": "t", "caFile": str(file)}.get,
        {},
    )


READERS: dict[str, Callable[[Path], object]] = {
    "Pulumi.yaml": lambda at: read_stack_file(at, "test", {}),
    "Pulumi.test.yaml": lambda at: read_stack_file(at, "test", {}),
    "Dockerfile": lambda at: AstroProject.declared(ProjectArguments(path=str(at)), SETTINGS).read(),
    "astronomer-runtime.json": lambda at: vendor_feed.load(str(at)),
    "astronomer-certified.json": lambda at: remote_feed.load(str(at)),
    "ca.pem": lambda at: (settings(at / "ca.pem"), ClientPool("https://localhost", ca_file=at / "ca.pem")),
    "batch": lambda at: command("plan", "--catalog", "guide", "--batch", str(at / "batch")),
    "preview.json": lambda at: command("report", str(at / "preview.json")),
    "plugin/pulumi-resource-pulumi-python": lambda at: command("init", str(at)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(("make", "what"), NOT_FILES)
def test_every_named_file_is_read_with_these_checks(
    name: str, make: Callable[[Path], None], what: str, project: Path
) -> None:
    """A good file is read. A bad one is refused by name."""
    if name != "preview.json":  # which has nothing in it
        READERS[name](project)
    (project / name).unlink()
    make(project / name)
    with pytest.raises(InvalidInputError) as caught:
        READERS[name](project)
    assert Path(name).name in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize("name", ["Pulumi.yaml", "plugin/pulumi-resource-pulumi-python"])
def test_an_unreadable_project_file_does_not_block_a_program(name: str, project: Path) -> None:
    """A program checks this before it declares a fleet."""
    assert uses_our_plugin(project)
    (project / name).unlink()
    pipe(project / name)
    assert not uses_our_plugin(project)


def test_unreadable_settings_of_the_vendors_cli_are_ignored(project: Path) -> None:
    """They only say whether the CLI asks before it deploys."""
    made = AstroProject.declared(ProjectArguments(path=str(project)), SETTINGS)
    for make, _ in NOT_FILES:
        (project / ".astro" / "config.yaml").unlink()
        make(project / ".astro" / "config.yaml")
        assert not made._asks_nothing()
        if make is folder:
            (project / ".astro" / "config.yaml").rmdir()
            (project / ".astro" / "config.yaml").touch()


def test_a_ca_file_without_certificates_is_refused(tmp_path: Path) -> None:
    """Also an empty one: the system's certificates are not trusted instead."""
    for text in (b"", b" ", b"no certificates", "T\u00fcrktrust".encode()):
        (tmp_path / "ca.pem").write_bytes(text)
        with pytest.raises(InvalidInputError, match="holds no CA certificates"):
            ClientPool("https://localhost", ca_file=tmp_path / "ca.pem")


def test_a_ca_file_may_have_comments_in_any_script(tmp_path: Path) -> None:
    """Distributions put them between the certificates."""
    (tmp_path / "ca.pem").write_bytes("# T\u00dcRKTRUST\n".encode() + (TLS / "certificate.pem").read_bytes())
    ClientPool("https://localhost", ca_file=tmp_path / "ca.pem").close()
