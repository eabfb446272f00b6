"""A factory of sandboxes for the tests of this folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from sandbox.startup import Settings
from tests.contract.sandbox.sandbox_client import FLEET, RUNTIME_FLEET, TOKEN, VIEWER, Wire, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Start(Protocol):
    """Starts a sandbox of a platform version."""

    def __call__(self, version: str = "0.30.4", **settings: Any) -> Wire:
        """Start it; ``settings`` are those of ``sandbox.startup.Settings``, and ``middleware``."""
        ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start sandboxes that end with the test; a rollout takes 100 seconds of a clock that stands still."""
    with contextlib.ExitStack() as stack:

        def started(version: str = "0.30.4", **settings: Any) -> Wire:
            fleet = tmp_path / "fleet.yaml"
            fleet.write_text(FLEET if version < "0.37" else RUNTIME_FLEET, encoding="utf-8")
            defaults = {"token": TOKEN, "viewer_token": VIEWER, "fleet": fleet, "rollout_seconds": 100.0}
            middleware = settings.pop("middleware", ())
            made = Settings(**{**defaults, "platform_version": version, **settings})
            return stack.enter_context(opened(made, middleware))

        yield started


@pytest.fixture
def wire(start: Start) -> Wire:
    """A sandbox of the default platform, 0.30.4."""
    return start()
