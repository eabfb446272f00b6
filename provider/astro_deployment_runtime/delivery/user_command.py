"""Runs the user's test and deploy commands, without a shell.

A template is split into words before its placeholders are filled in, so that no value becomes a second word, an option
or a command. A command runs in its own process group, which is ended as a whole because a build has child processes.
Works on Linux and macOS.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, Self, cast

from astro_deployment_runtime.errors import CommandInterruptedError, DeliveryFailedError, InvalidProjectError
from astro_deployment_runtime.support.secret_masks import MASKS
from astro_deployment_runtime.support.text_formatting import duration, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pydantic import SecretStr

    from astro_deployment_runtime.execution.executor_interfaces import Clock

PLACEHOLDERS: Final = ("deployment_id", "release_name", "version", "image")
"""Placeholders of a command: both names of the Deployment, the hop's version, and the image in its ``FROM`` line."""

TOKEN_VARIABLE: Final = "ASTRO_HOUSTON_TOKEN"  # noqa: S105 - the name of a variable, no token

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PLAIN: Final = re.compile(r"[\w@%+=:,./{}-]+", re.ASCII)
_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*", re.ASCII)
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_LINE_END: Final = re.compile(rb"[\r\n]+")

_POLL_SECONDS: Final = 0.1
_GRACE_SECONDS: Final = 0.8
"""Seconds from SIGTERM to SIGKILL. Ctrl-C has to end a run within two seconds."""
_LONGEST_LINE: Final = 16_384
_SHOWN: Final = 300
"""Characters of a line that are shown."""
_SHOWN_AT_ONCE: Final = 20
"""Lines that one read shows at most, so that a flood of output does not delay the run."""
_KEPT: Final = 15
"""Last lines of a failed command that its error quotes."""


