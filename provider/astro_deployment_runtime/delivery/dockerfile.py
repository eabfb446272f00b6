"""Reads and rewrites the ``FROM`` that a Dockerfile's last stage builds on. Pure.

The last stage is the deployed image, so its ``FROM`` counts, followed through the names of earlier stages. Only the
image reference changes. Flags, aliases, comments, continued lines and line ends stay, byte for byte. A file with more
than one reading, or an image pinned by its digest, is refused and never rewritten in part.

If an ``ARG`` holds the whole reference, or the version at the start of the tag, its default changes. Otherwise the
reference is written out and the ``ARG`` stays; likewise where the distribution changes and something else reads the
``ARG``.

The grammar is BuildKit's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NoReturn, Self

from astro_deployment_runtime.errors import InvalidProjectError, InvalidVersionError
from astro_deployment_runtime.planning.base_images import VENDORS, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astro_deployment_runtime.planning.base_images import BaseImages
    from astro_deployment_runtime.planning.versions import ReleaseId

_DIRECTIVE: Final = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES: Final = ("syntax", "escape", "check")
_WORD: Final = re.compile(r"[^ \t\v\f\r]+")
_QUOTED = r"""(?:'[^']*'|"(?:\\.|[^"\\])*")"""
_SHELL_WORD: Final = re.compile(rf"""(?:\\.|{_QUOTED}|[^\s'"\\]|\\$)+""", re.DOTALL)
_HEREDOC: Final = re.compile(r"""\d*<<(-?)(["']?)([^\s"'\\$<>|&;()`]+)\2""")
_HEREDOC_LIKE: Final = re.compile(r"""(?<!<)<<-?(?:[ \t]*["']?[A-Za-z_]|[$\\"'])""")
_WITH_HEREDOCS: Final = frozenset({"RUN", "COPY", "ADD"})
_DEFAULT: Final = re.compile(r"""([A-Za-z_]\w*)=(?:"([^"\\]*)"|'([^'\\]*)'|([^\s"'\\]*))""", re.ASCII)
_ARG_NAME: Final = re.compile(r"([A-Za-z_]\w*)(?:=.*)?", re.ASCII | re.DOTALL)
_NAME: Final = r"(?:\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*))"
_VARIABLE: Final = re.compile(rf"{_NAME}|\$\{{([A-Za-z_]\w*)(:?)-([^{{}}$]*)\}}", re.ASCII)
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
class FromImage:
    """An image of the vendor in a ``FROM``."""

    release: ReleaseId
    image: str
    """The reference, with every ``ARG`` filled in."""
    line: str
    """The instruction in one line, with the values of its ``ARG``."""
    number: int
    """The line of the ``FROM`` in the file."""
    written: str
    """The reference as it is written."""
    tag: Tag
    repository: str
    alone: bool
    """The file has no other ``FROM``."""

    def reference(self, release: ReleaseId, images: BaseImages = VENDORS) -> str:
        """Name the image of another release in the same variant, in the same repository if that can hold it."""
        return f"{images.repository(self.repository, self.release, release)}:{self.tag.for_release(release)}"


def parse(text: str, images: BaseImages = VENDORS) -> FromImage:
    """Return the image that the last stage of a Dockerfile builds on.

    Args:
        text: the Dockerfile.
        images: the repositories that count as the vendor's.

    Raises:
        InvalidProjectError: the image is not a release of the vendor, or the file has more than one reading.
    """
    file = _File.read(text)
    return _base(file, file.deployed, images)


def other_stages(text: str, images: BaseImages = VENDORS) -> list[FromImage]:
    """Return the vendor's images that only other stages build on.

    Raises:
        InvalidProjectError: the file has more than one reading.
    """
    file = _File.read(text)
    deployed, found = file.deployed, list[FromImage]()
    for stage in file.stages:
        if stage is deployed or stage.parent is not None:
            continue
        try:
            found.append(_base(file, stage, images))
        except InvalidProjectError:
            continue
    return found


