"""The first ``FROM`` of a Dockerfile: which release it names, and the same text for another release.

Pure. What is changed is the reference to the image and nothing else: flags, an alias, comments, continued lines and
line ends stay as they are, byte for byte. Only the first ``FROM`` is changed, since it alone is what the vendor's CLI
reads; a later one that would stay on another release of the vendor's is refused, because a build takes its version
labels from the last stage.

Where the reference is written with an ``ARG``, the default of that ``ARG`` is changed if it stands for the whole
reference, or for the version at the head of the tag: whoever else uses it follows. In any other case the reference is
written out, and the ``ARG`` is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from astro_deployment_runtime.errors import InvalidDeclarationError, InvalidVersionError
from astro_deployment_runtime.versions import AirflowVersion, Distribution, ReleaseId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASES: Final = {
    "quay.io/astronomer/ap-airflow": Distribution.CERTIFIED,
    "astronomerinc/ap-airflow": Distribution.CERTIFIED,
    "quay.io/astronomer/astro-runtime": Distribution.RUNTIME,
    "astrocrpublic.azurecr.io/astronomer/astro-runtime": Distribution.RUNTIME,
    "astrocrpublic.azurecr.io/runtime": Distribution.RUNTIME,
}
"""The repositories of the vendor's images, without Docker Hub's own name."""

_OLD_NAME: Final = "astronomerinc/ap-airflow"
_LAST_ON_ALPINE: Final = AirflowVersion(1, 10, 12)

_CERTIFIED_TAG: Final = re.compile(
    r"(?P<version>\d+\.\d+\.\d+)(?:-\d+)?(?:-buster|(?P<alpine>-alpine3\.\d+))?(?P<onbuild>-onbuild)?", re.ASCII
)
_RUNTIME_TAG: Final = re.compile(
    r"(?P<version>\d+\.\d+(?:\.\d+|-\d+))(?P<suffixes>(?:-python-3\.\d+|-slim|-base)*)", re.ASCII
)

_BACKTICK: Final = re.compile(r"(?:#[^\n=]*=[^\n]*\n)*#[ \t]*escape[ \t]*=[ \t]*`[ \t]*\r?\n", re.IGNORECASE)
_HEREDOC: Final = re.compile(r"(?<!\S)\d*<<-?([\"']?)([A-Za-z_]\w*)\1(?!\S)", re.ASCII)
_DEFAULT: Final = re.compile(r"([A-Za-z_]\w*)=(?:([\"'])(.*)\2|(.*))", re.ASCII | re.DOTALL)
_NAME: Final = r"(?:\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*))"
_VARIABLE: Final = re.compile(rf"{_NAME}|\$\{{([A-Za-z_]\w*):?-([^{{}}$]*)\}}", re.ASCII)
_WHOLE: Final = re.compile(_NAME, re.ASCII)
_TAGGED: Final = re.compile(rf"(?P<repository>.+):(?P<tag>(?:[^/:${{}}]|{_NAME})+)", re.ASCII)
_LED: Final = re.compile(rf"(?P<variable>{_NAME})(?P<tail>[^$]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of an instruction, and where each of its characters is in the file."""

    text: str
    at: tuple[int, ...]

    def part(self, first: int, last: int) -> Self:
        return type(self)(self.text[first:last], self.at[first:last])


