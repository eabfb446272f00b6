"""Whether an arrival is confirmed: what consecutive healthy answers of its Airflow prove.

Airflow reports ``healthy`` for about 30 s after its scheduler died, because it computes the status from the time of the
last heartbeat. Healthy answers alone therefore prove little. A heartbeat that moves between two of them proves that a
scheduler lives. Heartbeats are compared only with one another, because Airflow's clock may differ from ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from astro_deployment_runtime.planning.plan_model import Health

HEALTHY_READS: Final = 3
"""Consecutive healthy answers that an arrival needs at least. A single one may be luck."""

SECONDS_WITHOUT_HEARTBEAT: Final = 40.0
"""Seconds that healthy answers have to last where Airflow reports no heartbeat: longer than the 30 s for which a dead
scheduler counts as healthy (``scheduler_health_check_threshold``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Consecutive healthy answers. An unhealthy one, or one at another Airflow version, starts over."""

    reads: int = 0
    since: float = 0.0
    """Time of the first answer, in seconds on our clock."""
    lasted: float = 0.0
    """Seconds from the first answer to the last."""
    heartbeat: str | None = None
    """The latest heartbeat. None: no answer had one."""
    moved: bool = False
    """A later answer had a later heartbeat."""

    def after(self, health: Health, now: float) -> Self:
        """Return the confirmation after one more answer, at ``now`` in seconds on our clock."""
        new = type(self)
        if not health.healthy:
            return new()
        if not self.reads:
            return new(reads=1, since=now, heartbeat=health.heartbeat)
        moved = is_later(self.heartbeat, health.heartbeat)
        return new(
            reads=self.reads + 1,
            since=self.since,
            lasted=now - self.since,
            heartbeat=health.heartbeat if moved or self.heartbeat is None else self.heartbeat,
            moved=self.moved or moved,
        )

    @property
    def confirmed(self) -> bool:
        """Whether the Airflow is healthy and its scheduler lives."""
        lives = self.moved or (self.heartbeat is None and self.lasted >= SECONDS_WITHOUT_HEARTBEAT)
        return lives and self.reads >= HEALTHY_READS

    @property
    def missing(self) -> str:
        """Missing proof after enough healthy answers, as a clause. Empty: none, or too few answers."""
        if self.confirmed or self.reads < HEALTHY_READS:
            return ""
        if self.heartbeat is None:
            return (
                f"reports no heartbeat of its scheduler, so it has to stay healthy for {SECONDS_WITHOUT_HEARTBEAT:g} s"
            )
        return f"but the heartbeat of its scheduler has not moved since {self.heartbeat}"


def is_later(earlier: str | None, later: str | None) -> bool:
    """Return whether the second heartbeat is later than the first. Texts that are no times only have to differ."""
    if earlier is None or later is None or earlier == later:
        return False
    one, other = _time(earlier), _time(later)
    return one is None or other is None or one < other


def _time(text: str) -> datetime | None:
    """Read a time of RFC 3339. Without a zone it is in UTC, as Airflow means it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
