"""Targets that a user can declare: read them from text and resolve them to versions.

A line (``5.x``, ``5.0.x``, ``3.1-x``) resolves to its newest release on offer, ``latest-patch`` to the newest patch of
the current release. The resolved version is held: a new release does not change a plan by itself.

For an invalid target, or a version that does not exist, errors suggest targets with a similar spelling.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning.plan_model import Equivalent, Latest, Resolved, RuleId, Violation
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.plan_model import Target
    from astro_deployment_runtime.planning.versions import AirflowVersion


_WORDS: Final = (Equivalent.EQUIVALENT, Latest.PATCH)
_LONGEST: Final = 60
"""Maximum length of a text that is compared with targets, in characters."""
_NAMED: Final = 3
"""Maximum number of suggested targets."""
_ALMOST: Final = re.compile(r"(?:astro[ -]?)?(?:runtime)?[ :-]*v?0*(\d+)\.0*(\d+)([.-])0*(\d+)(?:\D.*)?", re.ASCII)


def parse_target(text: str, known: Callable[[], Catalog]) -> Target:
    """Read a target: a Runtime version, ``equivalent``, ``latest-patch``, or a line such as ``5.x``.

    Args:
        text: the declared target.
        known: returns the releases for suggestions; called only if the text is not a target.

    Raises:
        InvalidVersionError: the text is anything else.
    """
    stripped = text.strip()
    for word in _WORDS:
        if stripped == word:
            return word
    is_line = stripped.endswith(("x", "X"))
    try:
        return Line.parse(stripped) if is_line else RuntimeVersion.parse(stripped)
    except InvalidVersionError as error:
        others = "" if is_line else ", or 'equivalent', 'latest-patch', or a line such as 5.x or 3.1-x"
        raise InvalidVersionError(f"{error}{others}{did_you_mean(stripped, known())}") from None


def did_you_mean(text: str, catalog: Catalog) -> str:
    """Return the clause ``; did you mean X or Y?``; empty: there is nothing to suggest."""
    *first, last = similar_targets(text, catalog) or [""]
    either = f"{', '.join(first)} or {last}" if first else last
    return f"; did you mean {either}?" if either else ""


def similar_targets(text: str, catalog: Catalog) -> list[str]:
    """Return targets with a similar spelling, the likeliest first.

    Args:
        text: the declared target, which is invalid or does not exist.
        catalog: the releases to suggest.
    """
    if len(text) > _LONGEST:
        return []
    return [each for each in _similar_targets(text, catalog) if each != text][:_NAMED]


def _similar_targets(text: str, catalog: Catalog) -> Sequence[str]:
    """Return targets with a similar spelling, the text itself included, the likeliest first."""
    if words := get_close_matches(text.lower(), _WORDS):
        return words
    digits = re.findall(r"\d+", text, re.ASCII)
    numbers = tuple(map(int, digits))[:3]
    versions = [each.id.version for each in catalog.runtime if isinstance(each.id.version, RuntimeVersion)]
    names_line = text.lower().endswith(("x", "*"))
    same = [each for each in versions if each.numbers == numbers or _run_on(each) == "".join(digits)]
    if same and not names_line:
        return [str(each) for each in same]
    if lines := _lines(numbers, versions):
        first = [str(each) for each in versions if each.numbers == (*numbers, 0)]
        return lines if names_line else [*first, *lines]
    of_airflow = [each for each in catalog.passable_runtime if len(numbers) > 1 and _has_airflow(each, numbers)]
    if of_airflow:
        return [f"{of_airflow[0].id.version} (Airflow {of_airflow[0].airflow})"]
    if near := _near(numbers, versions):
        return near
    almost = _ALMOST.fullmatch(text.lower())
    return ["{}.{}{}{}".format(*almost.groups())] if almost and not names_line else []


def _run_on(version: RuntimeVersion) -> str:
    """Return a version's digits without separators: ``5.04`` is a misspelt 5.0.4."""
    return "".join(map(str, version.numbers))


def _near(numbers: tuple[int, ...], versions: Sequence[RuntimeVersion]) -> list[str]:
    """Return the versions whose last number differs by one, and the Airflow 3 line with the same first two numbers."""
    alike = [each for each in versions if each.numbers[:2] == numbers[:2]] if len(numbers) == 3 else []
    by_one = [str(each) for each in alike if abs(each.numbers[2] - numbers[2]) == 1]
    return [*by_one, *dict.fromkeys(str(each.patches) for each in alike if each.scheme is Scheme.AIRFLOW_3)]


def _has_airflow(release: Release, numbers: tuple[int, ...]) -> bool:
    airflow = release.airflow
    return (airflow.major, airflow.minor, airflow.patch)[: len(numbers)] == numbers


def _lines(numbers: tuple[int, ...], versions: Sequence[RuntimeVersion]) -> list[str]:
    """Return the lines of the versions that begin with these one or two numbers, the newest first."""
    if len(numbers) not in {1, 2}:
        return []
    found = []
    for version in reversed(versions):
        if version.numbers[: len(numbers)] == numbers:
            # A line with one number exists only in Airflow 2's scheme, and 3.x could be either scheme.
            short = len(numbers) == 1 and version.scheme is Scheme.AIRFLOW_2 and numbers != (3,)
            found.append(str(Line(version.scheme, numbers) if short else version.patches))
    return list(dict.fromkeys(found))


def resolve(
    declared: Line | Latest, current: Release, catalog: Catalog, held: RuntimeVersion | None
) -> Resolved | Violation:
    """Resolve a line or ``latest-patch`` to a version, or return why there is none.

    Args:
        declared: the line or ``latest-patch``.
        current: the current release. The result is never an older release of the same line.
        catalog: the releases on offer.
        held: the version that an earlier run resolved it to, to stay with; None: resolve it again.
    """
    running = current.id.version
    if isinstance(declared, Line):
        line = declared
    elif isinstance(running, RuntimeVersion):
        line = running.patches
    else:
        found = f"{current} is not an Astro Runtime, so it has no latest patch; declare equivalent first"
        return Violation(rule=RuleId.MIGRATE_EQUAL, found=found)
    newest = catalog.newest(line)
    unheld = _higher(newest.id.version if newest else None, running, line)
    version = unheld if held is None or held not in line else _higher(held, running, line)
    if version is None:
        not_offered = f"no release of {line} is on offer (yanked releases and prereleases do not count)"
        found = f"{not_offered}{did_you_mean(str(line), catalog)}"
        return Violation(rule=RuleId.OFFERED, found=found)
    return Resolved(declared=declared, version=version, unheld=unheld if unheld != version else None)


def _higher(
    wanted: AirflowVersion | RuntimeVersion | None, running: AirflowVersion | RuntimeVersion, line: Line
) -> RuntimeVersion | None:
    """Return the higher of the two versions, or the one that is in the line, or None."""
    return max((each for each in (wanted, running) if isinstance(each, RuntimeVersion) and each in line), default=None)
