"""The form of what ``pulumi preview --json`` writes, as far as it is read; the engine's name for it is preview digest.

The engine leaves out what is empty, and adds to the form from release to release. So nothing is required that it may
leave out, and what is not known is passed over.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from astro_deployment_runtime.errors import InvalidPreviewError
from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPE, WAVE_TYPE, Urn
from astro_deployment_runtime.support.validation import error_messages

FOREIGN: Final = "this is not what 'pulumi preview --json' writes"
SAME: Final = "same"
"""The engine's word for a resource without a change."""

_OURS: Final = frozenset({DEPLOYMENT_TYPE, WAVE_TYPE, "pulumi:pulumi:Stack"})
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes in the place of a text that is known only when what it comes from exists."""
_BOM: Final = b"\xef\xbb\xbf"


def _urn(value: object) -> object:
    return Urn.parse(value) if isinstance(value, str) else None


def _text(value: object) -> object:
    return value if isinstance(value, str) and value != _UNKNOWN else None


def _lines(value: object) -> object:
    return tuple(line for line in value if isinstance(line, str)) if isinstance(value, list) else ()


# Resources of other types have properties of the same names, of whatever form.
_Text = Annotated[str | None, BeforeValidator(_text)]
_Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]


class Inputs(BaseModel):
    """What a Deployment's check gave."""

    release_name: _Text = None
    path: _Text = None
    cancel: _Text = None
    hold: _Text = None
    plan: _Lines = ()


class Outputs(BaseModel):
    """What is saved of a Deployment."""

    current_version: _Text = None


class State(BaseModel):
    """A resource, before or after."""

    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()


class _Told(BaseModel):
    urn: Annotated[Urn | None, BeforeValidator(_urn)] = None

    @property
    def deployment(self) -> Urn | None:
        """The Deployment that it is about."""
        return self.urn if self.urn and self.urn.type == DEPLOYMENT_TYPE else None


class Step(_Told):
    """What becomes of a resource."""

    op: str
    old: State = Field(default=State(), alias="oldState")
    new: State | None = Field(default=None, alias="newState")

    @property
    def foreign(self) -> bool:
        """It is about a resource that is not of this package."""
        return self.urn is not None and self.urn.type not in _OURS


class Diagnostic(_Told):
    """What was said."""

    message: str = ""
    severity: str = ""

    @property
    def text(self) -> str:
        """The message, without the severity that the engine puts before it."""
        return self.message.strip("\n").removeprefix(f"{self.severity}: ")

    @property
    def reason(self) -> str:
        """The text, without what the engine says of a failed check."""
        if self.deployment and self.text.startswith(f"{DEPLOYMENT_TYPE} resource '{self.deployment.name}'"):
            return self.text.partition(" has a problem: ")[2] or self.text
        return self.text


class Digest(BaseModel):
    """All of it."""

    steps: list[Step] = []
    diagnostics: list[Diagnostic] = []
    changes: dict[str, int] = Field(default={}, alias="changeSummary")
    """How many resources each operation is for."""

    @property
    def lists_unchanged(self) -> bool:
        """The resources without a change have a step too."""
        return self.changes.get(SAME, 0) <= sum(step.op == SAME for step in self.steps)


def read_digest(data: bytes) -> Digest:
    """Read it.

    Raises:
        InvalidPreviewError: it is something else.
    """
    if not data.strip():
        raise InvalidPreviewError(
            f"{FOREIGN}: it is empty; what kept the preview from beginning is on its standard error"
        )
    try:
        digest = Digest.model_validate_json(data.removeprefix(_BOM))
    except ValidationError as error:
        raise InvalidPreviewError(f"{FOREIGN}: {error_messages(error, '', Digest)[0]}") from error
    if not digest.model_fields_set:
        raise InvalidPreviewError(f"{FOREIGN}: it has neither steps nor diagnostics nor a summary of changes")
    return digest
