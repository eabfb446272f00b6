"""The JUnit report of a preview, which most pipelines show: a case for each Deployment, a failure if it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from astro_deployment_runtime.planning.plan_messages import title
from astro_deployment_runtime.reports.preview import Status
from astro_deployment_runtime.support.text_formatting import printable

if TYPE_CHECKING:
    from astro_deployment_runtime.reports.preview import Preview, PreviewedDeployment


def junit_xml(preview: Preview) -> str:
    """Return the report with a newline at its end. It has no durations: those of a preview say nothing."""
    where = ".".join(filter(None, (preview.project, preview.stack))) or "preview"
    counts = {
        "tests": len(preview.deployments) + len(preview.errors),
        "failures": preview.count(Status.REFUSED),
        "errors": len(preview.errors),
        "skipped": preview.count(Status.UNPLANNED),
    }
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Element("testsuites", numbers)
    suite = SubElement(suites, "testsuite", {"name": printable(where), **numbers})
    for deployment in preview.deployments:
        names = _names(where, title(deployment.name, deployment.release_name))
        _fill_case(SubElement(suite, "testcase", names), deployment)
    for error in preview.errors:
        case = SubElement(suite, "testcase", _names(where, "preview"))
        _set_text(SubElement(case, "error"), error)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _names(where: str, name: str) -> dict[str, str]:
    return {"classname": printable(where), "name": name}


def _fill_case(case: Element, deployment: PreviewedDeployment) -> None:
    if deployment.problem is not None:
        _set_text(SubElement(case, "failure"), deployment.problem)
    elif deployment.status is Status.UNPLANNED:
        SubElement(case, "skipped", {"message": "planned only when what its arguments come from exists"})
    # The lines of a plan have its warnings.
    lines = deployment.plan or [f"warning {each.name}: {each.message}" for each in deployment.warnings]
    if lines:
        SubElement(case, "system-out").text = "\n".join(map(printable, lines))


def _set_text(element: Element, text: str) -> None:
    """Put a text into an element, and its first line where lists show it. XML has no place for control characters."""
    lines = [printable(line) for line in text.split("\n")]
    element.set("message", lines[0])
    element.text = "\n".join(lines)
