"""The releases that are on offer, with what the vendor's feeds know of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from astro_deployment_runtime.versions import AirflowVersion, ReleaseId, RuntimeVersion


class Channel(StrEnum):
    """The channels of the vendor's feeds."""

    STABLE = "stable"
    DEPRECATED = "deprecated"
    ALPHA = "alpha"
    BETA = "beta"
    NIGHTLY = "nightly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release: what it is, and what a feed knows of it.

    Two releases are ordered by :attr:`order`: by Airflow version, then scheme, then Runtime version.
    """

    id: ReleaseId
    airflow: AirflowVersion
    known: bool = False
    """A feed has a row for it. The fields below are meaningful only then."""
    channel: Channel | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    released: date | None = None
    end_of_support: date | None = None
    order: tuple[AirflowVersion, AirflowVersion | RuntimeVersion] = field(init=False, compare=False, repr=False)
