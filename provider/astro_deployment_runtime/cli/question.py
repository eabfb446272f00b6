"""What a person asks on the command line: what runs, and what is wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from astro_deployment_runtime.catalogs import vendor_feed
from astro_deployment_runtime.errors import InvalidInputError, InvalidVersionError
from astro_deployment_runtime.planning import targets
from astro_deployment_runtime.planning.versions import AirflowVersion, ReleaseId

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.catalog import Catalog, Release
    from astro_deployment_runtime.planning.model import Target

_STATED: Final = re.compile(r"(?P<release>.+?)\s*\(Airflow\s+(?P<airflow>[^\s()]+)\)", re.ASCII | re.IGNORECASE)


def parse_current(text: str, catalog: Catalog) -> Release:
    """Read what runs: ``AC 2.2.3``, ``Runtime 5.0.4``, or ``Runtime 5.0.4 (Airflow 2.3.0)``.

    An Airflow version that is stated is believed: it is what runs, whatever the catalog has under that name.

    Raises:
        InvalidInputError: the text is none of these, or no Airflow version is known for the Runtime.
    """
    match = _STATED.fullmatch(text.strip())
    name = ReleaseId.parse(match["release"] if match else text)
    if isinstance(name.version, AirflowVersion):
        if match:
            raise InvalidVersionError(f"{text!r} is not a release: AC {name.version} has Airflow {name.version} anyway")
        return catalog.describe(name, name.version)
    if match:
        return catalog.describe(name, AirflowVersion.observe(match["airflow"]))
    release = catalog.get(name)
    if release is None:
        raise InvalidInputError(
            f"the catalog has no {name}: add the Airflow version that it runs, 'Runtime {name.version} (Airflow x.y.z)'"
        )
    return release


def parse_target(text: str) -> Target:
    """Read a target, with hints among the shipped releases.

    Raises:
        InvalidVersionError: the text is no target.
    """
    return targets.parse_target(text, vendor_feed.shipped)
