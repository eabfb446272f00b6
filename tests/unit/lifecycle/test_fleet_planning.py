"""Plan a whole fleet against the sandbox: selectors, refusals, waves and the number of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.config.fleet_config import read_fleet_config
from astro_deployment_runtime.errors import InvalidConfigError, PlatformAnswerError, TokenRefusedError
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle
from astro_deployment_runtime.lifecycle.fleet_planning import FleetPlan, plan_fleet, refusal_text, summary
from astro_deployment_runtime.planning.versions import ReleaseId
from tests.contract import sandbox_server
from tests.contract.sandbox_server import DUST, HELIO, Served

if TYPE_CHECKING:
    from pathlib import Path


def plan(served: Served, **given: Any) -> FleetPlan:
    """Plan the fleet in a config."""
    return plan_fleet(read_fleet_config(given), DeploymentLifecycle(served.client))


def entry(release: str, target: str = "5.0.4", **more: Any) -> dict[str, Any]:
    """Return an entry that has the release name as its name."""
    return {"name": release, "releaseName": release, "runtimeVersion": target, **more}


def test_all_refusals_are_found_at_once(served: Served) -> None:
    """Each with its Deployment's name, whatever the reason. Nothing is changed."""
    found = plan(
        served,
        deployments=[
            entry("stars-1"),
            entry("wind-3", "4.0.11", name="ml"),
            entry("nowhere-9"),
            entry("dust-2", image="{base}"),
            {"name": "again", "deploymentId": DUST, "runtimeVersion": "5.0.4"},
        ],
    )
    text = refusal_text(found)
    assert text.startswith("4 of 5 Deployments are refused; nothing was changed.\n\n")
    assert "ASTRO_ON_REFUSAL=skip" in text
    for refused, title, part in zip(
        found.refused,
        ("ml (wind-3)", "nowhere-9", "dust-2", f"again ({DUST})"),
        (
            "\n  NO-REVERT: ",
            "Houston shows this token no Deployment with the release name 'nowhere-9'",
            "quay.io/astronomer/astro-runtime:5.0.4 is the vendor's bare base image",
            "dust-2 is declared twice, here and as 'dust-2'",
        ),
        strict=True,
    ):
        assert refused.title == title
        assert part in str(refused.refusal)
    assert [each.hops for each in found.deployments] == [2, 0, 0, 0, 0]


def test_fleet_of_any_size_needs_two_requests(tmp_path: Path) -> None:
    """Sixty Deployments in three workspaces."""
    with sandbox_server.serving(tmp_path, rows=sandbox_server.many(60, 3)) as served:
        found = plan(served, selectors=[{"releaseName": "*", "runtimeVersion": "5.0.4"}])
        assert [each.hops for each in found.deployments] == [1] * 60
        assert len(served.asked()) == 2


def test_only_the_state_tells_who_started_a_pending_hop(served: Served) -> None:
    """Without the state, a hop off the path is not refused yet. With it, a foreign hop is refused, ours cancelled."""
    stack = read_fleet_config({"deployments": [entry("tides-4")]})

    def planned_with(saved: dict[str, dict[str, Any]] | None) -> tuple[bool, bool, bool]:
        fleet = plan_fleet(stack, DeploymentLifecycle(served.client), saved=saved)
        (found,) = fleet.deployments
        return fleet.needs_state, found.refusal is not None, found.has_steps

    assert planned_with(None) == (True, False, True)
    assert planned_with({"tides-4": {"pending": "Astro Runtime 4.2.5"}}) == (False, False, True)
    for foreign in ({"tides-4": {"pending": "AC 2.2.4"}}, {"tides-4": {"pending": None}}, {}):
        assert planned_with(foreign) == (False, True, False)


def test_pending_hop_of_a_deployment_at_its_target_is_a_step_if_it_is_ours(served: Served) -> None:
    """We cancel our own hop, and leave a foreign one alone."""
    stack = read_fleet_config({"deployments": [entry("wind-3", "4.2.5")]})
    served.client.start(served.client.find(release_name="wind-3"), ReleaseId.parse("Astro Runtime 5.0.4"))
    has_steps = [
        plan_fleet(stack, DeploymentLifecycle(served.client), saved={"wind-3": {"pending": pending}})
        .deployments[0]
        .has_steps
        for pending in ("Astro Runtime 5.0.4", None)
    ]
    assert has_steps == [True, False]


def test_selectors_pick_deployments(served: Served) -> None:
    """By all criteria, in the order of the release names, without the entries and the excluded Deployments."""
    found = plan(
        served,
        defaults={"runtimeVersion": "5.0.4"},
        deployments=[entry("stars-1", name="data-eng")],
        selectors=[{"workspace": HELIO, "timeout": "5m"}, {"distribution": "certified"}],
        exclude=["dust-*", "none-?"],
    )
    assert [(each.entry.name, each.entry.timeout) for each in found.deployments] == [
        ("data-eng", 3600.0),
        ("tides-4", 300.0),
        ("wind-3", 300.0),
    ]
    assert found.notes == ("astro:exclude: 'none-?' matches no Deployment",)