def rewrite(text: str, release: ReleaseId, images: BaseImages = VENDORS) -> str:
    """Return the Dockerfile with another release in its last stage. The text is unchanged if it has that release.

    Raises:
        InvalidProjectError: the last stage builds on no release of the vendor, or the file has more than one reading.
    """
    file = _File.read(text)
    base = _base(file, file.deployed, images)
    if base.release == release:
        return text
    image = base.reference(release, images)
    written = text
    for edit in sorted(_edits(file, base, image, release), key=lambda edit: edit.word.at, reverse=True):
        first, last = edit.word.at[0], edit.word.at[-1]
        if "#" in written[first : last + 1]:
            _refuse(
                base.number, f"has a comment within the reference {base.written!r}", "write the reference in one line"
            )
        written = written[:first] + edit.text + written[last + 1 :]
    if parse(written, images).image != image:
        _refuse(base.number, f"cannot be rewritten from {base.image!r} to {image!r}", "write the reference out")
    return written


@dataclass(frozen=True, slots=True)
class _Instruction:
    name: str
    whole: _Word
    """All of it in one line."""
    number: int
    """The line on which it begins."""
    raw: str
    """Its lines as they are in the file, with its here-documents."""

    @property
    def words(self) -> list[_Word]:
        """Its words, its name first."""
        return [self.whole.part(*match.span()) for match in _WORD.finditer(self.whole.text)]

    @property
    def shell_words(self) -> list[_Word] | None:
        """Its words as a shell splits them, quotes included; None where a quote has no end."""
        found = [self.whole.part(*match.span()) for match in _SHELL_WORD.finditer(self.whole.text)]
        return None if _SHELL_WORD.sub("", self.whole.text).strip() else found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    instruction: _Instruction
    reference: _Word
    image: str
    """The reference, with every ``ARG`` filled in."""
    parent: _Stage | None
    """The stage that it builds on; None: an image."""


