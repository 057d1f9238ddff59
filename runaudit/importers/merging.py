"""One run of which several trackers speak: Hydra's config, W&B's history and TensorBoard's events in one folder.

A folder of Hydra's is that of one job, so what other trackers left in it is told of the same run. Nothing else is: two
records that merely look alike are two runs. Where one tracker left two records in the folder, they are one run's if
they tell the same curve, as two loggers of one program do; else the job made several, and each is a run with its
settings. Tables of steps are the job's own, however many.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.importers.curves import ENOUGH_OF_ONE, digits_of, is_pace, plain_name, same_values, values_of
from runaudit.importers.draft import Draft, Points, ended, source_of
from runaudit.importers.kinds import CALLED, KINDS
from runaudit.importers.resuming import resumed
from runaudit.importers.tables import by_last_name, leaves, spelt
from runaudit.records.manifest import UNLOGGED
from runaudit.records.told import parted

if TYPE_CHECKING:
    from runaudit.importers.reading import Place

SHARED_FOLDER = "the job ran in the folder of the program, which holds what other runs left too"
"""What a reader notes of a job whose folder is not its own: nothing else in it is known to be that job's."""
HYDRA, TABLE = "hydra", "csv"
_ORDER = {kind: number for number, kind in enumerate(KINDS)}
OF_SEVERAL = "it lies in the folder of a job that made several runs, and does not tell whose it is"
_OF_ONE, _OF_JOB = " are of one training: ", " runs, of which this is one"
_NO_CHANCE = 3
"""So many values in a row are not those of another curve of that name."""
_FACTS = ("env", "data", "init", "eval", "launch", "code", "files", "own")


# ── what lies in one folder ──────────────────────────────────────────────────────────────────────────────────────


def together(places: Sequence["Place"]) -> Sequence[Sequence["Place"]]:
    """The places in groups, in their order: what lies in the folder of a job belongs to the nearest one above it that
    another tracker recorded."""
    order = {id(place): number for number, place in enumerate(places)}
    jobs: dict[Path, list[Place]] = {}
    for place in places:
        if not place.whole and place.path.is_dir():
            jobs.setdefault(place.path, []).append(place)

    def above(place: "Place") -> "Place":
        for folder in (place.path, *place.path.parents):
            for job in jobs.get(folder, ()):
                is_earlier = folder != place.path or order[id(job)] < order[id(place)]
                if job.kind != place.kind and is_earlier:
                    return above(job)
        return place

    groups: dict[int, list[Place]] = {}
    kin: dict[tuple[str, object], Place] = {}
    for place in places:
        head = above(place)
        if head is place and place.kin:
            head = kin.setdefault((place.kind, place.kin), place)
        groups.setdefault(id(head), []).append(place)
    by_head = sorted(groups.items(), key=lambda one: order[one[0]])
    return [sorted(group, key=lambda place: (id(place) != head, order[id(place)])) for head, group in by_head]


def runs_of(drafts: Sequence[Draft]) -> tuple[Sequence[Draft], Sequence[Draft]]:
    """The runs of which the drafts from one folder tell: one, or as many as there are where they do not agree, each of
    them with the settings of the job that made them. And what lies beside several without telling whose it is."""
    drafts = resumed(drafts)
    if len(drafts) < 2 or any(SHARED_FOLDER in draft.notes for draft in drafts):
        return drafts, ()
    job = [drafts[0]] if drafts[0].kind == HYDRA else []
    rest = [*_as_tables([one for one in drafts[len(job) :] if one.kind == TABLE] if job else []),
            *(one for one in drafts[len(job) :] if one.kind != TABLE or not job)]  # fmt: skip
    told: dict[str, list[list[Draft]]] = {}
    for draft in rest:
        known = told.setdefault(draft.kind, [])
        home = next((one for one in known if (job and draft.kind == TABLE) or _same_curves(one[0], draft)), None)
        if home is None:
            known.append([draft])
        else:
            home.append(draft)
    several = max(sorted(told.items(), key=lambda one: _ORDER.get(one[0], 0)), key=lambda one: len(one[1]))[1]
    if len(several) == 1:
        return [merged([*job, *rest])], ()
    return _several(job, told, several) if job else (drafts, ())


