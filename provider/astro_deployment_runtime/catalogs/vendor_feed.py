"""Read the vendor's two feed files into a catalog.

A file that is not in the feed's format is an error. One error lists the problems of both files. A row without a
readable version or Airflow version is left out, and any other unreadable value is unknown.
:attr:`~astro_deployment_runtime.planning.catalog.Catalog.unreadable` lists both. An unknown value counts as yanked, or
as a prerelease.

The files are ``astronomer-certified.json`` and ``astronomer-runtime.json``, in the vendor's formats. Air-gapped
platforms serve the same files themselves.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from astro_deployment_runtime.errors import InvalidCatalogError, InvalidVersionError, UnreadableFileError
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release, UnreadableRow
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId
from astro_deployment_runtime.support.file_reading import MAX_FEED_BYTES, read_file
from astro_deployment_runtime.support.text_formatting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

CERTIFIED_FILE: Final = "astronomer-certified.json"
RUNTIME_FILE: Final = "astronomer-runtime.json"
FILES: Final = (CERTIFIED_FILE, RUNTIME_FILE)
SHIPPED: Final = ("guide", "published")
"""Names of the catalogs that are shipped with this package."""

_FOLDER: Final = Path(__file__).parent
_BUILD: Final = re.compile(r"-(\d+)\Z", re.ASCII)
_MOST_DIGITS: Final = 4000


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _airflow(value: object) -> AirflowVersion:
    return AirflowVersion.parse(_text(value).strip())


def _day(value: object) -> date | None:
    return datetime.fromisoformat(_text(value).strip()).date() if value not in (None, "") else None


def _flag(value: object) -> bool:
    words = {"": False, "false": False, "true": True}
    return value if isinstance(value, bool) else words[_text("" if value is None else value).strip().lower()]


def _channel(value: object) -> Channel | None:
    if value in (None, ""):
        return None
    text = _text(value).strip().lower()
    return Channel(text) if text in {*Channel} else Channel.UNKNOWN


def _reason(value: object) -> str | None:
    return _text(value) if value else None


_UNREADABLE: Final = (TypeError, ValueError, KeyError, InvalidVersionError)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Facts:
    """Values of one row."""

    path: str
    """Path of the row in the file, as in code."""
    row: Mapping[str, object]
    unreadable: list[UnreadableRow]
    """List that receives the unreadable values."""

    def read(self, name: str, reader: Callable[[object], _T | None], unknown: _T | None) -> _T | None:
        """Return a value; an unreadable one is ``unknown``."""
        value = self.row.get(name)
        try:
            return reader(value)
        except _UNREADABLE:
            self.unreadable.append(UnreadableRow(f"{self.path}.{name}: {_shorten(value)}", left_out=False))
            return unknown


def _shorten(value: object) -> str:
    return quote(value, longest=57) if isinstance(value, str) else quote(repr(value), longest=57)[1:-1]


def load(catalog: str) -> Catalog:
    """Load a catalog by name (``guide``, ``published``) or from a folder that holds the two feed files.

    Raises:
        InvalidCatalogError: the catalog does not exist, or a file is not in the feeds' format; the message lists the
            problems of both files.
    """
    folder = _FOLDER / catalog if catalog in SHIPPED else Path(catalog)
    texts, problems = {}, []
    for name in FILES:
        try:
            texts[name] = read_file(folder / name, max_bytes=MAX_FEED_BYTES)
        except UnreadableFileError as error:
            problems.append(f"{name}: {error.reason}; expected a file in the feed's format")
    return parse(catalog, texts, problems=problems)


@cache
def shipped() -> Catalog:
    """Return the vendor's releases as of this package's release."""
    return load("published")


def parse(catalog: str, texts: Mapping[str, bytes], *, problems: Iterable[str] = (), stale: str = "") -> Catalog:
    """Return a catalog from the texts of the feed files.

    Args:
        catalog: the catalog as the user named it, for messages.
        texts: the texts by file name.
        problems: why some files are missing.
        stale: why the texts may be out of date.

    Raises:
        InvalidCatalogError: a file is missing or not in the feeds' format; the message lists every problem.
    """
    found = list(problems)
    certified = _section(CERTIFIED_FILE, texts, {"available_releases": list}, found)
    runtime = _section(RUNTIME_FILE, texts, {"runtimeVersions": dict, "runtimeVersionsV3": dict}, found)
    if found:
        expected = f"name {' or '.join(SHIPPED)}, or a folder with {CERTIFIED_FILE} and {RUNTIME_FILE}"
        raise InvalidCatalogError("\n  ".join([f"the catalog {quote(catalog)} cannot be used ({expected}):", *found]))
    unreadable: list[UnreadableRow] = []
    releases = [
        *_certified_releases(certified["available_releases"], unreadable),
        *_runtime_releases(runtime, unreadable),
    ]
    return Catalog(releases, schemas=_schemas(), stale=stale, unreadable=unreadable)


@cache
def _schemas() -> tuple[AirflowVersion, ...]:
    """Return the Airflow versions that changed the metadata database's schema, from the shipped table."""
    heads = json.loads((_FOLDER / "airflow-schema.json").read_bytes())["schema_heads"]
    return tuple(map(AirflowVersion.parse, heads))


