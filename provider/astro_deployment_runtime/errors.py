"""Everything that can go wrong, as one tree.

::

    AstroRuntimeError
    ├── InvalidInputError          what a person wrote cannot be used; nothing was asked of the platform
    │   ├── InvalidVersionError    a text is no version, release or target
    │   ├── InvalidCatalogError    a feed file is not in the feeds' format
    │   ├── InvalidSettingsError   the connection settings are missing or unsafe
    │   ├── InvalidPreviewError    what was to be reported is no preview of Pulumi's
    │   ├── InvalidDeclarationError  an argument of a resource or an entry of the stack config
    │   └── UnreadableFileError    a file that a person named is not there, not a regular one, or too large
    ├── RefusedError               a refusal of the planner, where only an exception can carry it
    ├── DeliveryFailedError        a command of the user's failed: a test of the project, or its deployment
    ├── SoakFailedError            the Deployments of a wave were not healthy in time
    ├── RunInterruptedError        the user stopped the run while an answer was waited for
    │   └── CommandInterruptedError    while such a command ran: it was ended, and the message tells what was left
    ├── OutputError                what the command line prints cannot be written
    ├── UnsoundPlanError           the planner's check objects to the planner's own path: a mistake in this package
    └── PlatformError              Houston, the network, or what came from there
        ├── PlatformUnreachableError   no usable answer, also after the retries of a read
        │   └── MutationNotSentError   a mutation was surely not processed: it can be sent again
        ├── PlatformRefusedError       Houston answered with an error of its own
        │   ├── TokenRefusedError      the token is missing, expired or may not do this
        │   └── FieldsRefusedError     this platform lacks fields that were asked for
        ├── PlatformAnswerError        an answer that is not what the schema promises
        ├── DeploymentNotFoundError    no Deployment of that name or id that the token can see
        ├── AmbiguousNameError         several Deployments have that release name
        └── DoubtfulMutationError      a mutation was sent and its answer was lost: read before anything else

A refusal of the planner is not an error but a result (:class:`~astro_deployment_runtime.planning.model.Refusal`). Every
message says what was found, why that is refused and what to do next, on one or few lines, and carries no secret.
"""

from __future__ import annotations


class AstroRuntimeError(Exception):
    """The root of the tree: catch it to catch all that this package raises on purpose."""


class InvalidInputError(AstroRuntimeError):
    """Something that a person wrote cannot be used."""


class InvalidVersionError(InvalidInputError):
    """A text is not a version, a release or a target."""


class InvalidCatalogError(InvalidInputError):
    """A catalog cannot be found, or a file of it is not in the format of the vendor's feeds."""


class InvalidSettingsError(InvalidInputError):
    """The connection settings are missing, contradictory or unsafe."""


class InvalidPreviewError(InvalidInputError):
    """What was to be reported is not what ``pulumi preview --json`` writes."""


class InvalidDeclarationError(InvalidInputError):
    """An argument of the resource or an entry of the stack config cannot be used."""


class UnreadableFileError(InvalidInputError):
    """A file that a person named is not there, is not a regular file, is too large, or cannot be read."""

    def __init__(self, message: str, *, reason: str, missing: bool = False) -> None:
        """Keep what a message of the caller's is made of.

        Args:
            message: the whole sentence, which names the file.
            reason: the sentence without the file's name.
            missing: there is no such file.
        """
        super().__init__(message)
        self.reason = reason
        self.missing = missing


class RefusedError(AstroRuntimeError):
    """What is declared may not be done; the message is the planner's own."""


class DeliveryFailedError(AstroRuntimeError):
    """A command that tests or deploys the user's project could not be run, failed, or took too long."""


class SoakFailedError(AstroRuntimeError):
    """The Deployments of a wave were not all healthy for long enough, in the time that they were given."""


class RunInterruptedError(AstroRuntimeError):
    """The user stopped the run while an answer was waited for."""


class CommandInterruptedError(RunInterruptedError):
    """The user stopped the run while a command tested or deployed the project; the command was ended."""


class OutputError(AstroRuntimeError):
    """What the command line prints cannot be written: the disk is full, or the stream is closed."""


class UnsoundPlanError(AstroRuntimeError):
    """The check of a proposed path found a rule broken: a mistake in this package. Nothing was changed."""


class PlatformError(AstroRuntimeError):
    """Houston or the way to it failed."""


class PlatformUnreachableError(PlatformError):
    """There was no usable answer: no connection, a time-out, or a proxy's 429 or 5xx that outlasted the retries."""


class MutationNotSentError(PlatformUnreachableError):
    """A mutation was not processed, for certain: there was no connection, or what answered never passed it on."""


class PlatformRefusedError(PlatformError):
    """Houston understood the request and answered with an error."""


class TokenRefusedError(PlatformRefusedError):
    """Houston does not accept the token, or the token may not do this."""


class FieldsRefusedError(PlatformRefusedError):
    """This platform lacks fields that a document asks for, so that it refused the whole document."""

    fields: frozenset[tuple[str, str]] = frozenset()
    """Pairs of a type's name (empty: not told) and a field's."""


class PlatformAnswerError(PlatformError):
    """An answer is not what the schema promises."""


class DeploymentNotFoundError(PlatformError):
    """The token can see no Deployment of that release name or id."""


class AmbiguousNameError(PlatformError):
    """Several Deployments have the release name by which one is declared."""


class DoubtfulMutationError(PlatformError):
    """A mutation was sent and its answer was lost: it may have taken effect."""