def _several(
    job: Sequence[Draft], told: Mapping[str, list[list[Draft]]], several: list[list[Draft]]
) -> tuple[Sequence[Draft], Sequence[Draft]]:
    """The runs that one job made, as the tracker tells that tells of the most; of what the others tell, what draws a
    curve of one of them is that one's."""
    runs, left = [[*one] for one in several], []
    for found in told.values():
        for one in found if found is not several else ():
            homes = [run for run in runs if any(_shares_a_curve(known, one[0]) for known in run)]
            if len(homes) == 1:
                homes[0].extend(one)
            elif len(found) in (1, len(several)):
                left += one
            else:
                runs.append([*one])
    note = f"its job made {len(runs)}{_OF_JOB}"
    return [replace(one, notes=(*one.notes, note)) for one in (merged([*job, *run]) for run in runs)], left


def _same_curves(a: Draft, b: Draft) -> bool:
    """Whether two records of one tracker tell the same: the same settings, and each curve that both have. What the
    tracker itself calls one run, and has two records of, is not looked at here."""
    both = a.series.keys() & b.series.keys()
    is_same = bool(both) and a.config == b.config and (not a.identity or a.identity != b.identity)
    return is_same and all(same_values(a.series[name], b.series[name]) for name in both)


def _shares_a_curve(a: Draft, b: Draft) -> bool:
    return any(same_values(a.series[name], b.series[name]) for name in a.series.keys() & b.series.keys())


def _as_tables(tables: Sequence[Draft]) -> Sequence[Draft]:
    """The tables of steps in the folder of a job, which are all its own; where two of them have a column of one name,
    each column goes by the name of its table. A table's name is none for the job."""
    names = [name for one in tables for name in one.series]
    clash = len(names) > len({*names})
    stems = [one.name for one in tables]
    return [replace(one, name=None, series={f"{_stem(one, stems)}/{name}" if clash else name: points
                                            for name, points in one.series.items()}) for one in tables]  # fmt: skip


def _stem(table: Draft, stems: Sequence[str | None]) -> str:
    name = str(table.name)
    return name if stems.count(name) == 1 else f"{Path(table.source).parent.name}/{name}"


# ── one run of them ──────────────────────────────────────────────────────────────────────────────────────────────


def says_what_is_one(note: str) -> bool:
    """Whether a note tells what was put together, and nothing that is wrong with it."""
    return _OF_ONE in note or note.endswith(_OF_JOB)


def of_trackers(drafts: Sequence[Draft]) -> Draft:
    """One run of the drafts of several trackers that tell of one training. Each has the settings in a form of its own,
    so what the first has somewhere under that name is not told a second time."""
    ordered = sorted(drafts, key=lambda one: (one.config is None, _ORDER.get(one.kind, 0)))
    told = [CALLED.get(one.kind, one.kind) for one in ordered]
    why = "they hold the same numbers"
    if ordered[0].kind == HYDRA and not ordered[0].series:
        why = "the job of Hydra's has the settings, the folder and the start of the other, and of no other record"
    note = f"{len(told)} records ({', '.join(dict.fromkeys(told))}){_OF_ONE}{why}"
    one = merged([replace(one, config=_unsaid(ordered[0], one)) for one in ordered])
    return replace(one, notes=(*one.notes, note))


def _unsaid(first: Draft, other: Draft) -> Mapping[str, Any] | None:
    """The settings of another draft without those that the first one tells as well, in whatever table."""
    if other is first or first.config is None or other.config is None:
        return other.config
    return _without(other.config, by_last_name(first.config), first.unknown, "config")


