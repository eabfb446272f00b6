"""The user's Astro project as a way for images: its Dockerfile is moved along the path, hop by hop, and deployed.

For each hop the first ``FROM`` is rewritten, an optional test is run, and the deploy command; then it is Houston's turn
as with any image. The file is replaced as a whole or not at all. Where a command fails, takes too long or is
interrupted, its ``FROM`` line is put back to what the Deployment runs.

A folder serves one Deployment: a Dockerfile has one first ``FROM``, and two Deployments are hardly ever at the same
release. Serving them one after the other would leave the file at whatever the last one needed, and the next preview
of the other would refuse it; so two are refused. A lock on the folder keeps two runs of one machine apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime import dockerfile, report
from astro_deployment_runtime.commands import Command, Runner
from astro_deployment_runtime.errors import (
    CommandInterruptedError,
    DeliveryFailedError,
    InvalidDeclarationError,
    UnreadableFileError,
)
from astro_deployment_runtime.files import LARGEST_DOCKERFILE, read_file
from astro_deployment_runtime.report import printable
from astro_deployment_runtime.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pydantic import SecretStr

    from astro_deployment_runtime.declaration import ProjectDeclaration
    from astro_deployment_runtime.model import Deployment, Hop
    from astro_deployment_runtime.ports import Clock
    from astro_deployment_runtime.settings import Settings
    from astro_deployment_runtime.versions import ReleaseId

URL_VARIABLE: Final = "ASTRO_HOUSTON_URL"

_CONFIG: Final = Path(".astro", "config.yaml")
_DOCKERFILE: Final = "Dockerfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """An Astro project on this machine, and the commands that test and deploy it."""

    name: str
    """Its path as the user wrote it."""
    folder: Path
    """Without links and dots: the same folder is the same path."""
    test: Command | None
    deploy: Command
    url: str
    """Houston's; the commands find it in their environment."""
    token: SecretStr

    @classmethod
    def declared(cls, declaration: ProjectDeclaration, settings: Settings) -> Project:
        """Read what was declared; whether it is so is told by :meth:`check`.

        Raises:
            InvalidDeclarationError: a command cannot be used.
        """
        test, token = declaration.test, settings.token
        return cls(
            name=printable(declaration.path),
            folder=Path(declaration.path).expanduser().resolve(),
            test=Command.parse(test, name="project.test", token=token) if test else None,
            deploy=Command.parse(declaration.deploy, name="project.deploy", token=token),
            url=settings.url,
            token=token,
        )

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is run, in this order."""
        return (self.test, self.deploy) if self.test else (self.deploy,)

    @property
    def _file(self) -> Path:
        """The Dockerfile itself, not a link to it: what is replaced is the file."""
        return (self.folder / _DOCKERFILE).resolve()

    def check(self, deployment: Deployment, hops: Sequence[Hop], started: Collection[ReleaseId]) -> list[str]:
        """Look at everything that can be found wrong before anything is done.

        Args:
            deployment: what the project is deployed to.
            hops: the path.
            started: releases that the Dockerfile may name beside what runs, since a run may have been cut off.

        Returns:
            The lines of a preview: what is written for each hop, and what is run.

        Raises:
            InvalidDeclarationError: something is wrong; the message lists all of it, a line each.
        """
        problems, lines = [], list[str]()
        try:
            lines = self._written(deployment, hops, started)
        except InvalidDeclarationError as error:
            problems.append(str(error))
        for command in self.commands:
            try:
                command.find(self.folder)
            except InvalidDeclarationError as error:
                problems.append(str(error))
        if problems:
            raise InvalidDeclarationError("\n".join(problems))
        return lines

    def _written(self, deployment: Deployment, hops: Sequence[Hop], started: Collection[ReleaseId]) -> list[str]:
        text = self.read()
        named, current = dockerfile.parse(text), deployment.current.id
        if named.release not in {current, *started}:
            raise InvalidDeclarationError(
                f"project {self.name}: its Dockerfile builds on {named.release} ({named.image!r}), and "
                f"{printable(deployment.release_name)} runs {current}: is it the project of another Deployment? If it "
                f"is this one's, let its first FROM name {current}, for example {named.reference(current)}"
            )
        lines = []
        for hop in hops:
            text = dockerfile.rewrite(text, hop.target.id)
            lines.append(dockerfile.parse(text).line)
            for command in self.commands:
                command.fill(values(deployment, hop, text))
        return report.project_lines(lines, list(map(str, self.commands)), self.name)

    def read(self) -> str:
        """Read the Dockerfile, every byte of it, also those that are no UTF-8.

        Raises:
            InvalidDeclarationError: there is no Astro project, or it cannot be read.
        """
        for needed, what in (
            (self.folder, "no folder"),
            (self.folder / _CONFIG, f"no Astro project: it has no {_CONFIG}"),
        ):
            if not needed.exists():
                raise InvalidDeclarationError(
                    f"project.path {self.name!r} is {what} ({printable(str(self.folder))}): name the folder in which "
                    "'astro dev init' was run; a relative path begins at the Pulumi project"
                )
        try:
            return read_file(self._file, largest=LARGEST_DOCKERFILE).decode(errors="surrogateescape")
        except UnreadableFileError as error:
            raise InvalidDeclarationError(f"project {self.name}: its {_DOCKERFILE} {error.reason}") from error

    def write(self, text: str) -> None:
        """Replace the Dockerfile, as a whole, with the same permissions.

        Raises:
            DeliveryFailedError: it cannot be written; it is what it was.
        """
        try:
            replace_file(self._file, text.encode(errors="surrogateescape"))
        except OSError as error:
            raise DeliveryFailedError(
                f"project {self.name}: its {_DOCKERFILE} cannot be written: {error.strerror}"
            ) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other run of this machine out of the folder, for as long as this process lives.

        Raises:
            DeliveryFailedError: another run is at work there.
        """
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DeliveryFailedError(
                    f"project {self.name}: another run is deploying from this folder; wait until it has ended"
                ) from None
            yield
        finally:
            os.close(handle)