@dataclass(frozen=True, slots=True)
class _Edit:
    word: _Word
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a ``FROM`` line names."""

    release: ReleaseId
    image: str
    """The reference, with every ``ARG`` filled in."""
    line: str
    """The instruction in one line, and the values of what it names by ``ARG``."""
    _repository: str
    _version: str
    """As the tag has it, at its head."""
    _suffixes: str = ""
    """Of a Runtime image."""
    _alpine: str = ""
    _bare: bool = False
    """Without the build steps that copy the project: ``-base`` on Runtime, no ``-onbuild`` on Certified."""

    def reference(self, release: ReleaseId) -> str:
        """Name the image of another release in the same variant.

        Within a distribution the suffixes stay; a hot-fix build does not, since its number belongs to one release.
        From Certified to Runtime ``-onbuild`` becomes no suffix, and none becomes ``-base``, and back.
        """
        repository, _, tag = release.image.partition(":")
        if self.release.image.partition(":")[0] == repository and not self._repository.endswith(_OLD_NAME):
            repository = self._repository
        if isinstance(release.version, AirflowVersion):
            tag = tag.removesuffix("-onbuild")
            if self._alpine and release.version <= _LAST_ON_ALPINE:
                tag = f"{release.version}{self._alpine}"
            return f"{repository}:{tag}{'' if self._bare else '-onbuild'}"
        if self.release.distribution is Distribution.RUNTIME:
            return f"{repository}:{tag}{self._suffixes}"
        return f"{repository}:{tag}{'-base' if self._bare else ''}"


def parse(text: str) -> Base:
    """Tell what the first ``FROM`` of a Dockerfile names.

    Raises:
        InvalidDeclarationError: there is none, or it names no release of the vendor's.
    """
    _, words, scope = _first(text)
    return _base(words, scope)


def rewrite(text: str, release: ReleaseId) -> str:
    """Return a Dockerfile whose first ``FROM`` names that release; the same text where it does already.

    Raises:
        InvalidDeclarationError: the first ``FROM`` names no release of the vendor's, or a later one would stay behind.
    """
    _, words, scope = _first(text)
    base = _base(words, scope)
    if base.release != release:
        edits = _edits(_reference(words), base, base.reference(release), release, scope)
        for edit in sorted(edits, key=lambda edit: edit.word.at, reverse=True):
            text = text[: edit.word.at[0]] + edit.text + text[edit.word.at[-1] + 1 :]
    _refuse_others(text, release)
    return text


@dataclass(slots=True)
class _Scope:
    """The ``ARG`` before the first ``FROM``: their values, and where a default is written out."""

    values: dict[str, str]
    literals: dict[str, _Word]

    def add(self, word: _Word) -> None:
        match = _DEFAULT.fullmatch(word.text)
        if match is None:
            return
        group = 3 if match[2] else 4
        default = word.part(*match.span(group))
        self.values[match[1]] = _expand(default.text, self.values)
        self.literals.pop(match[1], None)
        if default.text and "$" not in default.text:
            self.literals[match[1]] = default


def _expand(text: str, values: Mapping[str, str]) -> str:
    """Fill in what is known; what is not stays as it is written."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return values.get(name) or (match[0] if match[4] is None else match[4])

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> Iterator[list[_Word]]:
    """Split a Dockerfile as the builder does: lines that are continued, comments, here-documents."""
    text = " " + text[1:] if text.startswith("\ufeff") else text
    escape = "`" if _BACKTICK.match(text.lstrip(" ")) else "\\"
    joined, at, position = "", list[int](), 0
    ends: list[str] = []
    for line in text.split("\n"):
        start, position = position, position + len(line) + 1
        content = line.strip()
        if ends:
            ends = ends[content == ends[0] :]
            continue
        if not content or content.startswith("#"):
            continue
        body = line.rstrip()
        goes_on = body.endswith(escape)
        body = body.removesuffix(escape)
        joined += body
        at += range(start, start + len(body))
        if goes_on:
            continue
        yield [_Word(word[0], tuple(at[slice(*word.span())])) for word in re.finditer(r"\S+", joined)]
        ends = [match[2] for match in _HEREDOC.finditer(joined)]
        joined, at = "", []
    if joined.strip():
        yield [_Word(word[0], tuple(at[slice(*word.span())])) for word in re.finditer(r"\S+", joined)]


def _stages(text: str) -> Iterator[tuple[int, list[_Word], _Scope]]:
    """Every ``FROM``, with its line's number and what it may name by ``ARG``."""
    scope, found = _Scope({}, {}), False
    for words in _instructions(text):
        name = words[0].text.upper()
        if name == "ARG" and not found:
            for word in words[1:]:
                scope.add(word)
        if name == "FROM":
            found = True
            yield text.count("\n", 0, words[0].at[0]) + 1, words, scope


def _first(text: str) -> tuple[int, list[_Word], _Scope]:
    for stage in _stages(text):
        return stage
    raise InvalidDeclarationError(
        "the Dockerfile has no FROM line, so nothing tells which release it builds on: begin it with FROM and the "
        "image of what the Deployment runs"
    )


