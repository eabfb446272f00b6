"""Random catalogs with gaps, Runtime lines that cross, prereleases, yanked releases, and Airflow 1 to 3."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from astro_deployment_runtime.planning.accepted_risks import AcceptedRisks
from astro_deployment_runtime.planning.catalog import Catalog, Channel, Release
from astro_deployment_runtime.planning.plan_model import Strategy
from astro_deployment_runtime.planning.platform_version import Platform
from astro_deployment_runtime.planning.versions import AirflowVersion, Distribution, ReleaseId
from tests.property.reference_planner import ReferencePlanner, ReferenceRelease

AIRFLOWS = (
    *("1.10.5", "1.10.13", "1.10.14", "1.10.15", "2.0.0", "2.2.3", "2.3.0"),
    *("2.6.3", "2.7.0", "2.9.1", "2.11.0", "3.0.0", "3.1.0", "3.1.8"),
)
RUNTIMES = (
    *("1.0.0", "2.0.0", "3.0.0", "3.0.10", "3.0.9", "4.0.0", "5.0.4", "6.0.0", "9.10.0", "9.9.0"),
    *("12.12.0", "3.0-1", "3.0-10", "3.0-9", "3.1-12", "10.0-1"),
)
MARKED = ((), ("2.3.0rc1",), ("1.10.14rc1", "2.2.3.post1"))
"""Prereleases and post-releases of Certified that a Deployment may run and no catalog offers."""
CHANNELS = (*[None, "stable", "deprecated"] * 4, "alpha", "beta", "nightly", "preview")
PLATFORMS = (*[None] * 8, "0.28.7", "0.29.0", "0.33.2", "0.33.3", "0.36.9", "0.37.0", "1.1.0", "trunk")


def release_of(row: ReferenceRelease) -> Release:
    """Convert a release of the reference planner to one of the package."""
    distribution = Distribution.CERTIFIED if row.certified else Distribution.RUNTIME
    known = {str(channel): channel for channel in Channel}
    return Release(
        id=ReleaseId.observe(distribution, row.version),
        airflow=AirflowVersion.observe(row.airflow),
        known=True,
        channel=known.get(row.channel, Channel.UNKNOWN) if row.channel else None,
        yanked=row.yanked,
    )


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A catalog as the package and as the reference planner read it, a Deployment in it, and the wanted target."""

    reference: ReferencePlanner
    catalog: Catalog
    start: ReferenceRelease
    target: ReferenceRelease
    accepted: AcceptedRisks
    platform: Platform | None
    strategy: Strategy

    @property
    def target_accepted(self) -> bool:
        """Return whether the user accepts the risks of the target, if it has any."""
        name = release_of(self.target).id
        return (not self.target.yanked or name in self.accepted.yanked) and (
            not self.target.unstable or name in self.accepted.prerelease
        )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a scenario."""
    channels, yanks = st.sampled_from(CHANNELS), st.sampled_from([*[False] * 5, True])
    certified = [
        ReferenceRelease(certified=True, version=version, airflow=version, channel=draw(channels), yanked=draw(yanks))
        for version in draw(st.lists(st.sampled_from(AIRFLOWS), unique=True, max_size=9))
    ]
    runtime = [
        ReferenceRelease(
            certified=False,
            version=version,
            airflow=draw(st.sampled_from(AIRFLOWS)),
            channel=draw(channels),
            yanked=draw(yanks),
        )
        for version in draw(st.lists(st.sampled_from(RUNTIMES), unique=True, min_size=1, max_size=12))
    ]
    rows = [*certified, *runtime]
    target = draw(st.sampled_from(runtime))
    elsewhere = [
        ReferenceRelease(certified=True, version="2.1.0", airflow="2.1.0"),
        ReferenceRelease(certified=True, version="1.10.7", airflow="1.10.7"),
        ReferenceRelease(certified=False, version="2.5.0", airflow=draw(st.sampled_from(AIRFLOWS))),
        *(
            ReferenceRelease(certified=True, version=version, airflow=version)
            for version in draw(st.sampled_from(MARKED))
        ),
        ReferenceRelease(
            certified=False, version="5.0.4-rc1", airflow=draw(st.sampled_from((*AIRFLOWS, "2.7.0rc1", "2.3.0.post1")))
        ),
    ]
    starts = [*rows, *elsewhere]
    if draw(st.sampled_from([True, True, True, False])):
        # Without this, most random pairs would be downgrades.
        starts = [row for row in starts if row.order <= target.order]
    platform = draw(st.sampled_from(PLATFORMS))
    enabled = draw(st.sampled_from([True, True, False]))
    named = frozenset(release_of(row).id for row in runtime if draw(st.booleans()))
    return Scenario(
        reference=ReferencePlanner(rows, elsewhere=elsewhere, platform=platform, runtime_enabled=enabled),
        catalog=Catalog([release_of(row) for row in draw(st.permutations(rows))]),
        start=draw(st.sampled_from(starts)),
        target=target,
        accepted=draw(st.sampled_from([AcceptedRisks(), AcceptedRisks(yanked=named, prerelease=named)])),
        platform=Platform(version=platform, runtime_enabled=enabled) if platform else None,
        strategy=draw(st.sampled_from(list(Strategy))),
    )
