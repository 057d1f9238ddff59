"""Which records of several trackers tell of one training: by what they logged, and never by what they are called.

A program with three loggers leaves three records, in three folders, under three names. That they are of one training
shows in the numbers: the same values in the same order, enough of them that this is no chance, settings and seed that
do not contradict each other, one program of one commit, and times that do not either. Two records of one tracker are
two launches all the same, however alike: a program without chance comes to the same numbers twice. And a record of
nothing but an evaluation, at the last step of a training that began before it, is what that training's own tracker was
told once it had ended.

A group holds together as a whole: two records that contradict each other are never of one training through a third that
says less. Where a tracker has as many of these records as another one, and none of them contradicts another, they are
put together in their order; else those that lie side by side are. A record that fits two which contradict each other is
left out, and the others are told apart without it. Where nothing tells which are of one training they stay apart, and
each says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import PureWindowsPath
from typing import Any

from runaudit.importers.commandline import arguments
from runaudit.importers.curves import ENOUGH_OF_ONE, digits_of, is_pace, plain_name, values_of
from runaudit.importers.draft import Draft
from runaudit.importers.merging import HYDRA, SHARED_FOLDER
from runaudit.importers.seeds import find_seed
from runaudit.importers.tables import leaves, spelt, utc_time

ENOUGH_VALUES, ENOUGH_DIGITS = 3, 20
"""Equal curves are no chance from so many different values on, with so many digits together."""
_APART_S = 2.0
"""Trackers are told of a start one after another, and some keep whole seconds of it."""
_NEAR = 3
"""So far above two records the folder that holds both may lie: what one program wrote, its loggers put side by side."""
_LONG = 200
"""Some trackers cut a longer setting off."""


Key = tuple[int, int]
"""Which group of places a record was read from, and which of what lies there it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What of a record is held against others. writers: those whose files it was read from. curves: name -> its values.
    ends: name -> its first and its last step. digits: name -> those of its different values. is_job: a folder of a job
    of Hydra's that holds nothing else. cwd: where the program ran. words: its options as they were typed. clocked:
    settings that the clock, or the surroundings, gave their values."""

    writers: frozenset[str]
    curves: Mapping[str, bytes] = field(default_factory=dict)
    ends: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    digits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    begun: float | None = None
    until: float | None = None
    seed: Any = None
    settings: Mapping[str, Any] | None = None
    commit: str = ""
    program: str = ""
    is_bare: bool = False
    place: str = ""
    is_job: bool = False
    cwd: str = ""
    words: tuple[str, ...] = ()
    clocked: frozenset[str] = frozenset()


def trace_of(draft: Draft) -> Trace:
    """The trace of a draft."""
    curves: dict[str, bytes] = {}
    ends: dict[str, tuple[int, int]] = {}
    digits: dict[str, tuple[int, int]] = {}
    for name, points in draft.series.items():
        plain = plain_name(name)
        if not points or is_pace(name) or len(points) < len(curves.get(plain, b"")) / 4:
            continue
        curves[plain] = values_of(points)
        ends[plain] = points[0][0], points[-1][0]
        different = {value for _, value in points}
        digits[plain] = len(different), sum(map(digits_of, different))
    begun = utc_time(draft.launch.get("started"))
    seconds = None if begun is None else begun.timestamp()
    seed = find_seed(draft.config or {}, arguments(draft.argv, draft.config), "", (), declared=draft.seed)
    return Trace(
        writers=draft.writers or frozenset({draft.kind}),
        curves=curves,
        ends=ends,
        digits=digits,
        begun=seconds,
        until=None if seconds is None or draft.duration_s is None else seconds + draft.duration_s,
        seed=None if seed is None else seed.value,
        settings=None if draft.config is None else dict(leaves(draft.config)),
        commit=str(draft.code.get("commit") or ""),
        program=str(draft.code.get("codePath") or draft.program or ""),
        place=draft.source,
        is_bare=draft.config is None and not draft.argv and draft.seed is None,
        is_job=draft.kind == HYDRA and not curves and not draft.also and SHARED_FOLDER not in draft.notes,
        cwd=str(draft.launch.get("cwd") or ""),
        words=tuple(map(str, draft.overrides if draft.kind == HYDRA else draft.argv)),
        clocked=frozenset(path.removeprefix("config.") for path in (*draft.told.get("clock", ()), *draft.unknown)),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Records that are of one training, in groups; and each of the others that may be, with one that it may be of: by
    their numbers, or (`jobs`) by the settings of a job."""

    groups: Sequence[Sequence[Key]] = ()
    doubtful: Mapping[Key, Key] = field(default_factory=dict)
    jobs: Mapping[Key, Key] = field(default_factory=dict)


