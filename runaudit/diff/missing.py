"""What could have changed and is not in the records, arm beside arm: a gap of any run is a gap of its arm.

Runs are paired in their order, so that each is asked for its own gaps and for what only the run beside it says; each
is also held against the run that stands for its arm, where two halves of an arm could hide what the other half lacks.
"""

from collections.abc import Iterator
from dataclasses import replace

from runaudit.diff.arms import Arm
from runaudit.diff.result import Missing
from runaudit.factors.gaps import gaps, pair_gaps, status_gap
from runaudit.factors.levels import Levels
from runaudit.factors.lineage import PREFIX, compared
from runaudit.factors.path import matches
from runaudit.factors.together import beside
from runaudit.records.canonical import canonical_bytes
from runaudit.records.manifest import Unknown
from runaudit.settings import FactorSettings

NOT_RECORDED = "equal seeds and equal records gave another start: something that is not recorded differs"


def missing_rows(
    a: Arm, b: Arm, settings: FactorSettings, *, is_explained: bool, with_status: bool
) -> tuple[Missing, ...]:
    """The gaps of both arms by path. `is_explained`: whether a factor can explain that two runs began otherwise."""
    rows: dict[str, Missing] = {}
    for index in range(max(a.cohort.n, b.cohort.n)):
        for row in _of_two(*beside(a.at(index), b.at(index)), settings, with_status=with_status):
            known = rows.get(row.factor)
            rows[row.factor] = replace(row, side=row.side if known is None or known.side == row.side else "both")
    for row in (*_within(a, "a", settings), *_within(b, "b", settings)):
        path = next((name for name in rows if matches(row.factor, name)), row.factor)
        held = rows.get(path, row)
        rows[path] = held if held.side == row.side else replace(held, side="both")
    if not is_explained:
        rows |= {path: Missing(factor=path, side="both", reason=NOT_RECORDED) for path in _unexplained_starts(a, b)}
    return tuple(rows[path] for path in sorted(rows))


def _of_two(a: Levels, b: Levels, settings: FactorSettings, *, with_status: bool) -> Iterator[Missing]:
    """What two runs that are compared, and the parents that they began from, do not say."""
    sides = [dict(gaps(side, settings)) for side in (a, b)]
    for of, found in zip((a, b), sides, strict=True):
        if with_status and (why := status_gap(of.run)):
            found["runtime.status"] = why
    known = {*sides[0], *sides[1]}
    for path in sorted(known):
        side = "both" if path in sides[0] and path in sides[1] else "a" if path in sides[0] else "b"
        yield Missing(factor=path, side=side, reason=sides[1 if side == "b" else 0][path])
    for path, (side, reason) in pair_gaps(a, b, settings).items():
        if not any(matches(path, name) for name in known):
            known.add(path)
            yield Missing(factor=path, side=side, reason=reason)
    if compared(a, b) and a.parent is not None and b.parent is not None:
        for row in _of_two(*beside(a.parent, b.parent), settings, with_status=False):
            yield replace(row, factor=PREFIX + row.factor)


def _within(arm: Arm, side: str, settings: FactorSettings) -> Iterator[Missing]:
    """What one run of an arm says and another does not, where that leaves open whether they are alike."""
    for row in arm.deviations:
        if row.of is not arm.typical:
            for path, (lacking, reason) in pair_gaps(*beside(arm.typical, row.of), settings).items():
                if lacking != "both":
                    yield Missing(factor=path, side=side, reason=reason)


def _unexplained_starts(a: Arm, b: Arm) -> Iterator[str]:
    """The seed proofs that differ between runs of one seed: nothing that was recorded can have moved them."""
    pairs = _of_one_seed(a, b) if a.is_replicated or b.is_replicated else [(a.typical, b.typical)]
    for left, right in pairs:
        proofs = right.run.seed_proof
        yield from (f"seed_proof.{k}" for k, v in left.run.seed_proof.items() if proofs.get(k, v) != v)


def _of_one_seed(a: Arm, b: Arm) -> Iterator[tuple[Levels, Levels]]:
    """The runs of both arms that declare one seed, the first of each."""
    left, right = _by_seed(a), _by_seed(b)
    yield from ((of, right[seed]) for seed, of in left.items() if seed in right)


def _by_seed(arm: Arm) -> dict[bytes, Levels]:
    found: dict[bytes, Levels] = {}
    for row in arm.deviations:
        seed = row.run.manifest.seed
        if seed is not None and not isinstance(seed, Unknown):
            found.setdefault(canonical_bytes(seed), row.of)
    return found
