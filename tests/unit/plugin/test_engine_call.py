"""What a provider's methods print on Pulumi's own host."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from astro_deployment_runtime.plugin.engine_call import CallReporter

if TYPE_CHECKING:
    import pytest


def test_what_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label may be in any script, and a machine's locale may be C."""
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="latin-1"))
    reporter = CallReporter(None)
    reporter.info("caf\u00e9 \u4e2d")
    reporter.progress("\u4e2d")
    assert printed.getvalue() == b"caf\xe9 \\u4e2d\n\\u4e2d\n"
