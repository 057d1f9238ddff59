"""Where a run began, followed back: a stage's parent is compared as the run itself is, and its parent in turn.

A checkpoint's digest says that two starts differ, never why. Where both parents are known, what differs between *them*
is the cause: its leaves are told as `init.parent.…`, and the digest follows. Runs whose parents differ only in their
seed are replicates, however different their weights.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runaudit.errors import RecordError
from runaudit.factors.checkpoint import which_checkpoint
from runaudit.factors.factor import Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.records.run import SHORT, Run

PREFIX = "init.parent."
CARRIED = ("code", "data", "env")
"""Sections where one choice (a commit, a data set, a container) is carried through all stages of a run."""


def compared(a: Levels, b: Levels) -> bool:
    """Whether the parents decide: both known, and the checkpoints differ. Equal weights are equal, however made."""
    return a.parent is not None and b.parent is not None and a.at("init.checkpoint") != b.at("init.checkpoint")


def lineage(own: Sequence[Change], inherited: Iterable[Change], pair: Pair) -> tuple[Change, ...]:
    """The changes of two runs with those of their parents put beside them, under `init.parent.`."""
    rows = tuple(_inherited(change, own) for change in inherited)
    carried = {change.path for change in own if change.kind is ChangeClass.FACTOR and change.section in CARRIED}
    causes = [row for row in rows if row.kind is ChangeClass.FACTOR or row.follows in carried]
    kept = tuple(_checkpoint(change, causes, pair) if change.path == "init.checkpoint" else change for change in own)
    return tuple(sorted((*kept, *rows), key=lambda change: change.path))


def _inherited(change: Change, own: Sequence[Change]) -> Change:
    row = replace(
        change,
        path=PREFIX + change.path,
        block=PREFIX + change.block if change.block else "",
        # How a parent was measured chose no weights that are not judged by their own: it forbids no comparison.
        role=Role.TREATMENT if change.role is Role.EVALUATION else change.role,
    )
    carried = any(
        (other.path, other.before, other.after, other.kind)
        == (change.path, change.before, change.after, ChangeClass.FACTOR)
        for other in own
    )
    if change.kind is ChangeClass.FACTOR and change.section in CARRIED and carried:
        return replace(row, kind=ChangeClass.DERIVED, follows=change.path, block="",
                       why="the run and its parent changed in this alike: one choice")  # fmt: skip
    return row


def _checkpoint(change: Change, causes: Sequence[Change], pair: Pair) -> Change:
    """The digest of the start: it follows from what differs between the parents, if both took the same checkpoint."""
    which = which_checkpoint(pair.a), which_checkpoint(pair.b)
    if which[0] != which[1]:
        return replace(change, kind=ChangeClass.FACTOR, role=Role.TREATMENT, block="init.checkpoint",
                       why=f"another checkpoint of its parent: {which[0]} → {which[1]}")  # fmt: skip
    if causes:
        return replace(change, kind=ChangeClass.DERIVED, follows="init.parent", block="",
                       why="other weights, of a parent that differs")  # fmt: skip
    if which[0] is None:
        return replace(change, kind=ChangeClass.FACTOR, role=Role.TREATMENT, block="init.checkpoint",
                       why="parents of one design and seed, and neither lists which checkpoint this is")  # fmt: skip
    return replace(change, kind=ChangeClass.FACTOR, role=Role.STOCHASTIC, block="init.checkpoint",
                   why="parents of one design and seed gave other weights: they are not repeatable")  # fmt: skip


def linked(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Foreign runs with the parents that their records name among them: by id, the start of one, or a label.

    Raises RecordError where a run descends from itself.
    """
    made: dict[str, Run] = {}

    def link(run: Run, below: tuple[str, ...]) -> Run:
        if run.id in below:
            raise RecordError(
                f"{run.label} ({run.id[:SHORT]}) descends from itself", remedy="correct init.parent in the records"
            )
        if run.id not in made:
            parent = _named(run, runs)
            made[run.id] = replace(run, parent=link(parent, (*below, run.id))) if parent else run
        return made[run.id]

    return tuple(link(run, ()) for run in runs)


def _named(run: Run, runs: Sequence[Run]) -> Run | None:
    word = run.manifest.section("init").get("parent")
    if not isinstance(word, str) or not word:
        return None
    hits = {other.id: other for other in runs if other.id == word or (len(word) >= 4 and other.id.startswith(word))}
    hits = hits or {other.id: other for other in runs if other.manifest.label == word}
    return next(iter(hits.values())) if len(hits) == 1 else None
