"""Read the vendor's two feed files into a catalog, and report everything that is wrong with them at once.

The files are ``astronomer-certified.json`` and ``astronomer-runtime.json``, in the formats in which the vendor
publishes them; air-gapped platforms serve the same files from inside.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from astro_deployment_runtime.catalog import Catalog, Channel, Release
from astro_deployment_runtime.errors import InvalidCatalogError, InvalidVersionError, UnreadableFileError
from astro_deployment_runtime.files import LARGEST_FEED, read_file
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

CERTIFIED_FILE: Final = "astronomer-certified.json"
RUNTIME_FILE: Final = "astronomer-runtime.json"
FILES: Final = (CERTIFIED_FILE, RUNTIME_FILE)
SHIPPED: Final = ("guide", "published")
"""The names of the catalogs that come with this package."""

_FOLDER: Final = Path(__file__).parent / "catalogs"
_BUILD: Final = re.compile(r"-(\d+)\Z", re.ASCII)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_shorten(value)} is not a text")
    return value


def _airflow(value: object) -> object:
    return str(AirflowVersion.parse(_text(value)))


def _certified(value: object) -> object:
    AirflowVersion.parse_certified(_text(value))
    return value


def _runtime(value: object) -> object:
    return str(RuntimeVersion.parse(_text(value)))


def _date(value: object) -> object:
    if value is None or value == "":
        return None
    try:
        return datetime.fromisoformat(_text(value)).date()
    except ValueError:
        raise ValueError(f"{_shorten(value)} is not a date: write YYYY-MM-DD") from None


def _flag(value: object) -> object:
    match value:
        case None | "" | "false" | "False":
            return False
        case "true" | "True":
            return True
        case bool():
            return value
        case _:
            raise ValueError(f"{_shorten(value)} is neither true nor false")


def _channel(value: object) -> object:
    if value is None or value == "":
        return None
    text = _text(value).strip().lower()
    return Channel(text) if text in {*Channel} else Channel.UNKNOWN


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _reported(check: Callable[[object], object]) -> BeforeValidator:
    """Let pydantic collect what a check raises: it knows ValueError alone."""

    def validate(value: object) -> object:
        try:
            return check(value)
        except (InvalidVersionError, TypeError) as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(validate)


_Date = Annotated[date | None, _reported(_date)]
_Flag = Annotated[bool, _reported(_flag)]
_Channel = Annotated[Channel | None, _reported(_channel)]


_Feed = TypeVar("_Feed", bound=BaseModel)


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class _CertifiedRow(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Annotated[str, _reported(_certified)]
    channel: _Channel = None
    release_date: _Date = None

    @property
    def newness(self) -> tuple[int, str, date]:
        """What the newest of several rows of one version is told by: its hot-fix build ``-N``; none is the oldest.

        The rest decides between two rows of the same build, so that the order of the rows never does.
        """
        match = _BUILD.search(self.version)
        return int(match[1]) if match else 0, self.channel or "", self.release_date or date.min


class _CertifiedFeed(BaseModel):
    available_releases: list[_CertifiedRow]


class _Metadata(_Wire):
    airflow_version: Annotated[str, _reported(_airflow)]
    channel: _Channel = None
    release_date: _Date = None
    end_of_support: _Date = None
    end_of_basic_support: _Date = None
    yanked: _Flag = False
    yanked_reason: str | None = None


class _RuntimeRow(_Wire):
    metadata: _Metadata


_RuntimeRows = dict[Annotated[str, _reported(_runtime)], _RuntimeRow]


class _RuntimeFeed(_Wire):
    runtime_versions: _RuntimeRows
    runtime_versions_v3: _RuntimeRows = Field(default_factory=dict, alias="runtimeVersionsV3")


def load(catalog: str) -> Catalog:
    """Load a catalog by name (``guide``, ``published``) or from a folder that holds the two feed files.

    Raises:
        InvalidCatalogError: there is no such catalog, or a file of it is not in the feeds' format; the message
            lists every problem of both files.
    """
    folder = _FOLDER / catalog if catalog in SHIPPED else Path(catalog)
    texts, problems = {}, []
    for name in FILES:
        try:
            texts[name] = read_file(folder / name, largest=LARGEST_FEED)
        except UnreadableFileError as error:
            problems.append(f"{name}: {error.reason}; expected a file in the feed's format")
    return parse(catalog, texts, problems=problems)


def parse(catalog: str, texts: Mapping[str, bytes], *, problems: Iterable[str] = (), stale: str = "") -> Catalog:
    """Make a catalog of the texts of the feed files.

    Args:
        catalog: how the user named it.
        texts: by the names of the files.
        problems: why some of them are missing.
        stale: why they may be out of date.

    Raises:
        InvalidCatalogError: one is missing or not in the feeds' format; the message lists every problem.
    """
    found = list(problems)
    certified = _parse(CERTIFIED_FILE, texts.get(CERTIFIED_FILE), _CertifiedFeed, found)
    runtime = _parse(RUNTIME_FILE, texts.get(RUNTIME_FILE), _RuntimeFeed, found)
    if certified is None or runtime is None:
        expected = f"name {' or '.join(SHIPPED)}, or a folder with {CERTIFIED_FILE} and {RUNTIME_FILE}"
        raise InvalidCatalogError("\n  ".join([f"the catalog {catalog!r} cannot be used ({expected}):", *found]))
    return Catalog([*_certified_releases(certified), *_runtime_releases(runtime)], schemas=_schemas(), stale=stale)


@cache
def _schemas() -> tuple[AirflowVersion, ...]:
    """Return the Airflow versions that changed the schema of the metadata database, from the shipped table."""
    heads = json.loads((_FOLDER / "airflow-schema.json").read_bytes())["schema_heads"]
    return tuple(map(AirflowVersion.parse, heads))


def _parse(name: str, text: bytes | None, model: type[_Feed], problems: list[str]) -> _Feed | None:
    """Read one file; where that fails, add the problems and return None."""
    if text is None:
        return None
    try:
        return model.model_validate(json.loads(text))
    except ValidationError as error:
        problems.extend(f"{name}: {_path(problem)}: {_expected(problem)}" for problem in error.errors())
    except (ValueError, RecursionError) as error:
        problems.append(f"{name}: is not JSON ({error}); expected an object in the feed's format")
    return None


def _path(problem: ErrorDetails) -> str:
    """Name the place as one would in code: ``runtimeVersions["5.0.4"].metadata.yanked``."""
    path = ""
    for step in problem["loc"]:
        if isinstance(step, str) and step.isidentifier():
            path += f".{step}" if path else step
        elif step != "[key]":
            path += f"[{json.dumps(step)}]"
    return path or "the whole file"


def _expected(problem: ErrorDetails) -> str:
    match problem["type"]:
        case "value_error":
            return str(problem["ctx"]["error"])
        case "missing":
            return "is missing"
        case "list_type":
            return f"{_shorten(problem['input'])} is not a list"
        case "dict_type" | "model_type":
            return f"{_shorten(problem['input'])} is not an object"
        case "string_type":
            return f"{_shorten(problem['input'])} is not a text"
        case _:
            return f"{_shorten(problem['input'])} cannot be used here"


def _certified_releases(feed: _CertifiedFeed) -> Iterator[Release]:
    """Make one release of all builds of a version: its facts are those of the newest build."""
    rows: dict[str, _CertifiedRow] = {}
    for row in feed.available_releases:
        version = str(AirflowVersion.parse_certified(row.version))
        if version not in rows or rows[version].newness < row.newness:
            rows[version] = row
    for version, row in rows.items():
        airflow = AirflowVersion.parse(version)
        yield Release(
            id=ReleaseId(Distribution.CERTIFIED, airflow),
            airflow=airflow,
            known=True,
            channel=row.channel,
            released=row.release_date,
        )


def _runtime_releases(feed: _RuntimeFeed) -> Iterator[Release]:
    for version, row in (feed.runtime_versions | feed.runtime_versions_v3).items():
        facts = row.metadata
        yield Release(
            id=ReleaseId.of(Distribution.RUNTIME, version),
            airflow=AirflowVersion.parse(facts.airflow_version),
            known=True,
            channel=facts.channel,
            yanked=facts.yanked,
            yanked_reason=facts.yanked_reason or None,
            released=facts.release_date,
            end_of_support=facts.end_of_support or facts.end_of_basic_support,
        )
