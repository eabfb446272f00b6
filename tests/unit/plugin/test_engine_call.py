"""Log lines of a request, on our host and on Pulumi's own."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from astro_deployment_runtime.plugin.engine_call import Call, CallReporter, Severity
from tests.unit.plugin.plugin_process import URN

if TYPE_CHECKING:
    import pytest

    from tests.unit.plugin.plugin_process import Engine


def test_characters_that_the_encoding_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label may be in any script, and a machine's locale may be C."""
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="latin-1"))
    reporter = CallReporter(None)
    reporter.info("caf\u00e9 \u4e2d")
    reporter.progress("\u4e2d")
    assert printed.getvalue() == b"caf\xe9 \\u4e2d\n\\u4e2d\n"


def test_log_lines_appear_at_the_resources_row(engine: Engine, address: str) -> None:
    """With the URN, the severity, and whether they stay."""
    with grpc.insecure_channel(address) as channel:
        call = Call(URN, engine_pb2_grpc.EngineStub(channel))
        call.log(Severity.WARNING, "the offer changed")
        call.progress("hop 1/2 - waiting for image")
    assert [(line.severity, line.message, line.urn, line.ephemeral) for line in engine.lines] == [
        (engine_pb2.WARNING, "the offer changed", URN, False),
        (engine_pb2.INFO, "hop 1/2 - waiting for image", URN, True),
    ]


def test_time_limit_cancels_a_request() -> None:
    """Nothing happens to one that ends in time, that has no limit, or that the user has cancelled before."""
    call = Call(URN, None)
    with call.limited_to(0.01):
        assert call.cancelled.wait(10)
    assert call.expired_after == 0.01
    for seconds in (0.0, 60.0):
        call = Call(URN, None)
        with call.limited_to(seconds):
            pass
        assert (call.cancelled.is_set(), call.expired_after) == (False, None)
    call.cancelled.set()
    call._expire(1.0)
    assert call.expired_after is None


def test_log_line_without_an_engine_is_dropped() -> None:
    """A hop must not fail because the engine has exited or there is none."""
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        Call(URN, engine_pb2_grpc.EngineStub(channel)).log(Severity.ERROR, "no engine")
    Call(URN, None).progress("no engine")
