"""One start of a run that lies in two folders: of W&B's link `latest-run` git makes a copy.

Both bear the id that the tracker gave, and the moment of the start, so they are of one run, and the fuller record
counts. A copy that was taken while the run went on breaks off earlier; whatever else it says otherwise is no sign of a
copy, and both are kept, each with a note of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.importers.draft import Draft, Points, ended
from runaudit.importers.tables import leaves, utc_time
from runaudit.records.canonical import canonical_equal
from runaudit.records.trajectory import same_points
from runaudit.text.words import head

_NEAR_S = 60.0
"""So far apart two files of one tracker may note one start: it asks the machine for much in between."""


@dataclass(frozen=True, slots=True)
class Once:
    """Drafts of which each is told once, and those that are copies, each with the source of the one that counts."""

    drafts: Sequence[Draft]
    copies: Sequence[tuple[Draft, str]] = ()


def told_once(drafts: Sequence[Draft]) -> Once:
    """The drafts, each start once: the fullest record of it, with what a copy alone knows."""
    found: list[Draft] = []
    places: list[int] = []
    copies: list[tuple[Draft, str]] = []
    for place, draft in sorted(enumerate(drafts), key=lambda one: _fullness(one[1]), reverse=True):
        at = next((at for is_exact in (True, False) for at, one in enumerate(found)
                   if _is_one_start(one, draft, is_exact=is_exact)), None)  # fmt: skip
        if at is None:
            found.append(draft)
            places.append(place)
        elif odd := [*dict.fromkeys(_contradictions(found[at], draft))]:
            found[at], other = (_noted(one, other, odd) for one, other in
                                ((found[at], draft), (draft, found[at])))  # fmt: skip
            found.append(other)
            places.append(place)
        else:
            copies.append((draft, found[at].source))
            found[at] = _filled(found[at], draft)
    # Several trackers tell of one folder, and which of them is asked first decides whose word goes first.
    return Once([found[at] for at in sorted(range(len(found)), key=places.__getitem__)], copies)


def _fullness(draft: Draft) -> tuple[Any, ...]:
    """How much a record says. Of two that say the same, the one whose folder bears its start stands."""
    points = [*draft.series.values()]
    return (
        ended(draft) is not None,
        max((series[-1][0] for series in points if series), default=-1),
        sum(map(len, points)),
        draft.config is not None,
        "folder" in draft.told,
    )


def _is_one_start(a: Draft, b: Draft, *, is_exact: bool) -> bool:
    """Whether two records are of one start, as their tracker calls it. One that lost some of its files may know the
    moment from another one, and nothing else is then told otherwise; where none is on record, all that they say has to
    do."""
    if (a.kind, a.identity) != (b.kind, b.identity) or not a.identity or a.source == b.source:
        return False
    if None not in (folders := (a.told.get("folder"), b.told.get("folder"))) and folders[0] != folders[1]:
        return False  # A tracker that goes on with a run makes a folder for each of its starts.
    begun, other = (utc_time(one.launch.get("started")) for one in (a, b))
    if begun is None or other is None:
        return begun is other and (a.series, a.config, a.argv) == (b.series, b.config, b.argv)
    if is_exact:
        return begun == other
    return abs((begun - other).total_seconds()) <= _NEAR_S and not any(_contradictions(a, b))


def _contradictions(full: Draft, other: Draft) -> Iterator[str]:
    """What two records of one start say otherwise of it, but for what the fuller one tells beyond the other."""
    known = dict(leaves(full.config or {}))
    yield from (name for name, value in leaves(other.config or {})
                if name in known and not canonical_equal(known[name], value))  # fmt: skip
    given = (("the script", full.program, other.program), ("the command line", [*full.argv], [*other.argv]),
             ("the commit", full.code.get("commit"), other.code.get("commit")), ("the patch", full.patch, other.patch),
             ("how it ended", ended(full), ended(other)))  # fmt: skip
    yield from (name for name, mine, theirs in given if mine and theirs and mine != theirs)
    yield from (name for name, points in other.series.items()
                if name in full.series and not _is_beginning(full.series[name], points))  # fmt: skip


def _is_beginning(whole: Points, part: Points) -> bool:
    """Whether a curve is the beginning of another one. A summary is one number, which moves while the run goes on."""
    if len(part) == 1 and whole and (len(whole) > 1 or whole[0][0] > part[0][0]):
        return whole[-1][0] >= part[0][0]
    return len(part) <= len(whole) and same_points(whole[: len(part)], part)


def _noted(one: Draft, other: Draft, odd: Sequence[str]) -> Draft:
    note = f"{other.source} has the id and the start of this run, and says otherwise of {head(odd, 3)}: both are kept"
    return replace(one, notes=(*one.notes, note))


def _filled(full: Draft, copy: Draft) -> Draft:
    """A record with what a copy of it alone knows: a file that was lost in one of the two."""
    names = ("code", "files", "env", "launch", "own", "series", "metrics")
    tables: Mapping[str, Any] = {name: {**getattr(copy, name), **getattr(full, name)} for name in names}
    whole = replace(
        full,
        **tables,
        config=copy.config if full.config is None else full.config,
        name=full.name or copy.name,
        program=full.program or copy.program,
        argv=full.argv or copy.argv,
        patch=copy.patch if full.patch is None else full.patch,
    )
    lost = {path for path in full.unknown if path not in copy.unknown}
    lost |= {"config"} if full.config is None and copy.config is not None else set()
    return replace(whole, unknown={**copy.unknown, **{path: why for path, why in full.unknown.items()
                                                      if path not in lost}}
                   if lost else full.unknown)  # fmt: skip
