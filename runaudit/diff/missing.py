"""What could have changed and is not in the records, arm beside arm: a gap of any run is a gap of its arm.

Runs are paired in their order, so that each is asked for its own gaps and for what only the run beside it says; each
is also held against the run that stands for its arm, where two halves of an arm could hide what the other half lacks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from runaudit.diff.arms import Arm, Beside, of_one_seed
from runaudit.diff.measure import Measured
from runaudit.diff.result import Missing
from runaudit.factors.atonce import mixed_up
from runaudit.factors.between import gaps_between, not_reached, recorded_by_one
from runaudit.factors.forgotten import FORGOTTEN, of_no_cohort, unattributed
from runaudit.factors.keyed import APART
from runaudit.factors.never import is_foreign, never_recorded
from runaudit.factors.path import matches
from runaudit.factors.together import beside
from runaudit.factors.unmeasured import NO_NUMBER, RESULTS, are_unmeasured
from runaudit.factors.vouched import vouched
from runaudit.records.places import top_of
from runaudit.settings import Settings

NOT_RECORDED = "equal seeds and equal records gave another start: something that is not recorded differs"


def missing_rows(arms: Beside, measured: Measured, *, with_status: bool) -> tuple[Missing, ...]:
    """The gaps of both arms by path, those of how they were measured among them."""
    a, b, settings = arms.a, arms.b, arms.pair.settings
    rows: dict[str, Missing] = {}
    for index in range(max(len(a.heard), len(b.heard))):
        for gap in gaps_between(beside(a.at(index), b.at(index), settings), with_status=with_status):
            known = rows.get(gap.path)
            side = gap.side if known is None or known.side == gap.side else "both"
            rows[gap.path] = Missing(factor=gap.path, side=side, reason=gap.reason)
    for row in (*_within(a, "a"), *_within(b, "b")):
        path = next((name for name in rows if matches(row.factor, name)), row.factor)
        held = rows.get(path, row)
        rows[path] = held if held.side == row.side else replace(held, side="both")
    for gap in not_reached(arms.pair):
        rows.setdefault(gap.path, Missing(factor=gap.path, side=gap.side, reason=gap.reason))
    for change in arms.found:
        if change.why == APART:
            rows.setdefault(change.path, Missing(factor=change.path, side="both", reason=APART))
    if with_status and arms.is_replicated and (gone := unattributed(arms.runs)):
        rows[FORGOTTEN] = Missing(factor=FORGOTTEN, side="both", reason=of_no_cohort(gone))
    if with_status and are_unmeasured(arms.runs):
        rows[RESULTS] = Missing(factor=RESULTS, side="both", reason=NO_NUMBER)
    if with_status:
        rows |= _mixed_up(arms)
    for row in measured.gaps:
        rows.setdefault(row.factor, row)
    if not arms.factors:
        rows |= {path: Missing(factor=path, side="both", reason=NOT_RECORDED) for path in _unexplained_starts(arms)}
    return tuple(rows[path] for path in sorted(rows))


def _mixed_up(arms: Beside) -> dict[str, Missing]:
    """What runs of these arms read back of what another of them wrote at the same time: whose it was, nobody knows."""
    ours = frozenset(run.id for run in arms.a.cohort.runs)
    found = {}
    for path, (reader, other) in mixed_up(arms.runs).items():
        sides = {"a" if run.id in ours else "b" for run in (reader, other)}
        name = f"written.{path.removeprefix(f'{top_of(reader)}/')}"
        why = f"{reader.short} read it back while {other.short} wrote it too: it may have gone on with the other's"
        found[name] = Missing(factor=name, side="both" if len(sides) > 1 else sides.pop(), reason=why)
    return found


def attributed(rows: Iterable[Missing], arms: Beside, settings: Settings) -> tuple[Missing, ...]:
    """The gaps, each with who never records it and whether the user vouches for it, on every run of its side."""
    if not any(map(is_foreign, arms.runs)):
        return tuple(rows)
    sides = {"a": arms.a.cohort.runs, "b": arms.b.cohort.runs, "both": arms.runs}
    return tuple(
        replace(
            row,
            never=never_recorded(row.factor, sides[row.side]),
            assumed=vouched(row.factor, sides[row.side], settings, among=arms.runs),
        )
        for row in rows
    )


def _within(arm: Arm, side: str) -> Iterator[Missing]:
    """What one run of an arm says and another does not, where that leaves open whether they are alike."""
    for row in arm.heard:
        for gap in recorded_by_one(row.pair) if row.pair else ():
            if gap.side != "both":
                yield Missing(factor=gap.path, side=side, reason=gap.reason)


def _unexplained_starts(arms: Beside) -> Iterator[str]:
    """The seed proofs that differ between runs of one seed: nothing that was recorded can have moved them."""
    every = ([row.of for row in arm.deviations] for arm in (arms.a, arms.b))
    pairs = of_one_seed(*every) if arms.is_replicated else [(arms.pair.a, arms.pair.b)]
    for left, right in pairs:
        proofs = right.run.seed_proof
        yield from (f"seed_proof.{k}" for k, v in left.run.seed_proof.items() if proofs.get(k, v) != v)
