"""`show`: one run on one screen, what a person asks first; with -v every section, to the last leaf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runaudit.errors import RunauditError
from runaudit.factors.arguments import ROOT
from runaudit.factors.cohort import Cohort
from runaudit.factors.gaps import gaps
from runaudit.factors.hindsight import Hindsight, merged
from runaudit.factors.identity import identity_of
from runaudit.factors.levels import levels
from runaudit.factors.never import never_recorded
from runaudit.factors.tree import keyed, leaves_of
from runaudit.factors.vouched import sealed_words
from runaudit.metrics.catalogue import metric
from runaudit.metrics.leading import Figure, in_order
from runaudit.records.canonical import JSON
from runaudit.records.manifest import Unknown
from runaudit.records.record_file import record_of
from runaudit.records.run import SHORT, Run
from runaudit.runs.lines import FINISHED
from runaudit.runs.names import Names, has_store, one_of, runs_named
from runaudit.runs.observed import as_typed, last_words, observed_lines, stderr_lines
from runaudit.runs.rows import figures_of, imported_from, noted
from runaudit.settings import Settings
from runaudit.store.catalogue import is_launched
from runaudit.store.remarks import Note, archived, notes, superseded
from runaudit.store.store import Store
from runaudit.text.markdown import code, escaped, fenced
from runaudit.text.terminal import BOLD, GREEN, RED, UNPAINTED, Paint, printable
from runaudit.text.words import level, plural

APART = ("schema", "manifest", "observed", "stderr_tail")
"""Of an outcome, what is not printed leaf by leaf."""
EDGE = 104
"""Characters of a value on the screen."""
FIGURES, GAPS, NOTES, DATASETS = 5, 3, 2, 3
"""Lines of each on the screen."""


MAX_POINTS = 10_000
"""Points up to which the JSON answer holds the series whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the store knows of a run beside its record: where its files lie, its cohort, what was said of it later."""

    folder: Path
    cohort: Cohort | None
    notes: tuple[Note, ...]
    archived: bool
    superseded_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAnswer:
    """What `show` answers with: one run."""

    run: Run
    settings: Settings
    place: Place | None = None
    """None for a run of a record file, which lies in no store."""
    with_series: bool = False
    """Whether the JSON answer holds every point of however long series."""

    def to_json(self) -> dict[str, Any]:
        """The record, and what is known of the run beside it."""
        gone = {"forgotten": dict(self.run.forgotten)} if self.run.forgotten else {}
        corrected = {"corrected": self.run.corrected} if self.run.corrected else {}
        late = {"policy": late.to_json()} if (late := self._late) else {}
        return show_json(self.run, self.settings, with_series=self.with_series) | gone | corrected | late

    @property
    def _late(self) -> Hindsight | None:
        """What makes the run's cohort of several, where a policy does that came after the runs."""
        return merged(self.place.cohort, self.settings) if self.place and self.place.cohort else None

    @property
    def headline(self) -> str:
        """Which run, and how it ended."""
        return f"{self.run.id}  {self.run.label}  {self.run.status}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield paint(printable(f"{self.run.id}  {self.run.label}"), BOLD)
        status = f"{'status':<10}{self.run.status}"
        yield paint(status, GREEN if self.run.status in FINISHED else RED)
        yield from self._after_status(verbose)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a page."""
        yield f"**{escaped(self.run.label)}** {code(self.run.id)}: {self.run.status}"
        yield from ("", *fenced(self._after_status(verbose)))

    def _after_status(self, verbose: bool) -> Iterator[str]:
        if self.run.fault:
            yield printable(f"{'damaged':<10}{self.run.fault}")
        if self.run.corrected:
            yield printable(f"{'corrected':<10}after it was sealed: {self.run.corrected}")
        if self.run.unwritten:
            last = f"; what is there ends at step {end}" if (end := self.run.trajectory.last_step()) is not None else ""
            yield printable(f"{'unwritten':<10}{self.run.unwritten}{last}")
        for path, why in self.run.forgotten.items():
            yield printable(f"{'forgotten':<10}{path}: {why}")
        if self.run.outcome:
            yield from last_words(self.run.outcome, verbose=verbose)
        for name, text in self._lines(verbose):
            line = printable(f"{name:<10}{text}")
            yield line if verbose or len(line) <= EDGE or name in WHOLE else f"{line[: EDGE - 1]}…"
        if verbose:
            yield from section_lines(self.run, self.settings)

    def _lines(self, verbose: bool) -> Iterator[tuple[str, str]]:
        if not verbose:
            yield from _inputs(self.run, self.settings)
        if self.place is not None:
            yield "cohort", _cohort(self.place.cohort)
            if late := self._late:
                yield "policy", late.note
        if not verbose:
            yield from _results(self.run)
            yield from _warnings(self.run, self.settings)
        if self.place is not None:
            yield from _in_words(self.run, self.place, None if verbose else NOTES)
            yield "folder", str(self.place.folder.absolute()) if self.place.folder.is_dir() else NO_FOLDER
        if not verbose and (source := imported_from(self.run)):
            yield "source", source


NO_FOLDER = "none: it was imported, and no file came with it"
WHOLE = ("folder", "source", "policy")
"""Lines that are never cut: half a path leads nowhere, and half a reservation is none."""


def show_answer(store: Store, settings: Settings, word: str) -> ShowAnswer:
    """The one run that a word names, with what the store knows of it. Raises UsageError."""
    found = runs_named(store, settings, word)
    one_of([run.id for run in found], word)
    (run,) = found
    return ShowAnswer(run=run, settings=settings, place=_place(store, settings, run))


def _place(store: Store, settings: Settings, run: Run) -> Place | None:
    if not has_store(store) or not is_launched(store, run.id):
        return None
    try:
        with Names(store, settings) as names:
            cohort = names.cohort_with(run.id)
    except RunauditError:
        cohort = None  # Another run is damaged beyond reading; `verify` names it, and this one is shown.
    return Place(folder=store.run_dir(run.id), cohort=cohort, notes=notes(store, run.id),
                 archived=run.id in archived(store), superseded_by=superseded(store).get(run.id, ""))  # fmt: skip


def _inputs(run: Run, settings: Settings) -> Iterator[tuple[str, str]]:
    """What went in: when and how it was started, the code, the seed, the configuration and the data. Of a forgotten
    manifest its tombstone knows the seed at the most."""
    launch, code_section = run.manifest.section("launch"), run.manifest.section("code")
    yield "started", _when(run)
    if run.is_gone:
        yield "seed", "unknown" if isinstance(run.manifest.seed, Unknown) else level(run.manifest.seed)
        return
    argv = launch.get("argv")
    if isinstance(argv, list | tuple) and argv:
        yield "command", as_typed(argv)
    yield "git", _commit(code_section)
    seed = run.manifest.seed
    yield "seed", f"unknown ({seed.reason})" if isinstance(seed, Unknown) else level(seed)
    yield "config", _config(run, settings)
    yield from _data(run.manifest.section("data"))


def _config(run: Run, settings: Settings) -> str:
    """What was declared; else what the command line says, under the names by which every other answer calls it."""
    declared = run.manifest.section("config")
    if declared:
        leaves, where = leaves_of(keyed(declared), ""), ""
    else:
        typed = levels(run, settings.factors).tree.get(ROOT)
        leaves, where = leaves_of(typed, ".args") if typed else iter(()), " of the command line"
    rows = [f"{path.lstrip('.')} {level(leaf)}" for path, leaf in leaves]
    return f"{plural(len(rows), 'value')}{where}: {', '.join(rows)}" if rows else "unknown"


def _when(run: Run) -> str:
    launch, ended = run.manifest.section("launch"), run.outcome.body if run.outcome else {}
    parts = [str(launch.get("started") or run.manifest.section("runtime").get("started") or "unknown")]
    if isinstance(took := ended.get("duration_s"), int | float):
        parts.append(f"took {_duration(took)}")
    if isinstance(steps := ended.get("steps_done"), int) and steps:
        parts.append(f"last step {steps}")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {rest:02} s"


def _commit(section: Mapping[str, Any]) -> str:
    if not section.get("commit"):
        files = section.get("files")
        return f"no commit; {plural(len(files), 'file')} kept" if isinstance(files, Mapping) and files else "no commit"
    branch = f" on {section['branch']}" if section.get("branch") else ""
    state = "" if section.get("dirty") is None else ", with changes that are kept" if section["dirty"] else ", clean"
    unlike = section.get("filtered") or ()
    asked = f"; {plural(len(unlike), 'file')} under a git filter, compared by its stored form alone" if unlike else ""
    return f"{level(section['commit'])}{branch}{state}{asked}"


def _data(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A dataset a line, so that no digest is cut."""
    if not data:
        yield "data", "none declared"
    for number, (name, value) in enumerate([*data.items()][:DATASETS]):
        yield "" if number else "data", _dataset(name, value)
    if len(data) > DATASETS:
        yield "", f"and {len(data) - DATASETS} more (-v lists them)"


