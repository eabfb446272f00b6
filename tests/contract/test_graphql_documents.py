"""The GraphQL documents, validated against the schema of every platform version."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema, parse, validate

from astro_deployment_runtime.houston import graphql_documents
from astro_deployment_runtime.houston.graphql_answers import AppConfig
from astro_deployment_runtime.houston.graphql_documents import (
    MAX_REQUEST_BYTES,
    OptionalField,
    documents_for,
    optional_field,
    platform_query,
)
from astro_deployment_runtime.houston.model_mapping import map_platform
from astro_deployment_runtime.planning.platform_version import PlatformVersion
from sandbox.platform_version import Generation
from sandbox.schema import sdl

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from astro_deployment_runtime.houston.graphql_documents import Documents

PLATFORMS = (
    *("0.29.0", "0.29.1", "0.29.2", "0.29.9", "0.30.4", "0.31.0", "0.32.0"),
    *("0.33.2", "0.33.3", "0.34.0", "0.35.0", "0.35.2", "0.36.0", "0.36.9", "0.37.0", "0.37.4"),
    *("1.0.0", "1.0.1", "1.0.1-dev", "1.0.9", "1.1.0-rc.1", "1.1.0", "1.2.3", "2.0.0", "2.1.0-rc1", "2.1.0", "2.9.9"),
)
WITH_DESIRED_VERSIONS = {"START_RUNTIME", "CANCEL_RUNTIME"}
WITH_CERTIFIED = {"START_AIRFLOW"}
DELIVERIES = {"DELIVER_IMAGE", "DELIVER_RUNTIME_IMAGE", "UPSERT_IMAGE"}
CONSTANTS = {
    name: value
    for name, value in vars(graphql_documents).items()
    if name.isupper() and isinstance(value, str) and re.match(r"\s*(query|mutation)\b", value)
}
IDS = [f"ckw1{number:021}" for number in range(2000)]


def documents(version: str, *refused: OptionalField) -> Documents:
    """Choose the documents for a platform with its version's default flags."""
    platform = map_platform(AppConfig(version=version))
    return documents_for(platform.number, by_image=platform.upgrades_by_image, refused=frozenset(refused))


def queries(chosen: Documents) -> list[str]:
    """List all query documents."""
    found = [
        platform_query(chosen.omitted),
        *(
            query
            for count in (1, 20)
            for offer in (False, True)
            for query in chosen.deployments_by_id(IDS[:count], offer=offer)
        ),
        *(query for count in (0, 1, 20) for query in chosen.deployments_in_workspaces(IDS[:count], offer=True)),
        *chosen.deployments_in_workspaces(IDS[:3], release_name="stars-1"),
    ]
    return [query.document for query in found]


@functools.cache
def schema(platform: str) -> GraphQLSchema:
    """Build a platform's schema, once for all tests."""
    return build_schema(sdl(Generation.of(platform)))


def schema_errors(texts: list[str], platform: str) -> list[str]:
    """List what the platform's schema rejects."""
    return [error.message for each in texts for error in validate(schema(platform), parse(each))]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_document_is_valid_on_its_platform(platform: str) -> None:
    """The platform query is sent before the version is known, so it is valid on every platform."""
    chosen, generation = documents(platform), Generation.of(platform)
    sent = [*queries(chosen), platform_query().document, *filter(None, [chosen.image_mutation])]
    if generation.starts:
        sent += [CONSTANTS[name] for name in WITH_DESIRED_VERSIONS]
    if generation.certified:
        sent += [CONSTANTS[name] for name in WITH_CERTIFIED]
    assert schema_errors(sent, platform) == []
    assert all("clusterId" not in document for document in sent), "a platform below 1.0 rejects it"


@pytest.mark.parametrize("platform", ["0.30.4", "1.0.0", "2.1.0"])
@pytest.mark.parametrize("refused", OptionalField)
def test_every_document_is_valid_without_a_refused_field(platform: str, refused: OptionalField) -> None:
    """Omitting any optional field leaves a valid document."""
    chosen = documents(platform, refused)
    assert schema_errors(queries(chosen), platform) == []
    assert refused in chosen.omitted


def test_documents_of_an_older_platform_are_invalid_on_a_newer_one() -> None:
    """The checks above can fail: an older document asks for fields that are gone."""
    found = schema_errors(queries(documents("0.30.4")), "1.0.1")
    for gone in ("airflowImages", "desiredRuntimeVersion", "airflowVersion"):
        assert any(f"Cannot query field '{gone}'" in message for message in found)


