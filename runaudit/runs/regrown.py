"""A launch that was imported more than once: several records, one of which counts.

A record stands in the place of another one where it tells of the same launch elsewhere, says all that the other said,
and more: the run went on, it ended, or what a second tracker says of it is told with it. Anything else is not growth: a
record of an ended run that reads otherwise now was edited, and both count, as two runs would. Only a run that its
tracker went on with after it had ended (the same id, steps beyond the last, a later end) has grown all the same. Where
it went on with other settings, what it began with is none of the record that counts, which says that it is open.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from runaudit.errors import RunauditError
from runaudit.importers.curves import is_pace, plain_name, values_of
from runaudit.importers.tables import by_last_name, leaves, spelt
from runaudit.records.canonical import canonical_equal
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.filenames import on_disk
from runaudit.records.manifest import START, Manifest
from runaudit.records.run import Run
from runaudit.records.sources import is_by_place, is_told_within, launch_called, sources_of
from runaudit.records.trajectory import same_points
from runaudit.store.catalogue import load_or_fault
from runaudit.store.kept import read_kept
from runaudit.store.remarks import supersede, superseded
from runaudit.store.store import Store

Points = Sequence[tuple[int, float]]


class Sources:
    """The launches elsewhere that a store has records of. ids: all of its runs; only imported ones are looked at."""

    def __init__(self, store: Store, ids: Iterable[str]) -> None:
        self._store = store
        self._older = dict(superseded(store))
        self._runs: dict[str, list[str]] = {}
        self._contents: dict[str, dict[str, str]] = {}
        self._elsewhere: dict[tuple[str, bool], str] = {}
        self._sealed: set[str] = set()
        for run_id in ids:
            self._know(run_id)

    def _know(self, run_id: str) -> None:
        with contextlib.suppress(OSError, ValueError, RunauditError):  # One that is damaged is told by `verify`.
            raw = read_kept(self._store.object_path(Digest("sha256", run_id)))
            if b'"source":"' in raw:
                self._add(run_id, raw)
                self._sealed.add(run_id)

    def _add(self, run_id: str, raw: bytes) -> None:
        told = _told(raw)
        if told.synced:
            self._elsewhere.setdefault((told.synced, _is_address(told.source)), run_id)
        for source in told.sources:
            if run_id not in self._runs.setdefault(source, []):
                self._runs[source].append(run_id)
        if told.sources:
            self._contents.setdefault(told.content, {}).setdefault(told.source, run_id)

    @property
    def outgrowing(self) -> frozenset[str]:
        """The runs that stand in the place of an older record."""
        return frozenset(self._older.values())

    def same_as(self, manifest: Manifest, run: Run) -> str | None:
        """The run that an equal record is. One with an identity of its own is that run wherever it lies. Of any other
        the place has to do: where the first has gone, it was moved; where both are there, the record must hold what no
        two launches have in common, a duration or a folder with its date. Else nothing tells a copy from a second
        launch that came to the same, and both count. One that was synced, and is asked for on its tracker's server, is
        no second launch."""
        told = _told(manifest.raw)
        known = self._contents.get(told.content, {})
        if told.source in known:
            return known[told.source]
        if not told.is_by_place:
            synced = self._elsewhere.get((told.synced, not _is_address(told.source))) if told.synced else None
            # An earlier release named the place of what has an identity now.
            return synced or next((other for source, other in known.items() if is_by_place(source)), None)
        is_clocked = told.is_clocked or (run.outcome is not None and bool(run.outcome.body.get("duration_s")))
        return next((other for source, other in known.items()
                     if is_clocked or not os.path.lexists(on_disk(source.partition(":")[2]))), None)  # fmt: skip

    def told_by(self, run: Run, manifest: Manifest) -> str | None:
        """The run that says all of this one already, with what other trackers say of it, or as it went on."""
        told = _told(manifest.raw)
        mine = {one for source in told.sources for one in self._runs.get(source, ()) if one in self._sealed}
        for other in sorted(mine - self._older.keys() - {manifest.id}):
            known = load_or_fault(self._store, other)
            if _seed_of(run) not in (None, _seed_of(known)):
                continue  # Another setting is the seed now: what is told of the run is another thing.
            if is_told_within(told.sources, sources_of(known.manifest.body)) and _says_all(known, run):
                return other
        return None

    def begun_elsewhere(self, run: Run, known: Iterable[Run]) -> Run:
        """The run, which says that its beginning is open where it goes on with a run of which the store has the record
        of an earlier start, with other settings: what counts of it is told by no record alone. known: `known_of`."""
        if START in run.manifest.section("unknown") or not run.trajectory.series:
            return run
        for old in known:
            if _begins_later(old, run) and not _keeps_settings(run, old, _kind(old), alone=True):
                body = run.manifest.to_json()
                why = f"it goes on with {old.label} ({old.short}), which was started with other settings"
                unknown = {**body.get("unknown", {}), START: why}
                return replace(run, manifest=Manifest.of({**body, "unknown": unknown}))
        return run

    def contradicted(self, run: Run, known: Iterable[Run]) -> Run:
        """The run, with a note where the store has a record of the same start which neither holds all of this one nor
        is held by it: both count, for nobody knows which of them is the run's."""
        for old in known:
            if _is_one_start(old, run) and not (has_grown(old, run) or has_grown(run, old)):
                body = run.manifest.to_json()
                why = f"{old.short} has the id and the start of this run, and says otherwise: both are kept"
                note = "; ".join(filter(None, [body["origin"].get("note"), why]))
                return replace(run, manifest=Manifest.of({**body, "origin": {**body["origin"], "note": note}}))
        return run

    def known_of(self, run: Run) -> Sequence[Run]:
        """The whole records of a run's launch that count, where its tracker has an id for it."""
        launch = launch_called(run.manifest.body)
        known = {one for one in self._runs.get(launch, ()) if one in self._sealed} if launch else set()
        runs = (load_or_fault(self._store, other) for other in sorted(known - self._older.keys()))
        return [one for one in runs if not one.fault]

    def know(self, manifest: Manifest) -> None:
        """Count a record among those of its launch."""
        self._add(manifest.id, manifest.raw)

    def settle(self, manifest: Manifest, *, time: str) -> None:
        """Of the records of a run's launch, all of them in the store by now, say which ones another has outgrown."""
        self._sealed.add(manifest.id)
        named = (run for source in sources_of(manifest.body) for run in self._runs.get(source, ()))
        others = [run for run in dict.fromkeys(named) if run not in self._older]
        if len(others) < 2:
            return
        runs = [load_or_fault(self._store, run_id) for run_id in others]
        for old in runs:
            newer = next((new for new in runs if new.id != old.id and new.id not in self._older
                          and (has_grown(old, new) or (new.id == manifest.id and _is_read_anew(old, new)))),
                         None)  # fmt: skip
            if newer is not None:
                supersede(self._store, old.id, newer.id, time=time)
                self._older[old.id] = newer.id