def values(deployment: Deployment, hop: Hop, text: str) -> dict[str, str]:
    """Say what the placeholders of a command stand for."""
    return {
        "deployment_id": deployment.id,
        "release_name": deployment.release_name,
        "version": str(hop.target.id.version),
        "image": dockerfile.parse(text).image,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDelivery:
    """Builds and deploys the project for each hop."""

    project: Project
    releases: frozenset[ReleaseId]
    """What the Dockerfile may name when a hop begins: the path that was shown, and what was pending then."""
    clock: Clock

    def announce(self, hop: Hop) -> str:
        """Say what is written and run."""
        then = " and ".join(f"'{command}'" for command in self.project.commands)
        return f"building {self.project.name} on {hop.target.id}, with {then}"

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Write the ``FROM`` line, test, deploy; put the line back where that fails.

        Raises:
            InvalidDeclarationError: the project is no longer what the preview saw; nothing was changed.
            DeliveryFailedError: a command failed or took too long.
            CommandInterruptedError: the user stopped the run.
        """
        deadline = self.clock.now() + seconds
        with self.project.alone():
            before = self.project.read()
            named = dockerfile.parse(before)
            if named.release not in self.releases:
                raise InvalidDeclarationError(
                    f"project {self.project.name}: its Dockerfile builds on {named.release} now, which is not on the "
                    "path that was shown: run 'pulumi preview' to see the new one"
                )
            written = dockerfile.rewrite(before, hop.target.id)
            filled = values(deployment, hop, written)
            runner = Runner(
                folder=self.project.folder,
                clock=self.clock,
                say=say,
                token=self.project.token,
                environment={**os.environ, URL_VARIABLE: self.project.url},
            )
            try:
                if written != before:
                    self.project.write(written)
                for command in self.project.commands:
                    left = max(0.0, deadline - self.clock.now())
                    with_token = command is self.project.deploy
                    runner.run(command.fill(filled), seconds=left, with_token=with_token)
            except (DeliveryFailedError, CommandInterruptedError) as error:
                raise type(error)(f"{error}\n{self._restore(before, written, deployment.current.id)}") from error
            except BaseException:
                self._restore(before, written, deployment.current.id)
                raise

    def _restore(self, before: str, written: str, current: ReleaseId) -> str:
        """Put the ``FROM`` line back to what runs; what a command changed beside it stays."""
        try:
            found = self.project.read()
            restored = dockerfile.rewrite(before if found == written else found, current)
            if restored != found:
                self.project.write(restored)
            return (
                f"The Dockerfile of {self.project.name} builds on what runs again: {dockerfile.parse(restored).image}"
            )
        except (InvalidDeclarationError, DeliveryFailedError) as error:
            return f"The FROM line could not be put back to {current}, which still runs: {error}"
