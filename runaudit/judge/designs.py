"""Designs without numbers: two sides that a user names, and a run beside the tree that lies here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runaudit.capture.working import working_run
from runaudit.diff import Comparison, Side, compare, compare_cohorts, compare_designs
from runaudit.diff.arms import typical
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.judge.bench import Bench
from runaudit.records.run import Run

Pair = tuple[Run, Run]
"""Two runs that stand for the sides of a comparison, where their source is shown."""


def compare_named(bench: Bench, words: Sequence[str], *, intent: Sequence[str] = ()) -> tuple[Comparison, Pair]:
    """Two words for runs or cohorts. Raises UsageError where there are not two."""
    if len(words) != 2:
        raise UsageError(f"diff takes two runs, {len(words)} given", remedy="name A and B, or none for the last two")
    left, right = (bench.named(word) for word in words)
    return compare_sides(bench, left, right, intent=intent)


def compare_sides(
    bench: Bench, left: Cohort | Sequence[Run], right: Cohort | Sequence[Run], *, intent: Sequence[str] = ()
) -> tuple[Comparison, Pair]:
    """Two runs, or two arms where a side is several."""
    ones = [side.runs if isinstance(side, Cohort) else tuple(side) for side in (left, right)]
    if all(len(runs) == 1 for runs in ones):
        a_run, b_run = (runs[0] for runs in ones)
        return compare(a_run, b_run, settings=bench.settings, intent=intent), (a_run, b_run)
    a, b = bench.arm(left), bench.arm(right)
    return compare_cohorts(a, b, settings=bench.settings, intent=intent), (typical(a), typical(b))


def compare_with_tree(
    bench: Bench, words: Sequence[str], folder: Path, *, intent: Sequence[str] = ()
) -> tuple[Comparison, Pair]:
    """One run against the tree that lies at `folder` now. How the run ended is no part of what was changed since."""
    found = bench.named(words[0]) if len(words) == 1 else ()
    if len(found) != 1:
        count = len(found) or len(words)
        raise UsageError(f"diff --working takes one run, {count} given", remedy="name one run, or none for the last")
    tree = working_run(found[0], bench.store.existing(), folder)
    result = compare_designs(found[0], tree, settings=bench.settings, intent=intent)
    return replace(result, b=Side(id="working", label="the present tree")), (found[0], tree)
