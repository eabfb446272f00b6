"""Delivers images from the user's Astro project: rewrites its Dockerfile for each hop, then tests and deploys it.

Each hop rewrites the ``FROM`` of the last stage, and runs the optional test and the deploy command. The file is
replaced as a whole or not at all. If a command fails, takes too long or is interrupted, the ``FROM`` line goes back to
the release that the Deployment runs. After commands that succeed it stays, because the image may still arrive.

A folder serves one Deployment, because its Dockerfile names one release. A lock on the folder keeps two runs on one
machine apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.delivery import dockerfile
from astro_deployment_runtime.delivery.user_command import CommandRunner, UserCommand
from astro_deployment_runtime.errors import (
    CommandInterruptedError,
    DeliveryFailedError,
    InvalidProjectError,
    UnreadableFileError,
)
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.base_images import VENDORS, plain_tag
from astro_deployment_runtime.planning.plan_model import PlanWarning, WarningName
from astro_deployment_runtime.support.atomic_write import replace_file
from astro_deployment_runtime.support.file_reading import MAX_CONFIG_BYTES, MAX_DOCKERFILE_BYTES, read_file
from astro_deployment_runtime.support.text_formatting import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic import SecretStr

    from astro_deployment_runtime.config.connection_settings import ConnectionSettings
    from astro_deployment_runtime.config.resource_arguments import ProjectArguments
    from astro_deployment_runtime.delivery.dockerfile import FromImage
    from astro_deployment_runtime.execution.executor_interfaces import Clock
    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.catalog import Release
    from astro_deployment_runtime.planning.plan_model import Deployment, Hop
    from astro_deployment_runtime.planning.versions import ReleaseId

URL_VARIABLE: Final = "ASTRO_HOUSTON_URL"

_CONFIG: Final = Path(".astro", "config.yaml")
_DOCKERFILE: Final = "Dockerfile"
_SHOWS_NO_WARNINGS: Final = re.compile(rb"^show_warnings:[ \t]*[\"']?false\b", re.MULTILINE | re.IGNORECASE)
"""Setting of the vendor's CLI: deploy without asking for confirmation."""


@dataclass(frozen=True, slots=True)
class ProjectCheck:
    """Texts of a preview about a project."""

    lines: list[str]
    """The ``FROM`` line of each hop, and the commands."""
    warnings: list[PlanWarning]


