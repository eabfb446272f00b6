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
from astro_deployment_runtime.reports.markdown import LIMIT, markdown_comment
from astro_deployment_runtime.reports.preview import Preview, PreviewedDeployment, PreviewWarning, Status, read_preview

_TYPE: Final = "pulumi-python:dynamic/astro:DeploymentRuntime"
_NATIVE: Final = "astro:index:DeploymentRuntime"
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
    assert [row.name for row in read(*steps, said=said).deployments] == ["d", "a", "b", "c"]
    assert read(*steps[::-1], said=said) == read(*steps, said=said)


@pytest.mark.parametrize("op", ["create", "update", "replace", "same"])
def test_a_native_resource_has_the_row_of_a_dynamic_one(op: str) -> None:
    """Its properties are in camelCase, and it has the engine's detailed diff."""
    more: dict[str, Any] = {
        "path": "AC 2.2.3 > AC 2.3.0",
        "plan": ["a", "b"],
        "warnings": [{"name": "deprecated", "message": "old"}],
    }
    native = {
        "op": op,
        "urn": urn("a", _NATIVE),
        "newState": {"inputs": {"releaseName": "a", "runtimeVersion": "5.0.4", **more}},
        "detailedDiff": {"runtimeVersion": {"kind": "update", "inputDiff": True}},
    }
    assert read(native) == read(step("a", op, **more))


def test_a_native_resource_that_is_forgotten_shows_what_it_runs() -> None:
    """Only its old outputs have that."""
    old = {"inputs": {"releaseName": "stars-1"}, "outputs": {"currentVersion": "Astro Runtime 5.0.4"}}
    (row,) = read({"op": "delete", "urn": urn("a", _NATIVE), "oldState": old}).deployments
    assert (row.release_name, row.status, row.path) == (
        "stars-1",
        Status.FORGOTTEN,
        (ReleaseId.parse("Runtime 5.0.4"),),
    )


def test_a_native_resource_that_takes_over_a_dynamic_one_has_nothing_to_do() -> None:
    """The engine reports an update, which changes only the state."""
    taken_over = {
        "op": "update",
        "urn": urn("a", _NATIVE),
        "oldState": {"type": _TYPE, "outputs": {"current_version": "Astro Runtime 5.0.4"}},
        "newState": {"type": _NATIVE, "inputs": {"releaseName": "a", "path": "Astro Runtime 5.0.4"}},
        "detailedDiff": {"__provider": {"kind": "delete", "inputDiff": True}},
    }
    (row,) = read(taken_over).deployments
    assert (row.operation, row.status, row.hops) == ("update", Status.UNCHANGED, 0)


@pytest.mark.parametrize(
    ("op", "shown"), [("import", "imported as it is"), ("import-replacement", "nothing to do")], ids=["new", "replaced"]
)
def test_an_import_is_nothing_to_do_unless_an_update_follows(op: str, shown: str) -> None:
    """The engine imports what runs, and then compares it with what is declared."""
    first = {"op": op, "urn": urn("a", _NATIVE), "newState": {"inputs": {"releaseName": "a"}}}
    then = step("a", "update", _NATIVE, path="Runtime 4.2.5 > Runtime 5.0.4")
    preview = read(first)
    assert preview.deployments == (
        PreviewedDeployment(name="a", release_name="a", operation=op, status=Status.UNCHANGED),
    )
    assert f"| <code>a</code> | {shown} |  |  |" in markdown_comment(preview)
    (row,) = read(first, then).deployments
    assert (row.operation, row.status, row.hops) == ("update", Status.MOVES, 1)


@pytest.mark.parametrize("op", ["read", "read-replacement", "discard", "discard-replaced", "refresh"])
def test_a_step_that_only_reads_is_no_row(op: str) -> None:
    """A resource of ``get``, or a refresh before the preview; what the program declares still counts."""
    reads = (step("a", op, _NATIVE), step("b", op, "aws:s3:Bucket"))
    assert (read(*reads).deployments, read(*reads).others) == ((), {})
    old = {"op": "delete", "urn": urn("a", _NATIVE), "oldState": {"outputs": {"currentVersion": "AC 2.2.3"}}}
    assert read(*reads, old).deployments[0].status is Status.FORGOTTEN