class _Told:
    """What a sealed manifest tells of a launch elsewhere. content: by its digest, what it says of it wherever it lay,
    and whatever was vouched for when it came in. source: the launch. is_by_place: nothing but the place tells which.
    synced: of a run that its tracker may keep in a folder and on a server under one id, that id with what went in."""

    def __init__(self, raw: bytes) -> None:
        body = json.loads(raw)
        self.sources = sources_of(body)
        origin: dict[str, Any] = body.get("origin") or {}
        self.source = str(origin.get("source") or "")
        self.content = self.synced = ""
        self.is_by_place = is_by_place(self.source)
        launch = body.get("launch") or {}
        self.is_clocked = bool(launch.get("started") or launch.get("run_dir"))
        if not self.sources:
            return
        where = {"source", "sources", "assumed", "run"}
        # Which of its folders a run is of, its start tells as well: of `latest-run` git makes a copy.
        where |= {"folder"} if launch.get("started") or origin.get("folder") == origin.get("run") else set()
        said = {key: value for key, value in origin.items() if key not in where}
        if origin.get("kind") == "wandb":
            went_in = [origin.get("run"), body.get("config"), body.get("seed"), launch.get("argv")]
            self.synced = _digest(went_in)
        same = {key: value for key, value in body.items() if key != "label" or value != origin.get("run")}
        self.content = _digest({**same, "origin": said})


def _digest(value: Any) -> str:
    return digest_bytes(json.dumps(value, sort_keys=True, default=str).encode()).hex


def _is_address(source: str) -> bool:
    return "://" in source


@lru_cache(maxsize=1)  # A run that comes in is asked about, and then counted.
def _told(raw: bytes) -> _Told:
    return _Told(raw)


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────────────


def has_grown(old: Run, new: Run) -> bool:
    """Whether a record stands in the place of an older one: it tells of the same launch, says all that the older one
    said, and goes on."""
    before, now = sources_of(old.manifest.body), sources_of(new.manifest.body)
    if not is_told_within(before, now) or old.fault or new.fault:
        return False
    if not _says_all(new, old):
        return _goes_on_elsewhere(old, new)
    ended = new.outcome is not None and old.outcome is None
    seeded = _seed_of(old) is None and _seed_of(new) is not None
    return len(now) > len(before) or ended or seeded or _is_longer(old, new) or _is_one_start(old, new)


