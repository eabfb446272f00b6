"""The JSON that ``pulumi preview --json`` writes, as far as the reports read it.

The engine leaves out empty values and adds keys from release to release. So no key is required that it may leave out,
and unknown keys are ignored. Properties are in snake_case for the dynamic resources, in camelCase for the native ones.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, ValidationError

from astro_deployment_runtime.errors import InvalidPreviewError
from astro_deployment_runtime.support.urns import DEPLOYMENT_TYPES, TYPES, Urn
from astro_deployment_runtime.support.validation import error_messages

NOT_A_PREVIEW: Final = "this is not what 'pulumi preview --json' writes"
SAME: Final = "same"
"""The engine's word for a resource without a change."""

_IMPORTS: Final = frozenset({"import", "import-replacement"})
"""Steps by which a resource enters the state as it is. An update follows unless it is as declared."""
_READS: Final = frozenset({"read", "read-replacement", "discard", "discard-replaced", "refresh"})
"""Steps of a refresh, and of resources that the program only reads."""

_OURS: Final = TYPES | {"pulumi:pulumi:Stack"}
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine writes this instead of a text that depends on a resource that does not exist yet."""
_WARNING_NAME: Final = re.compile(r"[a-z-]+")
_BOM: Final = b"\xef\xbb\xbf"


def _urn(value: object) -> object:
    return Urn.parse(value) if isinstance(value, str) else None


def _text(value: object) -> object:
    return value if isinstance(value, str) and value != _UNKNOWN else None


def _lines(value: object) -> object:
    return tuple(line for line in value if isinstance(line, str)) if isinstance(value, list) else ()


def _warnings(value: object) -> object:
    found = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    pairs = [(each.get("name"), each.get("message")) for each in found]
    return tuple((name, text) for name, text in pairs if _is_warning_name(name) and isinstance(text, str))


def _is_warning_name(value: object) -> bool:
    return isinstance(value, str) and _WARNING_NAME.fullmatch(value) is not None


# Resources of other types have properties of the same names and of any form.
_Text = Annotated[str | None, BeforeValidator(_text)]
_Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
_Warnings = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_warnings)]


class Inputs(BaseModel):
    """The checked inputs of a Deployment."""

    release_name: _Text = Field(default=None, validation_alias=AliasChoices("release_name", "releaseName"))
    path: _Text = None
    cancel: _Text = None
    hold: _Text = None
    plan: _Lines = ()
    warnings: _Warnings = ()
    """Pairs of a name and a message."""


class Outputs(BaseModel):
    """The saved outputs of a Deployment."""

    current_version: _Text = Field(default=None, validation_alias=AliasChoices("current_version", "currentVersion"))


class ResourceState(BaseModel):
    """A resource before or after the run."""

    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()


class _AboutResource(BaseModel):
    urn: Annotated[Urn | None, BeforeValidator(_urn)] = None

    @property
    def deployment(self) -> Urn | None:
        """The Deployment that it is about."""
        return self.urn if self.urn and self.urn.type in DEPLOYMENT_TYPES else None


class Step(_AboutResource):
    """Effect of the run on a resource."""

    op: str
    old: ResourceState = Field(default=ResourceState(), alias="oldState")
    new: ResourceState | None = Field(default=None, alias="newState")

    @property
    def only_reads(self) -> bool:
        """It changes nothing, or only what a refresh records."""
        return self.op in _READS

    @property
    def imports(self) -> bool:
        """The resource enters the state as it is."""
        return self.op in _IMPORTS

    @property
    def of_another_package(self) -> bool:
        """The resource does not belong to this package."""
        return self.urn is not None and self.urn.type not in _OURS


class Diagnostic(_AboutResource):
    """A message of the engine, the program or a provider."""

    message: str = ""
    severity: str = ""

    @property
    def text(self) -> str:
        """The message without the severity that the engine puts before it."""
        return self.message.strip("\n").removeprefix(f"{self.severity}: ")

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()


class PulumiPreview(BaseModel):
    """The whole document."""

    steps: list[Step] = []
    diagnostics: list[Diagnostic] = []
    changes: dict[str, int] = Field(default={}, alias="changeSummary")
    """Number of resources by operation."""

    @property
    def lists_unchanged(self) -> bool:
        """Resources without a change have a step too."""
        return self.changes.get(SAME, 0) <= sum(step.op == SAME for step in self.steps)


def parse_preview(data: bytes) -> PulumiPreview:
    """Parse the document.

    Raises:
        InvalidPreviewError: it is something else.
    """
    if not data.strip():
        raise InvalidPreviewError(
            f"{NOT_A_PREVIEW}: it is empty; what kept the preview from beginning is on its standard error"
        )
    try:
        preview = PulumiPreview.model_validate_json(data.removeprefix(_BOM))
    except ValidationError as error:
        raise InvalidPreviewError(f"{NOT_A_PREVIEW}: {error_messages(error, '', PulumiPreview)[0]}") from error
    if not preview.model_fields_set:
        raise InvalidPreviewError(f"{NOT_A_PREVIEW}: it has neither steps nor diagnostics nor a summary of changes")
    return preview
