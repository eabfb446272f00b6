"""Targets such as `4.x` over growing catalogs: they resolve to the newest release, and stay on it once held."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.cli.options import parse_target
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.plan_model import Latest, Resolved, Violation
from astro_deployment_runtime.planning.target_versions import resolve
from astro_deployment_runtime.planning.versions import Line, RuntimeVersion

PUBLISHED = vendor_feed.load("published")
EVERYTHING = (*PUBLISHED.certified, *PUBLISHED.runtime)
LINES = ("4.x", "5.x", "5.0.x", "9.x", "13.x", "3.0.x", "3.0-x", "3.1-x", "99.x", "latest-patch")

lines = st.sampled_from(LINES).map(parse_target)
offers = st.sets(st.sampled_from(PUBLISHED.runtime), max_size=40)
currents = st.sampled_from(EVERYTHING)


def version_key(release: Any) -> tuple[bool, list[int]]:
    """Return a Runtime version's sort key without the package's parser: newer scheme, then numbers."""
    text = str(release.id.version)
    return "-" in text, [int(part) for part in text.replace("-", ".").split(".")]


@given(lines, currents, offers)
def test_a_line_resolves_to_its_newest_release(declared: Any, current: Any, offer: Any) -> None:
    """Yanked releases and prereleases do not count, except the running release."""
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
        and version_key(release)[0] == scheme
        and str(release.id.version).startswith((f"{beginning}.", f"{beginning}-"))
        and (release is current or (not release.yanked and not release.prerelease))
    ]
    found = resolve(declared, current, Catalog(offer), None)
    if of_line:
        assert isinstance(found, Resolved)
        assert (found.version, found.unheld) == (max(of_line, key=version_key).id.version, None)
    else:
        assert isinstance(found, Violation)


@given(lines, currents, offers, offers)
def test_a_held_version_does_not_change(declared: Any, current: Any, before: Any, more: Any) -> None:
    """New and withdrawn releases have no effect. The newer version is reported."""
    first = resolve(declared, current, Catalog(before), None)
    if isinstance(first, Violation):
        return
    then = resolve(declared, current, Catalog(more), first.version)
    assert isinstance(then, Resolved)
    assert then.version == first.version
    anew = resolve(declared, current, Catalog(more), None)
    assert then.unheld == (anew.version if isinstance(anew, Resolved) and anew.version != first.version else None)


@given(lines, currents, offers, st.sampled_from(PUBLISHED.runtime))
def test_a_held_version_outside_the_line_is_ignored(declared: Any, current: Any, offer: Any, held: Any) -> None:
    """A version held for another line has no effect."""
    line = declared if isinstance(declared, Line) else getattr(current.id.version, "patches", None)
    if line is not None and held.id.version not in line:
        catalog = Catalog(offer)
        assert resolve(declared, current, catalog, held.id.version) == resolve(declared, current, catalog, None)
