"""What in the name of a run, or of what it wrote, is only this run: its seed, its id at its tracker, when it began.

Two seeds of one design write to `out/s3` and `out/s4`, or to folders named by the minute. What is left of such a name,
with marks in the place of what is the run's own, counts as any text does.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runaudit.factors import builtin as known
from runaudit.factors.evidence import is_for_weights, is_read, words

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

OWN = "it names what the run wrote by its seed, its id or its start"
_SEED_IN_NAME = r"(?i)((?:(?<![a-z])seed|(?<![a-z0-9])s)[-_=]?)%d(?![0-9a-z]|\.\d)"
_STAMP = re.compile(
    r"(?<!\d)(?P<year>20\d\d)[-_.]?(?P<month>[01]\d)[-_.]?(?P<day>[0-3]\d)"
    r"(?:[T _.-]{1,2}(?P<hour>[0-2]\d)[-_:.h]?(?P<minute>[0-5]\d)(?:[-_:.m]?(?P<second>[0-5]\d))?)?(?!\d)"
    r"|(?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?P<date>[0-3]\d)"
    r"_(?P<h>[0-2]\d)-(?P<m>[0-5]\d)-(?P<s>[0-5]\d)"
)
"""A date, with or without a time, as programs name their folders; the second kind is that of PyTorch's writer for
TensorBoard: `Dec12_10-22-33`."""
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_ZONES = timedelta(hours=15)
"""A record has the time of Greenwich, a folder's name that of the machine."""
_QUARTER, _NAMED_WITHIN = timedelta(minutes=15), timedelta(minutes=5)
"""Clocks of the earth are whole quarters of an hour apart, and a program takes some minutes to name its folder."""
_LEAST_ID = 4
"""Letters of an id from which on it stands in a name by no chance."""


def own_name(key: str, value: str, of: "Levels") -> str:
    """A name of the run or of its outputs that bears the run's own seed and says that it does (`out/s3`, `base_seed3`),
    its id at its tracker, or the time at which it began, with marks in their place; empty for any other value, and
    where a key reads from it."""
    found = set(words(key))
    if is_read(key) or not (found & known.OUTPUT_WORDS or is_for_weights(found)):
        return ""
    marked, began, seed = value, _began(of), of.tree.get("seed")
    for name in _ids(of):
        marked = re.sub(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", "<run>", marked)
    if began is not None:
        marked = _STAMP.sub(lambda match: "<start>" if _is_near(match, began) else match[0], marked)
    if isinstance(seed, int) and not isinstance(seed, bool):
        by_seed, count = re.subn(_SEED_IN_NAME % seed, r"\1<seed>", marked)
        marked = by_seed if count == 1 else marked
    return marked if marked != value else ""


def _ids(of: "Levels") -> Iterator[str]:
    """What only this run is called: its ids, not its label."""
    manifest = of.run.manifest
    for table in (manifest.body, manifest.section("origin")):
        for key in ("run", "run_id", "id"):
            name = str(table.get(key) or "").rpartition("/")[2]
            if len(name) >= _LEAST_ID and not name.isalpha():
                yield name


def _began(of: "Levels") -> datetime | None:
    started = of.run.manifest.section("launch").get("started")
    try:
        found = datetime.fromisoformat(started) if isinstance(started, str) else None
    except ValueError:
        return None
    return None if found is None else found.replace(tzinfo=None) - (found.utcoffset() or timedelta())


def _is_near(match: re.Match[str], began: datetime) -> bool:
    """Whether a time in a name may be that start by some clock of the earth: of a date alone, its day."""
    part = match.groupdict()
    is_clocked = bool(part["name"] or part["hour"])
    text = (
        f"{began.year:04}{_MONTHS.index(part['name']) // 3 + 1:02}{part['date']}{part['h']}{part['m']}{part['s']}"
        if part["name"]
        else "".join(part[name] or "00" for name in ("year", "month", "day", "hour", "minute", "second"))
    )
    try:
        away = datetime.strptime(text, "%Y%m%d%H%M%S") - began
    except ValueError:
        return False
    if not is_clocked:
        return -_ZONES - timedelta(days=1) <= away <= _ZONES
    beside = away % _QUARTER
    return abs(away) <= _ZONES and min(beside, _QUARTER - beside) <= _NAMED_WITHIN
