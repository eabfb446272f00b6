"""What can be declared as a target: read from text, and, where it is not a version, resolved to one.

A line (``5.x``, ``5.0.x``, ``3.1-x``) stands for its newest release on offer, ``latest-patch`` for the newest patch of
what runs. What one was resolved to before is held: a release that appears does not move a plan by itself.

A text that is no target, and a version that does not exist, are answered with targets that are written almost alike.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.errors import InvalidVersionError
from astro_deployment_runtime.planning.model import Equivalent, Latest, Resolved, RuleId, Violation
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion, Scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import Target
    from astro_deployment_runtime.planning.versions import AirflowVersion


_WORDS: Final = (Equivalent.EQUIVALENT, Latest.PATCH)
_LONGEST: Final = 60
"""Characters of a text that is compared with targets."""
_NAMED: Final = 3
"""Targets that a hint names at most."""
_ALMOST: Final = re.compile(r"(?:astro[ -]?)?(?:runtime)?[ :-]*v?0*(\d+)\.0*(\d+)([.-])0*(\d+)(?:\D.*)?", re.ASCII)


def parse_target(text: str, known: Callable[[], Catalog]) -> Target:
    """Read a target: a Runtime version, ``equivalent``, ``latest-patch``, or a line such as ``5.x``.

    Args:
        text: what is declared.
        known: gives the releases that a hint may name; called only where the text is no target.

    Raises:
        InvalidVersionError: the text is none of these.
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
        raise InvalidVersionError(f"{error}{others}{hint(stripped, known())}") from None


def hint(text: str, catalog: Catalog) -> str:
    """Ask whether one of :func:`meant` was meant, as a clause; empty where there is none."""
    *first, last = meant(text, catalog) or [""]
    either = f"{', '.join(first)} or {last}" if first else last
    return f"; did you mean {either}?" if either else ""


def meant(text: str, catalog: Catalog) -> list[str]:
    """Return the targets that are written almost like a text, the likeliest first.

    Args:
        text: what is declared, and is no target or names nothing that exists.
        catalog: the releases that exist.
    """
    if not 0 < len(text) <= _LONGEST:
        return []
    return [each for each in _alike(text, catalog) if each != text][:_NAMED]


def _alike(text: str, catalog: Catalog) -> Sequence[str]:
    """Return the targets that a text may have been meant for, the likeliest first."""
    if words := get_close_matches(text.lower(), _WORDS, n=1):
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
    """Write a version without what separates its numbers: ``5.04`` is a misspelt 5.0.4."""
    return "".join(map(str, version.numbers))


def _near(numbers: tuple[int, ...], versions: Sequence[RuntimeVersion]) -> list[str]:
    """Return the versions that are one off in the last number, and the line of Airflow 3 with the first two."""
    alike = [each for each in versions if each.numbers[:2] == numbers[:2]] if len(numbers) == 3 else []
    by_one = [str(each) for each in alike if abs(each.numbers[2] - numbers[2]) == 1]
    return [*by_one, *dict.fromkeys(str(each.patches) for each in alike if each.scheme is Scheme.AIRFLOW_3)]


def _has_airflow(release: Release, numbers: tuple[int, ...]) -> bool:
    airflow = release.airflow
    return (airflow.major, airflow.minor, airflow.patch)[: len(numbers)] == numbers


def _lines(numbers: tuple[int, ...], versions: Sequence[RuntimeVersion]) -> list[str]:
    """Return the lines of these versions that begin with one or two numbers, the newest first."""
    if len(numbers) not in {1, 2}:
        return []
    found = []
    for version in reversed(versions):
        if version.numbers[: len(numbers)] == numbers:
            # Only the first number of Airflow 2's scheme is a line of its own, and 3.x could be either scheme.
            short = len(numbers) == 1 and version.scheme is Scheme.AIRFLOW_2 and numbers != (3,)
            found.append(str(Line(version.scheme, numbers) if short else version.patches))
    return list(dict.fromkeys(found))


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
        found = f"{current} is not an Astro Runtime, so it has no latest patch; declare equivalent first"
        return Violation(rule=RuleId.MIGRATE_EQUAL, found=found)
    newest = catalog.newest(line)
    anew = _higher(newest.id.version if newest else None, running, line)
    version = anew if held is None or held not in line else _higher(held, running, line)
    if version is None:
        found = (
            f"no release of {line} is on offer (yanked releases and prereleases do not count){hint(str(line), catalog)}"
        )
        return Violation(rule=RuleId.OFFERED, found=found)
    return Resolved(declared=declared, version=version, anew=anew if anew != version else None)


def _higher(
    wanted: AirflowVersion | RuntimeVersion | None, running: AirflowVersion | RuntimeVersion, line: Line
) -> RuntimeVersion | None:
    """Return the higher of what is wanted and what runs, as far as they are of the line."""
    return max((each for each in (wanted, running) if isinstance(each, RuntimeVersion) and each in line), default=None)