@dataclass(slots=True)
class _Scope:
    """Each ``ARG`` before the first ``FROM``: its value, and where its default is in the file."""

    values: dict[str, str] = field(default_factory=dict)
    unset: set[str] = field(default_factory=set)
    """Declared without a default."""
    unknown: set[str] = field(default_factory=set)
    """Declared with a default that cannot be read for certain, or first with one and then without."""
    literals: dict[str, _Word] = field(default_factory=dict)

    def declare(self, instruction: _Instruction) -> None:
        """Add what an ``ARG`` declares; a later one counts before an earlier one."""
        words = instruction.shell_words
        for word in (words or instruction.words)[1:]:
            named = _ARG_NAME.fullmatch(word.text)
            if named is None:
                continue
            name = named[1]
            had_default = self.values.pop(name, None) is not None or name in self.unknown
            self.literals.pop(name, None)
            for names in (self.unset, self.unknown):
                names.discard(name)
            match = _DEFAULT.fullmatch(word.text) if words else None
            if match is None:
                (self.unset if word.text == name and not had_default else self.unknown).add(name)
                continue
            group = next(group for group in (2, 3, 4) if match[group] is not None)
            self.values[name] = match[3] if group == 3 else self.expand(match[group])
            if match[group] and "$" not in match[group]:
                self.literals[name] = word.part(*match.span(group))

    def expand(self, text: str) -> str:
        """Fill in what is known for certain; the rest stays as it is written."""

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2] or match[3]
            known = self.values.get(name)
            if match[5] is None:
                return known or match[0]
            if name in self.unknown or (name in self.unset and not match[4]):
                return match[0]
            return match[5] if known is None or (match[4] and not known) else known

        return _VARIABLE.sub(value, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    instructions: list[_Instruction]
    scope: _Scope
    stages: list[_Stage]

    @classmethod
    def read(cls, text: str) -> Self:
        instructions, scope = list(_instructions(text)), _Scope()
        stages, named = list[_Stage](), dict[str, _Stage]()
        for instruction in instructions:
            if instruction.name == "ARG" and not stages:
                scope.declare(instruction)
            if instruction.name == "FROM":
                reference, alias = _from(instruction)
                image = scope.expand(reference.text)
                parent = named.get(image.lower())
                stages.append(_Stage(instruction=instruction, reference=reference, image=image, parent=parent))
                if alias:
                    named[alias.lower()] = stages[-1]
        if not stages:
            raise InvalidProjectError(
                "the Dockerfile has no FROM line, so nothing tells which release it builds on: begin it with FROM and "
                "the image of what the Deployment runs"
            )
        return cls(instructions=instructions, scope=scope, stages=stages)

    @property
    def deployed(self) -> _Stage:
        """The stage whose image the last one builds on."""
        stage = self.stages[-1]
        while stage.parent is not None:
            stage = stage.parent
        return stage

    def has_other_readers(self, name: str) -> bool:
        """Return whether anything but the reference of the deployed stage may read an ``ARG``."""
        pattern = re.compile(rf"\$\{{?{name}(?!\w)", re.ASCII)
        within, deployed = False, self.deployed
        for instruction in self.instructions:
            within |= instruction.name == "FROM"
            text = instruction.raw
            if instruction is deployed.instruction:
                text = instruction.whole.text.replace(deployed.reference.text, "", 1)
            redeclared = within and instruction.name == "ARG" and name in [word.text for word in instruction.words]
            if redeclared or pattern.search(text):
                return True
        return len(pattern.findall(deployed.reference.text)) > 1


def _escape(lines: Sequence[str]) -> str:
    """Return the character that continues a line, as the directives at the top of the file say."""
    escape, certain = "\\", True
    for number, line in enumerate(lines, start=1):
        match = _DIRECTIVE.fullmatch(line.rstrip("\r"))
        if match is None:
            break
        name, value = match[1].lower(), match[2]
        if name == "escape":
            if value not in {"\\", "`"} or not certain:
                _refuse(number, f"has the directive {line.strip()!r}, which cannot be read for certain", "correct it")
            escape = value
        certain = certain and name in _DIRECTIVES and name != "escape"
    return escape


def _instructions(text: str) -> Iterator[_Instruction]:
    """Split a Dockerfile as the builder does: continued lines, comments, here-documents."""
    escape = re.escape(_escape(text.removeprefix("\ufeff").split("\n")))
    text = " " + text[1:] if text.startswith("\ufeff") else text
    lines = text.split("\n")
    continued = re.compile(rf"(?:^|(?<!{escape})){escape}[ \t]*$")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    position = 0
    while position < len(lines):
        first, joined, at = position, "", list[int]()
        goes_on = True
        while goes_on and position < len(lines):
            line = lines[position].rstrip("\r")
            position += 1
            if not line.lstrip() or line.lstrip().startswith("#"):
                goes_on = bool(joined)
                continue
            end = continued.search(line)
            goes_on = end is not None
            body = line[: end.start()] if end else line
            joined += body
            at += range(starts[position - 1], starts[position - 1] + len(body))
        name = _WORD.search(joined)
        if name is None:
            continue
        instruction = _Instruction(name[0].upper(), _Word(joined, tuple(at)), first + 1, "")
        for end_of_document, chomp in _heredocs(instruction):
            while position < len(lines):
                line = lines[position].rstrip("\r")
                position += 1
                if (line.lstrip("\t") if chomp else line) == end_of_document:
                    break
            else:
                _refuse(first + 1, f"begins a here-document that no line {end_of_document!r} ends", "end it")
        yield replace(instruction, raw=text[starts[first] : starts[position]])


def _heredocs(instruction: _Instruction) -> list[tuple[str, bool]]:
    """Return the end of each here-document that an instruction begins, and whether tabs before it do not count."""
    names = [word.text.upper() for word in instruction.words[:2]]
    if instruction.name not in _WITH_HEREDOCS and not (
        names[0] == "ONBUILD" and names[1:] and names[1] in _WITH_HEREDOCS
    ):
        return []
    if "<<" not in instruction.whole.text:
        return []
    words, found, rest = instruction.shell_words, list[tuple[str, bool]](), ""
    for word in words or ():
        match = _HEREDOC.fullmatch(word.text)
        if match:
            found.append((match[3], bool(match[1])))
        rest += "  " if match else re.sub(rf"(?<!<)(?<!<-){_QUOTED}", "x", word.text, flags=re.DOTALL) + " "
    if words is None or _HEREDOC_LIKE.search(rest):
        _refuse(
            instruction.number,
            "has '<<', and whether that begins a here-document cannot be told for certain",
            "write <<NAME as a word of its own, close every quote in the same instruction, or put the commands into a "
            "script",
        )
    return found


def _from(instruction: _Instruction) -> tuple[_Word, str | None]:
    """Return the reference of a ``FROM``, and the name of its stage."""
    words = instruction.words[1:]
    while words and words[0].text.startswith("--"):
        words = words[1:]
    if not words:
        _refuse(instruction.number, "names no image")
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].text.upper() != "AS"):
        _refuse(instruction.number, f"has {words[1].text!r} after the image", "write FROM IMAGE, or FROM IMAGE AS NAME")
    if re.search(r"""["'\\`]""", words[0].text):
        _refuse(instruction.number, f"names {words[0].text!r}", "write the reference without quotes and escapes")
    return words[0], words[2].text if len(words) == 3 else None


