"""A preview as JUnit XML, which most pipelines show: a case for each Deployment, a failure where it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from astro_deployment_runtime.planning.plan_messages import title
from astro_deployment_runtime.reports.preview import Status
from astro_deployment_runtime.support.text import printable

if TYPE_CHECKING:
    from astro_deployment_runtime.reports.preview import Preview, Row


def junit(preview: Preview) -> str:
    """Write a preview as JUnit XML, with a newline at its end. It tells no times: a preview takes none that matter."""
    where = ".".join(filter(None, (preview.project, preview.stack))) or "preview"
    counts = {
        "tests": len(preview.rows) + len(preview.errors),
        "failures": preview.count(Status.REFUSED),
        "errors": len(preview.errors),
        "skipped": preview.count(Status.UNPLANNED),
    }
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Element("testsuites", numbers)
    suite = SubElement(suites, "testsuite", {"name": printable(where), **numbers})
    for row in preview.rows:
        _case(SubElement(suite, "testcase", _names(where, title(row.name, row.release_name))), row)
    for error in preview.errors:
        case = SubElement(suite, "testcase", _names(where, "preview"))
        _told(SubElement(case, "error"), error)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _names(where: str, name: str) -> dict[str, str]:
    return {"classname": printable(where), "name": name}


def _case(case: Element, row: Row) -> None:
    if row.problem is not None:
        _told(SubElement(case, "failure"), row.problem)
    elif row.status is Status.UNPLANNED:
        SubElement(case, "skipped", {"message": "planned only when what its arguments come from exists"})
    told = [*row.plan, *(f"warning {each.name}: {each.message}" for each in row.warnings if not row.plan)]
    if told:
        SubElement(case, "system-out").text = "\n".join(map(printable, told))


def _told(element: Element, text: str) -> None:
    """Put a text into an element, and its first line where lists show it. XML has no place for control characters."""
    lines = [printable(line) for line in text.split("\n")]
    element.set("message", lines[0])
    element.text = "\n".join(lines)
