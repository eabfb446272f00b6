"""Reading what ``pulumi preview --json`` wrote, and the command that reports it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest

from astro_deployment_runtime.cli.main import main
from astro_deployment_runtime.errors import InvalidPreviewError
from astro_deployment_runtime.planning import plan_messages
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.reports.markdown import LIMIT, pull_request
from astro_deployment_runtime.reports.preview import Preview, Row, Status, Warned, read_preview

_TYPE: Final = "pulumi-python:dynamic/astro:DeploymentRuntime"
_KEPT: Final = Path(__file__).parents[2] / "golden" / "previews"


def urn(name: str, kind: str = _TYPE) -> str:
    """The engine's name for a resource."""
    return f"urn:pulumi:production::astro::{kind}::{name}"


def step(name: str, op: str = "create", kind: str = _TYPE, **inputs: Any) -> dict[str, Any]:
    """A step that the engine lists."""
    return {"op": op, "urn": urn(name, kind), "newState": {"inputs": {"release_name": name, **inputs}}}


def told(text: str, severity: str = "error", **more: str) -> dict[str, str]:
    """A diagnostic."""
    return {"message": f"{severity}: {text}\n", "severity": severity, **more}


def read(*steps: dict[str, Any], said: tuple[dict[str, str], ...] = ()) -> Preview:
    """Read a preview of these."""
    return read_preview(json.dumps({"steps": list(steps), "diagnostics": list(said)}).encode())


def test_deployments_are_sorted() -> None:
    """The same steps in another order give the same rows: refused ones first, by name within each."""
    steps = [step("b", path="AC 2.2.3 > AC 2.3.0"), step("c", path="AC 2.3.0"), step("a", path="AC 2.2.3 > AC 2.3.0")]
    said = (told("no way", urn=urn("d")),)
    assert [row.name for row in read(*steps, said=said).rows] == ["d", "a", "b", "c"]
    assert read(*steps[::-1], said=said) == read(*steps, said=said)


def test_a_deployment_that_is_part_of_another_resource_is_one() -> None:
    """Its type then begins with those of its parents."""
    (row,) = read(step("a", kind=f"my:own:Team${_TYPE}", path="AC 2.2.3 > AC 2.3.0")).rows
    assert (row.name, row.hops) == ("a", 1)


@pytest.mark.parametrize("plan", ["[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", None])
def test_a_plan_that_the_state_does_not_show_is_taken_from_what_was_said(plan: object) -> None:
    """It is a secret, or known only later; the row under Diagnostics has its lines, without the secret."""
    lines = ("a (stars-1): 1 hop", "  warning deprecated: of old", "Hop 1 delivers [secret]")
    said = (told("\n".join(lines), "info", urn=urn("a")),)
    (row,) = read(step("a", path="AC 2.2.3 > AC 2.3.0", plan=plan), said=said).rows
    assert (row.plan, row.warnings) == (lines, (Warned(name="deprecated", message="of old"),))


def test_other_resources_are_counted() -> None:
    """Whatever properties they have, and whatever these hold."""
    preview = read(
        step("a", kind="aws:s3/bucket:Bucket", path={"a": 1}, plan=5), step("b", "same", kind="aws:s3:Bucket")
    )
    assert preview.rows == ()
    assert preview.others == {"create": 1}


def test_the_refusals_of_a_fleet_become_rows() -> None:
    """As the program writes them; where that cannot be told apart, the text is an error as a whole."""
    refused = ["a (stars-1): no way from here\n  OFFERED: nothing", "b: Houston says: no"]
    text = plan_messages.fleet_refusal(refused, 5)
    assert read(said=(told(text),)).rows == (
        Row(name="a", release_name="stars-1", status=Status.REFUSED, problem="no way from here\n  OFFERED: nothing"),
        Row(name="b", status=Status.REFUSED, problem="Houston says: no"),
    )
    odd = plan_messages.fleet_refusal(["a: no way\n\nfrom here"], 5)
    preview = read(said=(told(odd),))
    assert (preview.rows, preview.errors, preview.partial) == ((), (odd,), True)


def test_a_failed_check_is_told_without_the_engines_words() -> None:
    """And without the name, which the row has."""
    words = f"{_TYPE} resource 'a': property runtime_version value {{5.0.4}} has a problem: no way from here"
    (row,) = read(said=(told(words, urn=urn("a")),)).rows
    assert row.problem == "no way from here"
    (row,) = read(step("a", hold="no way", path="AC 2.2.3"), said=(told("a (a-1): no way", urn=urn("a")),)).rows
    assert (row.status, row.problem, row.path) == (Status.REFUSED, "no way", ())