def test_waves_and_providers_of_the_package_are_not_other_resources() -> None:
    """Of either face; providers of another package are."""
    ours = ("pulumi-python:dynamic/astro:Wave", "astro:index:Wave", "pulumi:providers:astro")
    preview = read(*(step("a", kind=kind) for kind in (*ours, "pulumi:providers:aws")))
    assert preview.others == {"create": 1}


def test_an_error_at_a_provider_of_the_package_is_an_error_of_the_preview() -> None:
    """For example a setting that it does not know."""
    problem = "astro:houstonUrl is missing"
    preview = read(said=(told(problem, urn=urn("eu", "pulumi:providers:astro")),))
    assert (preview.deployments, preview.errors, preview.partial) == ((), (problem,), True)


def test_a_deployment_that_is_part_of_another_resource_is_one() -> None:
    """Its type then begins with those of its parents."""
    (row,) = read(step("a", kind=f"my:own:Team${_TYPE}", path="AC 2.2.3 > AC 2.3.0")).deployments
    assert (row.name, row.hops) == ("a", 1)


@pytest.mark.parametrize("plan", ["[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", None])
def test_a_plan_that_the_inputs_do_not_show_comes_from_the_diagnostics(plan: object) -> None:
    """It is a secret, or depends on another resource; the diagnostics have its lines, with the secret masked."""
    lines = ("a (stars-1): 1 hop", "  warning deprecated: of old", "Hop 1 delivers [secret]")
    said = (told("\n".join(lines), "info", urn=urn("a")),)
    (row,) = read(step("a", path="AC 2.2.3 > AC 2.3.0", plan=plan), said=said).deployments
    assert row.plan == lines


def test_other_resources_are_counted() -> None:
    """Whatever properties they have, and whatever these hold."""
    preview = read(
        step("a", kind="aws:s3/bucket:Bucket", path={"a": 1}, plan=5), step("b", "same", kind="aws:s3:Bucket")
    )
    assert preview.deployments == ()
    assert preview.others == {"create": 1}


@pytest.mark.parametrize(
    ("name", "release_name"),
    [("a", "stars-1"), ("a", None), ("a b (c)", "stars-1"), ("Deployment a is refused: b", None), ("a", "a.b_c-1")],
)
@pytest.mark.parametrize(
    "before",
    ["", *(f"{kind} resource 'a': property path value {{1}} has a problem: " for kind in (_TYPE, _NATIVE))],
)
def test_the_first_line_of_a_refusal_is_recognized(name: str, release_name: str | None, before: str) -> None:
    """As the program and the plugin write it; the engine puts its own words before the reason of a failed check."""
    reason = "no path from here\n  OFFERED: nothing\n\nNext: wait."
    text = before + plan_messages.deployment_refusal(plan_messages.title(name, release_name), reason)
    preview = read(said=(told(text),))
    refused = PreviewedDeployment(name=name, release_name=release_name, status=Status.REFUSED, problem=reason)
    assert (preview.deployments, preview.errors, preview.partial) == ((refused,), (), True)


def test_the_first_line_of_a_refusal_never_changes() -> None:
    """Reports of another release read it."""
    assert plan_messages.deployment_refusal("a (stars-1)", "because") == "Deployment a (stars-1) is refused:\nbecause"
    for refused, verb in ((1, "is"), (2, "are")):
        line = plan_messages.fleet_refusal(refused, 3).partition("\n")[0]
        assert line == f"{refused} of 3 Deployments {verb} refused; nothing was changed."


@pytest.mark.parametrize("refused", [1, 2])
def test_a_refused_fleet_has_a_row_for_each_refused_deployment(refused: int) -> None:
    """The summary that ends the program is not another error."""
    said = [told(plan_messages.deployment_refusal(f"a-{number}", "no way")) for number in range(refused)]
    preview = read(said=(*said, told(plan_messages.fleet_refusal(refused, 5))))
    assert [(each.name, each.problem) for each in preview.deployments] == [
        (f"a-{number}", "no way") for number in range(refused)
    ]
    assert preview.errors == ()


def test_a_refusal_without_its_first_line_is_an_error() -> None:
    """Release 0.1.0 wrote all refusals of a fleet into one message."""
    text = "1 of 5 Deployments is refused; nothing was changed.\n\na: no way\n\nCorrect it."
    assert read(said=(told(f"fleet: {text}"),)).errors == (f"fleet: {text}",)