def _section(
    file: str, texts: Mapping[str, bytes], sections: Mapping[str, type], problems: list[str]
) -> Mapping[str, Any]:
    """Return the sections of a file with their rows. Add deviations from the feed's format to the problems."""
    if file not in texts:
        return {}
    try:
        feed = json.loads(texts[file], parse_int=_integer)
    except (ValueError, RecursionError) as error:
        problems.append(f"{file}: is not JSON ({error}); expected an object in the feed's format")
        return {}
    if not isinstance(feed, dict):
        problems.append(f"{file}: the whole file: {_shorten(feed)} is not an object")
        return {}
    found = {}
    for name, kind in sections.items():
        rows = feed.get(name)
        if rows is None and name == "runtimeVersionsV3":
            rows = {}
        if name not in feed and rows is None:
            problems.append(f"{file}: {name}: is missing")
        elif not isinstance(rows, kind):
            problems.append(f"{file}: {name}: {_shorten(rows)} is not {'a list' if kind is list else 'an object'}")
        found[name] = rows
    return found


def _integer(digits: str) -> int | str:
    """Convert a JSON integer. One with too many digits for Python stays a text, so that only its row is unreadable."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _certified_releases(rows: Sequence[object], unreadable: list[UnreadableRow]) -> Iterator[Release]:
    """Merge all builds of a version into one release with the values of the newest build.

    The newest build has the highest hot-fix build ``-N``; a version without ``-N`` is the oldest. Channel and date
    decide between two rows of the same build, so the order of the rows does not matter.
    """
    newest: dict[AirflowVersion, tuple[tuple[int, str, date], Release]] = {}
    for index, row in enumerate(rows):
        path = f"available_releases[{index}]"
        if not isinstance(row, dict):
            unreadable.append(UnreadableRow(f"{path}: {_shorten(row)}"))
            continue
        try:
            text = _text(row.get("version")).strip()
            airflow = AirflowVersion.parse_certified(text)
        except _UNREADABLE:
            unreadable.append(UnreadableRow(f"{path}.version: {_shorten(row.get('version'))}"))
            continue
        facts = _Facts(path, row, unreadable)
        release = Release(
            id=ReleaseId(Distribution.CERTIFIED, airflow),
            airflow=airflow,
            known=True,
            channel=facts.read("channel", _channel, Channel.UNKNOWN),
            released=facts.read("release_date", _day, None),
        )
        build = _BUILD.search(text)
        newness = int(build[1]) if build else 0, release.channel or "", release.released or date.min
        if airflow not in newest or newest[airflow][0] < newness:
            newest[airflow] = newness, release
    return (release for _, release in newest.values())


def _runtime_releases(feed: Mapping[str, Mapping[str, object]], unreadable: list[UnreadableRow]) -> Iterator[Release]:
    """Return one release for each version. Of two different rows, the yanked one counts, else the later one."""
    found: dict[ReleaseId, Release] = {}
    for section, rows in feed.items():
        for version, row in rows.items():
            path = f"{section}[{quote(version, longest=40)}]"
            release = _runtime_release(path, version, row, unreadable)
            if release is None:
                continue
            other = found.get(release.id, release)
            if other != release:
                unreadable.append(UnreadableRow(f"{path}: a second row, unlike the first", left_out=False))
            found[release.id] = max(other, release, key=lambda each: (each.yanked, each.order))
    return iter(found.values())


def _runtime_release(path: str, version: str, row: object, unreadable: list[UnreadableRow]) -> Release | None:
    try:
        name = ReleaseId.of(Distribution.RUNTIME, version.strip())
    except InvalidVersionError:
        unreadable.append(UnreadableRow(path))
        return None
    metadata = row.get("metadata") if isinstance(row, dict) else None
    if not isinstance(metadata, dict):
        unreadable.append(UnreadableRow(f"{path}: {_shorten(row)}", id=name))
        return None
    facts = _Facts(f"{path}.metadata", metadata, unreadable)
    yanked = bool(facts.read("yanked", _flag, True))  # noqa: FBT003 - the value if it is unknown
    try:
        airflow = _airflow(metadata.get("airflowVersion"))
    except _UNREADABLE:
        text = f"{facts.path}.airflowVersion: {_shorten(metadata.get('airflowVersion'))}"
        unreadable.append(UnreadableRow(text, id=name, yanked=yanked))
        return None
    ends = [facts.read(each, _day, None) for each in ("endOfSupport", "endOfBasicSupport")]
    return Release(
        id=name,
        airflow=airflow,
        known=True,
        channel=facts.read("channel", _channel, Channel.UNKNOWN),
        yanked=yanked,
        yanked_reason=facts.read("yankedReason", _reason, None),
        released=facts.read("releaseDate", _day, None),
        end_of_support=ends[0] or ends[1],
    )
