"""Which reads of an Airflow prove that a hop has arrived."""

from __future__ import annotations

from itertools import accumulate, cycle, islice, repeat

import pytest

from astro_deployment_runtime.execution.health_confirmation import SECONDS_WITHOUT_HEARTBEAT, Confirmation, is_later
from astro_deployment_runtime.planning.plan_model import Health

BEATS = [f"2026-01-05T10:00:{second:02}.000000+00:00" for second in range(0, 60, 5)]


def confirmed_at(*beats: str | None, apart: float = 1.0, sick: tuple[int, ...] = ()) -> int | None:
    """Return the number of the read that confirms an arrival, counted from 1. None if no read does."""
    found = Confirmation()
    for number, beat in enumerate(beats, start=1):
        health = Health(healthy=number not in sick, detail="x", heartbeat=beat)
        found = found.after(health, number * apart)
        if found.confirmed:
            return number
    return None


def test_three_healthy_reads_and_a_heartbeat_that_moves_confirm() -> None:
    """Neither is enough alone. Their order does not matter."""
    one, two, three, *_ = BEATS
    assert confirmed_at(one, one, two) == 3
    assert confirmed_at(one, two) is None
    assert confirmed_at(one, two, two) == 3
    assert confirmed_at(one, two, three) == 3
    assert confirmed_at(one, one, one, one, one, two) == 6


@pytest.mark.parametrize("beat", ["2020-01-01T00:00:00+00:00", BEATS[0], "x", "tomorrow"])
def test_a_heartbeat_that_does_not_move_never_confirms(beat: str) -> None:
    """Not after any number of healthy reads, and whatever this host's clock shows."""
    assert confirmed_at(*repeat(beat, 1000)) is None


@pytest.mark.parametrize(
    "beats",
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00+01:00", "2026-01-05T10:00:00.000+00:00"),
        (BEATS[3], BEATS[1], BEATS[3]),
        (BEATS[0], None, BEATS[0]),
    ],
)
def test_a_repeated_heartbeat_has_not_moved(beats: tuple[str | None, ...]) -> None:
    """In another format, after an older one, or after none."""
    assert confirmed_at(*islice(cycle(beats), 300)) is None


def test_an_unhealthy_read_starts_the_comparison_over() -> None:
    """A heartbeat before an unhealthy read is the old scheduler's."""
    one, two, three, *_ = BEATS
    assert confirmed_at(one, one, two, two, two, two, sick=(3,)) is None
    assert confirmed_at(one, one, two, two, two, three, sick=(3,)) == 6


def test_without_heartbeats_the_reads_must_cover_a_minimum_time() -> None:
    """Longer than a dead scheduler is reported healthy. More frequent reads do not shorten it."""
    assert SECONDS_WITHOUT_HEARTBEAT > 30
    assert confirmed_at(*repeat(None, 100)) == 41
    assert confirmed_at(*repeat(None, 1000), apart=0.25) == 161
    assert confirmed_at(*repeat(None, 5), apart=60) == 3
    assert confirmed_at(*repeat(None, 60), sick=(30,)) is None


def test_a_heartbeat_that_was_reported_once_must_move() -> None:
    """Its absence afterwards proves nothing."""
    assert confirmed_at(BEATS[0], *repeat(None, 100)) is None
    assert confirmed_at(None, BEATS[0], None, BEATS[1]) == 4


def test_the_missing_proof_is_named_after_enough_reads() -> None:
    """So that a timeout has the reason."""
    health = Health(healthy=True, detail="x", heartbeat=BEATS[0])
    rows = list(accumulate([health] * 3, lambda row, read: row.after(read, 0.0), initial=Confirmation()))
    assert [row.missing for row in rows] == [
        *[""] * 3,
        f"but the heartbeat of its scheduler has not moved since {BEATS[0]}",
    ]
    silent = Confirmation(reads=3)
    assert silent.missing == "reports no heartbeat of its scheduler, so it has to stay healthy for 40 s"
    assert Confirmation(reads=3, heartbeat="x", moved=True).missing == ""


@pytest.mark.parametrize(
    ("earlier", "later", "moved"),
    [
        ("2026-01-05T10:00:00", "2026-01-05T10:00:05+00:00", True),
        ("2026-01-05T10:00:05+00:00", "2026-01-05T10:00:00", False),
        ("a", "b", True),
        ("a", "a", False),
        ("a", BEATS[0], True),
        (None, BEATS[0], False),
        (BEATS[0], None, False),
    ],
)
def test_heartbeats_are_compared_as_instants_or_as_texts(earlier: str | None, later: str | None, moved: bool) -> None:
    """A time without a zone is UTC."""
    assert is_later(earlier, later) is moved
