"""`show --lineage`: the runs that one came from, what came of it, and its series as one line through all of them.

A training that was interrupted, or ended and was gone on with, is several runs, each immutable. What a person calls the
run is the line of them: each counts up to the step of the checkpoint that the next one began with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from runaudit.metrics.leading import in_order
from runaudit.records.points import Points
from runaudit.records.run import Run
from runaudit.runs.names import has_store, one_of, runs_named
from runaudit.runs.showing import ShowAnswer, show_answer
from runaudit.settings import Settings
from runaudit.store.catalogue import load_or_fault, manifests_with
from runaudit.store.store import Store
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, DIM, UNPAINTED, Paint, printable
from runaudit.text.words import columns, plural

SCHEMA = "runaudit.lineage/1"
TITLES = ("run", "began", "steps", "status", "last value", "label")
Pairs = list[tuple[int, float]]
GOES_ON = ("resume", "restart")
"""How a run begins that goes on where another stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A run of a lineage. depth: generations below the first one; start: the step of the checkpoint that it began with,
    where its parent's record says; is_asked: whether it is the one that was asked about."""

    run: Run
    depth: int
    start: int | None = None
    is_asked: bool = False

    @property
    def kind(self) -> str | None:
        """How it began: random, resume, restart, checkpoint; None where its record does not say."""
        init = self.run.manifest.section("init")
        kind = init.get("relation") or init.get("kind")
        return kind if isinstance(kind, str) else None

    @property
    def steps(self) -> tuple[int, int] | None:
        """The first and the last step that it logged; None where it logged none."""
        found = [points for points in self.run.trajectory.series.values() if points]
        return (min(points[0][0] for points in found), max(points[-1][0] for points in found)) if found else None