def _is_one_start(a: Run, b: Run) -> bool:
    """Whether two records are of one start, by the id that their tracker gave the run and the moment: one of them is a
    copy, whatever was added to it, or lost."""
    called = {(launch_called(run.manifest.body), run.manifest.section("launch").get("started")) for run in (a, b)}
    return len(called) == 1 and all(map(all, called))


def _is_read_anew(old: Run, new: Run) -> bool:
    """Whether two records tell of the same launch the same, and take another of its settings for the seed."""
    alike = sources_of(old.manifest.body) == sources_of(new.manifest.body) and not (old.fault or new.fault)
    return alike and None not in (_seed_of(old), _seed_of(new)) and _says_all(new, old)


def _seed_of(run: Run) -> Any:
    return run.manifest.body.get("seed")


def _says_all(new: Run, old: Run) -> bool:
    """Whether a record holds every setting of another one with its value, the same code and end, and every series at
    least as far as it went."""
    kind = str(old.manifest.section("origin").get("kind"))
    alone = sources_of(new.manifest.body) == sources_of(old.manifest.body)
    if alone and _is_started_anew(new, old):
        return False
    went_on = _went_on(old, new)
    if not (went_on or old.outcome is None or old.status in _ends(new, kind)):
        return False
    if not (_keeps_settings(new, old, kind, alone=alone) or (alone and _was_set_anew(new))):
        return False
    if not _keeps_results(new, old):
        return False
    names: Mapping[str, Points] = new.trajectory.series
    is_open = old.outcome is None or went_on
    return all(any(_holds_points(names[one], points, is_open=is_open, alone=alone)
                   or (went_on and alone and _was_gone_back_on(names[one], points)) for one in names
                   if one == name or (not alone and _is_called(one, name)))
               for name, points in old.trajectory.series.items() if alone or not is_pace(name))  # fmt: skip


def _is_called(name: str, told: str) -> bool:
    """Whether a series may be what another tracker tells under its own name."""
    return name.endswith(f"/{told}") or plain_name(name) == plain_name(told)


def _keeps_results(new: Run, old: Run) -> bool:
    """Whether a record has the final numbers of another one, where no series says how they came about: a pipeline that
    was run once more tells of its second run in the place of its first."""
    drawn = new.trajectory.series.keys() | old.trajectory.series.keys()
    return all(_alike(new.metrics[name], value) for name, value in old.metrics.items()
               if name in new.metrics and name not in drawn)  # fmt: skip


def _is_started_anew(new: Run, old: Run) -> bool:
    """Whether two records of one run are of two starts of it, and neither goes on with the other."""
    if any(event.kind == "resume" for event in new.trajectory.events):
        return False
    a, b = ((run.manifest.section("launch").get("started"), run.manifest.section("origin").get("folder"))
            for run in (new, old))  # fmt: skip
    return any(None not in pair and pair[0] != pair[1] for pair in (zip(a, b, strict=True)))


def _keeps_settings(new: Run, old: Run, kind: str, *, alone: bool) -> bool:
    before, now = old.manifest, new.manifest
    if before.body.get("seed") not in (None, now.body.get("seed")) and not (alone and _is_a_setting(before)):
        return False
    if not _keeps_code(now.section("code"), before.section("code")):
        return False
    if alone:
        return _holds(_with_seed(now), _with_seed(before))
    known, anywhere = dict(leaves(now.section("config"))), by_last_name(now.section("config"))
    return all(any(_alike(known[place], value) for place in (name, f"{kind}_config.{name}", name.replace("/", "."))
                   if place in known)
               or any(_alike(one, spelt(value)) for one in anywhere.get(name.rpartition(".")[2], ()))
               or name.startswith("args.")  # What was typed went into the settings of the job.
               for name, value in leaves(before.section("config")))  # fmt: skip


def _is_a_setting(manifest: Manifest) -> bool:
    """Whether the seed of an imported run is one of its settings, which a policy may have named."""
    return str(manifest.section("origin").get("seed_from", "")).startswith("config.") and manifest.has("seed")


def _with_seed(manifest: Manifest) -> Mapping[str, Any]:
    """The settings, with the one that was taken out of them as the seed: which one that is a policy says, and may say
    otherwise another time."""
    config = manifest.section("config")
    if not _is_a_setting(manifest):
        return config
    *above, last = str(manifest.section("origin")["seed_from"]).removeprefix("config.").split(".")
    return _put_back(config, above, last, manifest.body["seed"])


