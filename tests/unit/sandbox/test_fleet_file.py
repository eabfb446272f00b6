"""The fleet file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox import fleet_file
from sandbox.errors import SandboxError
from tests.unit.sandbox.sample_platforms import platform

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "id: ckw1, releaseName: star-1, label: Star, workspace: ckw0"


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("distribution: certified, version: 2.2.4", ("2.2.4", "2.2.4", "")),
        ("distribution: certified, version: 2.2.4, pending: 2.3.0", ("2.2.4", "2.2.4", "2.3.0")),
        ("distribution: certified, version: 2.2.4, pending: 4.1.0", ("2.2.4", "2.2.4", "4.1.0")),
        ("distribution: certified, version: 1.10.5", ("1.10.5", "1.10.5", "")),
        ("distribution: runtime, version: 4.2.5", ("4.2.5", "2.2.5", "")),
        ("distribution: runtime, version: 4.2.5, airflow: 2.2.5, pending: 5.0.4", ("4.2.5", "2.2.5", "5.0.4")),
        ("distribution: runtime, version: 3.0.4, airflow: 2.1.1", ("3.0.4", "2.1.1", "")),
        ("distribution: runtime, version: 3.0-1, dagDeployment: git_sync, image: 'a/b:1'", ("3.0-1", "3.0.0", "")),
    ],
)
def test_a_row_becomes_a_deployment(tmp_path: Path, row: str, expected: tuple[str, str, str]) -> None:
    """The current version may be off the offer; its Airflow comes from the catalog or from the row."""
    (deployment,) = fleet_file.load(_file(tmp_path, f"- {{{HEAD}, {row}}}"), platform())
    assert (deployment.version, deployment.airflow, deployment.pending) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("distribution: certified, version: 2.2", "quote a version"),
        ("distribution: certified, version: '2.2'", "not an Astronomer Certified version"),
        ("distribution: certified, version: 2.2.4, airflow: 2.3.0", "has Airflow 2.2.4, not 2.3.0"),
        ("distribution: certified, version: 2.2.4, pending: 9.9.9", "'9.9.9' is not on offer"),
        ("distribution: runtime, version: 4.2.5, pending: 2.3.0", "'2.3.0' is not on offer"),
        ("distribution: runtime, version: 2.3.0", "not an Astro Runtime version"),
        ("distribution: runtime, version: 4.9.9", "the catalog lacks Astro Runtime 4.9.9"),
        ("distribution: runtime, version: 4.9.9, airflow: two", "the catalog lacks Astro Runtime 4.9.9"),
        ("distribution: runtime, version: 4.2.5, airflow: 2.3.0", "has 2.2.5, not 2.3.0"),
        ("distribution: vanilla, version: 2.3.0", "neither certified nor runtime"),
        ("distribution: certified, version: 2.2.4, dagDeployment: post", "'post' is none of image"),
        ("distribution: certified, version: 2.2.4, colour: red", "colour is not a known key"),
        ("distribution: certified", "version is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, row: str, message: str) -> None:
    """The error names the row and what is wrong with it."""
    with pytest.raises(SandboxError) as raised:
        fleet_file.load(_file(tmp_path, f"- {{{HEAD}, {row}}}"), platform())
    assert "[0] star-1: " in str(raised.value)
    assert message in str(raised.value)


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    """Rows of a wrong form, reserved and strange names, and what is given twice."""
    good = f"{HEAD}, distribution: certified, version: 2.2.4"
    rows = [good, good, good.replace("star-1", "v1").replace("ckw1", "ckw2"), good.replace("ckw0", "a b"), "12"]
    text = "\n".join(f"- {{{row}}}" if row != "12" else "- 12" for row in rows)
    with pytest.raises(SandboxError) as raised:
        fleet_file.load(_file(tmp_path, text), platform())
    assert str(raised.value).splitlines()[1:] == [
        "  - [2] v1: releaseName: 'v1' is taken by the sandbox's own addresses",
        "  - [3] star-1: workspace: 'a b' may have letters, digits, '-', '_' and '.' only",
        "  - [4]: is not a mapping",
        "  - the id 'ckw1' is given twice",
        "  - the releaseName 'star-1' is given twice",
    ]
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(("text", "message"), [("{", "is not YAML"), ("a: b", "is not a list"), ("", "is not a list")])
def test_a_file_of_another_form_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    """One line says so."""
    with pytest.raises(SandboxError, match=message) as raised:
        fleet_file.load(_file(tmp_path, text), platform())
    assert "\n" not in str(raised.value)


def test_only_a_regular_file_within_a_bound_is_read(tmp_path: Path) -> None:
    """A named pipe would never end, and a device may be endless."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(SandboxError, match="is not a regular file: name one"):
            fleet_file.load(tmp_path / name, platform())
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(SandboxError, match="has more than 16 MiB"):
        fleet_file.load(tmp_path / "large", platform())


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing or no text at all."""
    with pytest.raises(SandboxError, match="No such file"):
        fleet_file.load(tmp_path / "none.yaml", platform())
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SandboxError, match="cannot be read"):
        fleet_file.load(tmp_path / "binary", platform())


def test_certified_is_refused_where_it_cannot_exist(tmp_path: Path) -> None:
    """Platform 0.37 has no Certified."""
    text = f"- {{{HEAD}, distribution: certified, version: 2.2.4}}"
    with pytest.raises(SandboxError, match=r"cannot exist on platform 0\.37\.0"):
        fleet_file.load(_file(tmp_path, text), platform("0.37.0"))


@pytest.mark.parametrize("version", ["0.29.0", "0.36.0", "0.37.0", "2.1.0"])
def test_the_demo_fleet_fits_every_platform(version: str) -> None:
    """There is one with Certified and one without."""
    world = platform(version)
    assert fleet_file.load(fleet_file.shipped(world), world)
