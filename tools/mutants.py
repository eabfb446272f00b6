"""`make mutants`: mutation testing of planning: apply one small change at a time, and check whether a test fails.

mutmut makes the changes and runs the tests, in a copy in ``build/mutants``; its settings are in ``pyproject.toml``.
It leaves decorated functions alone: in the copy, properties are written as calls of ``property``.

It writes the score into ``CONTRIBUTING.md`` and the survivors into ``docs/mutants.md``. The last column there is kept
from run to run: the reason why a mutant may survive. A survivor without a reason is an error, and so is a low score.

After a whole run, ``python -m tools.mutants again`` runs the mutants that were not killed and those of changed
functions, with the tests as they are now. ``python -m tools.mutants page`` only writes the pages.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from typing import Final

from tools.markdown_tables import put, table

ROOT: Final = Path(__file__).resolve().parents[1]
WORK: Final = ROOT / "build" / "mutants"
SCORE: Final = ROOT / "CONTRIBUTING.md"
SURVIVORS: Final = ROOT / "docs" / "mutants.md"
LEAST: Final = 90
"""Minimum percentage of killed mutants in each module."""

_PACKAGE: Final = "astro_deployment_runtime"
_DECORATED: Final = re.compile(
    r"^(?P<indent> *)@(?P<decorator>property|cached_property|lru_cache\(.*\))\n"
    r"(?P<function>(?P=indent)def (?P<name>\w+)\(.*\n(?:(?:(?P=indent) +.*)?\n)+)",
    re.MULTILINE,
)
_KILLED: Final = {1, 3}
_TIMED_OUT: Final = {36, 24, -24, 152, 255}
"""mutmut's codes for a test run that took far too long; it counts as killed."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test detected: the function, and its lines before and after."""

    function: str
    before: str
    after: str

    @property
    def cells(self) -> list[str]:
        """Return the first cells of its row."""
        return [_code(self.function), _code(self.before), _code(self.after)]


def undecorated(source: str) -> str:
    """Write ``@property`` above a function as a call below it."""

    def rewritten(match: re.Match[str]) -> str:
        indent, name = match["indent"], match["name"]
        return f"{match['function'].rstrip()}\n{indent}{name} = {match['decorator']}({name})\n\n"

    return _DECORATED.sub(rewritten, source)


def modules() -> dict[str, str]:
    """Return the paths of the modules that are mutated, by the modules' names."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {Path(path).stem: path for path in config["tool"]["mutmut"]["only_mutate"]}


def prepare() -> None:
    """Copy what the tests need, with the package at the top."""
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "provider" / _PACKAGE, WORK / _PACKAGE, ignore=caches, dirs_exist_ok=True)
    for folder in ("tests", "tools", "sandbox"):
        shutil.copytree(ROOT / folder, WORK / folder, ignore=caches, dirs_exist_ok=True)
    shutil.copy2(ROOT / "pyproject.toml", WORK)
    for path in (WORK / each for each in modules().values()):
        path.write_text(undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")


def forget_survivors() -> None:
    """Forget the results of mutants that no test has killed, and which tests run which function."""
    for path in filter(Path.exists, map(_results, modules().values())):
        results = json.loads(path.read_text(encoding="utf-8"))
        codes = results["exit_code_by_key"]
        results["exit_code_by_key"] = {name: code if code in _KILLED else None for name, code in codes.items()}
        path.write_text(json.dumps(results), encoding="utf-8")
    (WORK / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def _results(module_path: str) -> Path:
    return WORK / "mutants" / f"{module_path}.meta"


def survivors(module: str, names: list[str]) -> list[Survivor]:
    """Return the changes in the surviving mutants of a module."""
    source = (WORK / "mutants" / modules()[module]).read_text(encoding="utf-8")
    lines = source.splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    found = []
    for name in (each.rpartition(".")[2] for each in names):
        function = name.partition("__mutmut_")[0]
        changes = list(ndiff(functions[f"{function}__mutmut_orig"], functions[name]))
        before, after = (" ".join(line[2:].strip() for line in changes if line[0] == sign) for sign in "-+")
        # mutmut writes x_function and xǁClassǁmethod.
        plain = ".".join(function.removeprefix("x_").removeprefix("xǁ").split("ǁ"))
        found.append(Survivor(f"{module}.{plain}", before, after))
    return sorted(set(found), key=lambda each: (each.function, each.before, each.after))


def reasons(page: str) -> dict[tuple[str, ...], str]:
    """Return the reasons of the page, by the other cells of their rows."""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {tuple(row[:3]): row[3] for row in rows if len(row) == 4}


def _code(text: str) -> str:
    if not text:
        return "left out"
    return f"`` {text} ``".replace("|", r"\|") if "`" in text else f"`{text}`".replace("|", r"\|")


def scores(results: dict[str, dict[str, int | None]]) -> list[list[str]]:
    """Count the results of the mutants of each module, and of all."""
    counts = {
        f"`{module}`": [len(codes), *(sum(code in kind for code in codes.values()) for kind in (_KILLED, _TIMED_OUT))]
        for module, codes in results.items()
    }
    counts["all"] = [sum(column) for column in zip(*counts.values(), strict=True)]
    return [
        [name, *map(str, (total, killed, slow, total - killed - slow)), f"{100 * (killed + slow) / total:.1f} %"]
        for name, (total, killed, slow) in counts.items()
    ]


def main(arguments: list[str]) -> int:
    """Run the mutants, all or some, and write the pages; or only write the pages. Return the exit code."""
    if arguments != ["page"]:
        if arguments == ["again"]:
            forget_survivors()
        else:
            shutil.rmtree(WORK, ignore_errors=True)
        prepare()
        # Each mutant imports everything again: without bytecode files a run takes twice as long.
        cached = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "2"], check=True, cwd=WORK, env=cached)
    results: dict[str, dict[str, int | None]] = {
        module: json.loads(_results(path).read_text(encoding="utf-8"))["exit_code_by_key"]
        for module, path in modules().items()
    }
    score = scores(results)
    found = [
        survivor
        for module, codes in results.items()
        for survivor in survivors(module, [name for name, code in codes.items() if code not in _KILLED | _TIMED_OUT])
    ]
    page = SURVIVORS.read_text(encoding="utf-8")
    known = reasons(page)
    rows = [[*survivor.cells, known.get(tuple(survivor.cells), "")] for survivor in found]
    head = ["module", "mutants", "killed", "timed out", "survived", "score"]
    SCORE.write_text(put(SCORE.read_text(encoding="utf-8"), "mutants", table(head, score)), encoding="utf-8")
    head = ["function", "is", "becomes", "why it may survive"]
    SURVIVORS.write_text(put(page, "survivors", table(head, rows)), encoding="utf-8")
    wrong = [f"too few are killed in {row[0]}: {row[-1]}" for row in score if float(row[-1].split()[0]) < LEAST]
    wrong += [f"no reason is given why this may survive: {' '.join(row)}" for row in rows if not row[-1]]
    print("\n".join(wrong or [f"named in {SURVIVORS.relative_to(ROOT)}, each with a reason: {len(rows)} survivors"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
