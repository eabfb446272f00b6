"""Whatever a preview holds, its reports stay what they are: no name or message becomes markup, and none is lost."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from astro_deployment_runtime.errors import InvalidPreviewError
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.reports.json_report import json_report
from astro_deployment_runtime.reports.junit import junit_xml
from astro_deployment_runtime.reports.markdown import LIMIT, markdown_comment
from astro_deployment_runtime.reports.preview import Preview, PreviewedDeployment, PreviewWarning, Status, read_preview
from astro_deployment_runtime.support.text_formatting import printable

_SCHEMA: Final = json.loads(
    (Path(__file__).parents[2] / "provider/astro_deployment_runtime/reports/schemas/preview-1.json").read_text(
        encoding="utf-8"
    )
)
_BY_SCHEMA: Final = jsonschema.Draft202012Validator(_SCHEMA)
_TAGS: Final = frozenset(
    ["h3", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"]
)
_MARKUP: Final = [
    *("</code>", "</summary>", "</details>", "<script>alert(1)</script>", "<!--", "-->", "]]>", "&lt;", "&#60;"),
    *(
        "|",
        "\\|",
        "`",
        "```",
        "````mermaid",
        "~~~",
        "\n",
        "\r",
        "\n\n",
        "\x1b[31m",
        "\x00",
        "\u2028",
        "\u202e",
        "\ufffe",
    ),
    *("**b**", "_i_", "[a](https://b)", "![a](b)", "<https://a.b>", "https://a.b", "www.a.b", "a@b.co", "@team", "#1"),
    *(
        "# h",
        "> q",
        "- l",
        "1. l",
        "---",
        "    code",
        '"]',
        "-->|x|",
        ";",
        "%%",
        "click r0",
        "$a$",
        ":x:",
        "\\",
        '"',
        "'",
    ),
]
_TEXT: Final = st.lists(st.sampled_from(_MARKUP) | st.text(max_size=4), max_size=6).map("".join)
_NAMES: Final = st.from_regex(r"[a-z]+(-[a-z]+)?", fullmatch=True)
_RELEASES: Final = st.sampled_from(["AC 2.2.3", "AC 2.3.0", "Runtime 5.0.4", "Runtime 3.1-12"]).map(ReleaseId.parse)
_ROWS: Final = st.builds(
    PreviewedDeployment,
    name=_TEXT,
    release_name=st.none() | _TEXT,
    operation=st.none() | st.sampled_from(["create", "replace"]) | _TEXT,
    status=st.sampled_from(Status),
    path=st.lists(_RELEASES, max_size=4).map(tuple),
    cancel=st.none() | _TEXT,
    plan=st.lists(_TEXT, max_size=3).map(tuple),
    warnings=st.lists(st.builds(PreviewWarning, name=_NAMES, message=_TEXT), max_size=2).map(tuple),
    problem=st.none() | _TEXT,
)
_TEXTS: Final = st.lists(_TEXT, max_size=2).map(tuple)
_PREVIEWS: Final = st.builds(
    Preview,
    project=st.none() | _TEXT,
    stack=st.none() | _TEXT,
    deployments=st.lists(_ROWS, max_size=3).map(tuple),
    notes=_TEXTS,
    warnings=_TEXTS,
    errors=_TEXTS,
    others=st.dictionaries(_TEXT, st.integers(min_value=1, max_value=9), max_size=2),
    partial=st.booleans(),
    lists_unchanged=st.booleans(),
)


class _Page(HTMLParser):
    """A rendered page: its tags, its code, and the first cells of its table."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.comments: list[str] = []
        self.rows = 0
        self.cells: list[str] = []
        self.fences: list[str] = []
        self._open: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(markdown))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {f"{tag} {name}={value}" for name, value in attrs}
        self._open.append(tag)
        self.rows += tag == "tr"
        if tag == "td":
            self.cells.append("")
        if tag == "pre":
            self.fences.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.cells[-1] += data
        if "pre" in self._open:
            self.fences[-1] += data


def clipped(text: str) -> str:
    """A text as a line shows it."""
    shown = printable(text)
    return shown if len(shown) <= 300 else f"{shown[:299]}…"


@given(preview=_PREVIEWS)
def test_nothing_in_a_comment_becomes_markup(preview: Preview) -> None:
    """Only the tags that the report is made of are there, a row for each Deployment, and names read as they are."""
    written = markdown_comment(preview)
    assert len(written) <= LIMIT
    assert not [char for char in written if char != "\n" and not char.isprintable()]
    page = _Page(written)
    assert page.tags <= _TAGS
    assert len(page.comments) == 1
    assert page.attributes <= {"details open=None", "code class=language-text", "code class=language-mermaid"}
    assert page.rows == (len(preview.deployments) + 1 if preview.deployments else 0)
    for row, cell in zip(preview.deployments, page.cells[::4], strict=True):
        shown = clipped(row.name)
        if row.release_name is not None and row.release_name != row.name:
            shown += f" ({clipped(row.release_name)})"
        assert cell == shown
    for text in (*preview.errors, *preview.notes, *preview.warnings):
        lines = "\n".join(map(printable, text.split("\n")))
        assert any(lines in fence for fence in page.fences)