def _without(
    table: Mapping[str, Any], known: Mapping[str, Sequence[Any]], unknown: Collection[str], at: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{at}.{str(key).replace('/', '.')}"
        if isinstance(value, Mapping):
            if inner := _without(value, known, unknown, path):
                found[key] = inner
        elif path in unknown or not any(
            _alike(spelt(value), one) for one in known.get(str(key).rpartition(".")[2], ())
        ):
            found[key] = value
    return found


def merged(drafts: Sequence[Draft]) -> Draft:
    """One run of several drafts: the first one's config, completed by what the others know and it does not."""
    first, *others = drafts
    for other in others:
        first, other = _uncut(first, other), _uncut(other, first)
        facts: dict[str, Any] = {name: {**getattr(other, name), **getattr(first, name)} for name in _FACTS}
        first = replace(
            first,
            **facts,
            config=_config(first, other),
            program=_fuller(first.program, other.program),
            argv=first.argv or (() if first.kind == HYDRA else other.argv),
            overrides=first.overrides or other.overrides,
            seed=first.seed if first.seed is not None else other.seed,
            patch=first.patch if first.patch is not None else other.patch,
            name=first.name or other.name,
            also=tuple(dict.fromkeys((*first.also, source_of(other), *other.also))),
            writers=_writers(first) | _writers(other),
            series=_series(first, other),
            events=(*first.events, *(one for one in other.events if one not in first.events)),
            torn=first.torn + other.torn,
            metrics={**other.metrics, **first.metrics},
            status=first.status or other.status,
            exit_code=first.exit_code if first.exit_code is not None else other.exit_code,
            duration_s=first.duration_s if first.duration_s is not None else other.duration_s,
            told={**first.told, other.kind: {"run": other.run, **other.told, **_words(first, other)}},
            notes=(*first.notes, *other.notes, *_contradictions(first, other)),
            # What one of them leaves unknown is none where the other one knows it.
            unknown={**_left_open(other, first), **_left_open(first, other)},
        )
    return first


def _uncut(draft: Draft, other: Draft) -> Draft:
    """A draft without the settings of which it has the beginning alone, as MLflow cuts off a long one, where another
    draft has the whole."""
    config = draft.config or {}
    cut = {name for name, value in config.items() if isinstance(value, str) and f"config.{name}" in draft.unknown
           and any(_goes_on(value, whole) for whole in _under(other.config, name))}  # fmt: skip
    if not cut:
        return draft
    return replace(draft, config={name: value for name, value in config.items() if name not in cut})


def _goes_on(cut: str, whole: Any) -> bool:
    return str(whole) != cut and str(whole).startswith(cut)


def _left_open(draft: Draft, other: Draft) -> dict[str, str]:
    """What a draft leaves unknown, and the other one does not tell either."""
    told = {"code.program": bool(other.program or other.code.get("codePath")),
            "code.commit": bool(other.code.get("commit")), "code.patch": other.patch is not None,
            UNLOGGED: other.config is not None}  # fmt: skip
    return {path: why for path, why in draft.unknown.items()
            if path in other.unknown or not (told.get(path) or _fills(path, draft, other))}  # fmt: skip


def _fills(path: str, draft: Draft, other: Draft) -> bool:
    """Whether another draft knows the value of a leaf that one has none of, a table of it or a list included: W&B was
    given `${oc.env:HOME}` as what it came to. What it was given unresolved it does not know either."""
    section, _, name = path.partition(".")
    if section not in ("config", *_FACTS) or not name or [*_under(getattr(draft, section), name)]:
        return False
    known = [value for value in _under(getattr(other, section), name) if section == "config" or value is not None]
    return bool(known) and not any("${" in str(value) or value == "???" for value in known)


def _under(table: Any, name: str) -> Iterator[Any]:
    """What a table holds under a dotted name, or under a flat copy of it: `optim.lr`, `optim/lr`."""
    for key, value in table.items() if isinstance(table, Mapping) else ():
        dotted = str(key).replace("/", ".")
        if dotted == name:
            yield value
        elif name.startswith(f"{dotted}."):
            yield from _under(value, name.removeprefix(f"{dotted}."))


def _words(first: Draft, other: Draft) -> dict[str, Any]:
    """The command line of a program of Hydra's: all of it went into the config, as what it came to."""
    words = {"argv": list(other.argv)} if first.kind == HYDRA and other.argv else {}
    ends = ended(first), ended(other)
    return {**words, **({"status": ends[1]} if None not in ends and ends[0] != ends[1] else {})}


def _contradictions(first: Draft, other: Draft) -> Iterator[str]:
    """What two trackers tell of one setting where they do not tell the same."""
    told = dict(leaves(_config(first, other) or {}))
    for name, value in leaves(other.config or {}):
        if told.get(f"{other.kind}_config.{name}", told) == value:
            yield (
                f"{name} is {told.get(name)} as {CALLED[first.kind]} has it and {value} as {CALLED[other.kind]} does: "
                "which of them the program used is not in the record"
            )


def _fuller(a: str | None, b: str | None) -> str | None:
    """Of two words for the script the one that says more of where it lies."""
    return max((word for word in (a, b) if word), key=lambda word: len(Path(word).parts), default=None)


def _series(first: Draft, other: Draft) -> dict[str, Any]:
    """Both trackers' series. One name is one series where they agree, as far as each of them goes; else the second is
    told under its tracker's. Where both were given the same numbers, the first one's digits and steps stand."""
    found = dict(first.series)
    names = {plain_name(name): name for name in found}
    for name, points in other.series.items():
        known = name if name in found else names.get(plain_name(name), name)
        if known not in found:
            found[name] = points
        elif _goes_as_far(found[known], points) or (is_pace(name) and len(points) < len(found[known])):
            continue
        elif points[0][0] == found[known][0][0] and _goes_as_far(points, found[known]):
            found[known] = points
        else:
            found[f"{other.kind}/{name}" if name in found else name] = points
    return found


def _goes_as_far(curve: Points, other: Points) -> bool:
    """Whether a curve tells all that another of its name does. The beginning of one is no chance, a number may be."""
    mine, told = values_of(curve), values_of(other)
    if mine == told or (mine.endswith(told) and sum(digits_of(value) for _, value in other) >= ENOUGH_OF_ONE):
        return True
    return (len(other) >= _NO_CHANCE or other[0][0] == curve[0][0]) and mine.startswith(told)


def _writers(draft: Draft) -> frozenset[str]:
    return draft.writers or frozenset({draft.kind})


def _config(first: Draft, other: Draft) -> Mapping[str, Any] | None:
    """The first config, with what the second says beyond it: in its own place where the first has nothing there, else,
    where they contradict each other, beside it under the tracker's name."""
    if first.config is None or other.config is None:
        return other.config if first.config is None else first.config
    known = dict(leaves(first.config))
    flat: dict[str, Any] = {}
    for name, value in other.config.items():
        # W&B is often given a flat copy: `optim.lr` or `optim/lr` for `optim: {lr: …}`.
        dotted = name.replace("/", ".")
        if name in first.config or known.get(dotted, known) != value:
            is_gap = name not in first.config and f"config.{dotted}" in first.unknown
            flat = _put(flat, dotted.split(".") if is_gap else [name], value)
    config, beside = parted(first.config, flat, _alike)
    return {**config, **({f"{other.kind}_config": beside} if beside else {})}


def _put(table: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    if len(keys) == 1:
        return {**table, keys[0]: value}
    inner = table.get(keys[0])
    return {**table, keys[0]: _put(inner if isinstance(inner, Mapping) else {}, keys[1:], value)}


def _alike(a: Any, b: Any) -> bool:
    return bool(a == b or str(a) == str(b))
