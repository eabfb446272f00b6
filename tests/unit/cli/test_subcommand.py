"""Name of the program in help texts and suggested commands."""

from __future__ import annotations

import sys

import pytest

from astro_deployment_runtime.cli.subcommand import program_name


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ("/venv/bin/astro-deployment-runtime", "astro-deployment-runtime"),
        ("/venv/lib/astro_deployment_runtime/__main__.py", "python -m astro_deployment_runtime"),
        ("", "python -m astro_deployment_runtime"),
    ],
)
def test_the_program_has_the_name_that_the_user_typed(monkeypatch: pytest.MonkeyPatch, started: str, name: str) -> None:
    """The console script, or ``python -m`` otherwise."""
    monkeypatch.setattr(sys, "argv", [started, "plan"])
    assert program_name() == name