@given(preview=_PREVIEWS)
def test_nothing_in_a_comment_mentions_or_links(preview: Preview) -> None:
    """Outside of fenced blocks no character is left that begins a mention, a reference or a link."""
    prose = re.sub(r"^(`{3,})(?:text|mermaid)\n.*?\n\1$", "", markdown_comment(preview), flags=re.MULTILINE | re.DOTALL)
    known = re.sub(
        r"&#\d+;|^### |^<!-- |(?<=-)->$|</?(?:code|details|summary)(?: open)?>", "", prose, flags=re.MULTILINE
    )
    assert not re.search(r"[@#\[\]<&\\~_^${}]|://|www\.", known)


@given(preview=_PREVIEWS)
def test_a_graph_holds_nothing_but_releases(preview: Preview) -> None:
    """Each line of it is a node or an edge."""
    line = r'    r\d+(?:\["(?:AC|Astro Runtime) [\d.-]+"\]| -->\|"(?:upgrade|migrate): \d+ Deployments?"\| r\d+)'
    for graph in re.findall(
        r"^```mermaid\nflowchart LR\n(.*?)\n```$", markdown_comment(preview), re.MULTILINE | re.DOTALL
    ):
        if graph.startswith("    r0["):
            assert [each for each in graph.split("\n") if not re.fullmatch(line, each)] == []


@given(preview=_PREVIEWS)
def test_junit_is_xml_and_names_every_deployment(preview: Preview) -> None:
    """Also where a name holds what XML has no place for."""
    (suite,) = ET.fromstring(junit_xml(preview))  # noqa: S314 - our own
    cases = suite.findall("testcase")
    assert len(cases) == len(preview.deployments) + len(preview.errors)
    assert all(
        printable(row.name) in case.attrib["name"] for row, case in zip(preview.deployments, cases, strict=False)
    )
    failures = [failure.text or "" for failure in suite.findall("testcase/failure")]
    problems = [
        "\n".join(map(printable, row.problem.split("\n"))) for row in preview.deployments if row.problem is not None
    ]
    assert failures == problems


@given(preview=_PREVIEWS)
def test_json_follows_the_schema_and_loses_nothing(preview: Preview) -> None:
    """In ASCII, whatever the names."""
    written = json.dumps(json_report(preview))
    assert written.isascii()
    read = json.loads(written)
    _BY_SCHEMA.validate(read)
    assert [row["name"] for row in read["deployments"]] == [row.name for row in preview.deployments]


_KEYS: Final = st.sampled_from(
    [
        *("steps", "diagnostics", "changeSummary", "op", "urn", "newState", "oldState", "inputs", "outputs"),
        *(
            "message",
            "severity",
            "path",
            "plan",
            "warnings",
            "name",
            "hold",
            "cancel",
            *("release_name", "releaseName"),
            *("current_version", "currentVersion"),
        ),
    ]
)
_VALUES: Final = st.sampled_from(
    [
        *("create", "same", "replace", "delete", "error", "warning", "AC 2.2.3 > Runtime 5.0.4", "AC 2.2.3"),
        *(f"urn:pulumi:s::p::pulumi-python:dynamic/astro:DeploymentRuntime::{name}" for name in ("a", "b::c", "")),
        "urn:pulumi:s::p::astro:index:DeploymentRuntime::d",
        "Deployment a (b) is refused:\nc",
        "1 of 4 Deployments is refused; nothing was changed.\n\nways",
    ]
)
_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=15,
)
_STATES: Final = st.fixed_dictionaries({}, optional={"inputs": st.dictionaries(_KEYS, _JSON, max_size=6)})
_STEPS: Final = st.fixed_dictionaries(
    {"op": _VALUES, "urn": _VALUES}, optional={"newState": _STATES, "oldState": _STATES}
)
_SAID: Final = st.fixed_dictionaries({"message": _VALUES, "severity": _VALUES}, optional={"urn": _VALUES})


@given(
    document=_JSON
    | st.fixed_dictionaries(
        {}, optional={"steps": st.lists(_STEPS), "diagnostics": st.lists(_SAID), "changeSummary": _JSON}
    )
)
def test_any_json_is_reported_or_refused(document: Any) -> None:
    """On purpose; and what is reported once is reported again in the same bytes."""
    data = json.dumps(document).encode()
    with suppress(InvalidPreviewError):
        preview = read_preview(data)
        assert markdown_comment(preview) == markdown_comment(read_preview(data))
        ET.fromstring(junit_xml(preview))  # noqa: S314 - our own
        _BY_SCHEMA.validate(json_report(preview))


@given(data=st.binary(max_size=40))
def test_any_bytes_are_reported_or_refused(data: bytes) -> None:
    """On purpose."""
    with suppress(InvalidPreviewError):
        read_preview(data)