def test_an_error_at_a_deployment_refuses_it() -> None:
    """Whatever the text: a check of Pulumi's own, for example. The resource's URN names it."""
    (row,) = read(said=(told("Duplicate resource URN", urn=urn("a")),)).deployments
    assert (row.name, row.status, row.problem) == ("a", Status.REFUSED, "Duplicate resource URN")


def test_a_deployment_on_hold_is_refused() -> None:
    """Its inputs say why; its old plan is not shown."""
    refusal = plan_messages.deployment_refusal("a (a-1)", "no way")
    warnings = [{"name": "deprecated", "message": "old"}]
    held = step("a", hold="no way", path="AC 2.2.3", warnings=warnings)
    (row,) = read(held, said=(told(refusal, urn=urn("a")),)).deployments
    assert (row.status, row.problem, row.path, row.warnings) == (Status.REFUSED, "no way", (), ())


def test_a_pending_hop_is_cancelled_only_where_there_is_a_change() -> None:
    """Check does not know its owner. If diff reports no change, it is foreign and stays."""
    moves, stays = read(
        step("a", "update", path="AC 2.3.0", cancel="AC 2.3.1"), step("b", "same", path="AC 2.3.0", cancel="AC 2.3.1")
    ).deployments
    assert (moves.status, moves.cancel) == (Status.MOVES, "AC 2.3.1")
    assert (stays.status, stays.cancel) == (Status.UNCHANGED, None)


def test_warnings_come_from_the_inputs() -> None:
    """The row also shows them as messages; what else is said there is a warning of the preview."""
    warnings = [{"name": "deprecated", "message": "old"}, {"name": "newer", "message": "kept"}]
    said = tuple(
        told(text, "warning", urn=urn("a"))
        for text in ("warning deprecated: old", "warning foreign-pending: AC 2.3.0 is pending")
    )
    preview = read(step("a", path="AC 2.2.3 > AC 2.3.0", warnings=warnings), said=said)
    assert preview.deployments[0].warnings == (
        PreviewWarning(name="deprecated", message="old"),
        PreviewWarning(name="newer", message="kept"),
    )
    assert preview.warnings == ("a: warning foreign-pending: AC 2.3.0 is pending",)


@pytest.mark.parametrize(
    "warnings",
    ["[secret]", None, 5, ["deprecated"], [{"name": "a b", "message": "old"}], [{"name": "a", "message": 1}]],
)
def test_warnings_of_another_form_are_ignored(warnings: object) -> None:
    """Resources of other packages may have a property of that name."""
    (row,) = read(step("a", path="AC 2.2.3 > AC 2.3.0", warnings=warnings)).deployments
    assert row.warnings == ()


def test_how_a_program_ended_is_told_where_nobody_said_why() -> None:
    """It is noise beside a reason."""
    end = told("an unhandled error occurred: program exited with non-zero exit code: 1")
    assert len(read(said=(end,)).errors) == 1
    assert read(said=(told("Houston refuses the token"), end)).errors == ("Houston refuses the token",)


def test_a_replacement_has_one_row() -> None:
    """That of the new Deployment, in whatever order its steps come."""
    old = {"op": "delete-replaced", "urn": urn("a"), "oldState": {"outputs": {"current_version": "AC 2.2.3"}}}
    new = step("a", "replace", path="AC 2.2.3 > AC 2.3.0")
    assert read(old, new).deployments == read(new, old).deployments
    assert read(old, new).deployments[0].status is Status.MOVES


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
        PreviewedDeployment(
            name=f"release-{number}", operation="create", status=Status.MOVES, path=path, plan=("a", "b" * 100)
        )
        for number in range(count)
    ]
    return Preview(
        project="astro",
        stack="production",
        deployments=tuple(rows),
        notes=(),
        warnings=(),
        errors=(),
        others={},
        partial=False,
        lists_unchanged=True,
    )


def test_a_large_fleet_fits_into_a_comment() -> None:
    """It leaves out plans first, then rows, and says how many."""
    assert "left out" not in markdown_comment(fleet(200))
    large = markdown_comment(fleet(500))
    assert len(large) <= LIMIT
    assert "Too long for a comment: 0 rows and " in large
    assert large.count("| 2 hops |") == 500
    huge = markdown_comment(fleet(5000))
    assert len(huge) <= LIMIT
    left = 5000 - huge.count("| 2 hops |")
    assert f"Too long for a comment: {left} rows and " in huge