def _put_back(table: Mapping[str, Any], above: Sequence[str], last: str, value: Any) -> Mapping[str, Any]:
    if not above:
        return {last: value, **table}
    inner = table.get(above[0])
    return {**table, above[0]: _put_back(inner if isinstance(inner, Mapping) else {}, above[1:], last, value)}


def _keeps_code(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    kept = {key: value for key, value in old.items() if key in ("commit", "patch", "files")}
    a, b = (f"/{code.get('program', '')}" for code in (old, new))
    return _holds(new, kept) and ("program" not in old or a.endswith(b) or b.endswith(a))


def _ends(run: Run, kind: str) -> tuple[Any, ...]:
    """How a run ended, as its record has it, and as the tracker of that kind says where others are told with it."""
    told = run.manifest.section("origin").get(kind)
    return (run.status, told.get("status") if isinstance(told, Mapping) else None)


def _holds_points(new: Points, old: Points, *, is_open: bool, alone: bool = True) -> bool:
    """Whether a series holds another one, and goes at least as far. A tracker's summary is one point, which moves while
    the run goes on; what was written stays. alone: both are of one tracker, which has one way to write a number."""
    if not alone and values_of(old) in values_of(new):
        return True
    if len(old) == 1 and is_open:
        return bool(new) and new[-1][0] >= old[0][0]
    if len(new) < len(old):
        return False
    return any(same_points(new[at : at + len(old)], old) for at, (step, _) in enumerate(new) if step == old[0][0])


def _was_gone_back_on(new: Points, old: Points) -> bool:
    """Whether a series has the beginning of another one and goes beyond it: the run that logged it crashed, and was
    gone on with from a checkpoint before its last step, so that what came after it was logged anew."""
    steps = [step for step, _ in new]
    kept = next((at for at, (one, other) in enumerate(zip(new, old, strict=False)) if not same_points([one], [other])),
                min(len(new), len(old)))  # fmt: skip
    return kept > 0 and steps[-1] > old[-1][0]


def _is_longer(old: Run, new: Run) -> bool:
    before, now = old.trajectory.series, new.trajectory.series
    return len(now) > len(before) or any(
        name in now and (now[name][-1][0] > points[-1][0] or len(now[name]) > len(points))
        for name, points in before.items()
    )


def _went_on(old: Run, new: Run) -> bool:
    """Whether a run that had ended was gone on with: there are steps beyond the last one, and it ended later, or its
    tracker says that it was started again."""
    if old.outcome is None or _last(new) <= _last(old):
        return False
    resumed = any(one.kind == "resume" and one not in old.trajectory.events for one in new.trajectory.events)
    before, now = (run.outcome.body.get("duration_s") if run.outcome is not None else None for run in (old, new))
    return resumed or (before is not None and now is not None and float(now) > float(before))


def _was_set_anew(new: Run) -> bool:
    """Whether a record tells of all starts of a run, of which a later one had other settings."""
    is_open = START in new.manifest.section("unknown") and launch_called(new.manifest.body)
    return bool(is_open) and any(event.kind == "resume" for event in new.trajectory.events)


def _goes_on_elsewhere(old: Run, new: Run) -> bool:
    """Whether a record begins where another one of the same run broke off: its tracker has one for each start. With
    other settings only where the record says that its beginning is open."""
    is_open = START in new.manifest.section("unknown")
    return _begins_later(old, new) and (is_open or _keeps_settings(new, old, _kind(old), alone=True))


def _kind(run: Run) -> str:
    return str(run.manifest.section("origin").get("kind"))


def _begins_later(old: Run, new: Run) -> bool:
    """Whether a record of a run begins after another one of it, and goes beyond it."""
    begun, again = (str(run.manifest.section("launch").get("started") or "") for run in (old, new))
    both = old.trajectory.series.keys() & new.trajectory.series.keys()
    return bool(
        "" < begun < again
        and both
        and all(new.trajectory.series[name][0][0] > old.trajectory.series[name][0][0] for name in both)
        and _last(new) > _last(old)
    )


def _last(run: Run) -> int:
    return max((points[-1][0] for points in run.trajectory.series.values() if points), default=-1)


def _holds(new: Any, old: Any) -> bool:
    """Whether a tree holds every leaf of another one."""
    if isinstance(old, Mapping):
        return isinstance(new, Mapping) and all(key in new and _holds(new[key], old[key]) for key in old)
    return canonical_equal(new, old)  # NaN is NaN, and 1 is not True.


def _alike(a: Any, b: Any) -> bool:
    return canonical_equal(a, b) or str(a) == str(b)
