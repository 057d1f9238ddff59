"""One run of which several trackers speak: Hydra's config, W&B's history and TensorBoard's events in one folder.

A folder of Hydra's is that of one job, so what other trackers left in it is told of the same run. Nothing else is: two
records that merely look alike are two runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runaudit.importers.draft import Draft

if TYPE_CHECKING:
    from runaudit.importers.walk import Place

_FACTS = ("env", "data", "init", "eval", "launch", "code", "files", "own")


def together(places: Sequence["Place"]) -> Sequence[Sequence["Place"]]:
    """The places in groups that speak of one run each, in their order: what lies in the folder of a run that is not
    wholly its tracker's, one of each kind, belongs to that run."""
    jobs = [place for place in places if not place.whole and place.path.is_dir()]
    inside: dict[int, list[Place]] = {}
    alone: list[Place] = []
    for place in places:
        above = [job for job in jobs if job is not place and place.path.is_relative_to(job.path)]
        if place in jobs and not any(place.path == job.path for job in above):
            continue
        if above:
            inside.setdefault(id(max(above, key=lambda job: len(job.path.parts))), []).append(place)
        else:
            alone.append(place)
    groups: list[Sequence[Place]] = [(place,) for place in alone]
    for job in jobs:
        others = inside.get(id(job), [])
        kinds = [other.kind for other in others]
        if len(set(kinds)) == len(kinds):
            groups.append((job, *others))
        else:  # A sweep within one job: which of them the job's record tells of, nobody knows.
            groups += [(job,), *((other,) for other in others)]
    order = {id(place): number for number, place in enumerate(places)}
    return sorted(groups, key=lambda group: order[id(group[0])])


def merged(drafts: Sequence[Draft]) -> Draft:
    """One run of several drafts: the first one's config, completed by what the others know and it does not."""
    first, *others = drafts
    for other in others:
        facts: dict[str, Any] = {name: {**getattr(other, name), **getattr(first, name)} for name in _FACTS}
        first = replace(
            first,
            **facts,
            config=_config(first, other),
            program=first.program or other.program,
            argv=first.argv or other.argv,
            seed=first.seed if first.seed is not None else other.seed,
            patch=first.patch if first.patch is not None else other.patch,
            name=first.name or other.name,
            series=_series(first, other),
            events=(*first.events, *other.events),
            torn=first.torn + other.torn,
            metrics={**other.metrics, **first.metrics},
            status=first.status or other.status,
            exit_code=first.exit_code if first.exit_code is not None else other.exit_code,
            duration_s=first.duration_s if first.duration_s is not None else other.duration_s,
            told={**first.told, other.kind: {"run": other.run, **other.told}},
            notes=(*first.notes, *other.notes),
            unknown={path: why for path, why in first.unknown.items() if path in other.unknown or path == "code.patch"},
        )
    return first


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
    """The first config, with what the second says beyond it: under its own name where the first has none of that name,
    else, where they contradict each other, beside it under the tracker's."""
    if first.config is None or other.config is None:
        return other.config if first.config is None else first.config
    config = dict(first.config)
    known = dict(_leaves(first.config))
    beside: dict[str, Any] = {}
    for name, value in other.config.items():
        if name not in config:
            # W&B is often given a flat copy: `optim.lr` or `optim/lr` for `optim: {lr: …}`.
            if known.get(name.replace("/", "."), known) != value:
                config[name] = value
        elif not _alike(config[name], value):
            beside[name] = value
    return {**config, **({f"{other.kind}_config": beside} if beside else {})}


def _alike(a: Any, b: Any) -> bool:
    return bool(a == b or str(a) == str(b))


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Any:
    for key, inner in table.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
