"""The Pulumi resource: one Deployment at its declared Astro Runtime version.

A translation and nothing else: Pulumi's protocol on one side, :mod:`~astro_deployment_runtime.adapter` on the other.
The adapter is imported where it is used, in the plugin's process: a Pulumi program that declares resources needs
neither an HTTP client nor a validator, and is not made to wait for their import.

The state holds the provider pickled by the name of its class, so this module's name has to import for ever.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

import pulumi
from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from astro_deployment_runtime import secrecy
from astro_deployment_runtime.calls import CallClock, CallReporter
from astro_deployment_runtime.config_warnings import warn_of_unknown_keys
from astro_deployment_runtime.errors import InvalidInputError, InvalidSettingsError, PlatformError, RefusedError
from astro_deployment_runtime.host import NO_IMPORT, PartialProgressError, current_call
from astro_deployment_runtime.patience import POLLING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from astro_deployment_runtime.adapter import Adapter

_NAMESPACE: Final = "astro"
OUTPUTS: Final = (
    "plan",
    "path",
    "hops",
    "cancel",
    "target",
    "current_version",
    "airflow_version",
    "pending",
    "airflow_url",
)
"""What the provider adds to what a user gives."""

_NEEDED: Final = ("release_name", "deployment_id", "runtime_version")
"""Without these nothing can be planned."""

_UNPLANNED: Final = "nothing is planned yet: {why}, which is known only when what it comes from exists"

_CONNECTION: Final = ("houstonUrl", "token", "caFile")
_SAVED: Final = (
    "Unless it runs the program, a refresh uses the {keys} that the last 'pulumi up' saved in the state, not what is "
    "set now. To use and save what is set now, run 'pulumi up' without --refresh, or 'pulumi refresh --run-program'."
)

JUDGE_FLEET: Final = "pulumi-python:astro:judgeFleet"
"""The function by which a program has its fleet judged, on our host: see :meth:`RuntimeProvider.read`."""


class RuntimeProvider(dynamic.ResourceProvider):
    """What the engine calls. Stateless where a program makes it; in the plugin it keeps one client for the process."""

    serialize_as_secret_always = False
    """There is no secret in it: the state holds the name of this class."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Keep the stack's config until the platform is needed: a mistake in it is then a failed check."""
        self._config: Callable[[str], str | None] = lambda key: req.config.get(f"{_NAMESPACE}:{key}")
        self._connecting = threading.Lock()
        self._connected: Adapter | None = None
        self._program_runs = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Plan, show the plan, and refuse what may not be done."""
        self._program_runs = True
        call = current_call()
        reporter = CallReporter(call)
        given = {name: value for name, value in news.items() if name not in OUTPUTS}
        if given.get("hold"):
            return dynamic.CheckResult({**(_olds or given), "hold": given["hold"]}, [])
        secret = {path for path in call.secret if path.partition(".")[0] in given} if call else set()
        if refused := secrecy.refusal(secret - {"__provider"}, given):
            return dynamic.CheckResult(given, [dynamic.CheckFailure("", refused)])
        known, unknown = _known(given)
        if missing := [name for name in _NEEDED if name in unknown]:
            reporter.info(_UNPLANNED.format(why=f"the plan depends on {' and '.join(missing)}"))
            return dynamic.CheckResult(given, [])
        try:
            adapter = self._adapter()
        except InvalidInputError as error:
            return dynamic.CheckResult(given, [dynamic.CheckFailure("", str(error))])
        checked = adapter.check(call.urn if call else "", _olds or {}, known, unknown=unknown)
        if checked.undecided:
            reporter.info(_UNPLANNED.format(why=checked.undecided))
        reporter.plan(checked.lines, checked.warnings, checked.inputs)
        failures = [dynamic.CheckFailure(argument, reason) for argument, reason in checked.failures]
        inputs = {**checked.inputs, **{name: given[name] for name in unknown}}
        if "path" in inputs:
            inputs.setdefault("plan", Unknown())  # type: ignore[no-untyped-call]
        return dynamic.CheckResult(inputs, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare what runs with what is declared: there is a change when the plan has a step."""
        if _news.get("hold"):
            return dynamic.DiffResult(changes=False)
        known, _ = _known(_news)
        if "deployment_id" in known and _id not in {known["deployment_id"], known.get("release_name")}:
            return dynamic.DiffResult(changes=True, replaces=["deployment_id"])
        if "path" not in known:
            return dynamic.DiffResult(changes=True)
        with self._noting_what_is_saved():
            compared = self._adapter().confirm_pending(_olds, known)
        CallReporter(current_call()).plan(compared.lines, compared.warnings, known)
        return dynamic.DiffResult(changes=compared.changes)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Adopt the Deployment, and bring it to its target; on hold, adopt it as it is."""
        if props.get("hold"):
            held = self._adapter().adopt({name: value for name, value in props.items() if name != "hold"})
            # One that cannot be read has no other id than the name that it was declared by.
            return dynamic.CreateResult(held.get("deployment_id") or held["release_name"], held)
        outputs = self._bring(props["deployment_id"], props, None, {})
        return dynamic.CreateResult(props["deployment_id"], outputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Bring the Deployment to its target; on hold, keep what is saved."""
        if _news.get("hold"):
            # The engine retries what failed before, whatever diff says.
            return dynamic.UpdateResult(_olds)
        return dynamic.UpdateResult(self._bring(_id, _news, _olds.get("pending"), _walked(_olds, _news)))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Observe, for a refresh; or judge a fleet, for a program that asks before it declares one."""
        if id_ == JUDGE_FLEET:
            self._program_runs = True
            return dynamic.ReadResult(id_, {"answer": self._judge(**json.loads(props["question"]))})
        with self._noting_what_is_saved():
            observed = self._adapter().observe(props)
        return dynamic.ReadResult(id_, observed) if observed is not None else dynamic.ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Forget the Deployment: there is no way back to an earlier version, and none is tried."""
        name, version, pending = _props.get("release_name") or _id, _props.get("current_version"), _props.get("pending")
        last = f"; it last ran {version}" if version else ""
        last += f", with the hop to {pending} started" if version and pending else ""
        CallReporter(current_call()).info(f"{name} is forgotten, and nothing is changed on it{last}")

    def _bring(
        self, deployment_id: str, news: dict[str, Any], pending: str | None, walked: Mapping[str, Any]
    ) -> dict[str, Any]:
        call = current_call()
        outputs, problem = self._adapter().bring(
            news,
            pending=pending,
            clock=CallClock(call),
            reporter=CallReporter(call),
            polling=call.polling if call else POLLING,
        )
        outputs |= walked
        if problem is None:
            return outputs
        if call is None:
            # Pulumi's own host cannot save partial progress. Nothing is lost: the next run observes anew.
            raise RefusedError(problem)
        raise PartialProgressError(problem, resource_id=deployment_id, outputs=outputs)

    def _judge(self, declared: Mapping[str, Any], saved: Mapping[str, Any] | None, secret: Sequence[str] = ()) -> str:
        from astro_deployment_runtime.muster import muster

        # With an adapter of its own for the same platform: what is judged is not declared yet, and may never be.
        return muster(declared, saved, lambda: replace(self._adapter()), secret=secret).to_json()

    @contextmanager
    def _noting_what_is_saved(self) -> Iterator[None]:
        """Say with an error of the connection that a refresh may use an old one.

        A refresh that does not run the program gives a provider the config of the last update, as the state has it.
        """
        try:
            yield
        except (PlatformError, InvalidSettingsError) as error:
            saved = [f"astro:{key}" for key in _CONNECTION if self._config(key)]
            if self._program_runs or not saved:
                raise
            raise type(error)(f"{error}\n{_SAVED.format(keys=' and '.join(saved))}") from error

    def _adapter(self) -> Adapter:
        with self._connecting:
            if self._connected is None:
                from astro_deployment_runtime.adapter import connect

                self._connected = connect(self._config, os.environ)
            return self._connected


