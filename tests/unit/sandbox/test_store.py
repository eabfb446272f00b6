"""The store: what it keeps, and which files it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.errors import SandboxError
from sandbox.image_labels import Labels
from sandbox.store import Store
from tests.unit.sandbox.sample_platforms import certified, platform, runtime

if TYPE_CHECKING:
    from pathlib import Path


def test_deployments_and_workspaces_survive_a_restart(tmp_path: Path) -> None:
    """Everything comes back equal: versions, rollout, the last push."""
    world = platform()
    pushed = world.deploy(certified("2.2.4"), "my/airflow:2.2.4", Labels(airflow="2.2.4"))
    with Store(tmp_path / "state.db") as store:
        store.add([certified("2.2.4"), runtime("4.2.5", "2.2.5")])
        store.save(pushed)
    with Store(tmp_path / "state.db") as store:
        assert store.deployments() == [pushed, runtime("4.2.5", "2.2.5")]
        assert store.find(release_name="solar-wind-9012") == runtime("4.2.5", "2.2.5")
        assert store.find(deployment_id="ckw1", release_name="solar-wind-9012") is None
        assert [(each.id, each.label) for each in store.workspaces()] == [("ckw0", "ckw0")]
        assert store.workspace("ckw9") is None


def test_a_deployment_that_is_known_is_not_added_again() -> None:
    """The state wins over the fleet file."""
    with Store() as store:
        store.add([certified("2.2.4")])
        store.add([certified("2.3.0"), runtime("4.2.5", "2.2.5")])
        assert [each.version for each in store.deployments()] == ["2.2.4", "4.2.5"]


def test_a_new_deployment_cannot_take_a_release_name() -> None:
    """Nothing is added then."""
    with Store() as store:
        store.add([certified("2.2.4")])
        other = replace(certified("2.2.4"), id="ckw9")
        with pytest.raises(SandboxError, match="another Deployment named galactic-stars-1234"):
            store.add([runtime("4.2.5", "2.2.5"), other])
        assert len(store.deployments()) == 1


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """No SQLite, another program's SQLite, a folder, another format, damage: each in words."""
    text = tmp_path / "text"
    text.write_text("this is not a database, although it is long " * 50, encoding="utf-8")
    with pytest.raises(SandboxError, match="not a database"):
        Store(text)
    with pytest.raises(SandboxError, match="cannot be used"):
        Store(tmp_path)

    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db, db:
        db.execute("CREATE TABLE things (name TEXT)")
    with pytest.raises(SandboxError, match="of another program"):
        Store(other)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("PRAGMA user_version = 99", "has format 99"),
        ("UPDATE deployments SET state = '{}'", "is damaged"),
        ("UPDATE deployments SET state = '[1]'", "is damaged"),
        ("UPDATE deployments SET state = '{'", "is damaged"),
        ("DROP TABLE deployments", "cannot be used"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, statement: str, message: str) -> None:
    """A state that cannot be read is an error at the start, not in the middle."""
    with Store(tmp_path / "state.db") as store:
        store.add([certified("2.2.4")])
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute(statement)
    with pytest.raises(SandboxError, match=message):
        Store(tmp_path / "state.db")


@pytest.mark.slow
def test_one_file_serves_one_sandbox(tmp_path: Path) -> None:
    """A second one is told so."""
    with Store(tmp_path / "state.db"), pytest.raises(SandboxError, match="used by another sandbox") as raised:
        Store(tmp_path / "state.db")
    assert raised.value.exit_code == 1
