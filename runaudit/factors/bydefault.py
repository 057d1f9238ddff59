"""An option that one run was given and the other left at its default, where both lead to a declared data set.

`--train data/big.csv` beside nothing is no choice beside the data: it says where the data lies, and what the other run
read by default is declared, and was seen to be read. Which of it counts is told by the digest.
"""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.factors.evidence import data_place
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.observed import unread_data
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches


def leads_to_data(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The changes; a place that one run alone was given follows the data set that lies there, where that set is a
    factor and the other run was seen to read its own."""
    moved = {name for name in pair.a.run.manifest.section("data")
             if any(c.kind is ChangeClass.FACTOR and matches(c.path, f"data.{name}") for c in found)}  # fmt: skip
    if not moved:
        return found
    return [_following(change, name) if (name := _data_of(change, pair)) in moved else change for change in found]


def _data_of(change: Change, pair: Pair) -> str:
    """The data set to which a text leads that one run alone has; empty where it leads to none, or where nobody saw the
    other run read a set of that name."""
    if change.kind is not ChangeClass.FACTOR or change.section != "config":
        return ""
    absent = isinstance(change.before, Absent), isinstance(change.after, Absent)
    value = change.after if absent[0] else change.before
    if sum(absent) != 1 or not isinstance(value, str):
        return ""
    of, other = (pair.b, pair.a) if absent[0] else (pair.a, pair.b)
    name = data_place(last_key(change.path), value, of)
    return name if name and has_read(name, other) and has_read(name, of) else ""


def has_read(name: str, of: Levels) -> bool:
    """Whether a run declares a data set and was seen to read it."""
    unread = unread_data(of.run)
    return unread is not None and name not in unread and name in of.run.manifest.section("data")


def _following(change: Change, name: str) -> Change:
    why = f"it says where data.{name} lies, which the other run read by default"
    return replace(change, kind=ChangeClass.DERIVED, role=Role.TREATMENT, follows=f"data.{name}", why=why)