def test_a_pending_hop_is_cancelled_only_where_there_is_a_change() -> None:
    """Check cannot tell whose it is; where diff says that nothing is to do, it is somebody else's and stays."""
    moves, stays = read(
        step("a", "update", path="AC 2.3.0", cancel="AC 2.3.1"), step("b", "same", path="AC 2.3.0", cancel="AC 2.3.1")
    ).rows
    assert (moves.status, moves.cancel) == (Status.MOVES, "AC 2.3.1")
    assert (stays.status, stays.cancel) == (Status.UNCHANGED, None)


def test_warnings_are_told_once() -> None:
    """They may stand in the plan and be said too."""
    plan = ["a: 1 hop", "  warning deprecated: old"]
    said = tuple(told(text, "warning", urn=urn("a")) for text in ("warning deprecated: old", "warning newer: kept"))
    (row,) = read(step("a", path="AC 2.2.3 > AC 2.3.0", plan=plan), said=said).rows
    assert row.warnings == (Warned(name="deprecated", message="old"), Warned(name="newer", message="kept"))


def test_how_a_program_ended_is_told_where_nobody_said_why() -> None:
    """It is noise beside a reason."""
    end = told("an unhandled error occurred: program exited with non-zero exit code: 1")
    assert len(read(said=(end,)).errors) == 1
    assert read(said=(told("Houston refuses the token"), end)).errors == ("Houston refuses the token",)


def test_a_replacement_has_one_row() -> None:
    """That of the new Deployment, in whatever order its steps come."""
    old = {"op": "delete-replaced", "urn": urn("a"), "oldState": {"outputs": {"current_version": "AC 2.2.3"}}}
    new = step("a", "replace", path="AC 2.2.3 > AC 2.3.0")
    assert read(old, new).rows == read(new, old).rows
    assert read(old, new).rows[0].status is Status.MOVES


def test_a_byte_order_mark_is_no_matter() -> None:
    """Some shells write one."""
    data = (_KEPT / "waves.json").read_bytes()
    assert read_preview(b"\xef\xbb\xbf" + data) == read_preview(data)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"Previewing update (test):\n",
            b"[]",
            b"7",
            b"{}",
            b'{"some": "thing"}',
            b'{"steps": 5}',
            b"\xff\xfe{\x00",
        ),
        *(b"[" * 100_000, b'{"steps": [{"op": "create"', b'{"diagnostics": ["\xf0"]}', b'{"steps": [{"urn": "a"}]}'),
        json.dumps({"steps": [step("a", path="AC 2.2.3 > nonsense\n")]}).encode(),
        b'{"sequence": 1}\n{"sequence": 2}\n',
    ],
)
def test_anything_else_is_refused_in_one_line(
    data: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and nothing on standard output."""
    with pytest.raises(InvalidPreviewError):
        read_preview(data)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["report"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: this is not what 'pulumi preview --json' writes")
    assert printed.err.count("\n") == 1


def test_nothing_at_all_is_told_apart() -> None:
    """The engine writes no JSON where a preview cannot begin, for example for want of the passphrase."""
    for data in (b"", b"\n"):
        with pytest.raises(InvalidPreviewError, match="it is empty"):
            read_preview(data)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2."""
    unreadable = "cannot be read"
    for name, why in ((str(tmp_path / "none.json"), unreadable), (str(tmp_path), "is a folder"), ("a\0b", unreadable)):
        assert main(["report", name]) == 2
        assert why in capsys.readouterr().err


def fleet(count: int) -> Preview:
    """A preview of many Deployments."""
    path = tuple(ReleaseId.parse(name) for name in ("AC 2.2.3", "AC 2.3.0", "Runtime 5.0.4"))
    rows = [
        Row(name=f"release-{number}", operation="create", status=Status.MOVES, path=path, plan=("a", "b" * 100))
        for number in range(count)
    ]
    return Preview(
        project="astro",
        stack="production",
        rows=tuple(rows),
        notes=(),
        warnings=(),
        errors=(),
        others={},
        partial=False,
        lists_unchanged=True,
    )


def test_a_large_fleet_fits_into_a_comment() -> None:
    """What has no room is left out, and how much that is, is said: plans first, and then rows."""
    assert "left out" not in pull_request(fleet(200))
    large = pull_request(fleet(500))
    assert len(large) <= LIMIT
    assert "Too long for a comment: 0 rows and " in large
    assert large.count("| 2 hops |") == 500
    huge = pull_request(fleet(5000))
    assert len(huge) <= LIMIT
    left = 5000 - huge.count("| 2 hops |")
    assert f"Too long for a comment: {left} rows and " in huge