def _reference(words: list[_Word]) -> _Word:
    reference = next((word for word in words[1:] if not word.text.startswith("--")), None)
    if reference is None:
        raise _refusal("", "names no image")
    return reference


def _base(words: list[_Word], scope: _Scope) -> Base:
    written = _reference(words).text
    image = _expand(written, scope.values)
    if "$" in image:
        raise _refusal(written, "names an ARG without a default before the FROM, so nothing tells what is built on")
    if "@" in image:
        raise _refusal(image, "is pinned by its digest, which belongs to one image and not to the next release's")
    folder, slash, last = image.removeprefix("index.docker.io/").removeprefix("docker.io/").rpartition("/")
    name, _, tag = last.partition(":")
    distribution = BASES.get(f"{folder}{slash}{name}")
    if distribution is None:
        raise _refusal(image, "is none of the vendor's images, so its next release cannot be named")
    pattern = _CERTIFIED_TAG if distribution is Distribution.CERTIFIED else _RUNTIME_TAG
    match = pattern.fullmatch(tag)
    try:
        release = ReleaseId.of(distribution, match["version"] if match else tag)
    except InvalidVersionError:
        match = None
    if match is None:
        raise _refusal(image, f"has the tag {tag!r}, which is no release's" if tag else "has no tag, so no version")
    values = {name: scope.values[name] for name in _names(written) if name in scope.values}
    noted = f" ({', '.join(f'{name}={value}' for name, value in values.items())})" if values else ""
    certified = distribution is Distribution.CERTIFIED
    return Base(
        release=release,
        image=image,
        line=" ".join(word.text for word in words) + noted,
        _repository=image.removesuffix(f":{tag}"),
        _version=match["version"],
        _suffixes="" if certified else match["suffixes"],
        _alpine=(match["alpine"] or "") if certified else "",
        _bare=match["onbuild"] is None if certified else "-base" in match["suffixes"],
    )


def _names(text: str) -> list[str]:
    return [match[1] or match[2] or match[3] for match in _VARIABLE.finditer(text)]


def _edits(word: _Word, base: Base, image: str, release: ReleaseId, scope: _Scope) -> list[_Edit]:
    """Say what to write where, so that the reference comes to that image."""
    whole = _WHOLE.fullmatch(word.text)
    if whole and (default := scope.literals.get(whole[1] or whole[2])):
        return [_Edit(default, image)]
    tagged = _TAGGED.fullmatch(word.text)
    if tagged is None:
        return [_Edit(word, image)]
    repository, _, tag = image.partition(":")
    head = tagged["repository"] if repository == base._repository else repository  # noqa: SLF001 - the same module
    led = _LED.fullmatch(tagged["tag"])
    default = scope.literals.get(led[2] or led[3]) if led else None
    if led is None or default is None or not default.text.startswith(base._version):  # noqa: SLF001
        return [_Edit(word, f"{head}:{tag}")]
    suffixes = tag.removeprefix(str(release.version))
    tail = next(end for end in (led["tail"], suffixes) if suffixes.endswith(end))
    return [_Edit(default, tag.removesuffix(tail)), _Edit(word, f"{head}:{led['variable']}{tail}")]


def _refuse_others(text: str, release: ReleaseId) -> None:
    for number, words, scope in list(_stages(text))[1:]:
        try:
            base = _base(words, scope)
        except InvalidDeclarationError:
            continue
        if base.release != release:
            raise InvalidDeclarationError(
                f"line {number} of the Dockerfile, {base.line!r}, names {base.release}, and only the first FROM is "
                f"rewritten, to {release}: the last stage tells the platform which release an image is. Build the "
                "later stage FROM the first one's alias, or name the version of both by one ARG"
            )


def _refusal(image: str, why: str) -> InvalidDeclarationError:
    named = f", {image!r}," if image else ""
    return InvalidDeclarationError(
        f"the first FROM of the Dockerfile{named} {why}: name the vendor's image by repository and version, for "
        "example quay.io/astronomer/astro-runtime:5.0.4"
    )