def _base(file: _File, stage: _Stage, images: BaseImages) -> FromImage:
    scope, number, image, written = file.scope, stage.instruction.number, stage.image, stage.reference.text
    if "$" in image:
        _refuse(
            number,
            f"names {written!r}: no ARG before the first FROM gives that a default which can be read for certain, so "
            "nothing tells what is built on",
        )
    if "@" in image:
        _refuse(number, f"names {image!r}, pinned by its digest, which belongs to one image and not to the next one")
    folder, slash, last = image.rpartition("/")
    name, _, text = last.partition(":")
    repository = f"{folder}{slash}{name}"
    distribution = images.distribution(repository)
    if distribution is None:
        _refuse(
            number,
            f"names {image!r}, and the last stage builds on it: it is none of the vendor's images, so its next release "
            "cannot be named",
            _NAME_IT + ". If it is a mirror of them, name its repository in astro:baseImages",
        )
    try:
        tag = Tag.read(distribution, text)
    except InvalidVersionError:
        why = f"whose tag {text!r} names no release" if text else "which has no tag, so no version"
        _refuse(number, f"names {image!r}, {why}")
    values = {name: scope.values[name] for name in _names(written) if name in scope.values}
    noted = f" ({', '.join(f'{name}={value}' for name, value in values.items())})" if values else ""
    return FromImage(
        release=tag.release,
        image=image,
        line=" ".join(word.text for word in stage.instruction.words) + noted,
        number=number,
        written=written,
        tag=tag,
        repository=repository,
        alone=len(file.stages) == 1,
    )


def _names(text: str) -> list[str]:
    return [match[1] or match[2] or match[3] for match in _VARIABLE.finditer(text)]


def _edits(file: _File, base: FromImage, image: str, release: ReleaseId) -> list[_Edit]:
    """Return what to write where, so that the reference names that image."""
    word, scope = file.deployed.reference, file.scope
    migrates = base.release.distribution is not release.distribution
    whole = _WHOLE.fullmatch(word.text)
    if whole:
        name = whole[1] or whole[2]
        if name in scope.literals and not (migrates and file.has_other_readers(name)):
            return [_Edit(scope.literals[name], image)]
    tagged = _TAGGED.fullmatch(word.text)
    if tagged is None:
        return [_Edit(word, image)]
    repository, _, tag = image.rpartition(":")
    head = tagged["repository"] if repository == base.repository else repository
    written_out = [_Edit(word, f"{head}:{tag}")]
    led = _LED.fullmatch(tagged["tag"])
    name = (led[2] or led[3]) if led else ""
    default = scope.literals.get(name)
    if led is None or default is None or not default.text.startswith(base.tag.number):
        return written_out
    suffixes = tag.removeprefix(str(release.version))
    tail = next(end for end in (led["tail"], suffixes) if suffixes.endswith(end))
    value = tag.removesuffix(tail)
    # Other readers of the ARG get the number of the next release, without a new suffix.
    alike = value.removeprefix(str(release.version)) == default.text.removeprefix(base.tag.number + base.tag.build)
    if file.has_other_readers(name) and (migrates or not alike):
        return written_out
    return [_Edit(default, value), _Edit(word, f"{head}:{led['variable']}{tail}")]


_NAME_IT: Final = (
    "name the vendor's image by repository and version, for example quay.io/astronomer/astro-runtime:5.0.4"
)


def _refuse(number: int, why: str, advice: str = _NAME_IT) -> NoReturn:
    raise InvalidProjectError(f"line {number} of the Dockerfile {why}: {advice}")
