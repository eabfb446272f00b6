"""One Deployment with the native package, without a generated SDK."""

from __future__ import annotations

import pulumi


class DeploymentRuntime(pulumi.CustomResource):
    """A Deployment at its declared Astro Runtime version. Outputs have the names of the package's schema."""

    path: pulumi.Output[str]
    currentVersion: pulumi.Output[str]  # noqa: N815 - the schema's name

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **arguments: pulumi.Input[str]) -> None:
        """Declare it. An output gets an attribute if it is named here."""
        outputs = dict.fromkeys(("path", "currentVersion"))
        super().__init__("astro:index:DeploymentRuntime", name, {**arguments, **outputs}, opts)


data_eng = DeploymentRuntime(
    "data-eng",
    releaseName="galactic-stars-1234",
    runtimeVersion="5.0.4",
    image="registry.example.com/data-eng/airflow:{distribution}-{version}",
)
pulumi.export("path", data_eng.path)
pulumi.export("runs", data_eng.currentVersion)
