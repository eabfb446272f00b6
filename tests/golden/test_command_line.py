"""Output of the command line, word for word.

``REGENERATE=1 pytest tests/golden`` rewrites the files in ``command_line/``; read the difference before you commit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from astro_deployment_runtime.cli import main
from tests.contract.sandbox_server import FLEET, TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent / "command_line"

OFFLINE: Final[dict[str, tuple[int, list[str]]]] = {
    "explain-guide.txt": (0, ["explain", "AC 2.2.3", "5.0.4", "--catalog", "guide"]),
    "explain-long-way.txt": (0, ["explain", "AC 1.10.5", "3.1-12"]),
    "explain-fewest-hops.txt": (0, ["explain", "AC 2.2.3", "6.0.0", "--strategy", "fewest-hops"]),
    "explain-nothing-to-do.txt": (0, ["explain", "Runtime 5.0.4", "equivalent"]),
    "explain-refused-yanked.txt": (3, ["explain", "Runtime 8.10.0", "9.0.0", "--strategy", "fewest-hops"]),
    "explain-refused-lower.txt": (3, ["explain", "AC 2.3.0", "4.2.5", "--catalog", "guide"]),
    "explain-refused-not-offered.txt": (3, ["explain", "AC 2.2.3", "5.0.99", "--accept", "cancel-pending"]),
    "releases-guide.txt": (0, ["releases", "--catalog", "guide"]),
    "releases-guide.json": (0, ["releases", "--catalog", "guide", "--json"]),
    "releases-published.txt": (0, ["releases"]),
    "graph-guide.mmd": (0, ["graph", "AC 2.2.3", "5.0.4", "--catalog", "guide"]),
    "graph-guide.dot": (0, ["graph", "AC 2.2.3", "5.0.4", "--catalog", "guide", "--format", "dot"]),
    "graph-guide.json": (0, ["graph", "AC 2.2.3", "5.0.4", "--catalog", "guide", "--format", "json"]),
    "graph-long-way.mmd": (0, ["graph", "AC 1.10.5", "3.1-12"]),
    "graph-refused.mmd": (3, ["graph", "AC 2.2.3", "9.0.0"]),
}
LIVE: Final[dict[str, tuple[int, list[str]]]] = {
    "live-release.txt": (0, ["plan", "--release", "stars-1", "--to", "5.0.4"]),
    "live-release.json": (0, ["plan", "--release", "stars-1", "--to", "5.0.4", "--json"]),
    "live-release-refused.txt": (3, ["plan", "--release", "tides-4", "--to", "5.0.4"]),
    "live-all.txt": (3, ["plan", "--all", "--to", "5.0.4"]),
    "live-all.json": (3, ["plan", "--all", "--to", "5.0.4", "--json"]),
    "live-stack.txt": (3, ["plan", "--stack", "test"]),
    "live-releases.txt": (0, ["releases", "--live"]),
}
STACK: Final = {
    "astro:token": {"secure": "v1:abc"},
    "astro:defaults": {"runtimeVersion": "5.0.4"},
    "astro:waves": [{"name": "first", "soak": "5m"}, {"name": "rest", "maxParallel": 10}],
    "astro:deployments": [
        {"name": "data-eng", "releaseName": "stars-1", "wave": "first"},
        {"name": "finance", "releaseName": "dust-2", "image": "{base}"},
        {"name": "gone", "releaseName": "nowhere-9"},
        {"name": "lower", "releaseName": "wind-3", "runtimeVersion": "4.0.11"},
    ],
    "astro:selectors": [{"releaseName": "*"}],
    "astro:exclude": ["nobody-*"],
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a sandbox whose Deployments do not change."""
    with serving(tmp_path_factory.mktemp("platform"), rows=FLEET) as served:
        yield served.url


def compare(name: str, printed: str) -> None:
    """Compare a text with its file, or rewrite the file."""
    file = FOLDER / name
    if os.environ.get("REGENERATE"):
        file.write_text(printed, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("name", OFFLINE)
def test_an_offline_answer_is_unchanged(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As in its golden file."""
    code, arguments = OFFLINE[name]
    assert main.main(arguments) == code
    compare(name, capsys.readouterr().out)


@pytest.mark.parametrize("name", LIVE)
def test_a_live_answer_is_unchanged(
    name: str,
    platform: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As in its golden file."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.yaml").write_text("name: fleet\n", encoding="utf-8")
    Path("Pulumi.test.yaml").write_text(yaml.safe_dump({"config": STACK}), encoding="utf-8")
    monkeypatch.setenv("ASTRO_HOUSTON_URL", platform)
    monkeypatch.setenv("ASTRO_HOUSTON_TOKEN", TOKEN)
    monkeypatch.setenv("ASTRO_CATALOG", "guide")
    code, arguments = LIVE[name]
    assert main.main(arguments) == code
    compare(name, capsys.readouterr().out)


def test_every_golden_file_of_the_command_line_has_a_case() -> None:
    """No file of a deleted case remains."""
    assert {file.name for file in FOLDER.iterdir()} == OFFLINE.keys() | LIVE.keys()