def test_selector_that_cannot_be_resolved_is_an_error(served: Served) -> None:
    """An unknown workspace and a name for two Deployments, reported together."""
    with pytest.raises(InvalidConfigError) as raised:
        plan(
            served,
            deployments=[entry("stars-1", name="wind-3")],
            selectors=[{"workspace": "none", "runtimeVersion": "5.0.4"}, {"below": "5.0.4", "runtimeVersion": "5.0.4"}],
        )
    first, second = str(raised.value).splitlines()
    assert first.startswith("astro:selectors[0].workspace: Houston shows this token no workspace with the id or label ")
    assert second.startswith("the entry 'wind-3' has the same name as a Deployment that a selector picks")


def test_unreadable_platform_is_one_error(tmp_path: Path) -> None:
    """Not one error for each Deployment."""
    with sandbox_server.serving(tmp_path, token="wrong") as served, pytest.raises(TokenRefusedError):
        plan(served, deployments=[entry("stars-1"), entry("dust-2")])


def test_summary_of_a_fleet(served: Served) -> None:
    """The number of hops, and each path once."""
    found = plan(served, selectors=[{"releaseName": "*", "runtimeVersion": "5.0.4"}], exclude=["tides-4"])
    assert summary(found, ()).splitlines() == [
        "fleet: 3 Deployments, 4 hops",
        "  1 x AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
        "  1 x AC 2.3.0 > Astro Runtime 5.0.4",
        "  1 x Astro Runtime 4.2.5 > Astro Runtime 5.0.4",
    ]


def test_summary_of_waves(served: Served) -> None:
    """With the limits of each wave. The last wave has no soak."""
    given: dict[str, Any] = {
        "waves": [{"name": "canaries", "soak": "1h30m", "maxParallel": 2}, {"name": "rest", "soak": "45s"}],
        "deployments": [entry("wind-3", "4.2.5", wave="canaries"), entry("stars-1"), entry("dust-2", "4.2.5")],
    }
    stack = read_fleet_config(given)
    terms = "at most 2 side by side; then healthy for 1h30m"
    assert summary(plan_fleet(stack, DeploymentLifecycle(served.client)), stack.waves).splitlines() == [
        f"wave 1 of 2, canaries: 1 Deployment, 0 hops, 1 at its target; {terms}",
        "wave 2 of 2, rest: 2 Deployments, 2 hops, 1 refused",
        "  1 x AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4",
    ]


def test_summary_counts_what_is_left_to_confirm(served: Served) -> None:
    """Only the state tells a hop that completed after its run ended from one that was confirmed."""
    stack = read_fleet_config({"deployments": [entry("stars-1"), entry("wind-3", "4.2.5")]})
    saved = {"wind-3": {"runtime_version": "4.2.5", "target": None, "pending": "Astro Runtime 4.2.5"}}
    for state, counts in ((saved, "1 to confirm"), ({}, "1 at its target"), (None, "1 at its target")):
        found = plan_fleet(stack, DeploymentLifecycle(served.client), saved=state)
        assert summary(found, ()).splitlines()[0] == f"fleet: 2 Deployments, 2 hops, {counts}"


def test_target_such_as_4_x_keeps_the_version_in_the_state(served: Served) -> None:
    """Without the state, a note says that the target is resolved again."""
    stack = read_fleet_config({"deployments": [entry("stars-1", "4.x"), entry("wind-3", "4.x")]})
    saved = {"stars-1": {"runtime_version": "4.x", "target": "4.2.4"}, "wind-3": {"runtime_version": "5.x"}}
    found = plan_fleet(stack, DeploymentLifecycle(served.client), saved=saved)
    assert [each.resolved for each in found.deployments] == ["4.2.4", "4.2.5"]
    assert found.notes == ()
    (note,) = plan_fleet(stack, DeploymentLifecycle(served.client)).notes
    assert "only the stack's state records" in note
    assert plan_fleet(stack, DeploymentLifecycle(served.client), saved={}).notes == ()