def _dataset(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f"{name} {level(value)}"
    digest = value.get("digest")
    return f"{name}  {level(digest) if digest else 'content unknown'}  {value.get('path') or ''}".rstrip()


def _cohort(group: Cohort | None) -> str:
    if group is None:
        return "unknown: another run is damaged beyond reading; `runaudit verify` names it"
    return f"{group.id}  {group.label} ({plural(group.n, 'run')}, effective n {group.effective_n})"


def _results(run: Run) -> Iterator[tuple[str, str]]:
    """What came out, the metric that matters first."""
    figures = figures_of(run)
    if not figures:
        yield "metrics", "unknown" if run.withheld else f"none{_on_the_way(run)}"
    for number, figure in enumerate(figures[:FIGURES]):
        yield "" if number else "metrics", _figure(figure)
    if len(figures) > FIGURES:
        yield "", f"and {len(figures) - FIGURES} more (-v lists them)"


def _on_the_way(run: Run) -> str:
    """How far a run has come that has no result: the last of what matters first."""
    if not run.logged:
        return ""
    first = in_order(run.logged)[: FIGURES - 1]
    told = ", ".join(f"{figure.name} {figure.value:.5g}" for figure in first)
    return f"; logged last, up to step {run.trajectory.last_step()}: {told}"


def _figure(figure: Figure) -> str:
    known = metric(figure.name)
    value = f"{figure.value:.6g}" + (f" {known.unit}" if known.unit else "")
    if not figure.parts:
        return f"{figure.name}  {value}"
    parts = ", ".join(f"{name} {part:.5g}" for name, part in figure.parts.items())
    return f"{figure.name}  {value}, mean of {len(figure.parts)}: {parts}"


def _warnings(run: Run, settings: Settings) -> Iterator[tuple[str, str]]:
    """How far the run was watched, what the guard let pass, and what could have mattered and is not in the record."""
    if seen := run.observed:
        why = seen.get("reason") or ""
        yield "observed", f"{seen.get('level', 'unknown')}{f': {why}' if why else ''}"
    for waiver in run.manifest.waivers:
        yield "waived", f"{waiver.get('rule')}: {waiver.get('reason')}"
    if note := noted(run):
        yield "imported", note
    if words := sealed_words(run):
        yield "assumed", f"{', '.join(words)}: vouched for when it was imported, not recorded"
    missing = gaps(levels(run, settings.factors), settings.factors)
    never = [path for path in missing if never_recorded(path, [run])]
    own = [path for path in missing if path not in never and not (seen and path == "observed")]
    yield from (("missing", f"{path}: {missing[path]}") for path in own[:GAPS])
    if len(own) > GAPS:
        yield "", f"and {len(own) - GAPS} more (-v lists them)"
    if never:
        yield "", f"never recorded by {never_recorded(never[0], [run])}: {', '.join(never)}"


def _in_words(run: Run, place: Place, limit: int | None) -> Iterator[tuple[str, str]]:
    """What was said of the run after it was sealed, the newest last."""
    if place.archived:
        yield (
            "archived",
            f"hidden from lists, counted as launched; `runaudit archive --undo {run.short}` brings it back",
        )
    if place.superseded_by:
        yield "imported", f"again since, grown: {place.superseded_by[:SHORT]} counts in its place"
    kept = place.notes if limit is None else place.notes[-limit:]
    if len(kept) < len(place.notes):
        yield "note", f"{len(place.notes) - len(kept)} earlier (-v lists them)"
    yield from (("note", f"{note.time[:10]}  {note.text}") for note in kept)


def show_json(run: Run, settings: Settings, *, with_series: bool = False) -> dict[str, Any]:
    """The answer of `show`: the record, and what is known of the run beside it.

    Of series of more than `MAX_POINTS` points together, only their ends, unless `with_series`: a record without them
    has no digest, since it is not the whole record.
    """
    points = sum(map(len, run.trajectory.series.values()))
    whole = with_series or points <= MAX_POINTS
    record = record_of(run if whole else replace(run, trajectory=replace(run.trajectory, series={})))
    left_out: dict[str, Any] = {}
    if not whole:
        record = {key: value for key, value in record.items() if key not in ("series", "digest")}
        left_out["series_left_out"] = f"{points:,} points; --series gives all"
        left_out["series"] = {name: {"points": len(found), "first": list(found[0]), "last": list(found[-1])}
                              for name, found in run.trajectory.series.items()}  # fmt: skip
    return {
        "schema": "runaudit.show/1",
        "id": run.id,
        "label": run.label,
        "status": run.status,
        "fault": run.fault,
        "design_digest": str(identity_of(run, settings.factors).digest),
        "missing": [
            {"factor": p, "reason": why} for p, why in gaps(levels(run, settings.factors), settings.factors).items()
        ],
        "checkpoints": [dict(row) for row in run.outcome.checkpoints] if run.outcome else [],
        "artifacts": [dict(row) for row in run.outcome.artifacts] if run.outcome else [],
        "error": run.outcome.body.get("error") if run.outcome else None,
        "stderr_tail": stderr_lines(run.outcome) if run.outcome else [],
        "observed": run.outcome.to_json().get("observed") if run.outcome else None,
        "record": record,
    } | left_out


def section_lines(run: Run, settings: Settings) -> Iterator[str]:
    """Every section of one run; source files by name and digest."""
    for name, value in run.manifest.to_json().items():
        if name != "schema":
            yield from _section(name, value)
    if run.outcome:
        rest = {k: v for k, v in run.outcome.to_json().items() if k not in APART}
        yield from _section("outcome", rest)
        if "observed" in run.outcome.body:
            yield from observed_lines(run.outcome.section("observed"))
    for path, why in gaps(levels(run, settings.factors), settings.factors).items():
        yield printable(f"missing {path}: {why}")


def _section(name: str, value: JSON) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield printable(f"{name}  {level(value)}")
        return
    yield ""
    yield name
    for path, leaf in leaves_of(keyed(value), name):
        yield printable(f"  {path}  {level(leaf)}")
