"""A moment in the words of the records: UTC, ISO 8601, microseconds."""

from datetime import UTC, datetime


def utc_text(moment: float) -> str:
    """Seconds since the epoch as UTC ISO 8601 with microseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
