"""Risks and warnings that a user accepts or denies by name: ``accept`` and ``deny``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.errors import InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning.plan_model import WarningName
from astro_deployment_runtime.planning.versions import Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astro_deployment_runtime.planning.plan_model import PlanWarning

ACCEPTABLE_RISKS: Final = (
    *("yanked:VERSION", "prerelease:VERSION"),
    *("cancel-pending", "newer", "base-image", "overwrite-environment"),
)
"""Names of the risks that a user can accept. Users can also accept :data:`DENIABLE_WARNINGS`."""


DENIABLE_WARNINGS: Final = tuple(
    name for name in WarningName if name not in {WarningName.YANKED, WarningName.PRERELEASE, WarningName.NEWER}
)
"""Warnings that a user can accept (this hides them) or deny (this turns them into refusals). The others report an
accepted risk."""


def read_denied(names: Iterable[str]) -> frozenset[WarningName]:
    """Read the names of warnings that are denied.

    Raises:
        InvalidInputError: some names are unknown; the message lists all of them.
    """
    given = [name.strip() for name in names]
    known = ", ".join(DENIABLE_WARNINGS)
    problems = [f"{name!r} cannot be denied; use one of: {known}" for name in given if name not in DENIABLE_WARNINGS]
    if problems:
        raise InvalidInputError("; ".join(problems))
    return frozenset(map(WarningName, given))


@dataclass(frozen=True, slots=True)
class AcceptedRisks:
    """Risks that a user accepts by name (``accept=[...]``), for example ``yanked:9.0.0`` or ``cancel-pending``."""

    yanked: frozenset[ReleaseId] = frozenset()
    prerelease: frozenset[ReleaseId] = frozenset()
    cancel_pending: bool = False
    newer: bool = False
    base_image: bool = False
    overwrite_environment: bool = False
    warnings: frozenset[WarningName] = frozenset()
    """Warnings that are not shown."""

    @classmethod
    def parse(cls, names: Iterable[str]) -> Self:
        """Read the names in any order. A repeated name counts once.

        Raises:
            InvalidInputError: a name or its version is invalid; the message lists all of them.
        """
        releases: dict[str, set[ReleaseId]] = {"yanked": set(), "prerelease": set()}
        plain, problems = set(), []
        for name in names:
            kind, colon, version = name.strip().partition(":")
            if colon and kind in releases:
                try:
                    releases[kind].add(ReleaseId.of(Distribution.RUNTIME, version.strip()))
                except InvalidVersionError as error:
                    problems.append(f"{name!r}: {error}")
            elif name.strip() in (*ACCEPTABLE_RISKS[2:], *DENIABLE_WARNINGS):
                plain.add(name.strip())
            else:
                known = ", ".join((*ACCEPTABLE_RISKS, *DENIABLE_WARNINGS))
                problems.append(f"{name!r} cannot be accepted; use one of: {known}")
        if problems:
            raise InvalidInputError("; ".join(problems))
        return cls(
            yanked=frozenset(releases["yanked"]),
            prerelease=frozenset(releases["prerelease"]),
            cancel_pending="cancel-pending" in plain,
            newer="newer" in plain,
            base_image="base-image" in plain,
            overwrite_environment="overwrite-environment" in plain,
            warnings=frozenset(name for name in DENIABLE_WARNINGS if name in plain),
        )

    def without_accepted(self, warnings: Iterable[PlanWarning]) -> tuple[PlanWarning, ...]:
        """Return the warnings that the user does not accept."""
        return tuple(warning for warning in warnings if warning.name not in self.warnings)
