"""Every error that this package raises on purpose, as one tree.

::

    AstroRuntimeError
    ├── InvalidInputError               a user's text, value or file cannot be used
    │   ├── InvalidVersionError             no version, release or target
    │   ├── InvalidCatalogError             a feed file is missing or not in the feeds' format
    │   ├── InvalidSettingsError            the connection settings are missing, contradictory or unsafe
    │   ├── InvalidPreviewError             no output of `pulumi preview --json`
    │   ├── InvalidConfigError              a resource argument or a key of the stack config
    │   │   ├── InvalidImageError               the argument `image`
    │   │   ├── InvalidProjectError             the argument `project`
    │   │   └── NoAirflowAddressError           `verify: airflow`, and Houston has no address of the Airflow
    │   └── UnreadableFileError             a file is missing, not a regular file, too large or unreadable
    ├── RefusedError                    the planner refuses the target, or two resources declare one Deployment
    ├── DeliveryFailedError             a command that tests or deploys the project failed
    ├── SoakFailedError                 the Deployments of a wave did not stay healthy
    ├── RunInterruptedError             the user stopped the run while it waited
    │   └── CommandInterruptedError         while a command tested or deployed the project
    ├── OutputError                     the command line cannot write its output
    ├── PlanVerificationError           the planner's path breaks a rule: a bug in this package
    └── PlatformError                   Houston, or the connection to it, failed
        ├── PlatformUnreachableError        no usable answer after all retries
        │   └── MutationNotSentError            a mutation surely did not arrive: sending it again is safe
        ├── PlatformRefusedError            Houston answered with an error
        │   ├── TokenRefusedError               the token is missing, expired or lacks a permission
        │   └── UnsupportedFieldsError          this platform version lacks fields of the query
        ├── PlatformAnswerError             an answer does not fit the schema
        ├── DeploymentNotFoundError         no visible Deployment has this id
        │   └── ReleaseNameNotFoundError        no visible Deployment has this release name
        ├── AmbiguousNameError              several Deployments have this release name
        └── UnknownOutcomeError             a mutation was sent and its answer was lost: read first

The planner's refusals are results, not errors (:class:`~astro_deployment_runtime.planning.plan_model.Refusal`). A
message says what was found, why it is an error and what to do next, without secrets.
"""

from __future__ import annotations

from typing import ClassVar


class AstroRuntimeError(Exception):
    """Root of the tree: catch it to catch every error that this package raises on purpose."""

    argument: ClassVar[str] = ""
    """The resource argument to correct; empty: none in particular."""


class InvalidInputError(AstroRuntimeError):
    """A user's text, value or file cannot be used."""


class InvalidVersionError(InvalidInputError):
    """A text is not a version, a release or a target."""


class InvalidCatalogError(InvalidInputError):
    """A catalog file is missing, or is not in the format of the vendor's feeds."""


class InvalidSettingsError(InvalidInputError):
    """The connection settings are missing, contradictory or unsafe."""


class InvalidPreviewError(InvalidInputError):
    """The input of a report is not the output of ``pulumi preview --json``."""


class InvalidConfigError(InvalidInputError):
    """A resource argument or a key of the stack config cannot be used."""


class InvalidImageError(InvalidConfigError):
    """The argument ``image`` cannot be used for a hop."""

    argument = "image"


class InvalidProjectError(InvalidConfigError):
    """The argument ``project`` cannot be used: its folder, its Dockerfile or its commands."""

    argument = "project"


class NoAirflowAddressError(InvalidConfigError):
    """``verify`` asks the Airflow for its health, and Houston has no address of it."""

    argument = "verify"


class UnreadableFileError(InvalidInputError):
    """A file is missing, is not a regular file, is too large or cannot be read."""

    def __init__(self, message: str, *, reason: str, missing: bool = False) -> None:
        """Keep the parts of the message.

        Args:
            message: the whole sentence, with the file's name.
            reason: the sentence without the file's name.
            missing: the file does not exist.
        """
        super().__init__(message)
        self.reason = reason
        self.missing = missing


class RefusedError(AstroRuntimeError):
    """The planner refuses the target, or two resources declare the same Deployment."""

    argument = "runtime_version"


class DeliveryFailedError(AstroRuntimeError):
    """A command that tests or deploys the project could not start, failed or took too long."""


class SoakFailedError(AstroRuntimeError):
    """The Deployments of a wave did not stay healthy for the soak time before the timeout."""


class RunInterruptedError(AstroRuntimeError):
    """The user stopped the run while it waited for an answer."""


class CommandInterruptedError(RunInterruptedError):
    """The user stopped the run while a command tested or deployed the project. The command was ended."""


class OutputError(AstroRuntimeError):
    """The command line cannot write its output: the disk is full, or the stream is closed."""


class PlanVerificationError(AstroRuntimeError):
    """The planner proposed a path that breaks a rule: a bug in this package. Nothing was changed."""


class PlatformError(AstroRuntimeError):
    """Houston, or the connection to it, failed."""


class PlatformUnreachableError(PlatformError):
    """No usable answer came: no connection, a timeout, or a proxy's 429 or 5xx after all retries."""


class MutationNotSentError(PlatformUnreachableError):
    """A mutation surely did not reach Houston: there was no connection, or a proxy rejected it."""


class PlatformRefusedError(PlatformError):
    """Houston understood the request and answered with an error."""


class TokenRefusedError(PlatformRefusedError):
    """Houston rejects the token, or the token lacks a permission."""


class UnsupportedFieldsError(PlatformRefusedError):
    """Houston rejects a whole query, because this platform version lacks some of its fields."""

    fields: frozenset[tuple[str, str]] = frozenset()
    """Pairs of a type's name (empty: unknown) and a field's name."""


class PlatformAnswerError(PlatformError):
    """An answer does not fit the schema."""


class DeploymentNotFoundError(PlatformError):
    """The token can see no Deployment with this id."""

    argument = "deployment_id"


class ReleaseNameNotFoundError(DeploymentNotFoundError):
    """The token can see no Deployment with this release name."""

    argument = "release_name"


class AmbiguousNameError(PlatformError):
    """Several Deployments have this release name."""

    argument = "release_name"


class UnknownOutcomeError(PlatformError):
    """A mutation was sent and its answer was lost: it may have taken effect."""
