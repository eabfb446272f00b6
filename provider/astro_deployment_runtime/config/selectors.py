"""Which Deployments of a platform a stack declares: those of its entries, and those that its selectors pick.

Pure: the declaration and what the platform shows in, entries out. An entry counts before a selector, an earlier
selector before a later one, and what is excluded is left out, whoever picks it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.planning.catalog import number
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.config.fleet_config import DeploymentEntry, FleetConfig, Selection, Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A Deployment of the platform, as far as a selector looks at it."""

    id: str
    release_name: str
    label: str
    workspace_id: str
    workspace: str
    """The workspace's label."""
    current: ReleaseId | None
    """What it runs; None where that cannot be read. Such a one is picked, so that it is refused and not overlooked."""

    def fits(self, selector: Selector) -> bool:
        """Tell whether it meets all criteria."""
        return (
            (selector.workspace is None or selector.workspace in {self.workspace_id, self.workspace})
            and (selector.release_name is None or fnmatchcase(self.release_name, selector.release_name))
            and (selector.label is None or re.search(selector.label, self.label) is not None)
            and (selector.distribution is None or self.current is None or self._runs(selector.distribution))
            and (selector.below is None or self._is_below(RuntimeVersion.parse(selector.below)))
        )

    def _runs(self, distribution: str) -> bool:
        return self.current is not None and self.current.distribution.value == distribution

    def _is_below(self, version: RuntimeVersion) -> bool:
        if self.current is None or not isinstance(self.current.version, RuntimeVersion):
            return True
        return number(self.current.version) < number(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What a stack declares, resolved against a platform."""

    entries: tuple[DeploymentEntry, ...]
    notes: tuple[str, ...] = ()
    """What may be a mistake and need not be one."""


def select(stack: FleetConfig, candidates: Sequence[Candidate], workspaces: Mapping[str, str]) -> Selected:
    """Resolve a stack against a platform.

    Args:
        stack: what is declared.
        candidates: the Deployments that the token can see.
        workspaces: the labels of the workspaces, by id.

    Raises:
        InvalidConfigError: a selector names a workspace that there is not, or two Deployments get one name.
    """
    resolver = _Resolver(stack, candidates)
    mistakes = [_unknown_workspace(each, workspaces) for each in stack.selections]
    entries = [entry for entry in stack.deployments if not resolver.excludes(entry.release_name, entry.deployment_id)]
    picked = [entry for each in stack.selections for entry in resolver.pick(each)]
    mistakes += _same_names(entries, picked)
    if found := list(filter(None, mistakes)):
        raise InvalidConfigError("\n".join(found))
    notes = [*resolver.notes, *(f"astro:exclude: {each!r} leaves out no Deployment" for each in resolver.unused())]
    return Selected(entries=(*entries, *picked), notes=tuple(notes))


class _Resolver:
    """Keeps what was picked already, and which exclusions had an effect."""

    def __init__(self, stack: FleetConfig, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates
        self.by_id = {each.id: each.release_name for each in candidates}
        self.ids: dict[str, set[str]] = {}
        for each in candidates:
            self.ids.setdefault(each.release_name, set()).add(each.id)
        self.exclude = stack.exclude
        self.used: set[str] = set()
        self.picked: set[str] = set()
        self.notes: list[str] = []
        self.taken = set[str]()
        """The ids of those that are declared already."""
        for entry in stack.deployments:
            self.taken |= (
                {entry.deployment_id} if entry.deployment_id else self.ids.get(entry.release_name or "", set())
            )

    def excludes(self, release_name: str | None, deployment_id: str | None) -> bool:
        name = release_name or self.by_id.get(deployment_id or "")
        ids = {deployment_id} if deployment_id else self.ids.get(release_name or "", set())
        hits = {each for each in self.exclude if each in ids or (name and fnmatchcase(name, each))}
        self.used |= hits
        return bool(hits)

    def unused(self) -> list[str]:
        return [each for each in self.exclude if each not in self.used]

    def pick(self, selection: Selection) -> list[DeploymentEntry]:
        """Return an entry for each Deployment that fits and is not declared already, by release name."""
        fitting = [each for each in self.candidates if each.fits(selection.selector)]
        if not fitting:
            self.notes.append(f"{selection.where} picks no Deployment")
        new = [each for each in fitting if each.id not in self.taken and not self.excludes(each.release_name, each.id)]
        self.taken.update(each.id for each in new)
        # Of two Deployments with one release name there is one entry, which is refused where it is looked for.
        names = sorted({each.release_name for each in new} - self.picked)
        self.picked.update(names)
        return [selection.template.model_copy(update={"name": name, "release_name": name}) for name in names]


def _unknown_workspace(selection: Selection, workspaces: Mapping[str, str]) -> str | None:
    wanted = selection.selector.workspace
    if wanted is None or wanted in workspaces or wanted in workspaces.values():
        return None
    return (
        f"{selection.where}.workspace: Houston shows this token no workspace with the id or the label {wanted!r}, but "
        f"{len(workspaces)} others: correct it, or give the token's account access"
    )


def _same_names(entries: Sequence[DeploymentEntry], picked: Sequence[DeploymentEntry]) -> list[str | None]:
    names = {entry.name for entry in entries}
    return [
        f"the entry named {entry.name!r} is for another Deployment than the one with this release name, which a "
        "selector picks under it: give the entry another name"
        for entry in picked
        if entry.name in names
    ]
