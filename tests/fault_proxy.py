"""Faults between a client and the platform, for the recording proxy."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.recording_proxy import Answer, Dropped, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.recording_proxy import Proxy

_HTML: Final = "<html><head><title>Bad Gateway</title></head></html>"
_NO_PERMISSION: Final = {"message": "You do not have the appropriate permissions for that"}


@dataclass(slots=True)
class Faults:
    """Changes requests and answers, and counts them."""

    proxy: Proxy
    counts: dict[str, int] = field(default_factory=dict)

    def first(self, request: Request) -> bool:
        """Return whether it is the first of its name."""
        self.counts[request.name] = self.counts.get(request.name, 0) + 1
        return self.counts[request.name] == 1

    def before(self, do: Callable[[Request], Answer | None]) -> None:
        """Handle a request before the platform."""
        self.proxy.before = do

    def after(self, do: Callable[[Request, Answer], Answer]) -> None:
        """Change an answer."""
        self.proxy.after = do

    def end(self) -> None:
        """End the fault."""
        self.before(lambda _: None)
        self.after(lambda _, answer: answer)


def resets(faults: Faults) -> None:
    """The first request of each kind is reset."""

    def reset(request: Request) -> Answer | None:
        if faults.first(request):
            raise Dropped
        return None

    faults.before(reset)


def busy(faults: Faults) -> None:
    """Each read first gets a 429 with a Retry-After of one second."""
    faults.before(
        lambda request: Answer.of(429, "{}", retry_after="1") if faults.first(request) and not request.changes else None
    )


def pages(faults: Faults) -> None:
    """Each request first gets an error page of a proxy, a mutation after it took effect."""
    faults.after(lambda request, answer: Answer.of(503, _HTML) if faults.first(request) else answer)


def slow(faults: Faults) -> None:
    """Every answer is delayed."""

    def wait(_: Request) -> None:
        time.sleep(0.2)

    faults.before(wait)


def _surprising(found: Any) -> Any:
    if isinstance(found, list):
        return [_surprising(each) for each in found]
    if isinstance(found, dict):
        return {**{name: _surprising(each) for name, each in found.items()}, "surprise": ["nobody", {"knows": None}]}
    return found


def more(faults: Faults) -> None:
    """Every object in an answer has additional fields."""

    def add(_: Request, answer: Answer) -> Answer:
        document = json.loads(answer.body)
        if "data" in document:
            document["data"] = {name: _surprising(each) for name, each in document["data"].items()}
        return Answer.of(answer.status, json.dumps({**document, "extensions": {"cost": 7}}))

    faults.after(add)


def malformed(faults: Faults) -> None:
    """After the first mutation Houston's answers are truncated."""
    faults.after(
        lambda request, answer: (
            Answer.of(200, '{"data": {"depl') if request.mutations and not request.changes else answer
        )
    )


def less(faults: Faults) -> None:
    """After the first mutation answers lack a field."""

    def cut(request: Request, answer: Answer) -> Answer:
        document = json.loads(answer.body)
        if request.mutations and "deployment" in request.name.split() and document.get("data"):
            del document["data"]["d0"]["runtimeVersion"]
        return Answer.of(answer.status, json.dumps(document))

    faults.after(cut)


def expired(faults: Faults) -> None:
    """After the first mutation the token has expired."""
    refusal = json.dumps({"errors": [_NO_PERMISSION], "data": None})
    faults.before(lambda request: Answer.of(200, refusal) if request.mutations > 1 else None)


def revoked(faults: Faults) -> None:
    """After the first mutation the token may only read."""
    refusal = json.dumps({"errors": [_NO_PERMISSION], "data": {"updateDeploymentImage": None}})
    faults.before(lambda request: Answer.of(200, refusal) if request.changes else None)


def down(faults: Faults) -> None:
    """For eight seconds after the first mutation every request gets an error page of a proxy."""
    until: list[float] = []

    def page(request: Request) -> Answer | None:
        if not request.mutations or request.changes:
            return None
        until[:] = until or [time.monotonic() + 8]
        return Answer.of(502, _HTML) if time.monotonic() < until[0] else None

    faults.before(page)


def withdrawn(faults: Faults) -> None:
    """Between two hops the target leaves the offer."""

    def take(request: Request, answer: Answer) -> Answer:
        document = json.loads(answer.body) if answer.body.startswith(b"{") else {}
        data = document.get("data") or {}
        if request.mutations > 1 and "runtimeReleases" in data:
            data["runtimeReleases"] = [each for each in data["runtimeReleases"] if each["version"] != "7.6.0"]
            return Answer.of(answer.status, json.dumps(document))
        return answer

    faults.after(take)


FAULTS: Final[dict[Callable[[Faults], None], str]] = {
    resets: "",
    busy: "",
    pages: "",
    slow: "",
    more: "",
    malformed: "with HTTP status 200 and no JSON",
    less: "Houston does not tell which Astro Runtime stars-1 runs",
    expired: "it has expired, or may not do this",
    revoked: "it has expired, or may not do this",
    down: "",
    withdrawn: "OFFERED: Astro Runtime 7.6.0 is not on offer",
}
"""Each with the text of the run's error; empty if the run continues."""