def of_one_training(traces: Mapping[Key, Trace]) -> Found:
    """The records, by their keys, that tell of one training."""
    groups: list[Sequence[Key]] = []
    doubtful: dict[Key, Key] = {}
    for keys in _tied([*traces], _candidates(traces), traces):
        told = [*_told_apart(keys, traces)]
        groups += told
        doubtful |= dict(_beside(keys, told, traces))
    return Found(_with_evaluations(groups, traces), doubtful)


def _tied(
    keys: Sequence[Key], candidates: Iterable[tuple[Key, Key]], traces: Mapping[Key, Trace]
) -> Sequence[Sequence[Key]]:
    """Some records in groups that are tied by their numbers, each to another one of its group at least."""
    order = {key: number for number, key in enumerate(keys)}
    home = {key: key for key in keys}

    def root(key: Key) -> Key:
        while home[key] != key:
            home[key] = home[home[key]]
            key = home[key]
        return key

    for a, b in candidates:
        if root(a) != root(b) and _is_one(traces[a], traces[b]):
            later, first = sorted((root(a), root(b)), key=order.__getitem__, reverse=True)
            home[later] = first
    alike: dict[Key, list[Key]] = defaultdict(list)
    for key in keys:
        alike[root(key)].append(key)
    return [*alike.values()]


def _beside(
    keys: Sequence[Key], groups: Sequence[Sequence[Key]], traces: Mapping[Key, Trace]
) -> Iterator[tuple[Key, Key]]:
    """Each of some records that is in no group, with one that it may be of one training with: one that is in no group
    either, or in one that has no record of its tracker."""
    where = {key: frozenset[str]().union(*(traces[one].writers for one in group)) for group in groups for key in group}
    for key in keys:
        free = (one for one in keys if key not in where and not where.get(one, frozenset()) & traces[key].writers)
        other = next((one for one in free if _is_one(traces[key], traces[one])), None)
        if other is not None:
            yield key, other


def _candidates(traces: Mapping[Key, Trace]) -> Iterator[tuple[Key, Key]]:
    """Pairs of records by different trackers that begin a curve of one name alike. A thousand accuracies begin with 0:
    a curve is asked for by more than its first number, and not where it says next to nothing."""
    begins: dict[tuple[str, bytes], dict[frozenset[str], list[Key]]] = defaultdict(lambda: defaultdict(list))
    for key, trace in traces.items():
        for name, values in trace.curves.items():
            if trace.digits[name][1] >= ENOUGH_OF_ONE:
                begins[name, values[: 4 * ENOUGH_VALUES]][trace.writers].append(key)
    seen: set[tuple[Key, Key]] = set()
    for by_writer in begins.values():
        parts = list(by_writer.items())
        for at, (mine, keys) in enumerate(parts):
            for theirs, others in parts[at + 1 :]:
                if mine & theirs:
                    continue
                for pair in ((a, b) for a in keys for b in others):
                    if pair not in seen:
                        seen.add(pair)
                        yield pair


