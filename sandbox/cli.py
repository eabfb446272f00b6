"""The command line: ``serve``, ``deploy``, ``stop`` and ``show``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.client import Client

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105  it protects only the sandbox
URL_VARIABLE = "ASTRO_HOUSTON_URL"
TOKEN_VARIABLE = "ASTRO_HOUSTON_TOKEN"  # noqa: S105  the name of a variable

_ALL = 100
_INTERRUPTED = 130  # exit code of a command that Ctrl-C ended

_COLUMNS = {
    "releaseName": "RELEASE",
    "label": "LABEL",
    "workspace": "WORKSPACE",
    "id": "ID",
    "distribution": "DISTRIBUTION",
    "version": "VERSION",
    "airflow": "AIRFLOW",
    "pending": "PENDING",
    "health": "HEALTH",
    "lastPush": "LAST PUSH",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 not possible, 2 wrong input. Errors are text on stderr."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "serve":
                _serve(options)
            case "deploy":
                _deploy(options)
            case "stop":
                _stop(options)
            case _:
                _show(options)
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0 if options.command == "serve" else _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="An embedded Houston for trials of version changes."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="start the sandbox; prints 'listening on URL' when it is ready")
    serve.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) takes a free one")
    serve.add_argument(
        "--state", type=Path, metavar="FILE", help="SQLite file that survives a restart; default: memory only"
    )
    serve.add_argument(
        "--catalog", default="guide", metavar="guide|published|FOLDER", help="the releases on offer; default: guide"
    )
    serve.add_argument("--fleet", type=Path, metavar="FILE", help="YAML list of Deployments; default: a demo fleet")
    serve.add_argument(
        "--public-url", metavar="URL", help="base address of the Airflows, behind a proxy; default: its own"
    )
    serve.add_argument("--platform-version", default="0.30.4", metavar="X.Y.Z", help="0.29.0 to 2.x; default: 0.30.4")
    serve.add_argument("--token", default=DEFAULT_TOKEN, help=f"the admin's token; default: {DEFAULT_TOKEN}")
    serve.add_argument("--viewer-token", metavar="TOKEN", help="a token that may only read; default: none")
    serve.add_argument(
        "--rollout-seconds",
        type=_seconds,
        default=5.0,
        metavar="S",
        help="duration of a pod restart; default: 5",
    )
    serve.add_argument(
        "--heartbeat-seconds",
        type=_period,
        default=5.0,
        metavar="S",
        help="interval of an Airflow's heartbeats; default: 5",
    )
    serve.add_argument("--allow-downgrades", action="store_true", help="accept a lower version, as a real server might")
    serve.add_argument(
        "--reverts-after", type=_seconds, metavar="S", help="revert each hop after so long; default: never"
    )
    serve.add_argument(
        "--clears-desired",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="time without the desired version before the new one appears; default: 0",
    )
    serve.add_argument("--keeps-airflow", action="store_true", help="keep the Airflow version of before each hop")
    serve.add_argument(
        "--stale-seconds",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="lag of every second reading of Deployments; default: 0",
    )
    serve.add_argument(
        "--delay-seconds", type=_seconds, default=0.0, metavar="S", help="delay of each answer; default: 0"
    )
    serve.add_argument(
        "--failing-percent", type=_percent, default=0.0, metavar="P", help="share of lost answers; default: 0"
    )
    serve.add_argument(
        "--lacks", action="append", default=[], metavar="TYPE.FIELD", help="a field that the platform lacks"
    )
    serve.add_argument(
        "--put", action="append", default=[], metavar="PATH=JSON", help="a malformed value in Houston's answers"
    )
    serve.add_argument("--request-log", type=Path, metavar="FILE", help="append a line of JSON for each request")

    remote = argparse.ArgumentParser(add_help=False)
    remote.add_argument(
        "--url", default=os.environ.get(URL_VARIABLE), help=f"Houston's address; default: ${URL_VARIABLE}"
    )
    remote.add_argument(
        "--token", default=os.environ.get(TOKEN_VARIABLE, DEFAULT_TOKEN), help=f"default: ${TOKEN_VARIABLE}"
    )

    deploy = commands.add_parser("deploy", parents=[remote], help="push an image to a release, as 'astro deploy' does")
    deploy.add_argument("release", metavar="RELEASE", help="the release name")
    deploy.add_argument(
        "image", metavar="IMAGE", help="its name decides its labels, for example astro-runtime:5.0.4-base"
    )
    deploy.add_argument(
        "--airflow-version", default="", help="the image's Certified label, if its name does not show it"
    )
    deploy.add_argument("--runtime-version", default="", help="the image's Runtime label, if its name does not show it")

    stop = commands.add_parser("stop", parents=[remote], help="kill a component of an Airflow, until the next rollout")
    stop.add_argument("release", metavar="RELEASE", help="the release name")
    stop.add_argument("component", choices=("scheduler", "dag_processor", "triggerer"), help="the component to kill")

    commands.add_parser("show", parents=[remote], help="print the fleet")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 on")
    return seconds


def _period(text: str) -> float:
    seconds = _seconds(text)
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds


def _percent(text: str) -> float:
    percent = float(text)
    if not 0 <= percent <= _ALL:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_ALL}")
    return percent


def _serve(options: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until the server has its own handlers: end quietly
    from sandbox import startup  # noqa: PLC0415  the GraphQL server takes a while to import; the other commands need none

    given = {key: value for key, value in vars(options).items() if key != "command"}
    startup.serve(startup.Settings(**given))


def _deploy(options: argparse.Namespace) -> None:
    row = _client(options).push(
        options.release, options.image, airflow_version=options.airflow_version, runtime_version=options.runtime_version
    )
    print(f"pushed {options.image} to {row['releaseName']}")


def _stop(options: argparse.Namespace) -> None:
    row = _client(options).stop(options.release, options.component)
    print(f"stopped the {options.component} of {row['releaseName']}")


def _show(options: argparse.Namespace) -> None:
    print(table(_client(options).fleet()))


def _client(options: argparse.Namespace) -> Client:
    from sandbox.client import Client  # noqa: PLC0415  httpx takes a while to import; serving needs none

    if not options.url:
        raise SandboxError(f"no sandbox is named: give --url or set {URL_VARIABLE} to the address that serve printed")
    return Client(options.url, options.token)


def table(rows: Sequence[dict[str, str]]) -> str:
    """Lay out the fleet in aligned columns, with ``-`` for an empty value."""
    lines = [list(_COLUMNS.values()), *([row[key] or "-" for key in _COLUMNS] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