@dataclass(frozen=True, slots=True, kw_only=True)
class AstroProject:
    """An Astro project on this machine, and the commands that test and deploy it."""

    name: str
    """The path as the user wrote it."""
    folder: Path
    """The path without links and dots, so that one folder has one path."""
    test: UserCommand | None
    deploy: UserCommand
    url: str
    """Houston's address, which the commands find in their environment."""
    token: SecretStr
    base_images: BaseImages = VENDORS

    @classmethod
    def declared(cls, declaration: ProjectArguments, settings: ConnectionSettings) -> AstroProject:
        """Make a project from its arguments. :meth:`check` reads the files.

        Raises:
            InvalidProjectError: a command cannot be used.
        """
        test, token = declaration.test, settings.token
        return cls(
            name=printable(declaration.path),
            folder=Path(declaration.path).expanduser().resolve(),
            test=UserCommand.parse(test, name="project.test", token=token) if test else None,
            deploy=UserCommand.parse(declaration.deploy, name="project.deploy", token=token),
            url=settings.url,
            token=token,
            base_images=settings.base_images,
        )

    @property
    def commands(self) -> tuple[UserCommand, ...]:
        """The commands of a hop, in order."""
        return (self.test, self.deploy) if self.test else (self.deploy,)

    @property
    def _file(self) -> Path:
        """The Dockerfile itself, so that a link to it stays a link."""
        return (self.folder / _DOCKERFILE).resolve()

    def check(
        self, deployment: Deployment, hops: Sequence[Hop], may_build_on: Callable[[ReleaseId], bool]
    ) -> ProjectCheck:
        """Find every mistake before a run begins.

        Args:
            deployment: where the project is deployed.
            hops: the path.
            may_build_on: whether the Dockerfile may name a release. An earlier run may have rewritten it, so this
                may be another one than the current one.

        Raises:
            InvalidProjectError: there are mistakes. The message has a line for each.
        """
        problems, checked = [], ProjectCheck([], [])
        try:
            checked = self._check_dockerfile(deployment, hops, may_build_on)
        except InvalidProjectError as error:
            problems.append(str(error))
        for command in self.commands:
            try:
                command.find(self.folder)
            except InvalidProjectError as error:
                problems.append(str(error))
        if problems:
            raise InvalidProjectError("\n".join(problems))
        return checked

    def _check_dockerfile(
        self, deployment: Deployment, hops: Sequence[Hop], may_build_on: Callable[[ReleaseId], bool]
    ) -> ProjectCheck:
        text, current = self.read(), deployment.current.id
        base = dockerfile.parse(text, self.base_images)
        if base.release != current and not may_build_on(base.release):
            raise InvalidProjectError(
                f"project {self.name}: its Dockerfile builds on {base.release} ({base.image!r}), and "
                f"{printable(deployment.release_name)} runs {current}, from which the path to {hops[-1].target} does "
                f"not lead there: is it the project of another Deployment? If it is this one's, let line {base.number} "
                f"name {current}, for example {base.reference(current, self.base_images)}"
            )
        bases: list[FromImage] = []
        notes: list[str] = []
        warnings: list[PlanWarning] = []
        for number, hop in enumerate(hops, start=1):
            before, text = base, dockerfile.rewrite(text, hop.target.id, self.base_images)
            base = dockerfile.parse(text, self.base_images)
            bases.append(base)
            notes += _variant_notes(number, before, base)
            warnings += _variant_warnings(number, before, hop)
            for command in self.commands:
                command.fill(self.placeholder_values(deployment, hop, text))
        warnings += [
            PlanWarning(
                name=WarningName.OTHER_STAGE,
                message=f"line {other.number} of the Dockerfile names {other.image}, and the last stage does not build "
                f"on it: only line {base.number} changes",
            )
            for other in dockerfile.other_stages(text, self.base_images)
            if other.release != base.release
        ]
        warnings += self._confirmation_warnings(bases)
        lines = [each.line for each in bases]
        commands = list(map(str, self.commands))
        return ProjectCheck(plan_messages.project_lines(lines, notes, commands, self.name), warnings)

    def _confirmation_warnings(self, bases: Sequence[FromImage]) -> list[PlanWarning]:
        """Warn about images that the vendor's CLI asks to confirm: those with an ``ARG`` or a variant.

        Args:
            bases: the image in the Dockerfile after each hop.
        """
        asked = [f"hop {number} ({base.written})" for number, base in enumerate(bases, start=1) if not _is_plain(base)]
        if not asked or not self.deploy.is_vendors_deploy or self._asks_nothing():
            return []
        message = (
            f"'astro deploy' may ask to confirm the image of {', '.join(asked)}, and cancels when nobody answers: run "
            f"'astro config set show_warnings false' in the project's folder first"
        )
        return [PlanWarning(name=WarningName.DEPLOY_CONFIRMATION, message=message)]

    def _asks_nothing(self) -> bool:
        try:
            return _SHOWS_NO_WARNINGS.search(read_file(self.folder / _CONFIG, max_bytes=MAX_CONFIG_BYTES)) is not None
        except UnreadableFileError:
            return False

    def placeholder_values(self, deployment: Deployment, hop: Hop, text: str) -> dict[str, str]:
        """Return the values of the placeholders in a command."""
        return {
            "deployment_id": deployment.id,
            "release_name": deployment.release_name,
            "version": str(hop.target.id.version),
            "image": dockerfile.parse(text, self.base_images).image,
        }

    def read(self) -> str:
        """Read the Dockerfile. Bytes that are not UTF-8 are preserved.

        Raises:
            InvalidProjectError: there is no Astro project, or its Dockerfile cannot be read.
        """
        for needed, what in (
            (self.folder, "not a folder"),
            (self.folder / _CONFIG, f"not an Astro project: it has no {_CONFIG}"),
        ):
            if not needed.exists():
                raise InvalidProjectError(
                    f"project.path {self.name!r} is {what} ({printable(str(self.folder))}): name the folder in which "
                    "'astro dev init' was run; a relative path begins at the Pulumi project"
                )
        try:
            return read_file(self._file, max_bytes=MAX_DOCKERFILE_BYTES).decode(errors="surrogateescape")
        except UnreadableFileError as error:
            raise InvalidProjectError(f"project {self.name}: its {_DOCKERFILE} {error.reason}") from error

    def write(self, text: str) -> None:
        """Replace the Dockerfile as a whole, with the same permissions.

        Raises:
            DeliveryFailedError: the file cannot be written, and is unchanged.
        """
        try:
            replace_file(self._file, text.encode(errors="surrogateescape"))
        except OSError as error:
            raise DeliveryFailedError(
                f"project {self.name}: its {_DOCKERFILE} cannot be written: {error.strerror}"
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder against other runs on this machine. The lock ends with this process at the latest.

        Raises:
            DeliveryFailedError: another run holds the lock.
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


def _variant_notes(number: int, before: FromImage, after: FromImage) -> list[str]:
    """Write which variant a hop keeps, or that the new distribution has another name for it."""
    if before.tag.onbuild and not after.tag.onbuild:
        return [f"Hop {number} leaves -onbuild out: images of Astro Runtime copy a project in without it."]
    if not after.tag.variant:
        return []
    return [
        f"Hop {number} needs the variant {after.tag.variant.removeprefix('-')}: make sure that {after.image} exists."
    ]


def _variant_warnings(number: int, before: FromImage, hop: Hop) -> list[PlanWarning]:
    if before.release == hop.target.id:
        return []
    return [
        PlanWarning(name=WarningName.IMAGE_VARIANT, message=f"hop {number}: {missing}")
        for missing in before.tag.missing_suffixes(hop.target.id, hop.target.airflow)
    ]


def _is_plain(base: FromImage) -> bool:
    """Return whether every version of the vendor's CLI recognizes the image, and asks for no confirmation."""
    repository, _, tag = base.written.rpartition(":")
    return base.alone and tag == plain_tag(base.release) and VENDORS.distribution(repository) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDelivery:
    """Builds and deploys the project for each hop."""

    project: AstroProject
    releases: frozenset[ReleaseId]
    """Releases that the Dockerfile may name when a hop begins: the path of the preview, and the hop pending then."""
    clock: Clock
    leads_to_target: Callable[[Release, ReleaseId], bool] = lambda _current, _named: False
    """Whether it may also name another release, between the current one and the target."""

    def announce(self, hop: Hop) -> str:
        """Name the release and the commands."""
        then = " and ".join(f"'{command}'" for command in self.project.commands)
        return f"building {self.project.name} on {hop.target.id}, with {then}"

    def deliver(self, deployment: Deployment, hop: Hop, *, seconds: float, say: Callable[[str], None]) -> None:
        """Write the ``FROM`` line, test and deploy. If that fails, put the line back.

        Raises:
            InvalidProjectError: the project has changed since the preview. Nothing was changed.
            DeliveryFailedError: a command failed or took too long.
            CommandInterruptedError: the user stopped the run.
        """
        deadline = self.clock.now() + seconds
        with self.project.locked():
            before = self.project.read()
            named = dockerfile.parse(before, self.project.base_images).release
            if named not in self.releases and not self.leads_to_target(deployment.current, named):
                raise InvalidProjectError(
                    f"project {self.project.name}: its Dockerfile builds on {named} now, which is not on the path that "
                    "was shown: run 'pulumi preview' to see the new one"
                )
            written = dockerfile.rewrite(before, hop.target.id, self.project.base_images)
            filled = self.project.placeholder_values(deployment, hop, written)
            runner = CommandRunner(
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
        """Put the ``FROM`` line back to the release that runs. Other changes that a command made stay."""
        try:
            found = self.project.read()
            images = self.project.base_images
            restored = dockerfile.rewrite(before if found == written else found, current, images)
            if restored != found:
                self.project.write(restored)
            image = dockerfile.parse(restored, images).image
        except (InvalidProjectError, DeliveryFailedError) as error:
            return f"The FROM line could not be put back to {current}, which still runs: {error}"
        return f"The Dockerfile of {self.project.name} builds on what runs again: {image}"