@dataclass(frozen=True, slots=True)
class UserCommand:
    """A command of the user, split into words."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, template: str, *, name: str, token: SecretStr) -> Self:
        """Split a template into words as a shell does. Nothing else of a shell applies.

        Args:
            template: what the user wrote.
            name: the name of its argument, for messages.
            token: must not be in the template.

        Raises:
            InvalidProjectError: it cannot be split, has an unknown placeholder, or contains the token.
        """
        if token.get_secret_value() and token.get_secret_value() in template:
            raise InvalidProjectError(
                f"{name} holds the token, which every user of this machine could read there: the command finds it in "
                f"its environment, as {TOKEN_VARIABLE}"
            )
        try:
            words = tuple(shlex.split(template))
        except ValueError as error:
            raise InvalidProjectError(f"{name} {template!r} cannot be split into words: {error}") from None
        if not words or not words[0] or not template.isprintable():
            raise InvalidProjectError(f"{name} {template!r} is not a command: write a program and its arguments")
        if "{" in words[0]:
            raise InvalidProjectError(f"{name} begins with {words[0]!r}: name its program without placeholders")
        for word in words:
            known = _PLACEHOLDER.sub(lambda match: "" if match[1] in PLACEHOLDERS else match[0], word)
            if "{" in known or "}" in known:
                names = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
                raise InvalidProjectError(
                    f"{name} has {word!r}, with a brace that belongs to no placeholder: use {names}, and put anything "
                    "else into a script"
                )
        return cls(words)

    def __str__(self) -> str:
        """Write the command as it would be typed. Placeholders get no quotes."""
        return printable(" ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in self.words))

    def fill(self, values: Mapping[str, str]) -> Self:
        """Fill in the placeholders, each within its word.

        Raises:
            InvalidProjectError: a value has characters that a program may not take for a name.
        """

        def value(match: re.Match[str]) -> str:
            if _VALUE.fullmatch(values[match[1]]) is None:
                raise InvalidProjectError(
                    f"{match[0]} is {values[match[1]]!r}, which is not put into a command: it may hold letters, "
                    "digits and any of _ . : / - only, and begins with a letter or a digit"
                )
            return values[match[1]]

        return type(self)(tuple(_PLACEHOLDER.sub(value, word) for word in self.words))

    @property
    def is_vendors_deploy(self) -> bool:
        """Whether this is ``astro deploy``, which builds the project's Dockerfile and deploys the image."""
        program = self.words[0].rpartition("/")[2].removesuffix(".exe")
        by_image = any(word.partition("=")[0] in {"--image-name", "-i"} for word in self.words)
        return program == "astro" and "deploy" in self.words[1:] and not by_image

    def find(self, folder: Path) -> str:
        """Find the program: on PATH, or from the project's folder where it is named with a slash.

        Raises:
            InvalidProjectError: there is no such program.
        """
        program = self.words[0]
        by_path = os.path.dirname(program)  # noqa: PTH120 - as the system reads it: "./deploy" has one
        found = shutil.which(folder / program if by_path else program)
        if found is None:
            where = f"an executable file in {printable(str(folder))}" if by_path else "on PATH"
            raise InvalidProjectError(
                f"{program!r}, which {str(self)!r} runs, is not {where}: install it, or name another command"
            )
        return os.path.abspath(found)  # noqa: PTH100 - a link stays a link: programs look at their own name


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRunner:
    """Runs commands in one folder."""

    folder: Path
    clock: Clock
    say: Callable[[str], None]
    token: SecretStr
    environment: Mapping[str, str]

    def run(self, command: UserCommand, *, seconds: float, with_token: bool) -> None:
        """Run a command to its end, and report its output.

        Raises:
            InvalidProjectError: its program no longer exists.
            DeliveryFailedError: it cannot be started, failed, or exceeded the time limit.
            CommandInterruptedError: the user stopped the run.
        """
        environment = {name: value for name, value in self.environment.items() if name != TOKEN_VARIABLE}
        if with_token:
            environment[TOKEN_VARIABLE] = self.token.get_secret_value()
        try:
            process = subprocess.Popen(
                [command.find(self.folder), *command.words[1:]],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryFailedError(f"'{command}' cannot be started: {error.strerror}") from error
        output = _Output(process, cast("IO[bytes]", process.stdout), self.token.get_secret_value())
        try:
            self._follow(process, command, output, seconds)
        except BaseException:
            _end(process)
            raise
        finally:
            output.close()

    def _follow(self, process: subprocess.Popen[bytes], command: UserCommand, output: _Output, seconds: float) -> None:
        name = printable(command.words[0])
        deadline = self.clock.now() + seconds
        while process.poll() is None:
            for line in output.read(_POLL_SECONDS):
                self.say(f"{name}: {line}")
            if self.clock.wait(0):
                raise CommandInterruptedError(f"'{command}' was stopped")
            if self.clock.now() >= deadline:
                limit = duration(round(seconds, 1))
                raise DeliveryFailedError(
                    f"'{command}' did not end within {limit} (timeout), and was stopped{output.last()}"
                )
        for line in output.rest():
            self.say(f"{name}: {line}")
        if process.returncode:
            how = f"failed with exit code {process.returncode}"
            if process.returncode < 0:
                how = f"was ended by signal {-process.returncode}"
            raise DeliveryFailedError(f"'{command}' {how}{output.last()}")


@dataclass(slots=True)
class _Output:
    """Output of a process, in lines that are safe to show."""

    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    token: str
    _rest: bytes = b""
    _open: bool = True
    _kept: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def read(self, seconds: float) -> list[str]:
        """Wait up to that many seconds for output. Return its last lines."""
        if not self._open:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            return []
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return []
        data = os.read(self.pipe.fileno(), 65536)
        self._open = bool(data)
        *ended, rest = _LINE_END.split(self._rest + data)
        # The rest of an endless line is dropped.
        self._rest = rest[:_LONGEST_LINE]
        return self._fit(ended if data else [*ended, rest])

    def rest(self) -> list[str]:
        """Return the last lines that an ended process left in the pipe. Its children may still hold the pipe open."""
        lines = self.read(0)
        return [*lines, *self._fit([self._rest])][-_SHOWN_AT_ONCE:] if self._open else lines

    def close(self) -> None:
        """Close the pipe, even if a child still holds its other end."""
        self.pipe.close()

    def last(self) -> str:
        """Write the last lines, for an error."""
        return "".join(["; it printed last:", *(f"\n  {line}" for line in self._kept)]) if self._kept else ""

    def _fit(self, lines: list[bytes]) -> list[str]:
        fit = [line for line in map(self._printable, lines) if line]
        self._kept += fit
        return fit[-_SHOWN_AT_ONCE:]

    def _printable(self, line: bytes) -> str:
        text = _ANSI.sub("", line[:_LONGEST_LINE].decode(errors="replace"))
        if self.token:
            text = text.replace(self.token, "***")
        text = MASKS.mask(text)
        if len(line) >= _LONGEST_LINE:
            # The cut may go through a secret.
            text = text[: -max(1, len(self.token), MASKS.longest)]
        text = printable(text.strip())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: SIGTERM first, then SIGKILL."""
    # The group may be gone, or what is left of it may belong to another user.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(_POLL_SECONDS / 5)
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
