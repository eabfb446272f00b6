"""Formats of times."""

from datetime import UTC, datetime


def airflow_moment(seconds: float) -> str:
    """Write seconds since 1970 as Airflow's health page does: in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def moment(seconds: float) -> str:
    """Write seconds since 1970 as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