def _known(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Split properties: what is known, and the names of those that are not known in whole.

    Of a list that is known in part, the known items stay.
    """
    unknown = frozenset(name for name, value in properties.items() if rpc.contains_unknowns(value))
    known = {name: value for name, value in properties.items() if name not in unknown}
    parts = {name: properties[name] for name in unknown if isinstance(properties[name], list)}
    return known | {name: [each for each in part if not rpc.contains_unknowns(each)] for name, part in parts.items()}, (
        unknown
    )


def _given_now(value: object) -> bool:
    """Return whether a value is there already, and does not come from another resource or a secret."""
    if isinstance(value, dict):
        return all(map(_given_now, value.values()))
    return value is None or isinstance(value, str)


def _walked(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays saved of the plan that was walked last, where this run only confirms its last hop."""
    if not olds.get("pending") or news.get("hops") or news.get("cancel"):
        return {}
    return {name: olds[name] for name in ("plan", "path", "hops") if name in olds}


class ProjectArgs(TypedDict):
    """An Astro project on this machine, which is moved along the path and deployed, hop by hop."""

    path: pulumi.Input[str]
    """Its folder, with a Dockerfile; a relative path begins at the Pulumi project. It serves one Deployment."""
    test: NotRequired[pulumi.Input[str]]
    """A command that has to succeed before a hop is deployed, for example ``astro dev parse``. It gets no token."""
    deploy: NotRequired[pulumi.Input[str]]
    """The command that builds and deploys; ``astro deploy {deployment_id} --force`` where it is left out. It may name
    ``{deployment_id}``, ``{release_name}``, ``{version}`` and ``{image}``, and finds the address and the token of
    Houston in its environment, as ``ASTRO_HOUSTON_URL`` and ``ASTRO_HOUSTON_TOKEN``. Both run without a shell."""


class AstroDeploymentRuntime(dynamic.Resource, module="astro", name="DeploymentRuntime"):
    """A Deployment of an Astronomer Software platform, at a declared Astro Runtime version.

    ``pulumi preview`` shows the whole path there, ``pulumi up`` walks it. What cannot be undone is refused before
    anything is changed. Destroying the resource forgets the Deployment, which keeps its version.
    """

    # Pulumi evaluates the annotations that it finds here for every resource, and needs none of them.
    if TYPE_CHECKING:
        plan: pulumi.Output[Sequence[str] | None]
        """The plan that was walked last, as lines of text."""
        path: pulumi.Output[str | None]
        """Its releases: ``AC 2.2.3 > AC 2.3.0 > Astro Runtime 5.0.4``."""
        hops: pulumi.Output[int | None]
        """Its number of hops."""
        target: pulumi.Output[str | None]
        """The version that ``runtime_version`` stands for, at which it is held; None where that is a version itself."""
        current_version: pulumi.Output[str | None]
        """What the Deployment was seen to run, for example ``Astro Runtime 5.0.4``."""
        airflow_version: pulumi.Output[str | None]
        """The Airflow version of that."""
        pending: pulumi.Output[str | None]
        """The hop that we started, perhaps not yet seen; None where there is none, or where it has arrived."""
        deployment_id: pulumi.Output[str]
        """Houston's id of the Deployment."""
        release_name: pulumi.Output[str]
        """The Deployment's release name."""
        airflow_url: pulumi.Output[str | None]
        """The root of the Deployment's Airflow."""

    def __init__(  # noqa: PLR0913 - a resource's arguments
        self,
        resource_name: str,
        *,
        runtime_version: pulumi.Input[str],
        release_name: pulumi.Input[str] | None = None,
        deployment_id: pulumi.Input[str] | None = None,
        image: pulumi.Input[str] | None = None,
        project: pulumi.Input[ProjectArgs] | None = None,
        strategy: pulumi.Input[str] = "certified-first",
        accept: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        deny: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        timeout: pulumi.Input[str] = "1h",
        wait: pulumi.Input[bool] = True,
        verify: pulumi.Input[str] = "airflow",
        held: pulumi.Input[str] | None = None,
        hold: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the version of a Deployment that exists.

        Args:
            resource_name: the resource's name in the stack.
            runtime_version: the Astro Runtime version to arrive at, for example ``5.0.4`` or ``3.1-12``; or
                ``equivalent``: the newest Runtime with the Airflow version of the Astronomer Certified that runs; or
                ``5.x``, ``5.0.x``, ``3.1-x`` or ``latest-patch``: the newest release of a line on offer. A text: in
                YAML, quote what could be a number.
            release_name: the Deployment, by its release name. Exactly one of this and ``deployment_id``.
            deployment_id: the Deployment, by Houston's id. Another Deployment is another resource: a replacement.
            image: the image of every hop, in a registry already: a template that may name ``{base}``,
                ``{distribution}``, ``{version}`` and ``{airflow}``. With neither this nor ``project``: wait until
                somebody deploys one.
            project: an Astro project on this machine, instead of ``image``: for each hop its ``FROM`` line is
                rewritten, the project is tested, if a test is given, and deployed.
            strategy: ``certified-first`` (the vendor's guide) or ``fewest-hops``.
            accept: what is accepted by name: ``yanked:VERSION``, ``prerelease:VERSION``, ``cancel-pending``, ``newer``,
                ``base-image``, ``overwrite-environment``; and warnings, which are then not shown.
            deny: warnings that are refusals, by name, for example ``out-of-support``.
            timeout: how long a run waits for the image of a hop to arrive, and again for its Airflow to be healthy:
                ``45s``, ``90m``, ``1h30m``, or a number of seconds; at most 7 days. Its end cancels nothing on the
                platform.
            wait: whether to wait at all for hops that are under way; if not, a run that started a hop ends with a
                non-zero exit and says what to deploy, and the next run goes on.
            verify: ``airflow``: a hop has arrived when the Deployment's own Airflow is healthy at the expected version;
                ``houston``: when Houston says so, for a Deployment whose webserver cannot be reached from here.
            held: the version that the program has resolved ``runtime_version`` to.
            hold: why the Deployment is left as it is in this run: nothing is planned, and its last state is kept.
            opts: Pulumi's options.
        """
        warn_of_unknown_keys()
        given: dict[str, Any] = {
            "runtime_version": runtime_version,
            "release_name": release_name,
            "deployment_id": deployment_id,
            "image": image,
            "project": project,
            "strategy": strategy,
            "accept": accept if accept is not None else [],
            "deny": deny,
            "timeout": timeout,
            "wait": wait,
            "verify": verify,
            "held": held,
            "hold": hold,
        }
        if opts and opts.import_:
            raise pulumi.RunError(NO_IMPORT.format(name=resource_name))
        outputs: dict[str, Any] = dict.fromkeys((*OUTPUTS, "deployment_id", "release_name"))
        for output, sources in secrecy.DERIVED.items():
            # Pulumi's own host leaves it to the engine to carry the mark of a secret from an input to the output of
            # the same name, so what is derived has to be an input with that mark.
            if not all(_given_now(given[source]) for source in sources):
                values = [given[source] for source in sources]
                outputs[output] = pulumi.Output.from_input(values).apply(lambda _: "")
        inputs = {name: value for name, value in given.items() if value is not None}
        super().__init__(RuntimeProvider(), resource_name, {**outputs, **inputs}, opts)
