"""Lines of versions, over offers that grow: the newest of what is there, and held whatever else appears."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_target
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.model import Latest, Resolved, Violation
from astro_deployment_runtime.planning.targets import resolve
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion

PUBLISHED = vendor_feed.load("published")
EVERYTHING = (*PUBLISHED.certified, *PUBLISHED.runtime)
LINES = ("4.x", "5.x", "5.0.x", "9.x", "13.x", "3.0.x", "3.0-x", "3.1-x", "99.x", "latest-patch")

lines = st.sampled_from(LINES).map(parse_target)
offers = st.sets(st.sampled_from(PUBLISHED.runtime), max_size=40)
currents = st.sampled_from(EVERYTHING)


def written(release: Any) -> tuple[bool, list[int]]:
    """A Runtime's version, read apart from the package: the later scheme, then the numbers."""
    text = str(release.id.version)
    return "-" in text, [int(part) for part in text.replace("-", ".").split(".")]


@given(lines, currents, offers)
def test_a_line_stands_for_the_newest_of_it(declared: Any, current: Any, offer: Any) -> None:
    """Of what is neither yanked nor a prerelease, compared by hand; or what runs, where that is newer."""
    if declared is Latest.PATCH:
        if not isinstance(current.id.version, RuntimeVersion):
            assert isinstance(resolve(declared, current, Catalog(offer), None), Violation)
            return
        beginning = str(current.id.version).rpartition("-" if "-" in str(current.id.version) else ".")[0]
        scheme = "-" in str(current.id.version)
    else:
        beginning, scheme = str(declared)[:-2], "-" in str(declared)
    of_line = [
        release
        for release in {*offer, current}
        if isinstance(release.id.version, RuntimeVersion)
        and written(release)[0] == scheme
        and str(release.id.version).startswith((f"{beginning}.", f"{beginning}-"))
        and (release is current or (not release.yanked and not release.prerelease))
    ]
    found = resolve(declared, current, Catalog(offer), None)
    if of_line:
        assert isinstance(found, Resolved)
        assert (found.version, found.anew) == (max(of_line, key=written).id.version, None)
    else:
        assert isinstance(found, Violation)


@given(lines, currents, offers, offers)
def test_what_is_held_does_not_move(declared: Any, current: Any, before: Any, more: Any) -> None:
    """Whatever appears or is withdrawn; what it would stand for is told."""
    first = resolve(declared, current, Catalog(before), None)
    if isinstance(first, Violation):
        return
    then = resolve(declared, current, Catalog(more), first.version)
    assert isinstance(then, Resolved)
    assert then.version == first.version
    anew = resolve(declared, current, Catalog(more), None)
    assert then.anew == (anew.version if isinstance(anew, Resolved) and anew.version != first.version else None)


@given(lines, currents, offers, st.sampled_from(PUBLISHED.runtime))
def test_nothing_outside_the_line_is_held(declared: Any, current: Any, offer: Any, held: Any) -> None:
    """What was resolved for another line counts for nothing."""
    line = declared if isinstance(declared, Line) else getattr(current.id.version, "patches", None)
    if line is not None and held.id.version not in line:
        catalog = Catalog(offer)
        assert resolve(declared, current, catalog, held.id.version) == resolve(declared, current, catalog, None)
