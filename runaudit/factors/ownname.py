"""What in the name of a run, or of what it wrote, is only this run: its seed, its id at its tracker, when it began.

Two seeds of one design write to `out/s3` and `out/s4`, or to folders named by the minute. What is left of such a name,
with marks in the place of what is the run's own, counts as any text does, so that a name is excused only where both
runs bear their own. A key that says that it names an output makes a little evidence enough: a seed, a date. Under any
other key it takes what no other run can have by chance: the id, or the start by the same clock in both; and no text is
excused under a key that reads, or of a run that may have read where it writes.
"""

import re
from collections.abc import Set
from datetime import datetime
from typing import TYPE_CHECKING

from runaudit.factors import builtin as known
from runaudit.factors.evidence import DRAWN, called, is_for_weights, is_read
from runaudit.factors.namewords import words
from runaudit.factors.readback import may_read_back
from runaudit.factors.starts import STAMP, is_start, zone_of_start

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

OWN = "it names what the run wrote by its seed, its id, its name or its start"
_SEED_IN_NAME = r"(?i)((?:(?<![a-z])seed|(?<![a-z0-9])s)[-_=]?)%d(?![0-9a-z]|\.\d)"
_LEAST_ID, _SURE_ID = 4, 6
"""Letters of an id from which on it stands in a name by no chance: of an output, of anything."""
_TIMED = re.compile(r"20\d\d|[A-Z][a-z]{2}\d\d_")
_PLACES = known.OUTPUT_WORDS - known.EXPERIMENT_WORDS | known.PLACE_WORDS | known.KEPT_WORDS
_JOB = re.compile(r"(multirun/<start[^<>]*>/)\d+(?=/|$)")
"""The number of a job in the folder of its sweep, as Hydra makes it."""


def own_name(key: str, value: str, of: "Levels") -> str:
    """A text that bears the run's own id, seed, name or start, with marks in their place; empty for any other, and
    where a key reads from it."""
    found = set(words(key))
    if is_read(key):
        return ""
    is_name = key.lower().lstrip("-") in known.NAMING_KEYS | known.SHORT_NAMING_KEYS
    if is_name or found & (known.OUTPUT_WORDS | known.KEPT_WORDS) or is_for_weights(found):
        marked = _of_an_output(value, of, found)
    else:
        marked = _of_anything(value, of)
        marked = value if marked != value and _may_be_read(found, of) else marked
    return marked if marked != value else ""


def _may_be_read(found: Set[str], of: "Levels") -> bool:
    return of.observed is not None or bool(found & known.DATA_WORDS) or may_read_back(of)


def _of_an_output(value: str, of: "Levels", found: Set[str]) -> str:
    marked, began, seed = value, of.began, of.tree.get("seed")
    for name in of.ids:
        marked = _without(marked, name, "<run>") if len(name) >= _LEAST_ID else marked
    if began is not None and _TIMED.search(marked):
        marked = _JOB.sub(r"\1<job>", STAMP.sub(lambda m: "<start>" if is_start(m, began) else m[0], marked))
    if isinstance(seed, int) and not isinstance(seed, bool):
        by_seed, count = re.subn(_SEED_IN_NAME % seed, r"\1<seed>", marked)
        marked = by_seed if count == 1 else marked
    if found & _PLACES:
        marked = _without_name(marked, of)
    return marked


def _of_anything(value: str, of: "Levels") -> str:
    marked, began = value, of.began
    for name in of.ids:
        marked = _without(marked, name, "<run>") if len(name) >= _SURE_ID and not name.isdigit() else marked
    if began is not None and _TIMED.search(marked):
        marked = STAMP.sub(lambda match: _by_the_clock(match, began), marked)
    return marked


def _by_the_clock(match: re.Match[str], began: datetime) -> str:
    zone = zone_of_start(match, began)
    return match[0] if zone is None else f"<start{zone:+}>"


def _without_name(value: str, of: "Levels") -> str:
    """A folder without the name that the tracker has of the run. A user may have called the run by what was tried: of
    where outputs lie that is no choice, of anything else it may be."""
    name = called(of).get("name")
    if not isinstance(name, str) or len(name) < _LEAST_ID or ("/" not in value and not DRAWN.fullmatch(name)):
        return value
    return re.sub(rf"(?<![^/]){re.escape(name)}(?![^/])", "<name>", value)


def _without(text: str, name: str, mark: str) -> str:
    return re.sub(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", mark, text) if name in text else text