def test_ambiguous_release_name_is_refused(tmp_path: Path) -> None:
    """One refusal names both Deployments, for a selector and for an entry. Declared by their ids, both are planned."""
    with sandbox_server.serving(tmp_path, put=['w0.1.releaseName="stars-1"']) as served:
        selectors = [{"releaseName": "*", "runtimeVersion": "5.0.4"}]
        for given in ({"selectors": selectors}, {"selectors": selectors, "deployments": [entry("stars-1")]}):
            found = plan(served, exclude=["tides-4"], **given)
            assert [each.entry.name for each in found.deployments] == ["stars-1", "wind-3"]
            (refused,) = found.refused
            for part in (
                f"'Stars-1' in workspace {sandbox_server.SPACE} ({sandbox_server.STARS})",
                f"({DUST})",
                "by its deploymentId",
            ):
                assert part in (refused.refusal or "")
            assert refused.refused_argument == "release_name"
        by_id = [
            {"name": name, "deploymentId": id_, "runtimeVersion": "5.0.4"}
            for name, id_ in (("blue", sandbox_server.STARS), ("red", DUST))
        ]
        found = plan(served, deployments=by_id, selectors=selectors, exclude=["tides-4"])
        assert [(each.entry.name, each.refusal) for each in found.deployments] == [
            ("blue", None),
            ("red", None),
            ("wind-3", None),
        ]
        image = [each | {"image": "own:{version}"} for each in by_id]
        for each in plan(served, deployments=image).deployments:
            assert each.refused_argument == "image"
            assert "Houston takes an image by release name only, and 2 Deployments have" in (each.refusal or "")
        (left,) = plan(served, deployments=by_id[:1], selectors=selectors, exclude=["tides-4", "wind-3"]).refused
        assert left.entry.name == "stars-1", "the other one still has a name that two have"


@pytest.mark.parametrize(
    ("put", "gap"),
    [
        ("workspaces=null", "workspaces: null"),
        ("w0=null", f"the Deployments of workspace {sandbox_server.SPACE}: null"),
        ("w1.0.id=null", f"a Deployment of workspace {HELIO}: without an id or a release name"),
        ("w1.0=null", f"the Deployments of workspace {HELIO}: null"),
    ],
)
def test_selectors_are_refused_if_houston_hides_part_of_the_fleet(tmp_path: Path, put: str, gap: str) -> None:
    """A missed Deployment would leave the stack. Entries go on, with a note."""
    with sandbox_server.serving(tmp_path, put=[put]) as served:
        with pytest.raises(PlatformAnswerError, match=r"a selector that misses a Deployment would ") as raised:
            plan(served, selectors=[{"workspace": HELIO, "runtimeVersion": "5.0.4"}])
        assert gap in str(raised.value)
        found = plan(
            served, deployments=[{"name": "a", "deploymentId": sandbox_server.STARS, "runtimeVersion": "5.0.4"}]
        )
        assert (found.refused, found.deployments[0].hops) == ((), 2)
        (note,) = found.notes
        assert gap in note


def test_deployment_with_unreadable_fields_stays_in_the_fleet(tmp_path: Path) -> None:
    """It is refused only if the plan needs the field. The other Deployments are planned."""
    put = [
        *("w0.0.label=42", "w0.1.runtimeVersion=7", "w1.0.urls.0.url=null", "w1.0.dagDeployment=5"),
        *("w1.1.workspace=null", "runtimeReleases.0=null", "deploymentConfig.airflowImages.0=null"),
    ]
    with sandbox_server.serving(tmp_path, put=put) as served:
        found = plan(
            served,
            selectors=[
                {"workspace": sandbox_server.SPACE, "runtimeVersion": "5.0.4"},
                {"workspace": HELIO, "runtimeVersion": "4.2.5", "accept": ["cancel-pending"]},
            ],
        )
        assert [each.entry.name for each in found.deployments] == ["dust-2", "stars-1", "tides-4", "wind-3"]
        dust, stars, _, _ = found.deployments
        assert (stars.deployment and stars.deployment.label, stars.refusal) == ("42", None)
        assert "it runs Astro Runtime '7', which cannot be read" in (dust.refusal or "")
        assert [each.entry.name for each in found.refused] == ["dust-2"]
        (note,) = found.notes
        assert note.endswith("left out: airflowImages: null, runtimeReleases: null")


@pytest.mark.parametrize(
    ("lacks", "selector", "reason"),
    [
        ("Deployment.label", {"label": "^Stars"}, "does not report the labels of Deployments"),
        ("Workspace.label", {"workspace": "Space"}, "does not report the labels of workspaces; give its id"),
    ],
)
def test_selector_by_a_label_that_the_platform_hides_is_refused(
    tmp_path: Path, lacks: str, selector: dict[str, str], reason: str
) -> None:
    """It would miss Deployments. Other selectors are resolved."""
    with sandbox_server.serving(tmp_path, lacks=[lacks]) as served:
        with pytest.raises(PlatformAnswerError, match=reason):
            plan(served, selectors=[{**selector, "runtimeVersion": "5.0.4"}])
        assert len(plan(served, selectors=[{"workspace": HELIO, "runtimeVersion": "5.0.4"}]).deployments) == 2


@pytest.mark.slow
def test_thousands_of_unknown_deployments_need_few_requests(served: Served) -> None:
    """Two thousand, by name and by id. Each has its own refusal."""
    named = [entry(f"none-{number}") for number in range(1000)]
    by_id = [{"name": f"id-{n}", "deploymentId": f"ckw1none{n}", "runtimeVersion": "5.0.4"} for n in range(1000)]
    found = plan(served, deployments=[*named, *by_id, entry("stars-1")])
    assert len(found.refused) == 2000
    assert len(served.asked()) <= 6
