"""A data set that a tracker names and that stands in one record alone: exchanged for another one, or called otherwise.

MLflow files data under the name that the program gave them, so another version is another name: one set gone and one
come, for one purpose, is one choice. Where the tracker's own digest, the schema and the profile of both are equal it is
the same set as far as is known; that the digest is of a part is a gap, and stays one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runaudit.factors.factor import Absent, Change, ChangeClass
from runaudit.factors.pair import Pair
from runaudit.factors.path import steps
from runaudit.factors.sections import LOCATION_KEYS

DIGEST = "mlflow_digest"
_RENAMED = "another name for it: the tracker's digest, schema and profile are equal"


def renamed_data(found: Sequence[Change], _pair: Pair) -> Sequence[Change]:
    """These changes, a data set that was only called otherwise no factor any more."""
    same = {one.path for pair in _exchanges(found) if _facts(pair[0].before) == _facts(pair[1].after) for one in pair}
    if not same:
        return found
    return [replace(one, kind=ChangeClass.NUISANCE, why=_RENAMED) if one.path in same else one for one in found]


def exchanged_data(factors: Sequence[Change]) -> Mapping[str, str]:
    """Each of two data sets, of which one stands for the other, with the path of the one that went."""
    return {one.path: went.path for went, came in _exchanges(factors) for one in (went, came)}


def _exchanges(found: Sequence[Change]) -> Sequence[tuple[Change, Change]]:
    """The data sets of one purpose, one that went and one that came, where there are no more of either."""
    went: dict[object, list[Change]] = {}
    came: dict[object, list[Change]] = {}
    for change in found:
        if change.section != "data" or change.kind is not ChangeClass.FACTOR or len(steps(change.path)) != 2:
            continue
        side = came if isinstance(change.before, Absent) else went if isinstance(change.after, Absent) else None
        entry = change.after if side is came else change.before
        if side is not None and isinstance(entry, Mapping) and entry.get(DIGEST):
            side.setdefault(entry.get("context"), []).append(change)
    return [(went[use][0], came[use][0]) for use in went if len(went[use]) == 1 == len(came.get(use, ()))]


def _facts(entry: object) -> Mapping[str, object]:
    """What tells one data set from another: all but where it lay."""
    return {key: value for key, value in entry.items() if key not in LOCATION_KEYS} if isinstance(entry, dict) else {}
