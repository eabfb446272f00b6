"""`make sandbox`: run the sandbox in the foreground, and print the lines to paste into a second terminal.

`.sandbox/` keeps the state of the sandbox and of Pulumi, so that both continue after a restart.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
from pathlib import Path

from tools import sandbox_project

_FOLDER = sandbox_project.ROOT / ".sandbox"


def _paste(url: str) -> str:
    """Return the lines for the second terminal."""
    engine = Path(shutil.which("pulumi") or "").parent
    path = shlex.quote(f"{sandbox_project.ROOT / '.venv' / 'bin'}:{engine}")
    settings = sandbox_project.pulumi_settings(folder=_FOLDER, url=url)
    return "\n".join(
        [
            f"cd {shlex.quote(str(sandbox_project.ROOT))}",
            f"export PATH={path}:$PATH",
            *(f"export {name}={shlex.quote(value)}" for name, value in settings.items()),
            "pulumi stack select --create sandbox",
        ]
    )


def main() -> int:
    """Serve until Ctrl-C."""
    sandbox_project.end_on_sigterm()
    _FOLDER.mkdir(exist_ok=True)
    try:
        with sandbox_project.sandbox(state=_FOLDER / "houston.sqlite", rollout_seconds=5) as url:
            print(f"The sandbox serves Houston at {url}. Paste this into a second terminal:\n")
            print(_paste(url))
            print("\nThen try: pulumi preview; pulumi up")
            print("`research` declares no image and waits until someone deploys it, from a third terminal for example,")
            print("into which the same lines were pasted:")
            print("  python -m sandbox show")
            print("  python -m sandbox deploy lunar-tides-3456 registry.example.com/research/airflow:certified-2.3.0")
            print("  python -m sandbox deploy lunar-tides-3456 registry.example.com/research/airflow:runtime-5.0.4")
            print(f"\nCtrl-C ends it; {os.path.relpath(_FOLDER)} keeps its state.", flush=True)
            threading.Event().wait()
    except sandbox_project.SandboxNotStartedError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
