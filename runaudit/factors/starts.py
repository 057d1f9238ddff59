"""When a run began, as its record has it, and as programs write it into the names of folders and under keys of time."""

import re
from datetime import UTC, datetime, timedelta

from runaudit.records.canonical import JSON
from runaudit.records.run import Run

STAMP = re.compile(
    r"(?<!\d)(?P<year>20\d\d)[-_.]?(?P<month>[01]\d)[-_.]?(?P<day>[0-3]\d)"
    r"(?:[T _./-]{0,2}(?P<hour>[0-2]\d)[-_:.h]?(?P<minute>[0-5]\d)"
    r"(?:[-_:.m]?(?P<second>[0-5]\d)(?:[.,](?:\d{3}){1,3}(?!\d))?(?:Z(?![A-Za-z])|[+-]\d\d:\d\d(?!\d))?)?)?(?!\d)"
    r"|(?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?P<date>[0-3]\d)"
    r"_(?P<h>[0-2]\d)-(?P<m>[0-5]\d)-(?P<s>[0-5]\d)"
)
"""A date, with or without a time, down to thousandths and with a zone, as programs name their folders, in one name or,
as Hydra does, in two; the second kind is that of PyTorch's writer for TensorBoard: `Dec12_10-22-33`."""
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_ZONES = timedelta(hours=15)
"""A record has the time of Greenwich, a folder's name that of the machine."""
_QUARTER, _NAMED_WITHIN = timedelta(minutes=15), timedelta(minutes=5)
_HALF = timedelta(minutes=30)
"""Clocks of the earth are whole quarters of an hour apart, and a program takes some minutes to name its folder."""
_IN_SECONDS = 1e11
"""A time in the year 5138, in seconds: what is more was counted in thousandths."""


def started(run: Run) -> datetime | None:
    """The time at which the run began, as its record has it, with a zone or without; None where it does not say."""
    told = run.manifest.section("launch").get("started")
    try:
        return datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def begun(run: Run) -> datetime | None:
    """When the run began, by the clock of Greenwich; None where its record does not say."""
    found = started(run)
    return None if found is None else found.replace(tzinfo=None) - (found.utcoffset() or timedelta())


def is_start(match: re.Match[str], began: datetime) -> bool:
    """Whether a time in a name may be that start by some clock of the earth: of a date alone, its day."""
    away = _away(match, began)
    if away is None:
        return False
    if not is_clocked(match):
        return -_ZONES - timedelta(days=1) <= away <= _ZONES
    beside = away % _QUARTER
    return abs(away) <= _ZONES and min(beside, _QUARTER - beside) <= _NAMED_WITHIN


def zone_of_start(match: re.Match[str], began: datetime) -> int | None:
    """By how many minutes the clock differed by which a time in a name is that start; None where it is not. Two runs of
    one machine have one such number, which two times that have nothing to do with their starts hardly have."""
    away = _away(match, began) if is_clocked(match) else None
    if away is None or abs(away) > _ZONES:
        return None
    halves = round(away / _HALF)
    return halves * 30 if abs(away - halves * _HALF) <= _NAMED_WITHIN else None


def is_clocked(match: re.Match[str]) -> bool:
    """Whether a time in a name is more than a date."""
    return bool(match["name"] or match["hour"])


def _away(match: re.Match[str], began: datetime) -> timedelta | None:
    part = match.groupdict()
    text = (
        f"{began.year:04}{_MONTHS.index(part['name']) // 3 + 1:02}{part['date']}{part['h']}{part['m']}{part['s']}"
        if part["name"]
        else "".join(part[name] or "00" for name in ("year", "month", "day", "hour", "minute", "second"))
    )
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S") - began
    except ValueError:
        return None


def is_time_of_start(value: JSON, began: datetime) -> bool:
    """Whether a whole value is the time at which a run began: a text of it with the hour, or the seconds since 1970, or
    their thousandths."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            told = datetime.fromtimestamp(value / 1000 if value > _IN_SECONDS else value, UTC).replace(tzinfo=None)
        except (ValueError, OverflowError, OSError):
            return False
        return abs(told - began) <= _NAMED_WITHIN
    match = STAMP.search(value) if isinstance(value, str) else None
    if match is None or not is_clocked(match):
        return False
    assert isinstance(value, str)
    rest = value[: match.start()] + value[match.end() :]
    return not re.search(r"[A-Za-z0-9]", re.sub(r"^\.\d+|Z$|[+-]\d\d:?\d\d$", "", rest)) and is_start(match, began)
