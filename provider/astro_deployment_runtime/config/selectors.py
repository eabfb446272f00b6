"""Match the selectors of a fleet against the Deployments of a platform.

Pure. If several entries and selectors name a Deployment, an entry wins over a selector, and an earlier selector over a
later one. ``astro:exclude`` wins over all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from astro_deployment_runtime.errors import InvalidConfigError
from astro_deployment_runtime.planning.catalog import runtime_sort_key
from astro_deployment_runtime.planning.versions import ReleaseId, RuntimeVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astro_deployment_runtime.config.fleet_config import DeploymentEntry, FleetConfig, Selection, Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A Deployment of the platform, with the fields that selectors compare."""

    id: str
    release_name: str
    label: str
    workspace_id: str
    workspace: str
    """Label of the workspace."""
    current: ReleaseId | None
    """Release that it runs; None if it cannot be read. It is picked then, so that it is refused and not overlooked."""

    def matches(self, selector: Selector) -> bool:
        """Return whether the Deployment meets all criteria."""
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
        return runtime_sort_key(self.current.version) < runtime_sort_key(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedFleet:
    """The entries of a fleet, with those that its selectors picked."""

    entries: tuple[DeploymentEntry, ...]
    notes: tuple[str, ...] = ()
    """Possible mistakes, such as a selector that picks no Deployment."""


def select_deployments(
    fleet: FleetConfig, candidates: Sequence[Candidate], workspaces: Mapping[str, str]
) -> SelectedFleet:
    """Return the entries that are declared and those that selectors pick, without the excluded ones.

    Args:
        fleet: the declared fleet.
        candidates: the Deployments that the token can see.
        workspaces: the labels of the workspaces, by id.

    Raises:
        InvalidConfigError: a selector names an unknown workspace, or two Deployments get the same name.
    """
    picker = _Picker(fleet, candidates)
    mistakes = [_unknown_workspace(each, workspaces) for each in fleet.selections]
    entries = [entry for entry in fleet.deployments if not picker.excludes(entry.release_name, entry.deployment_id)]
    picked = [entry for each in fleet.selections for entry in picker.pick(each)]
    mistakes += _same_names(entries, picked)
    if found := list(filter(None, mistakes)):
        raise InvalidConfigError("\n".join(found))
    notes = [
        *picker.notes,
        *(f"astro:exclude: {each!r} matches no Deployment" for each in picker.unmatched_exclusions()),
    ]
    return SelectedFleet(entries=(*entries, *picked), notes=tuple(notes))


class _Picker:
    """Picks Deployments, and keeps track of those already declared or picked and of the exclusions that matched."""

    def __init__(self, fleet: FleetConfig, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates
        self.release_name_by_id = {each.id: each.release_name for each in candidates}
        self.ids_by_release_name: dict[str, set[str]] = {}
        for each in candidates:
            self.ids_by_release_name.setdefault(each.release_name, set()).add(each.id)
        self.exclude = fleet.exclude
        self.matched_exclusions: set[str] = set()
        self.picked_names: set[str] = set()
        self.notes: list[str] = []
        self.taken_ids: set[str] = set()
        """Ids of the Deployments that are declared or picked already."""
        for entry in fleet.deployments:
            self.taken_ids |= (
                {entry.deployment_id}
                if entry.deployment_id
                else self.ids_by_release_name.get(entry.release_name or "", set())
            )

    def excludes(self, release_name: str | None, deployment_id: str | None) -> bool:
        name = release_name or self.release_name_by_id.get(deployment_id or "")
        ids = {deployment_id} if deployment_id else self.ids_by_release_name.get(release_name or "", set())
        hits = {each for each in self.exclude if each in ids or (name and fnmatchcase(name, each))}
        self.matched_exclusions |= hits
        return bool(hits)

    def unmatched_exclusions(self) -> list[str]:
        return [each for each in self.exclude if each not in self.matched_exclusions]

    def pick(self, selection: Selection) -> list[DeploymentEntry]:
        """Return an entry for each Deployment that matches and is not declared already, by release name."""
        matching = [each for each in self.candidates if each.matches(selection.selector)]
        if not matching:
            self.notes.append(f"{selection.key} picks no Deployment")
        new = [
            each for each in matching if each.id not in self.taken_ids and not self.excludes(each.release_name, each.id)
        ]
        self.taken_ids.update(each.id for each in new)
        # Two Deployments with the same release name get one entry; it is refused when the Deployment is looked up.
        names = sorted({each.release_name for each in new} - self.picked_names)
        self.picked_names.update(names)
        return [selection.template.model_copy(update={"name": name, "release_name": name}) for name in names]


def _unknown_workspace(selection: Selection, workspaces: Mapping[str, str]) -> str | None:
    wanted = selection.selector.workspace
    if wanted is None or wanted in workspaces or wanted in workspaces.values():
        return None
    return (
        f"{selection.key}.workspace: Houston shows this token no workspace with the id or label {wanted!r}, but "
        f"{len(workspaces)} others: correct it, or give the token's account access"
    )


def _same_names(entries: Sequence[DeploymentEntry], picked: Sequence[DeploymentEntry]) -> list[str | None]:
    names = {entry.name for entry in entries}
    return [
        f"the entry {entry.name!r} has the same name as a Deployment that a selector picks, but declares another one: "
        "give the entry another name"
        for entry in picked
        if entry.name in names
    ]
