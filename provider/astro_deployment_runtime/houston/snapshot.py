"""The whole fleet at one time, in the model's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.planning.plan_warnings import unreadable_row_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.config.selectors import Candidate
    from astro_deployment_runtime.planning.catalog import Catalog
    from astro_deployment_runtime.planning.platform_version import Platform

_MAX_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The platform, the releases on offer, and every Deployment that the token can see, at one time."""

    platform: Platform
    catalog: Catalog
    candidates: tuple[Candidate, ...]
    """The Deployments. One whose version cannot be read is among them."""
    workspace_labels: Mapping[str, str]
    """Labels of the workspaces, by id. A label may be empty."""
    gaps: tuple[str, ...] = ()
    """Clauses that say why Deployments may be missing here."""
    refused: tuple[str, ...] = ()
    """Data that this platform should have and refuses to tell."""
    tells_deployment_labels: bool = True
    tells_workspace_labels: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks about gaps and unreadable data, as sentences for the user."""
        notes = unreadable_row_notes(self.catalog)
        if self.gaps:
            notes.append(f"Houston does not show the whole fleet: {_first_few(self.gaps)}")
        if self.refused:
            notes.append(
                f"Houston refuses fields that platform {self.platform.version} should have, so they are not known: "
                f"{', '.join(self.refused)}"
            )
        return tuple(notes)


def _first_few(clauses: Sequence[str]) -> str:
    more = len(clauses) - _MAX_NAMED
    return "; ".join(clauses[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
