"""Arguments that need the engine: unknown values, former values in a refresh, and an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import TOKEN, VIEWER, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeProject, StartSandbox

UNKNOWN: Final = """
from pulumi import dynamic
from astro_deployment_runtime import AstroDeploymentRuntime

class Registry(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("registry", {{"image": "{image}"}})

class Image(dynamic.Resource):
    def __init__(self):
        super().__init__(Registry(), "registry", {{"image": None}})

AstroDeploymentRuntime("stars", release_name="stars-1", runtime_version="{version}", image=Image().image)
"""
IMPORT: Final = """
import pulumi
from astro_deployment_runtime import AstroDeploymentRuntime

def importing(args):
    return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions(import_="stars-1"))

AstroDeploymentRuntime(
    "stars", release_name="stars-1", runtime_version="5.0.4", opts=pulumi.ResourceOptions(transformations=[importing])
)
"""


def test_an_unknown_image_still_shows_the_path(platform: StartSandbox, project: MakeProject) -> None:
    """Preview refuses a downgrade; it shows a path, and a saved plan then binds the update."""
    sandbox = platform(deployment("stars-1", "4.2.5"))
    stack = project(sandbox)
    stack.program(UNKNOWN.format(image=IMAGE, version="4.2.4"))
    refused = stack.preview(code=None)
    assert refused.code != 0
    assert "NO-REVERT" in refused.text
    stack.program(UNKNOWN.format(image=IMAGE, version="5.0.4"))
    lines = stack.preview("--save-plan=plan.json").lines("stars")
    assert lines[0].startswith("stars (stars-1): Astro Runtime 4.2.5 > Astro Runtime 5.0.4 (1 hop")
    assert lines[-1] == "The image of the hop depends on image, which comes from a resource that does not exist yet."
    stack.up("--plan=plan.json")
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert stack.outputs("stars")["plan"][-1] == "Hop 1 delivers registry.example.com/team/airflow:runtime-5.0.4"


def test_refresh_with_an_old_token_and_import_are_explained(platform: StartSandbox, project: MakeProject) -> None:
    """The refresh says that it may have used saved settings; its suggested commands work."""
    sandbox = platform(deployment("stars-1", "5.0.4"))
    stack = project(sandbox)
    del stack.environment["ASTRO_HOUSTON_TOKEN"]
    stack.declare({"releaseName": "stars-1", "runtimeVersion": "5.0.4"})
    stack.run("config", "set", "--secret", "astro:token", VIEWER, code=0)
    stack.up()
    sandbox.stop()
    sandbox._options["--viewer-token"] = "another"
    sandbox.start()
    stack.run("config", "set", "--secret", "astro:token", TOKEN, code=0)
    said = (
        "Unless it runs the program, a refresh uses the astro:token that the last 'pulumi up' saved in the state, not "
        "what is set now. To use and save what is set now, run 'pulumi up' without --refresh, or 'pulumi refresh "
        "--run-program'."
    )
    for words in (("refresh", "--yes"), ("preview", "--refresh")):
        refused = stack.run(*words)
        assert refused.code != 0
        assert said in refused.text
    stack.run("refresh", "--yes", "--run-program", code=0)
    stack.run("refresh", "--yes", code=0)

    stack.run("destroy", "--yes", code=0)
    stack.program(IMPORT)
    refused = stack.preview(code=None)
    assert refused.code != 0
    assert "stars: Pulumi cannot import a dynamic resource" in refused.text