@pytest.mark.parametrize(
    ("version", "certified", "desired"),
    [
        ("0.30.4", True, True),
        ("0.36.0", True, True),
        ("0.37.0", True, True),
        ("1.0.0", True, False),
        ("1.0.1", False, False),
        ("2.1.0-rc1", False, False),
        ("nobody knows", True, True),
    ],
)
def test_only_fields_that_the_platform_has_are_asked_for(version: str, *, certified: bool, desired: bool) -> None:
    """Certified releases exist below 1.0.1, desired versions below 1.0. An unknown version has both."""
    (query,) = documents(version).deployments_by_id(["ckw1"], offer=True)
    assert ("airflowImages" in query.document) is certified
    assert ("desiredRuntimeVersion" in query.document) is desired


def test_desired_versions_are_asked_for_on_1_0_if_it_starts_hops() -> None:
    """Its flag can say so. Without these fields a pending hop would be hidden."""
    chosen = documents_for(PlatformVersion.parse("1.0.0"), by_image=False)
    assert OptionalField.DESIRED_VERSIONS not in chosen.omitted


@pytest.mark.parametrize(
    ("platform", "mutation"),
    [
        ("0.29.1", None),
        ("0.29.2", graphql_documents.DELIVER_IMAGE),
        ("v0.30.4", graphql_documents.DELIVER_IMAGE),
        ("1.0.0", graphql_documents.DELIVER_IMAGE),
        ("1.0.1", graphql_documents.DELIVER_RUNTIME_IMAGE),
        ("1.0.1-dev", graphql_documents.DELIVER_RUNTIME_IMAGE),
        ("2.0.9", graphql_documents.DELIVER_RUNTIME_IMAGE),
        ("2.1.0-rc1", graphql_documents.UPSERT_IMAGE),
        ("2.1.0", graphql_documents.UPSERT_IMAGE),
        ("nobody knows", None),
    ],
)
def test_the_image_mutation_fits_the_platform(platform: str, mutation: str | None) -> None:
    """As in the vendor's CLI, version by version. A platform without a readable version has none."""
    assert documents(platform).image_mutation == mutation


def test_all_mutations_are_validated() -> None:
    """A mutation that is added to the module has to be added here."""
    assert set(CONSTANTS) == WITH_DESIRED_VERSIONS | WITH_CERTIFIED | DELIVERIES


@pytest.mark.parametrize("ids", [IDS, ["k" * 64] * 3, [f"{number}{'k' * 900}" for number in range(150)]])
@pytest.mark.parametrize("ask", ["deployments_by_id", "deployments_in_workspaces"])
def test_queries_are_as_few_as_their_size_allows(ids: list[str], ask: str) -> None:
    """None is larger than a server accepts. They ask about all ids in order, and all but the last are full."""
    found = getattr(documents("0.30.4"), ask)(ids, offer=True)
    sizes = [len(json.dumps({"query": each.document, "variables": each.variables})) for each in found]
    assert [id_ for each in found for id_ in each.ids.values()] == ids
    assert max(sizes) <= MAX_REQUEST_BYTES
    assert all(size > MAX_REQUEST_BYTES - 1500 for size in sizes[:-1])
    assert ["deploymentConfig" in each.document for each in found] == [True] + [False] * (len(found) - 1)


def test_workspaces_can_be_asked_about_one_release_name() -> None:
    """All workspaces share its variable."""
    (query,) = documents("0.30.4").deployments_in_workspaces(["ckw0", "ckw9"], release_name="stars-1")
    assert query.document.startswith("query Fleet($releaseName:String,$w0:Uuid!,$w1:Uuid!)")
    assert query.variables == {"w0": "ckw0", "w1": "ckw9", "releaseName": "stars-1"}


@pytest.mark.parametrize(
    ("type_name", "field_name", "optional"),
    [
        ("DeploymentConfig", "airflowImages", OptionalField.CERTIFIED_RELEASES),
        ("AirflowImage", "version", OptionalField.CERTIFIED_RELEASES),
        ("Query", "deploymentConfig", OptionalField.CERTIFIED_RELEASES),
        ("Workspace", "label", OptionalField.WORKSPACE_LABEL),
        ("Deployment", "label", OptionalField.DEPLOYMENT_LABEL),
        ("DeploymentUrl", "type", OptionalField.URLS),
        ("DagDeployment", "type", OptionalField.DAG_DEPLOYMENT),
        ("AppConfig", "featureFlags", OptionalField.FEATURE_FLAGS),
        ("AppConfig", "version", None),
        ("Deployment", "id", None),
        ("Deployment", "releaseName", None),
        ("Deployment", "runtimeVersion", None),
        ("RuntimeRelease", "version", None),
        ("RuntimeRelease", "airflowVersion", None),
        ("Query", "runtimeReleases", None),
        ("Query", "workspaces", None),
        ("Mutation", "updateDeploymentRuntime", None),
    ],
)
def test_a_field_is_optional_or_required(type_name: str, field_name: str, optional: OptionalField | None) -> None:
    """Nothing can be planned without ids, release names, the running versions and the releases on offer."""
    assert optional_field(type_name, field_name) is optional
