"""A PostgreSQL server for one test: its data in a folder, a port of the loopback, a password."""

from __future__ import annotations

import base64
import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

USER: Final = "pulumi"
_OPTIONS: Final = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"


def programs() -> Path | None:
    """Return the folder with the server's programs: Debian keeps them off PATH, in one folder for each version."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(3), reverse=True)
    found = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, kept)]))
    return Path(found).resolve().parent if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    programs: Path
    port: int
    password: str

    def database(self, name: str) -> dict[str, str]:
        """Make a database, and return the environment with which Pulumi keeps its state there."""
        self._run("createdb", name)
        url = f"postgres://{USER}@127.0.0.1:{self.port}/{name}?sslmode=disable"
        return {"PULUMI_BACKEND_URL": url, "PGPASSWORD": self.password}

    def blobs(self, database: str) -> dict[str, bytes]:
        """Return Pulumi's objects in a database, by their keys."""
        rows = self._run(
            "psql", "--csv", "--tuples-only", "-c", "SELECT key, data->>'data' FROM pulumi_state", database
        )
        pairs = (row.split(",") for row in rows.splitlines())
        return {key: base64.b64decode(data) for key, data in pairs}

    def _run(self, program: str, *words: str) -> str:
        where = ["--host=127.0.0.1", f"--port={self.port}", f"--username={USER}", "--no-password"]
        return subprocess.run(
            [self.programs / program, *where, *words],
            env={**os.environ, "PGPASSWORD": self.password},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout


@contextlib.contextmanager
def running(found: Path) -> Iterator[Server]:
    """Run a server. The programs refuse to run as root, so root switches to another user."""
    # Outside pytest's folder, which only its owner may read.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder, password = Path(name), secrets.token_hex()
        secret = folder / "password"
        secret.write_text(password, encoding="utf-8")
        somebody: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            somebody = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for path in (folder, secret):
                os.chown(path, account.pw_uid, account.pw_gid)

        def run(program: str, *words: str) -> None:
            command = [str(found / program), f"--pgdata={folder / 'data'}", *words]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **somebody)

        run("initdb", f"--username={USER}", f"--pwfile={secret}", "--auth=scram-sha-256", "--no-sync", "--locale=C")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        run("pg_ctl", "start", "--wait", f"--log={folder / 'log'}", f"--options=-p {port} {_OPTIONS}")
        try:
            yield Server(programs=found, port=port, password=password)
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")