def _is_one(a: Trace, b: Trace) -> bool:
    """Whether two records tell of one training."""
    if a.writers & b.writers or contradict(a, b):
        return False
    is_timed = a.begun is not None and b.begun is not None
    if is_timed and not _met(a, b):
        return False
    both = a.curves.keys() & b.curves.keys()
    if not all(_agree(a.curves[name], b.curves[name], is_timed=is_timed) for name in both):
        return False
    told = [min(a.digits[name], b.digits[name]) for name in both]
    return sum(count for count, _ in told) >= ENOUGH_VALUES and sum(count for _, count in told) >= ENOUGH_DIGITS


def _agree(a: bytes, b: bytes, *, is_timed: bool) -> bool:
    """Whether two curves are one. A record that lags behind has its beginning: but so has a training that was to take
    fewer steps, from which only the time tells it."""
    return a == b or (is_timed and (a.startswith(b) or b.startswith(a)))


def _are_two(a: Trace, b: Trace) -> bool:
    """Whether two records tell of two trainings, whatever a third one has in common with both."""
    if contradict(a, b):
        return True
    if a.writers & b.writers:
        return False  # Two launches without a contradiction are as good as each other.
    both = a.curves.keys() & b.curves.keys()
    is_apart = a.begun is not None and b.begun is not None and not _met(a, b)
    return is_apart or not all(_agree(a.curves[name], b.curves[name], is_timed=True) for name in both)


def contradict(a: Trace, b: Trace) -> bool:
    """Whether two records say of their training what cannot be of one: seed, commit, script or a setting of both."""
    if None not in (a.seed, b.seed) and a.seed != b.seed:
        return True
    if not (a.commit.startswith(b.commit) or b.commit.startswith(a.commit)) or _are_two_scripts(a.program, b.program):
        return True
    mine, theirs = a.settings or {}, b.settings or {}
    return mine != theirs and any(not alike(mine[name], theirs[name]) for name in mine.keys() & theirs.keys())


def _are_two_scripts(a: str, b: str) -> bool:
    """Whether two words name two scripts. One tracker has the whole path, another one the path within the work tree:
    the shorter is the end of the longer. What is no file (a module, a notebook's kernel) has a word at each tracker."""
    if not (a.endswith(".py") and b.endswith(".py")):
        return False
    mine, theirs = (PureWindowsPath(word).parts for word in (a, b))
    shared = min(len(mine), len(theirs))
    return mine[-shared:] != theirs[-shared:]


def alike(a: Any, b: Any) -> bool:
    """Whether two trackers tell of one value, each in the form in which it keeps one."""
    a, b = spelt(a), spelt(b)
    return bool(a == b) or str(a) == str(b) or max(len(str(a)), len(str(b))) > _LONG


def _met(a: Trace, b: Trace) -> bool:
    """Whether the times of two records have a moment in common. Of one that tells no end its start has to do."""
    spans = sorted((one.begun or 0.0, one.until if one.until is not None else one.begun or 0.0) for one in (a, b))
    return spans[1][0] <= spans[0][1] + _APART_S


def _told_apart(keys: Sequence[Key], traces: Mapping[Key, Trace]) -> Iterator[Sequence[Key]]:
    """Records that are all tied as groups of one by each tracker; where their numbers do not fit, those of them that
    lie in one folder, or in one above it, if theirs do; and what holds together without those that fit two of them
    which do not."""
    if fitting := _fitting(keys, traces):
        yield from fitting
        return
    left = [*keys]
    for up in range(_NEAR):
        folders: dict[str, list[Key]] = defaultdict(list)
        for key in left:
            folders["/".join(traces[key].place.split("/")[: -1 - up])].append(key)
        for near in folders.values():
            if len(near) < len(keys) and (fitting := _fitting(near, traces)):
                yield from fitting
                left = [key for key in left if key not in near]
    if doubt := _in_doubt(keys, traces):
        left = [key for key in left if key not in doubt]
        for part in _tied(left, combinations(left, 2), traces):
            yield from _told_apart(part, traces) if len(part) > 1 else ()


