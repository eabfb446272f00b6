"""The abilities of each platform version."""

from __future__ import annotations

import pytest
from graphql import build_schema

from sandbox.errors import SandboxError
from sandbox.platform_version import Generation
from sandbox.schema import sdl, without


@pytest.mark.parametrize("text", ["0.28.7", "3.0.0", "3.0.0-rc.1", "0.30", "latest", ""])
def test_a_platform_that_the_sandbox_does_not_play_is_an_error(text: str) -> None:
    """Below 0.29 and from 3.0 nothing is known; other texts are no versions."""
    with pytest.raises(SandboxError):
        Generation.of(text)


@pytest.mark.parametrize("text", ["1.1.0", "v1.1.0", "1.1.0-rc.1", "1.1.0-rc1", "1.1.0+build", "1.1.0rc1"])
def test_a_suffix_changes_nothing_but_the_text(text: str) -> None:
    """The platform tells it, and its number decides."""
    generation = Generation.of(text)
    assert (generation.text, generation.number) == (text, (1, 1, 0))


IMAGE = {"releaseName", "image", "airflowVersion", "runtimeVersion"}
DESIRED = {"updateDeploymentRuntime", "cancelRuntimeUpdate"}


@pytest.mark.parametrize(
    ("version", "mutations", "image_arguments"),
    [
        ("0.29.0", DESIRED | {"updateDeploymentAirflow"}, set()),
        ("0.29.2", DESIRED | {"updateDeploymentAirflow", "updateDeploymentImage"}, IMAGE),
        ("0.36.3", DESIRED | {"updateDeploymentAirflow", "updateDeploymentImage"}, IMAGE),
        ("0.37.0", DESIRED | {"updateDeploymentImage"}, IMAGE),
        ("1.0.0", DESIRED | {"updateDeploymentImage"}, IMAGE),
        ("1.0.1", DESIRED | {"updateDeploymentImage"}, IMAGE - {"airflowVersion"}),
        ("1.1.0", {"updateDeploymentImage"}, IMAGE - {"airflowVersion"}),
        ("2.1.0", {"updateDeploymentImage", "upsertDeployment"}, IMAGE - {"airflowVersion"}),
    ],
)
def test_each_generation_has_its_mutations(version: str, mutations: set[str], image_arguments: set[str]) -> None:
    """Certified ends with 0.36, desired versions with 1.0; naming images begins with 0.29.2 and changes with 1.0.1."""
    kind = build_schema(sdl(Generation.of(version))).mutation_type
    assert kind is not None
    assert kind.fields.keys() == mutations
    if image_arguments:
        assert kind.fields["updateDeploymentImage"].args.keys() == image_arguments


@pytest.mark.parametrize(
    ("version", "paginated", "cluster", "desired"),
    [
        ("0.31.9", False, False, True),
        ("0.32.0", True, False, True),
        ("0.37.0", True, False, True),
        ("1.0.0", True, True, False),
    ],
)
def test_each_generation_has_its_fields(version: str, *, paginated: bool, cluster: bool, desired: bool) -> None:
    """Pages from 0.32, clusters from 1.0, desired versions below 1.0."""
    schema = build_schema(sdl(Generation.of(version)))
    assert schema.query_type is not None
    queries = schema.query_type.fields
    fields = schema.get_type("Deployment").fields  # type: ignore[union-attr]
    assert ("paginatedDeployments" in queries) is paginated
    assert ("clusterId" in queries["runtimeReleases"].args) is cluster
    assert ("clusterId" in fields) is cluster
    assert ("desiredAirflowVersion" in fields) is desired
    assert ("desiredRuntimeVersion" in fields) is desired
    assert ("airflowVersion" in fields) is desired


def test_a_platform_can_lack_a_field_that_its_version_has() -> None:
    """It is as if the schema never had it; a field that is not there cannot be taken out."""
    text = sdl(Generation.of("0.30.4"))
    fields = build_schema(without(text, ["Deployment.label", "AirflowImage.tag"])).get_type("Deployment").fields  # type: ignore[union-attr]
    assert "label" not in fields
    with pytest.raises(SandboxError, match=r"no field Deployment\.lable that it could lack"):
        without(text, ["Deployment.label", "Deployment.lable"])
