"""`make docs`: write the tables of arguments and outputs in ``docs/configuration.md`` from the code.

Names and defaults come from the fields, meanings from the docstrings that an editor shows.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime import AstroDeploymentRuntime
from astro_deployment_runtime.config.resource_arguments import ResourceArguments
from tools.markdown_tables import put, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
_MORE: Final = {
    "runtime_version": "[targets](how-it-works.md#targets)",
    "image": "[`image`](#image)",
    "project": "[`project`](#project)",
    "strategy": "[strategies](how-it-works.md#strategies)",
    "accept": "[`accept`](#accept)",
    "deny": "[warnings](how-it-works.md#warnings)",
}
"""Links to more about an argument."""


def shown_default(value: object) -> str:
    """Return a default as a user writes it."""
    match value:
        case None:
            return "none"
        case True | False:
            return str(value).lower()
        case tuple() | list():
            return str(list(value))
        case float():
            return f"{value / 3600:.0f}h"
        case _:
            return str(value)


def _sentence(docstring: str) -> str:
    """Convert a docstring, or a part of one, to a table cell."""
    return " ".join(docstring.split()).removesuffix(".").replace("``", "`").replace("|", "\\|")


def arguments() -> list[str]:
    """Return the arguments of the resource, which are the keys of an entry."""
    described = inspect.getdoc(AstroDeploymentRuntime.__init__) or ""
    told = dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", described, re.MULTILINE))
    rows = []
    for name, field in ResourceArguments.model_fields.items():
        default = "required" if field.is_required() else f"`{shown_default(field.default)}`"
        more = f". See {_MORE[name]}" if name in _MORE else ""
        rows.append([f"`{field.alias}`", f"`{name}`", default.replace("`none`", "none"), _sentence(told[name]) + more])
    return table(["key", "argument", "default", "meaning"], rows)


def _outputs() -> Iterator[list[str]]:
    """Return the annotated attributes of the resource, with the text below each."""
    source = ast.parse(textwrap.dedent(inspect.getsource(AstroDeploymentRuntime)))
    (typed,) = [node for node in ast.walk(source) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node)]
    for declared, text in zip(typed.body[::2], typed.body[1::2], strict=True):
        assert isinstance(declared, ast.AnnAssign)  # noqa: S101 - the resource declares nothing else there
        assert isinstance(text, ast.Expr)  # noqa: S101 - and describes each
        yield [f"`{ast.unparse(declared.target)}`", _sentence(ast.literal_eval(text.value))]


def written(page: str) -> str:
    """Put the tables into the page."""
    page = put(page, "arguments", arguments(), kind="reference")
    return put(page, "outputs", table(["output", "what"], _outputs()), kind="reference")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"docs: {PAGE.name}")
