"""What a stack's config may declare as a whole: levels, waves, selectors, and every mistake with its place."""

from __future__ import annotations

from typing import Any

import pytest

from astro_deployment_runtime.config.fleet_config import FleetConfig, read_fleet_config
from astro_deployment_runtime.errors import InvalidConfigError

ENTRY = {"name": "data-eng", "releaseName": "galactic-stars-1234", "runtimeVersion": "5.0.4"}
BARE = {"name": "data-eng", "releaseName": "galactic-stars-1234"}


def read(**given: Any) -> FleetConfig:
    """Read a config."""
    return read_fleet_config(given)


def refused(**given: Any) -> list[str]:
    """Give the lines for a config that cannot be used."""
    with pytest.raises(InvalidConfigError) as raised:
        read_fleet_config(given)
    return str(raised.value).splitlines()


def test_an_entry_as_ever() -> None:
    """Each with a name; none is fine too, and an empty text, the engine's default, counts as none."""
    (entry,) = read(deployments=[ENTRY], onRefusal="").deployments
    assert (entry.name, entry.release_name, entry.runtime_version) == ("data-eng", "galactic-stars-1234", "5.0.4")
    assert (entry.wave, entry.timeout) == (None, 3600.0)
    assert read() == FleetConfig()


def test_an_entry_counts_before_its_wave_and_its_wave_before_the_defaults() -> None:
    """Key by key."""
    declared = read(
        defaults={"runtimeVersion": "4.2.4", "timeout": "1m", "strategy": "fewest-hops", "wait": False},
        waves=[{"name": "first", "runtimeVersion": "4.2.5", "timeout": "2m"}],
        deployments=[BARE | {"runtimeVersion": "5.0.4"}],
    )
    (entry,) = declared.deployments
    assert (entry.runtime_version, entry.timeout, entry.strategy, entry.wait) == ("5.0.4", 120.0, "fewest-hops", False)


def test_one_way_for_images_displaces_the_other() -> None:
    """An entry with an image of its own is not built from the defaults' project."""
    (entry,) = read(defaults={"project": {"path": "a"}}, deployments=[ENTRY | {"image": "b:{version}"}]).deployments
    assert (entry.project, entry.image) == (None, "b:{version}")


def test_null_takes_back_what_a_level_gives() -> None:
    """What holds then is the default of the resource; names in Python's spelling count as well."""
    (entry,) = read(
        defaults={"image": "b:{version}", "timeout": "5m"},
        deployments=[BARE | {"image": None, "timeout": None, "runtime_version": "5.0.4"}],
    ).deployments
    assert (entry.image, entry.timeout, entry.runtime_version) == (None, 3600.0, "5.0.4")


def test_without_a_wave_an_entry_goes_with_the_last() -> None:
    """So that only canaries have to be named."""
    declared = read(
        waves=[{"name": "canaries", "soak": "30m", "maxParallel": 2}, {"name": "rest"}],
        deployments=[ENTRY, ENTRY | {"name": "b", "wave": "canaries"}],
    )
    assert [entry.wave for entry in declared.deployments] == ["rest", "canaries"]
    assert [(wave.soak, wave.max_parallel) for wave in declared.waves] == [(1800.0, 2), (None, None)]


