"""How times are written."""

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """Write seconds since 1970 as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
