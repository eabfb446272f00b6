"""The settings and the secrets of the native package: refusals at the provider's row, and nothing in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.e2e.native_project import TYPE
from tests.e2e.pulumi_project import IMAGE
from tests.e2e.sandbox_process import TOKEN, deployment

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeNativeProject, StartSandbox

CANARY: Final = "canary-0816"


def test_mistakes_are_refused_at_the_providers_row(platform: StartSandbox, native: MakeNativeProject) -> None:
    """Also a token of the environment for another address. No request is sent there."""
    sandbox, other = platform(deployment("stars-1", "2.3.0")), platform(deployment("stars-1", "2.3.0"))
    stack = native(sandbox)

    def refused(**settings: str) -> str:
        provider = {"type": "pulumi:providers:astro", "properties": settings}
        resource = {
            "type": TYPE,
            "properties": {"releaseName": "stars-1", "runtimeVersion": "5.0.4"},
            "options": {"provider": "${platform}"},
        }
        stack.write({"resources": {"platform": provider, "data-eng": resource}})
        return "\n".join(stack.preview(code=1).lines("platform"))

    assert "astro:resolve is 'sometimes'" in refused(resolve="sometimes")
    assert "astro:houstonUrl is set without astro:token" in refused(houstonUrl=other.url)
    assert other.requests() == []


def test_no_output_or_state_contains_a_secret(platform: StartSandbox, native: MakeNativeProject) -> None:
    """The token in the stack's config, an argument that is derived from it, and another secret argument."""
    sandbox = platform(deployment("stars-1", "2.2.3"), deployment("wind-3", "2.2.3"))
    stack = native(sandbox, {"ASTRO_HOUSTON_URL": "", "ASTRO_HOUSTON_TOKEN": ""})
    stack.run("config", "set-all", f"--plaintext=houstonUrl={sandbox.url}", f"--secret=token={TOKEN}", code=0)
    images = {"stars-1": IMAGE.replace("team", "${token}"), "wind-3": {"fn::secret": IMAGE.replace("team", CANARY)}}
    stack.write(
        {
            "config": {"token": {"type": "string", "secret": True}},
            "resources": {
                name: {"type": TYPE, "properties": {"releaseName": name, "runtimeVersion": "5.0.4", "image": image}}
                for name, image in images.items()
            },
            "outputs": {"plan": "${wind-3.plan}", "image": "${stars-1.image}"},
        }
    )
    shown = [stack.preview("--diff").text, stack.preview("--json").text, stack.up().text]
    assert sandbox.show("stars-1")["version"] == "5.0.4"
    assert "hop 1/2: deploying the image [secret]" in shown[2]
    shown.append(stack.files())
    for secret in (TOKEN, CANARY):
        assert not [text for text in shown if secret in text]
