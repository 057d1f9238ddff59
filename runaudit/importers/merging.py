"""One run of which several trackers speak: Hydra's config, W&B's history and TensorBoard's events in one folder.

A folder of Hydra's is that of one job, so what other trackers left in it is told of the same run. Nothing else is: two
records that merely look alike are two runs. Where one tracker left two records in the folder, they are one run's if
they tell the same curve, as two loggers of one program do; else it was a sweep, and each is a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.importers.draft import Draft
from runaudit.importers.tables import leaves

if TYPE_CHECKING:
    from runaudit.importers.walk import Place

SHARED_FOLDER = "the job ran in the folder of the program, which holds what other runs left too"
"""What a reader notes of a job whose folder is not its own: nothing else in it is known to be that job's."""
HYDRA = "hydra"
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
    for place in places:
        groups.setdefault(id(above(place)), []).append(place)
    by_head = sorted(groups.items(), key=lambda one: order[one[0]])
    return [sorted(group, key=lambda place: (id(place) != head, order[id(place)])) for head, group in by_head]


def runs_of(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """The runs of which the drafts from one job's folder tell: one, or as many as there are where they do not agree."""
    is_shared = any(SHARED_FOLDER in draft.notes for draft in drafts)
    twice = (pair for pair in combinations(drafts, 2) if pair[0].kind == pair[1].kind)
    if len(drafts) < 2 or is_shared or not all(_same_curves(*pair) for pair in twice):
        return drafts
    return [merged(drafts)]


def _same_curves(a: Draft, b: Draft) -> bool:
    """Whether two records of one tracker tell the same: the same settings, and each curve that both have."""
    both = a.series.keys() & b.series.keys()
    return bool(both) and a.config == b.config and all(tuple(a.series[name]) == tuple(b.series[name]) for name in both)


# ── one run of them ──────────────────────────────────────────────────────────────────────────────────────────────


def merged(drafts: Sequence[Draft]) -> Draft:
    """One run of several drafts: the first one's config, completed by what the others know and it does not."""
    first, *others = drafts
    for other in others:
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
            series=_series(first, other),
            events=(*first.events, *(one for one in other.events if one not in first.events)),
            torn=first.torn + other.torn,
            metrics={**other.metrics, **first.metrics},
            status=first.status or other.status,
            exit_code=first.exit_code if first.exit_code is not None else other.exit_code,
            duration_s=first.duration_s if first.duration_s is not None else other.duration_s,
            told={**first.told, other.kind: {"run": other.run, **other.told, **_words(first, other)}},
            notes=(*first.notes, *other.notes),
            # What either of them leaves unknown; what the other one knows is in its place, and then it is none.
            unknown={**other.unknown, **first.unknown},
        )
    return first


def _words(first: Draft, other: Draft) -> dict[str, Any]:
    """The command line of a program of Hydra's: all of it went into the config, as what it came to."""
    return {"argv": list(other.argv)} if first.kind == HYDRA and other.argv else {}


def _fuller(a: str | None, b: str | None) -> str | None:
    """Of two words for the script the one that says more of where it lies."""
    return max((word for word in (a, b) if word), key=lambda word: len(Path(word).parts), default=None)


def _series(first: Draft, other: Draft) -> dict[str, Any]:
    """Both trackers' series. One name is one series where they agree, else the second is told under its tracker's."""
    found = dict(first.series)
    for name, points in other.series.items():
        if name in found and tuple(found[name]) != tuple(points):
            found[f"{other.kind}/{name}"] = points
        else:
            found[name] = points
    return found


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
    config, beside = _filled(first.config, flat)
    return {**config, **({f"{other.kind}_config": beside} if beside else {})}


def _put(table: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    if len(keys) == 1:
        return {**table, keys[0]: value}
    inner = table.get(keys[0])
    return {**table, keys[0]: _put(inner if isinstance(inner, Mapping) else {}, keys[1:], value)}


def _filled(first: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A table with what another has beyond it, and what of the other contradicts it."""
    found, beside = dict(first), {}
    for key, value in other.items():
        known = first.get(key)
        if key not in first:
            found[key] = value
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            found[key], inner = _filled(known, value)
            if inner:
                beside[key] = inner
        elif not _alike(known, value):
            beside[key] = value
    return found, beside


def _alike(a: Any, b: Any) -> bool:
    return bool(a == b or str(a) == str(b))
