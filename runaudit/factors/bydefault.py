"""An option that one run was given and the other left at its default, where both lead to a declared data set.

`--train data/big.csv` beside nothing is no choice beside the data: it says where the data lies, and what the other run
read by default is declared, and was seen to be read. Which of it counts is told by the digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runaudit.factors import builtin as known
from runaudit.factors.evidence import data_place
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.namewords import words
from runaudit.factors.observed import unread_data
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches


def leads_to_data(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The changes; a place that one run alone was given follows the data set that lies there, where the other run was
    seen to read its own. Where both read one content it says nothing at all."""
    return [_told(change, name, found, pair) if (name := _data_of(change, pair)) else change for change in found]


def _data_of(change: Change, pair: Pair) -> str:
    """The data set to which a text leads that one run alone has, and after which it is called; empty where it leads to
    none, or where nobody saw the other run read a set of that name."""
    if change.kind is not ChangeClass.FACTOR or change.section != "config":
        return ""
    absent = isinstance(change.before, Absent), isinstance(change.after, Absent)
    value = change.after if absent[0] else change.before
    if sum(absent) != 1 or not isinstance(value, str):
        return ""
    of, other = (pair.b, pair.a) if absent[0] else (pair.a, pair.b)
    name = data_place(last_key(change.path), value, of)
    is_read = name and has_read(name, other) and has_read(name, of)
    return name if is_read and is_called_after(change.path, name) else ""


def declared_by_one(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The changes; a data set that one run alone declares, and whose very content the other was seen to read, is one
    that both used."""
    return [replace(change, kind=ChangeClass.NUISANCE, role=Role.TREATMENT, why=_READ) if _is_read(change, pair) else
            change for change in found]  # fmt: skip


_READ = "the other run read this very content, and did not declare it"


def _is_read(change: Change, pair: Pair) -> bool:
    absent = isinstance(change.before, Absent), isinstance(change.after, Absent)
    value, other = (change.after, pair.a) if absent[0] else (change.before, pair.b)
    if change.section != "data" or sum(absent) != 1 or not isinstance(value, Mapping) or other.observed is None:
        return False
    seen = {row.digest for row in other.observed.reads.values()}
    sets = list(value.values()) if change.path == "data" else [value]
    return bool(sets) and all(isinstance(one, Mapping) and one.get("digest") in seen for one in sets)


def is_called_after(path: str, name: str) -> bool:
    """Whether an option is called after a data set, or after nothing but data and places: `--extra data/train.csv` may
    use the set for something else."""
    found = set(words(last_key(path)))
    return bool(found & set(words(name))) or found <= known.DATA_WORDS | known.PLACE_WORDS | {"file", "csv", "files"}


def has_read(name: str, of: Levels) -> bool:
    """Whether a run declares a data set and was seen to read it."""
    unread = unread_data(of.run)
    return unread is not None and name not in unread and name in of.run.manifest.section("data")


def _told(change: Change, name: str, found: Sequence[Change], pair: Pair) -> Change:
    why = f"it says where data.{name} lies, which the other run read by default"
    if any(c.kind is ChangeClass.FACTOR and matches(c.path, f"data.{name}") for c in found):
        return replace(change, kind=ChangeClass.DERIVED, role=Role.TREATMENT, follows=f"data.{name}", why=why)
    first, second = (of.at(f"data.{name}.digest") for of in (pair.a, pair.b))
    is_one = isinstance(first, str) and first == second
    return replace(change, kind=ChangeClass.NUISANCE, role=Role.TREATMENT, why=why) if is_one else change
