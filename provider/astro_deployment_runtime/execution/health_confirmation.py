"""Whether an arrival is confirmed: the reads of an Airflow since its hop's image was taken, and what they prove.

Airflow goes on saying ``healthy`` for some 30 s after its scheduler died: it computes the status from the time of the
scheduler's last heartbeat. So a row of healthy reads proves little; a heartbeat that moves between them proves that a
scheduler lives. Heartbeats are compared only with one another, because Airflow's clock may differ from ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.model import Health

HEALTHY_READS: Final = 3
"""Healthy reads in a row that an arrival needs at least: one good answer may be luck."""

SECONDS_WITHOUT_HEARTBEAT: Final = 40.0
"""Seconds that the row has to last where Airflow tells no heartbeat: longer than the 30 s for which a dead scheduler
counts as healthy (``scheduler_health_check_threshold``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The healthy reads in a row so far. An unhealthy read, or one at another Airflow version, ends the row."""

    reads: int = 0
    since: float = 0.0
    """When the row began, in seconds of our clock."""
    lasted: float = 0.0
    """Seconds from the first read of the row to the last."""
    heartbeat: str | None = None
    """The latest heartbeat of the row; None: none was told."""
    moved: bool = False
    """A later read of the row told a later heartbeat."""

    def after(self, health: Health, now: float) -> Self:
        """Return the row with one more read, made at ``now`` in seconds of our clock."""
        row = type(self)
        if not health.healthy:
            return row()
        if not self.reads:
            return row(reads=1, since=now, heartbeat=health.heartbeat)
        beat = moved_on(self.heartbeat, health.heartbeat)
        return row(
            reads=self.reads + 1,
            since=self.since,
            lasted=now - self.since,
            heartbeat=health.heartbeat if beat or self.heartbeat is None else self.heartbeat,
            moved=self.moved or beat,
        )

    @property
    def confirmed(self) -> bool:
        """The hop has arrived: its Airflow is healthy, and its scheduler lives."""
        lives = self.moved or (self.heartbeat is None and self.lasted >= SECONDS_WITHOUT_HEARTBEAT)
        return lives and self.reads >= HEALTHY_READS

    @property
    def missing(self) -> str:
        """What is still missing after enough healthy reads, as a clause; empty where nothing is, or reads are."""
        if self.confirmed or self.reads < HEALTHY_READS:
            return ""
        if self.heartbeat is None:
            return f"tells no heartbeat of its scheduler, so it has to stay healthy for {SECONDS_WITHOUT_HEARTBEAT:g} s"
        return f"but the heartbeat of its scheduler has not moved since {self.heartbeat}"


def moved_on(earlier: str | None, later: str | None) -> bool:
    """Return whether the second heartbeat is a later one. Texts that are no instants only have to differ."""
    if earlier is None or later is None or earlier == later:
        return False
    one, other = _instant(earlier), _instant(later)
    return one is None or other is None or one < other


def _instant(text: str) -> datetime | None:
    """Read RFC 3339; without a zone, UTC, as Airflow means it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
