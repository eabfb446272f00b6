"""What can be declared as a target: read from text, and, where it is not a version, resolved to one.

A line (``5.x``, ``5.0.x``, ``3.1-x``) stands for its newest release on offer, ``latest-patch`` for the newest patch of
what runs. What one was resolved to before is held: a release that appears does not move a plan by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.model import Equivalent, Latest, Resolved, RuleId, Violation
from astro_deployment_runtime.versions import Line, RuntimeVersion

if TYPE_CHECKING:
    from astro_deployment_runtime.catalog import Catalog, Release
    from astro_deployment_runtime.model import Target
    from astro_deployment_runtime.versions import AirflowVersion


def parse_target(text: str) -> Target:
    """Read what is wanted: a Runtime version, ``equivalent``, ``latest-patch``, or a line such as ``5.x``.

    Raises:
        InvalidVersionError: the text is none of these.
    """
    stripped = text.strip()
    for word in (Equivalent.EQUIVALENT, Latest.PATCH):
        if stripped == word:
            return word
    if stripped.endswith(("x", "X")):
        return Line.parse(stripped)
    try:
        return RuntimeVersion.parse(stripped)
    except InvalidVersionError as error:
        raise InvalidVersionError(f"{error}, or 'equivalent', 'latest-patch', or a line such as 5.x or 3.1-x") from None


def resolve(
    declared: Line | Latest, current: Release, catalog: Catalog, held: RuntimeVersion | None
) -> Resolved | Violation:
    """Find the version that a line, or the latest patch, stands for; or say why there is none.

    Args:
        declared: what is declared.
        current: what runs. It is never left for an older release of the same line.
        catalog: what is on offer.
        held: what it was resolved to before, to stay with; None: it is resolved anew.
    """
    running = current.id.version
    if isinstance(declared, Line):
        line = declared
    elif isinstance(running, RuntimeVersion):
        line = running.patches
    else:
        found = f"{current} is no Astro Runtime, so there is no patch of it to go to: declare equivalent first"
        return Violation(rule=RuleId.MIGRATE_EQUAL, found=found)
    newest = catalog.newest(line)
    anew = _higher(newest.id.version if newest else None, running, line)
    version = anew if held is None or held not in line else _higher(held, running, line)
    if version is None:
        found = f"no release of {line} is on offer that is neither yanked nor a prerelease"
        return Violation(rule=RuleId.OFFERED, found=found)
    return Resolved(declared=declared, version=version, anew=anew if anew != version else None)


def _higher(
    wanted: AirflowVersion | RuntimeVersion | None, running: AirflowVersion | RuntimeVersion, line: Line
) -> RuntimeVersion | None:
    """Return the higher of what is wanted and what runs, as far as they are of the line."""
    return max((each for each in (wanted, running) if isinstance(each, RuntimeVersion) and each in line), default=None)
