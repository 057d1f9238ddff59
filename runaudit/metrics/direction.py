"""Which way a metric is judged: as its name says, or as was declared; where neither settles it the judge refuses."""

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import Direction, is_plain, known_direction


def settle_direction(metric: str, declared: Direction | None) -> Direction:
    """The declared direction, or the known one.

    Raises UsageError if neither exists, or if they contradict each other where the name leaves nothing open: one of the
    two is then a mistake.
    """
    known = known_direction(metric)
    if declared is None and known is None:
        raise UsageError(
            f"whether a higher or a lower '{metric}' is better is not known",
            remedy="declare it: --direction higher or --direction lower",
        )
    if declared is not None and known is not None and declared != known and is_plain(metric):
        raise UsageError(
            f"'{metric}' was declared as {declared} is better, but that name means {known} is better",
            remedy="correct the direction, or give the metric another name",
        )
    return declared or known  # type: ignore[return-value]  # both None was refused above