def test_a_selector_declares_as_an_entry_does() -> None:
    """With its own keys before those of its wave and the defaults."""
    (selection,) = read(
        defaults={"runtimeVersion": "5.0.4", "timeout": "1m"},
        waves=[{"name": "all", "timeout": "2m"}],
        selectors=[{"releaseName": "stars-*", "timeout": "3m"}],
    ).selections
    assert selection.where == "astro:selectors[0]"
    assert (selection.template.runtime_version, selection.template.timeout) == ("5.0.4", 180.0)
    assert selection.template.wave == "all"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"deployments": {}}, "astro:deployments: a mapping is not a list"),
        ({"deployments": "text"}, "astro:deployments: 'text' is not a list"),
        ({"deployments": ["third"]}, "astro:deployments[0]: 'third' is not a mapping of keys to values"),
        ({"deployments": [BARE]}, "astro:deployments[0].runtimeVersion: is missing"),
        (
            {"deployments": [{"name": "a", "runtimeVersion": "5.0.4"}]},
            "astro:deployments[0]: name the Deployment by exactly one of releaseName and deploymentId",
        ),
        ({"deployments": [ENTRY | {"wave": "x"}]}, "astro:deployments[0].wave: there is no wave 'x': astro:waves "),
        (
            {"deployments": [ENTRY | {"wave": "x"}], "waves": [{"name": "a"}]},
            "astro:deployments[0].wave: there is no wave 'x': declared are 'a'",
        ),
        (
            {"deployments": [ENTRY, ENTRY, ENTRY | {"name": "c"}, ENTRY | {"name": "c"}]},
            "two entries have the name 'c', 'data-eng': give each its own",
        ),
        ({"deployments": [ENTRY | {"accept": ["all"]}]}, "astro:deployments[0].accept: 'all' cannot be accepted: "),
        ({"defaults": []}, "astro:defaults: a list is not a mapping of keys to values"),
        ({"defaults": {"colour": "red"}}, "astro:defaults.colour: unknown key: known are runtimeVersion, image, "),
        (
            {"defaults": {"releaseName": "a"}},
            "astro:defaults.releaseName: unknown key: known are runtimeVersion, image, ",
        ),
        ({"defaults": {"timeout": "soon"}}, "astro:defaults.timeout: 'soon' is not a duration"),
        ({"defaults": {"image": "a", "project": {"path": "b"}}}, "astro:defaults: an image arrives in one way"),
        ({"waves": {}}, "astro:waves: a mapping is not a list"),
        ({"waves": [{}]}, "astro:waves[0].name: is missing"),
        ({"waves": [{"name": "a"}, {"name": "a"}]}, "two waves have the name 'a': give each its own"),
        ({"waves": [{"name": "a", "soak": "long"}]}, "astro:waves[0].soak: 'long' is not a duration"),
        ({"waves": [{"name": "a", "maxParallel": 0}]}, "astro:waves[0].maxParallel: "),
        ({"waves": [{"name": "a", "maxParallel": True}]}, "astro:waves[0].maxParallel: "),
        ({"selectors": "all"}, "astro:selectors: 'all' is not a list"),
        ({"selectors": [{"runtimeVersion": "5.0.4"}]}, "astro:selectors[0]: a selector without a criterion "),
        ({"selectors": [{"releaseName": "*"}]}, "astro:selectors[0].runtimeVersion: is missing"),
        ({"selectors": [{"label": "("}]}, "astro:selectors[0].label: '(' is not a regular expression: "),
        ({"selectors": [{"distribution": "ac"}]}, "astro:selectors[0].distribution: "),
        ({"selectors": [{"below": 5.0}]}, "astro:selectors[0].below: 5.0 is not a text: put the version in quotes"),
        ({"selectors": [{"below": "new"}]}, "astro:selectors[0].below: 'new' is not an Astro Runtime version"),
        ({"exclude": "a"}, "astro:exclude: 'a' is not a list"),
        ({"exclude": ["a", 5]}, "astro:exclude[1]: 5 is neither a release name, a pattern for one, nor an id"),
        ({"onRefusal": "carry-on"}, "astro:onRefusal: 'carry-on' is neither 'stop' nor 'skip'"),
    ],
)
def test_each_mistake_is_told_with_its_place(given: dict[str, Any], line: str) -> None:
    """Which entry, which key, and what was expected."""
    (found,) = refused(**given)
    assert found.startswith(line)


def test_all_mistakes_are_told_at_once() -> None:
    """A line each; what is wrong in a level is told there, and not again for each entry."""
    lines = refused(
        defaults={"runtimeVersion": 5.0},
        waves=[{"name": "a", "soak": "long"}],
        deployments=[BARE | {"timeout": "soon"}, BARE | {"name": "", "wave": "a", "colour": "red"}, "third"],
        selectors=[{"below": "new"}, {"label": "x", "verify": "me"}],
        exclude=[""],
        onRefusal="x",
    )
    starts = (
        "astro:defaults.runtimeVersion: 5.0 is not a text",
        "astro:waves[0].soak: ",
        "astro:deployments[0].timeout: 'soon' is not a duration",
        "astro:deployments[1].name: ",
        "astro:deployments[1].colour: ",
        "astro:deployments[2]: ",
        "astro:selectors[0].below: ",
        "astro:selectors[1].verify: ",
        "astro:exclude[0]: ",
        "astro:onRefusal: ",
    )
    assert [next((line for line in lines if line.startswith(start)), None) for start in starts] == lines


def test_what_a_nearer_level_accepts_the_others_cannot_deny() -> None:
    """Name by name, and the other way round; the rest of a level stands."""
    defaults = {"runtimeVersion": "5.0.4", "deny": ["out-of-support", "deprecated"], "accept": ["newer-patch"]}
    levels = [{"accept": ["out-of-support"]}, {"deny": ["newer-patch"]}, {}]
    declared = read(
        defaults=defaults, deployments=[BARE | {"name": str(at)} | level for at, level in enumerate(levels)]
    )
    assert [(entry.accept, entry.deny) for entry in declared.deployments] == [
        (("out-of-support",), ("deprecated",)),
        ((), ("newer-patch",)),
        (("newer-patch",), ("out-of-support", "deprecated")),
    ]


def test_what_is_accepted_and_denied_at_one_level_is_a_mistake() -> None:
    """It is told with its place, and so are names that nobody knows."""
    both = {"accept": ["deprecated"], "deny": ["deprecated"]}
    lines = refused(defaults=both, deployments=[ENTRY | both], waves=[{"name": "first", "deny": ["old"]}])
    assert lines[0] == "astro:defaults: deprecated: accepted as well as denied; keep one of the two"
    assert lines[1].startswith("astro:waves[0].deny: 'old' cannot be denied: known are airflow-version, ")
    assert lines[2] == "astro:deployments[0]: deprecated: accepted as well as denied; keep one of the two"
