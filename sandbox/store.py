"""The SQLite store: with a state file, Deployments and workspaces outlive the process."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from sandbox.deployment import Ahead, Deployment, Outcome, Push
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

_APPLICATION_ID = 0x41535452  # "ASTR": distinguishes a state file of the sandbox from any other SQLite file
_FORMAT = 1
_SCHEMA = """
CREATE TABLE workspaces (id TEXT PRIMARY KEY, label TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE deployments (id TEXT PRIMARY KEY, release_name TEXT NOT NULL UNIQUE, state TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace; ``created_at`` in seconds since 1970."""

    id: str
    label: str
    created_at: float


class Store:
    """Deployments and workspaces in insertion order. Every write is committed when the call returns."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the state file, or create it; ``None`` keeps everything in memory.

        Raises:
            SandboxError: the file cannot be opened, is something else, is in use, or was written by another version of
                the sandbox.
        """
        self._path = path
        try:
            self._db = sqlite3.connect(path or ":memory:", timeout=1.0, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise self._broken(error) from error
        except SandboxError:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Use the store in a ``with`` block that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._db.close()

    def deployments(self) -> list[Deployment]:
        """Return all Deployments."""
        rows = self._db.execute("SELECT state FROM deployments ORDER BY rowid").fetchall()
        return [self._read(state) for (state,) in rows]

    def find(self, *, deployment_id: str | None = None, release_name: str | None = None) -> Deployment | None:
        """Return the Deployment that matches all given values."""
        row = self._db.execute(
            "SELECT state FROM deployments WHERE id = coalesce(?, id) AND release_name = coalesce(?, release_name)",
            (deployment_id, release_name),
        ).fetchone()
        return self._read(row[0]) if row else None

    def workspaces(self) -> list[Workspace]:
        """Return all workspaces."""
        rows = self._db.execute("SELECT id, label, created_at FROM workspaces ORDER BY rowid").fetchall()
        return [Workspace(id=key, label=label, created_at=created) for key, label, created in rows]

    def workspace(self, workspace_id: str) -> Workspace | None:
        """Return a workspace."""
        return next((found for found in self.workspaces() if found.id == workspace_id), None)

    def save(self, deployment: Deployment) -> None:
        """Replace the state of a stored Deployment."""
        with self._db:
            self._db.execute(
                "UPDATE deployments SET state = ? WHERE id = ?", (json.dumps(asdict(deployment)), deployment.id)
            )

    def add(self, deployments: Iterable[Deployment]) -> None:
        """Add the Deployments that the store lacks, and their workspaces; all of them or none.

        Raises:
            SandboxError: a new Deployment has the release name of another one.
        """
        with self._db:
            for deployment in deployments:
                try:
                    self._add(deployment)
                except sqlite3.IntegrityError as error:
                    raise SandboxError(
                        f"the state already has another Deployment named {deployment.release_name}"
                    ) from error

    def _add(self, deployment: Deployment) -> None:
        if self._db.execute("SELECT 1 FROM deployments WHERE id = ?", (deployment.id,)).fetchone():
            return
        self._db.execute(
            "INSERT OR IGNORE INTO workspaces VALUES (?, ?, ?)",
            (deployment.workspace, deployment.workspace, deployment.created_at),
        )
        self._db.execute(
            "INSERT INTO deployments VALUES (?, ?, ?)",
            (deployment.id, deployment.release_name, json.dumps(asdict(deployment))),
        )

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN EXCLUSIVE")
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            self._db.executescript(
                f"BEGIN; PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_FORMAT}; {_SCHEMA} COMMIT;"
            )
        self._db.commit()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (form,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION_ID:
            raise SandboxError(f"the state file {self._path} is a database of another program")
        if form != _FORMAT:
            raise SandboxError(
                f"the state file {self._path} has format {form}, this sandbox writes {_FORMAT}: start with a new file"
            )
        self.deployments()

    def _read(self, state: str) -> Deployment:
        try:
            values = json.loads(state)
            push = values.pop("last_push")
            if push:
                push = Push(**{**push, "outcome": Outcome(push["outcome"])})
            ahead = tuple(map(_read_ahead, values.get("ahead", ())))
            return Deployment(**{**values, "rollout": tuple(values["rollout"]), "last_push": push, "ahead": ahead})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SandboxError(f"the state file {self._path} is damaged: {error}") from error

    def _broken(self, error: sqlite3.Error) -> SandboxError:
        if "locked" in str(error):
            return SandboxError(f"the state file {self._path} is used by another sandbox", exit_code=1)
        return SandboxError(f"the state file {self._path} cannot be used: {error}")


def _read_ahead(step: dict[str, Any]) -> Ahead:
    pairs = {name: tuple(value) if isinstance(value, list) else value for name, value in step["changes"].items()}
    return Ahead(at=step["at"], changes=pairs)