def _in_doubt(keys: Sequence[Key], traces: Mapping[Key, Trace]) -> frozenset[Key]:
    """Those of some records that are tied to two others which are of two trainings: of which of them nobody knows."""
    tied: dict[Key, set[Key]] = defaultdict(set)
    apart: dict[Key, set[Key]] = defaultdict(set)
    for a, b in combinations(keys, 2):
        found = tied if _is_one(traces[a], traces[b]) else apart if _are_two(traces[a], traces[b]) else None
        if found is not None:
            found[a].add(b)
            found[b].add(a)
    return frozenset(key for key, others in tied.items() if any(not apart[one].isdisjoint(others) for one in others))


def _fitting(keys: Sequence[Key], traces: Mapping[Key, Trace]) -> Sequence[Sequence[Key]]:
    """The records put together in their order, one by each tracker; none where one has more of them than another, or
    two that contradict each other, for then their order does not tell which of them a record that says less is of."""
    by_writer: dict[frozenset[str], list[Key]] = defaultdict(list)
    for key in keys:
        by_writer[traces[key].writers].append(key)
    counts = {len(found) for found in by_writer.values()}
    is_clear = len({writer for writers in by_writer for writer in writers}) == sum(map(len, by_writer))
    if len(by_writer) < 2 or len(counts) != 1 or not is_clear:
        return ()
    if any(contradict(traces[a], traces[b]) for found in by_writer.values() for a, b in combinations(found, 2)):
        return ()
    ordered = [sorted(found, key=lambda key: traces[key].begun or 0.0) for found in by_writer.values()]
    rows = list(zip(*ordered, strict=True))
    return rows if all(_holds(row, traces) for row in rows) else ()


def _holds(keys: Sequence[Key], traces: Mapping[Key, Trace]) -> bool:
    """Whether records by different trackers hold together as one training: no two of them are of two, and their numbers
    tie each to the others, be it through one of them."""
    if any(_are_two(traces[a], traces[b]) for a, b in combinations(keys, 2)):
        return False
    return len(_tied(keys, combinations(keys, 2), traces)) == 1


def _with_evaluations(groups: Sequence[Sequence[Key]], traces: Mapping[Key, Trace]) -> list[list[Key]]:
    """The groups, with the evaluations that are of one of them, or of a record by itself."""
    ended: dict[tuple[str, bytes], list[Key]] = defaultdict(list)
    for key, trace in traces.items():
        for name, values in trace.curves.items():
            if len(values) > 4:
                ended[name, values[-4:]].append(key)
    found = [list(group) for group in groups]
    where = {key: group for group in found for key in group}
    for key, trace in traces.items():
        if not trace.is_bare or key in where or trace.begun is None or not _is_moment(trace):
            continue
        (name, values), *_ = trace.curves.items()
        whole = [other for other in ended.get((name, values), ()) if _ends_with(traces[other], trace)]
        if whole:
            last = max(whole, key=lambda other: traces[other].begun or 0.0)
            if any(contradict(traces[other], trace) for other in where.get(last, [last])):
                continue
            if last not in where:
                found.append([last])
                where[last] = found[-1]
            where[last].append(key)
    return found


def _is_moment(trace: Trace) -> bool:
    """Whether a record tells of one step alone."""
    steps = {step for ends in trace.ends.values() for step in ends}
    is_one = len(steps) == 1 and all(len(values) == 4 for values in trace.curves.values())
    return is_one and sum(digits for _, digits in trace.digits.values()) >= ENOUGH_OF_ONE


def _ends_with(whole: Trace, part: Trace) -> bool:
    """Whether a training came, at its last step, to what an evaluation that began after it tells."""
    return (
        whole.begun is not None
        and part.begun is not None
        and whole.begun <= part.begun
        and not whole.is_bare
        and all(whole.curves.get(name, b"")[-4:] == values and whole.ends[name][1] == part.ends[name][0]
                for name, values in part.curves.items())
    )  # fmt: skip
