"""The runs at or below a path: one walk, in which every reader says what of a folder is its own.

A folder of runs is a stranger's, and hundreds of them: a run that is damaged is left out with its reason, and the
others come in. One that was named by itself is refused, since nothing else was asked for.
"""

import importlib
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from runaudit.errors import CanonicalError, NoRunError, RecordError
from runaudit.importers.base import Imported, Skipped
from runaudit.importers.copies import told_once
from runaudit.importers.draft import Draft, imported
from runaudit.importers.kinds import AUTO, BY_NAME, CALLED, KINDS, RECORD
from runaudit.importers.merging import of_trackers, runs_of, together
from runaudit.importers.onejob import with_jobs
from runaudit.importers.onetraining import Key, Trace, of_one_training
from runaudit.importers.opened import address_of
from runaudit.importers.reading import OF_MANY, Place, readings, told_at, traced
from runaudit.settings import ImportSettings
from runaudit.text.words import plural

_OTHERWISE = "name the folder that holds them, or another kind"
MOST_LOGS, MOST_LOOKED_AT = 100, 1000
"""Printed logs that are counted where nothing else was found, and files that are looked at for them."""
_FILED_APART = frozenset({"mlflow", "lightning", "huggingface"})
"""Trackers that may have filed one training as two runs of their own."""


def runs_at(path: Path, kind: str, settings: ImportSettings) -> Iterator[Imported | Skipped]:
    """Every run of a kind at or below a path, in the order of their names. kind: of `KINDS`, or `auto`.

    Raises NoRunError where nothing lies at the path, or no run of this kind, RecordError for one alone that cannot be
    read.
    """
    check_there(path)
    if kind == RECORD:
        from runaudit.importers.record import read_records

        found, _ = read_records(path)
        yield from found
        return
    places = [*_places(path, _readers(kind))]
    if not places:
        raise _nothing(path, kind)
    alone, groups = len(places) == 1, together(places)
    within = path if path.is_dir() else path.parent
    told = _of_one_training(groups, within, settings.jobs) if address_of(path) is None else _Twice({}, {}, {})
    waiting: dict[Key, Draft] = {}
    for number, group in enumerate(readings(groups, within, alone=alone, jobs=settings.jobs)):
        for place, one in enumerate(group):
            key = number, place
            if isinstance(one, Draft) and key in told.member_of:
                waiting[key] = one
                if (kin := told.member_of[key]) <= waiting.keys():
                    yield from _made([of_trackers([waiting.pop(one) for one in sorted(kin)])], settings, alone=False)
                continue
            yield from _made([_doubted(one, key, told)], settings, alone=alone and len(groups) == 1)
    yield from _made(waiting.values(), settings, alone=False)  # What was written to since it was first looked at.


def _nothing(path: Path, kind: str) -> RecordError:
    """The error where nothing of a kind lies at a path: what was looked for, and what else lies there."""
    if (address := address_of(path)) is not None:
        return RecordError(
            f"{address} is not the address of a server of {CALLED.get(kind, 'a known tracker')}",
            remedy="runaudit import wandb https://wandb.ai/ENTITY/PROJECT (set WANDB_BASE_URL for a server of your "
            "own), or runaudit import mlflow http://HOST:PORT",
        )
    if kind != AUTO:
        return NoRunError(f"{path} holds no {CALLED.get(kind, kind)} run", remedy=_OTHERWISE)
    looked_for = ", ".join(CALLED[word] for word in KINDS if word in CALLED and word not in BY_NAME)
    told = f"{path} holds no run of {looked_for}"
    for word in sorted(BY_NAME):
        if count := sum(1 for _ in islice(_by_name(path, word), MOST_LOGS)):
            many = plural(count, CALLED[word].removesuffix("s"))
            remedy = f"runaudit import {word} {shlex.quote(str(path))}"
            return NoRunError(f"{told}, but {many}", remedy=remedy)
    return NoRunError(told, remedy=_OTHERWISE)


def _by_name(path: Path, kind: str) -> Iterator[Path]:
    """What a reader that is asked for by name alone would take at or below a path."""
    reader = importlib.import_module(KINDS[kind])
    return (place.path for place in islice(_places(path, {kind: reader}), MOST_LOOKED_AT) if reader.is_one(place.path))


def drafts_at(path: Path, kinds: Sequence[str]) -> Iterator[Draft | Skipped]:
    """What lies below a folder, as the readers of these kinds tell it: one draft a run, several trackers' put together.
    A fault is that of its place, and the others are told."""
    for group in together([*_places(path, _modules(kinds))]):
        told = [one for place in group for one in told_at(place, path, alone=False)]
        runs, left = runs_of(told_once([one for one in told if isinstance(one, Draft)]).drafts)
        yield from (*runs, *left)
        yield from (one for one in told if isinstance(one, Skipped))


