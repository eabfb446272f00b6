"""Stands in for Pulumi's engine, in this process: check, diff, create or update, and save one resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from astro_deployment_runtime.errors import AstroRuntimeError
from astro_deployment_runtime.execution.polling import Polling
from astro_deployment_runtime.lifecycle.deployment import DeploymentLifecycle, connect
from astro_deployment_runtime.plugin.engine_call import CallClock
from tests.contract.sandbox_server import TOKEN
from tests.simulation import Recorder

if TYPE_CHECKING:
    from astro_deployment_runtime.lifecycle.deployment import DeploymentCheck

IMAGE: Final = "registry.example.com/team/airflow:{distribution}-{version}"
URN: Final = "urn:pulumi:test::astro::pulumi-python:dynamic/astro:DeploymentRuntime::stars-1"
POLLING: Final = Polling(first=0.05, confirming=0.02, longest=0.2)


@dataclass(slots=True)
class InProcessEngine:
    """The engine with a stack of one resource. Each run has its own client, as each plugin process has."""

    url: str
    catalog: str = "guide"
    token: str = TOKEN
    told: Recorder = field(default_factory=Recorder)
    inputs: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] | None = None
    """The resource's outputs in the state; None: the state does not hold it."""
    _unfinished: bool = False
    """The last run ended with partial progress, so the next one updates the resource again."""

    def connect(self, **environment: str) -> DeploymentLifecycle:
        """Connect by environment variables."""
        known = {"ASTRO_HOUSTON_URL": self.url, "ASTRO_HOUSTON_TOKEN": self.token, "ASTRO_CATALOG": self.catalog}
        return connect(lambda _: None, {**known, **environment})

    def preview(self, **declared: Any) -> DeploymentCheck:
        """Check the declaration."""
        lifecycle = self.connect()
        try:
            return self._check(lifecycle, declared)
        finally:
            lifecycle.close()

    def refusal(self, **declared: Any) -> str:
        """Preview a declaration that is refused, and return the reason."""
        ((_, reason),) = self.preview(**declared).failures
        return reason

    def up(self, **declared: Any) -> str | None:
        """Run. Return why it ended before the target; None: it arrived."""
        lifecycle = self.connect()
        try:
            return self._up(lifecycle, declared)
        except AstroRuntimeError as error:
            return str(error)
        finally:
            lifecycle.close()

    def _check(self, lifecycle: DeploymentLifecycle, declared: dict[str, Any]) -> DeploymentCheck:
        given = {"release_name": "stars-1", "accept": [], "timeout": "30s", "wait": True, "image": IMAGE, **declared}
        return lifecycle.check(URN, self.inputs, {name: each for name, each in given.items() if each is not None})

    def _up(self, lifecycle: DeploymentLifecycle, declared: dict[str, Any]) -> str | None:
        checked = self._check(lifecycle, declared)
        if checked.failures:
            return checked.failures[0][1]
        if self.saved is not None and not (lifecycle.diff(self.saved, checked.inputs).changes or self._unfinished):
            return None
        outputs, problem = lifecycle.apply(
            checked.inputs,
            saved=self.saved,
            clock=CallClock(None),
            reporter=self.told,
            polling=POLLING,
        )
        if problem is None or self.saved is None:
            self.inputs = checked.inputs
        self.saved, self._unfinished = outputs, problem is not None
        return problem
