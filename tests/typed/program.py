"""A user's program for the type checker, which never runs: correct lines pass, and the checker finds each mistake.

A line with a mistake names the error in a `type: ignore`. If the checker finds no error there, the comment is unused,
which is an error too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import pulumi

from astro_deployment_runtime import AstroDeploymentRuntime, ProjectArgs, declare_fleet


def right(name: pulumi.Output[str]) -> None:
    """Plain values, values that are not known yet, and the resource's outputs."""
    dags = ProjectArgs(path="dags", deploy="astro deploy {deployment_id}")
    data_eng = AstroDeploymentRuntime(
        "data-eng", release_name="galactic-stars-1234", runtime_version="5.0.4", project=dags
    )
    made = AstroDeploymentRuntime(
        "ml",
        deployment_id=name,
        runtime_version=name.apply(lambda _: "5.x"),
        project={"path": "models", "test": name},
        accept=["newer", name],
        deny=("out-of-support",),
        wait=False,
        opts=pulumi.ResourceOptions(depends_on=[data_eng]),
    )
    assert_type(made.current_version, pulumi.Output[str | None])
    assert_type(made.hops, pulumi.Output[int | None])
    assert_type(made.plan, pulumi.Output[Sequence[str] | None])
    assert_type(made.release_name, pulumi.Output[str])
    fleet = declare_fleet(defaults={"runtimeVersion": "5.0.4"}, selectors=[{"releaseName": "*"}], on_refusal="skip")
    assert_type(fleet, list[AstroDeploymentRuntime])


def wrong(made: AstroDeploymentRuntime) -> None:
    """Arguments that are missing, mistyped, of another type, or not given by name."""
    AstroDeploymentRuntime("a", release_name="a")  # type: ignore[call-arg]
    AstroDeploymentRuntime("a", "5.0.4")  # type: ignore[call-arg]
    AstroDeploymentRuntime("a", runtime_version=5.0)  # type: ignore[arg-type]
    AstroDeploymentRuntime("a", runtime_version="5.0.4", releaseName="a")  # type: ignore[call-arg]
    AstroDeploymentRuntime("a", runtime_version="5.0.4", accept=[1])  # type: ignore[list-item]
    AstroDeploymentRuntime("a", runtime_version="5.0.4", wait="no")  # type: ignore[arg-type]
    AstroDeploymentRuntime("a", runtime_version="5.0.4", held="5.0.4")  # type: ignore[call-arg]
    AstroDeploymentRuntime("a", runtime_version="5.0.4", hold="refused")  # type: ignore[call-arg]
    ProjectArgs(deploy="astro")  # type: ignore[typeddict-item]
    declare_fleet([{"name": "a"}])  # type: ignore[call-arg,arg-type]
    declare_fleet(selectors={"releaseName": "*"})  # type: ignore[arg-type]
    made.version  # type: ignore[attr-defined] # noqa: B018
    made.current_version.lower() + 1  # type: ignore[operator]