def claims_of(here: Path, folders: Sequence[str], files: Sequence[str], kinds: Sequence[str]) -> list[Path]:
    """Where the readers of these kinds find a run, in a folder that holds entries of these names."""
    return [place for reader in _modules(kinds).values() for place in reader.places(here, folders, files)]


def check_there(path: Path) -> None:
    """Raises NoRunError where nothing lies at a path, and it is no address of a server either."""
    if not os.path.lexists(path) and address_of(path) is None:
        raise NoRunError(f"{path} does not exist", remedy="name a file, or a folder with runs in it")


def _readers(kind: str) -> Mapping[str, Any]:
    return _modules([word for word in KINDS if word != RECORD and word not in BY_NAME] if kind == AUTO else [kind])


def _modules(kinds: Sequence[str]) -> Mapping[str, Any]:
    return {kind: importlib.import_module(KINDS[kind]) for kind in kinds}


def _places(path: Path, readers: Mapping[str, Any]) -> Iterator[Place]:
    """What the readers claim. Links below the path are not followed: `latest-run` is one of the others."""
    if not path.is_dir():
        here, names = path.parent, [path.name]
        claims = ((kind, reader.places(here, (), names)) for kind, reader in readers.items())
        yield from (Place(path, kind, True) for kind, found in claims if path in found)
        return
    claimed: set[tuple[str, Path]] = set()
    whole: set[Path] = set()
    for root, folders, files in os.walk(path):
        folders.sort()
        files.sort()
        for kind, reader in readers.items():
            for place in reader.places(Path(root), folders, files):
                # A reader before it knows better what this is; of a folder that is not wholly its own others may tell.
                if (kind, place) in claimed or not whole.isdisjoint((place, place.parent)):
                    continue
                claimed.add((kind, place))
                yield Place(place, kind, bool(reader.WHOLE), reader.kin(place) if hasattr(reader, "kin") else "")
                if reader.WHOLE:
                    whole.add(place)
                    folders[:] = [name for name in folders if not _is_below(Path(root, name), place)]


def _is_below(path: Path, above: Path) -> bool:
    return path.is_relative_to(above)


# ── one training, several trackers ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Twice:
    """What is told more than once: which drafts belong together, by each of them, and which may, by their numbers or as
    the job of which the other one tells."""

    member_of: Mapping[Key, frozenset[Key]]
    beside: Mapping[Key, str]
    jobs: Mapping[Key, str]


def _of_one_training(groups: Sequence[Sequence[Place]], within: Path, jobs: int | None) -> _Twice:
    """Which runs several trackers tell of, far apart in one tree. All is read once to find out, and of each run only
    its numbers are kept; not where one tracker alone wrote there, and it files no run twice."""
    if len(groups) < 2 and not any(place.kind in OF_MANY for group in groups for place in group):
        return _Twice({}, {}, {})
    if len({place.kind for group in groups for place in group}) == 1 and groups[0][0].kind not in _FILED_APART:
        return _Twice({}, {}, {})
    traces: dict[Key, Trace] = {}
    sources: dict[Key, str] = {}
    for number, seen in enumerate(traced(groups, within, jobs=jobs)):
        for place, (trace, source) in seen.items():
            traces[number, place], sources[number, place] = trace, source
    found = with_jobs(of_one_training(traces), traces)
    return _Twice(
        {key: frozenset(group) for group in found.groups for key in group},
        {key: sources[other] for key, other in found.doubtful.items()},
        {key: sources[other] for key, other in found.jobs.items()},
    )


def _doubted(one: Draft | Skipped, key: Key, told: _Twice) -> Draft | Skipped:
    if isinstance(one, Skipped):
        return one
    if (other := told.beside.get(key)) is not None:
        why = "both logged the same numbers, and more than one other record did"
    elif (other := told.jobs.get(key)) is not None:
        why = "both have the same settings, folder and start, and more than one record of such a job does"
    else:
        return one
    note = f"it may be the training of {other}, too: {why}"
    return replace(one, notes=(*one.notes, note))


def _made(found: Iterable[Draft | Skipped], settings: ImportSettings, *, alone: bool) -> Iterator[Imported | Skipped]:
    """The runs of these drafts. One without a canonical form is left out; raised where nothing else was asked for."""
    for one in found:
        try:
            yield one if isinstance(one, Skipped) else imported(one, settings)
        except (RecordError, CanonicalError) as error:
            if alone:
                raise
            yield Skipped(source=one.source, reason=error.message, broken=True)
