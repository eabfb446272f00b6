"""Fleet in a stack's config: defaults, waves, entries, selectors, and mistakes with their keys."""

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
    """Return the lines of the message for an invalid config."""
    with pytest.raises(InvalidConfigError) as raised:
        read_fleet_config(given)
    return str(raised.value).splitlines()


def test_an_entry_needs_a_name_a_deployment_and_a_version() -> None:
    """A fleet without entries is valid. The engine gives an empty string for a key without a value."""
    (entry,) = read(deployments=[ENTRY], onRefusal="").deployments
    assert (entry.name, entry.release_name, entry.runtime_version) == ("data-eng", "galactic-stars-1234", "5.0.4")
    assert (entry.wave, entry.timeout) == (None, 3600.0)
    assert read() == FleetConfig()


def test_an_entry_wins_over_its_wave_and_the_wave_over_the_defaults() -> None:
    """Key by key."""
    declared = read(
        defaults={"runtimeVersion": "4.2.4", "timeout": "1m", "strategy": "fewest-hops", "wait": False},
        waves=[{"name": "first", "runtimeVersion": "4.2.5", "timeout": "2m"}],
        deployments=[BARE | {"runtimeVersion": "5.0.4"}],
    )
    (entry,) = declared.deployments
    assert (entry.runtime_version, entry.timeout, entry.strategy, entry.wait) == ("5.0.4", 120.0, "fewest-hops", False)


def test_an_image_of_an_entry_replaces_a_project_of_the_defaults() -> None:
    """They exclude each other."""
    (entry,) = read(defaults={"project": {"path": "a"}}, deployments=[ENTRY | {"image": "b:{version}"}]).deployments
    assert (entry.project, entry.image) == (None, "b:{version}")


def test_null_resets_a_value_to_the_default_of_the_resource() -> None:
    """In snake_case too."""
    (entry,) = read(
        defaults={"image": "b:{version}", "timeout": "5m"},
        deployments=[BARE | {"image": None, "timeout": None, "runtime_version": "5.0.4"}],
    ).deployments
    assert (entry.image, entry.timeout, entry.runtime_version) == (None, 3600.0, "5.0.4")


def test_an_entry_without_a_wave_is_in_the_last_wave() -> None:
    """Only canaries have to name theirs."""
    declared = read(
        waves=[{"name": "canaries", "soak": "30m", "maxParallel": 2}, {"name": "rest"}],
        deployments=[ENTRY, ENTRY | {"name": "b", "wave": "canaries"}],
    )
    assert [entry.wave for entry in declared.deployments] == ["rest", "canaries"]
    assert [(wave.soak, wave.max_parallel) for wave in declared.waves] == [(1800.0, 2), (None, None)]


def test_a_selector_wins_over_its_wave_and_the_wave_over_the_defaults() -> None:
    """As an entry does."""
    (selection,) = read(
        defaults={"runtimeVersion": "5.0.4", "timeout": "1m"},
        waves=[{"name": "all", "timeout": "2m"}],
        selectors=[{"releaseName": "stars-*", "timeout": "3m"}],
    ).selections
    assert selection.key == "astro:selectors[0]"
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
            "astro:deployments[0].wave: there is no wave 'x': write one of 'a'",
        ),
        (
            {"deployments": [ENTRY, ENTRY, ENTRY | {"name": "c"}, ENTRY | {"name": "c"}]},
            "two entries have the name 'c', 'data-eng': give each its own name",
        ),
        (
            {"deployments": [ENTRY | {"accept": ["all"]}]},
            "astro:deployments[0].accept: 'all' cannot be accepted; use one of: ",
        ),
        ({"defaults": []}, "astro:defaults: a list is not a mapping of keys to values"),
        ({"defaults": {"colour": "red"}}, "astro:defaults.colour: unknown key: known keys: runtimeVersion, image, "),
        (
            {"defaults": {"releaseName": "a"}},
            "astro:defaults.releaseName: unknown key: known keys: runtimeVersion, image, ",
        ),
        ({"defaults": {"timeout": "soon"}}, "astro:defaults.timeout: 'soon' is not a duration"),
        (
            {"defaults": {"image": "a", "project": {"path": "b"}}},
            "astro:defaults: image and project are both given: keep one",
        ),
        ({"waves": {}}, "astro:waves: a mapping is not a list"),
        ({"waves": [{}]}, "astro:waves[0].name: is missing"),
        ({"waves": [{"name": "a"}, {"name": "a"}]}, "two waves have the name 'a': give each its own name"),
        ({"waves": [{"name": "a", "soak": "long"}]}, "astro:waves[0].soak: 'long' is not a duration"),
        ({"waves": [{"name": "a", "maxParallel": 0}]}, "astro:waves[0].maxParallel: "),
        ({"waves": [{"name": "a", "maxParallel": True}]}, "astro:waves[0].maxParallel: "),
        ({"selectors": "all"}, "astro:selectors: 'all' is not a list"),
        ({"selectors": [{"runtimeVersion": "5.0.4"}]}, "astro:selectors[0]: a selector without a criterion "),
        ({"selectors": [{"releaseName": "*"}]}, "astro:selectors[0].runtimeVersion: is missing"),
        ({"selectors": [{"label": "("}]}, "astro:selectors[0].label: '(' is not a regular expression: "),
        ({"selectors": [{"distribution": "ac"}]}, "astro:selectors[0].distribution: "),
        ({"selectors": [{"below": 5.0}]}, "astro:selectors[0].below: 5.0 is not a string: put the version in quotes"),
        ({"selectors": [{"below": "new"}]}, "astro:selectors[0].below: 'new' is not an Astro Runtime version"),
        ({"exclude": "a"}, "astro:exclude: 'a' is not a list"),
        ({"exclude": ["a", 5]}, "astro:exclude[1]: 5 is not valid: write a release name, a pattern for one, or an id"),
        ({"onRefusal": "carry-on"}, "astro:onRefusal: 'carry-on' is unknown: write 'stop' or 'skip'"),
    ],
)
def test_the_message_about_a_mistake_starts_with_its_key(given: dict[str, Any], line: str) -> None:
    """With the position in a list."""
    (found,) = refused(**given)
    assert found.startswith(line)


def test_all_mistakes_are_listed_at_once() -> None:
    """A line each. A mistake in the defaults is not repeated for each entry."""
    lines = refused(
        defaults={"runtimeVersion": 5.0},
        waves=[{"name": "a", "soak": "long"}],
        deployments=[BARE | {"timeout": "soon"}, BARE | {"name": "", "wave": "a", "colour": "red"}, "third"],
        selectors=[{"below": "new"}, {"label": "x", "verify": "me"}],
        exclude=[""],
        onRefusal="x",
    )
    starts = (
        "astro:defaults.runtimeVersion: 5.0 is not a string",
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


def test_a_name_that_an_entry_accepts_is_not_denied_by_the_defaults() -> None:
    """And the other way round; the other names remain."""
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


def test_a_name_both_accepted_and_denied_at_one_level_is_a_mistake() -> None:
    """An unknown name is one too."""
    both = {"accept": ["deprecated"], "deny": ["deprecated"]}
    lines = refused(defaults=both, deployments=[ENTRY | both], waves=[{"name": "first", "deny": ["old"]}])
    assert lines[0] == "astro:defaults: deprecated: both accepted and denied; keep one of the two"
    assert lines[1].startswith("astro:waves[0].deny: 'old' cannot be denied; use one of: airflow-version, ")
    assert lines[2] == "astro:deployments[0]: deprecated: both accepted and denied; keep one of the two"