@dataclass(frozen=True, kw_only=True)
class LineageAnswer:
    """What `show --lineage` answers with. line: from the first ancestor to the run that was asked about; after: what
    began with it, each below its parent; with_series: whether the JSON answer holds the points."""

    line: tuple[Member, ...]
    after: tuple[Member, ...]
    with_series: bool = False

    @property
    def run(self) -> Run:
        """The run that was asked about."""
        return self.line[-1].run

    @property
    def members(self) -> tuple[Member, ...]:
        """All of it, parents first."""
        return (*self.line, *self.after)

    @cached_property
    def series(self) -> Mapping[str, Pairs]:
        """Each series that the asked run logged, through the whole line: of every run up to the step at which the next
        one began. A step that two of them logged counts as the later one has it."""
        return {name: _through(self.line, name) for name in self.run.trajectory.series}

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        rows = [
            {"id": one.run.id, "label": one.run.manifest.label, "status": one.run.status, "depth": one.depth,
             "began": one.kind, "parent": one.run.manifest.section("init").get("parent"),
             "checkpoint": one.run.manifest.section("init").get("checkpoint"), "start_step": one.start,
             "steps": None if one.steps is None else list(one.steps), "asked": one.is_asked}
            for one in self.members
        ]  # fmt: skip
        series = {name: [list(point) for point in points] for name, points in self.series.items()}
        return {"schema": SCHEMA, "runs": rows} | ({"series": series} if self.with_series else {})

    @property
    def headline(self) -> str:
        """How many runs it is, on one line."""
        run, before, later = self.run, len(self.line) - 1, len(self.after)
        if not before and not later:
            return f"{run.short} began with no other run, and none began with it"
        came = f"came from {plural(before, 'run')}" if before else "began with no other run"
        span = [points for points in self.series.values() if points]
        whole = f", steps {min(p[0][0] for p in span)} to {max(p[-1][0] for p in span)} in all" if span else ""
        return f"{run.short} {came}{whole if before else ''}; {later or 'none'} began with it"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: a line a run, each below the one it began with."""
        rows = [TITLES, *map(self._cells, self.members)]
        for place, row in enumerate(columns([[printable(cell) for cell in row] for row in rows], left=len(TITLES))):
            yield paint(row, DIM) if not place else paint(row, BOLD) if self.members[place - 1].is_asked else row
        yield printable(self.headline)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        yield from ("", *table(TITLES, map(self._cells, self.members)))

    def _cells(self, one: Member) -> tuple[str, ...]:
        at = "" if one.start is None else f" at step {one.start}"
        span = "" if one.steps is None else f"{one.steps[0]}–{one.steps[1]}"
        named = ("  " * (one.depth - 1) + "└ " if one.depth else "") + one.run.short
        figures = in_order(one.run.metrics or one.run.logged)
        last = f"{figures[0].name} {figures[0].value:.6g}" if figures else ""
        return named, f"{one.kind or ''}{at}", span, one.run.status, last, one.run.label


def shown(
    store: Store, settings: Settings, word: str, *, with_series: bool, lineage: bool
) -> LineageAnswer | ShowAnswer:
    """What `show` answers with: one run, or its lineage. Raises UsageError."""
    if lineage:
        return lineage_answer(store, settings, word, with_series=with_series)
    return replace(show_answer(store, settings, word), with_series=with_series)


def lineage_answer(store: Store, settings: Settings, word: str, *, with_series: bool = False) -> LineageAnswer:
    """The lineage of the one run that a word names. Raises UsageError."""
    found = runs_named(store, settings, word)
    one_of([run.id for run in found], word)
    (asked,) = found
    line: list[Run] = [asked]
    while (parent := line[0].parent) is not None:
        line.insert(0, load_or_fault(store, parent.id))
    before = [Member(run=run, depth=depth, start=_start(run, line[depth - 1] if depth else None),
                     is_asked=run is asked) for depth, run in enumerate(line)]  # fmt: skip
    after = tuple(_below(store, before[-1], _children(store))) if has_store(store) else ()
    return LineageAnswer(line=tuple(before), after=after, with_series=with_series)


def whole(store: Store, run: Run) -> Run:
    """A run that went on from another, with what that one logged up to there before its own: one curve. Others stay as
    they are: who began with weights and trained something new, counts from there."""
    member = Member(run=run, depth=1, start=_start(run, run.parent))
    if run.parent is None or member.kind not in GOES_ON or member.start is None:
        return run
    before = whole(store, load_or_fault(store, run.parent.id))
    line = (Member(run=before, depth=0), member)
    names = dict.fromkeys((*before.trajectory.series, *run.trajectory.series))
    events = [event for event in before.trajectory.events if event.step <= member.start]
    series = {name: Points.of(_through(line, name)) for name in names}
    return replace(run, trajectory=replace(run.trajectory, series=series, events=(*events, *run.trajectory.events)))


def _through(line: Sequence[Member], name: str) -> Pairs:
    """A series through a line of runs. A step that two of them logged counts as the later one has it."""
    points: Pairs = []
    for member in line:
        own = [(step, value) for step, value in member.run.trajectory.series.get(name, ())]
        start = member.start if member.start is not None else min((step for step, _ in own), default=0) - 1
        seen = {step for step, _ in own}
        points = [*(point for point in points if point[0] <= start and point[0] not in seen), *own]
    return points


def _start(run: Run, parent: Run | None) -> int | None:
    """The step of the checkpoint that a run began with, as its parent sealed it."""
    wanted = run.manifest.section("init").get("checkpoint")
    rows: Sequence[Mapping[str, Any]] = parent.outcome.checkpoints if parent is not None and parent.outcome else ()
    steps = [row.get("step") for row in rows if row.get("digest") == wanted]
    return next((int(step) for step in steps if isinstance(step, int)), None)


def _children(store: Store) -> Mapping[str, list[str]]:
    """Run id -> the runs that began with it, in the order of their launches. A damaged record names no parent."""
    found: dict[str, list[str]] = {}
    for manifest in manifests_with(store, b'"parent":"'):
        if isinstance(parent := manifest.section("init").get("parent"), str):
            found.setdefault(parent, []).append(manifest.id)
    return found


def _below(store: Store, parent: Member, children: Mapping[str, list[str]]) -> Iterator[Member]:
    for name in children.get(parent.run.id, ()):
        run = load_or_fault(store, name)
        member = Member(run=run, depth=parent.depth + 1, start=_start(run, parent.run))
        yield member
        yield from _below(store, member, children)
