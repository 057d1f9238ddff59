"""Two runs side by side: every changed leaf once, counted into factors, and the verdict over them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from runaudit.diff.changes import changes
from runaudit.diff.contradiction import Against, contradictions
from runaudit.diff.result import Comparison, Derivation, FactorChange, Intent, Missing, Side
from runaudit.diff.summary import factor_changes
from runaudit.diff.verdict import Grounds, judge
from runaudit.diff.words import notes_on
from runaudit.factors.compute_budget import budget_barriers
from runaudit.factors.factor import Change, ChangeClass, Role
from runaudit.factors.foreseen import foreseen
from runaudit.factors.gaps import gaps, pair_gaps, status_gap
from runaudit.factors.levels import Levels
from runaudit.factors.lineage import PREFIX, compared
from runaudit.factors.negative_control import control_barriers
from runaudit.factors.path import last_key, matches
from runaudit.factors.policy import shared_policy
from runaudit.factors.together import beside, together
from runaudit.records.run import Run
from runaudit.settings import Settings


def compare(a: Run, b: Run, *, settings: Settings, intent: Sequence[str] = (), design_only: bool = False) -> Comparison:
    """What changed from `a` to `b`, and whether a conclusion is allowed.

    `intent` adds to what the runs declared before launch. `design_only` leaves out how the runs ended: for a launch
    that has not begun.
    """
    settings = replace(settings, factors=shared_policy(settings.factors, (a, b)))
    left, right = beside(a, foreseen(b, a) if design_only else b, settings.factors)
    found = changes(left, right, settings.factors)
    factors = factor_changes(of_class(found, ChangeClass.FACTOR), left, right)
    declared = declared_intent((a, b), intent)
    factors = mark_intended(factors, declared)
    missing = missing_rows(left, right, factors, settings, with_status=not design_only)
    evidence = Grounds(
        faults=faults((a, b)),
        barriers=()
        if design_only
        else (
            *unfinished((a, b)),
            *evaluation_barriers(factors),
            *control_barriers(a, b),
            *budget_barriers(a, b, found),
        ),
        factors=factors,
        missing=missing,
    )
    if design_only:
        evidence = replace(evidence, barriers=evaluation_barriers(factors))
    verdict, conditional, reason = judge(evidence)
    against = Against() if design_only else contradictions(a, b, factors, verdict, conditional)
    return Comparison(
        a=Side(id=a.id, label=a.label, runs=(a.id,)),
        b=Side(id=b.id, label=b.label, runs=(b.id,)),
        verdict=verdict,
        conditional=conditional,
        reason=reason,
        factors=factors,
        derived=derivations(found),
        nuisance=of_class(found, ChangeClass.NUISANCE),
        cosmetic=of_class(found, ChangeClass.COSMETIC),
        missing=missing,
        intent=intent_met(declared, factors),
        notes=(*against.notes, *notes_on(left, right, found, settings.factors)),
        contradictions=against.notes,
        idle=against.idle,
    )


def of_class(found: Iterable[Change], kind: ChangeClass) -> tuple[Change, ...]:
    """The changes of one class."""
    return tuple(change for change in found if change.kind is kind)


def derivations(found: Iterable[Change]) -> tuple[Derivation, ...]:
    """The derived leaves as an answer lists them."""
    return tuple(
        Derivation(factor=change.path, before=change.before, after=change.after, follows=change.follows)
        for change in of_class(found, ChangeClass.DERIVED)
    )


# ── what stands between two runs ─────────────────────────────────────────────────────────────────────────────────


def faults(runs: Iterable[Run]) -> tuple[str, ...]:
    """Records that do not match their digest."""
    return tuple(
        f"the record of {run.label} ({run.short}) is damaged: {run.fault}"
        for given in runs
        for run in _line(given)
        if run.fault
    )


def _line(run: Run) -> Iterator[Run]:
    """A run and those it descends from."""
    yield run
    if run.parent is not None:
        yield from _line(run.parent)


def unfinished(runs: Iterable[Run]) -> tuple[str, ...]:
    """Runs whose metrics are no results. How a foreign run ended may be unknown: that is a gap, not a barrier."""
    return tuple(
        f"{run.label} ({run.short}) did not finish: {run.status}"
        for run in runs
        if not run.finished and status_gap(run) is None and not run.fault
    )


def evaluation_barriers(factors: Iterable[FactorChange]) -> tuple[str, ...]:
    """Factors of the evaluation: with another measure there is nothing to compare."""
    return tuple(f"the evaluation differs: {f.summary}" for f in factors if f.role is Role.EVALUATION)


def missing_rows(
    a: Levels, b: Levels, factors: Sequence[FactorChange], settings: Settings, *, with_status: bool
) -> tuple[Missing, ...]:
    """What could have changed and is not in a record, with the side that lacks it."""
    sides = [dict(gaps(side, settings.factors)) for side in (a, b)]
    for of, found in zip((a, b), sides, strict=True):
        if with_status and (why := status_gap(of.run)):
            found["runtime.status"] = why
    rows = {}
    for path in {*sides[0], *sides[1]}:
        side = "both" if path in sides[0] and path in sides[1] else "a" if path in sides[0] else "b"
        rows[path] = Missing(factor=path, side=side, reason=sides[1 if side == "b" else 0][path])
    for path, (side, reason) in pair_gaps(a, b, settings.factors).items():
        if not any(matches(path, known) for known in rows):
            rows[path] = Missing(factor=path, side=side, reason=reason)
    for path in _unexplained_proofs(a.run, b.run, factors):
        rows[path] = Missing(factor=path, side="both", reason="equal seeds and equal records gave another start: "
                             "something that is not recorded differs")  # fmt: skip
    if compared(a, b) and a.parent is not None and b.parent is not None:
        left, right = together((a.parent, b.parent))
        for row in missing_rows(left, right, factors, settings, with_status=False):
            rows[PREFIX + row.factor] = replace(row, factor=PREFIX + row.factor)
    return tuple(rows[path] for path in sorted(rows))


def _unexplained_proofs(a: Run, b: Run, factors: Sequence[FactorChange]) -> list[str]:
    if factors:
        return []
    both: Mapping[str, str] = a.seed_proof
    return [f"seed_proof.{key}" for key, value in both.items() if b.seed_proof.get(key, value) != value]


# ── intent ───────────────────────────────────────────────────────────────────────────────────────────────────────


def declared_intent(runs: Iterable[Run], added: Sequence[str]) -> tuple[str, ...]:
    """What was declared to differ: before launch, and now."""
    return tuple(dict.fromkeys([*(name for run in runs for name in run.manifest.intent), *added]))


def means(declared: str, factor: FactorChange) -> bool:
    """Whether a declared word names a factor: its whole path, the end of it, a table above it or one of its leaves."""
    paths = (factor.factor, *(member.path for member in factor.members))
    return any(matches(path, declared) or path.endswith(f".{declared}") or last_key(path) == declared for path in paths)


def mark_intended(factors: Sequence[FactorChange], declared: Sequence[str]) -> tuple[FactorChange, ...]:
    """The factors, those marked that were meant to change."""
    return tuple(replace(factor, intended=any(means(word, factor) for word in declared)) for factor in factors)


def intent_met(declared: tuple[str, ...], factors: Sequence[FactorChange]) -> Intent:
    """Whether what was declared, and nothing else, changed."""
    if not declared:
        return Intent()
    still = [word for word in declared if not any(means(word, factor) for factor in factors)]
    others = [factor.factor for factor in factors if not factor.intended]
    said = [f"{', '.join(still)} was meant to change and did not"] if still else []
    said += [f"{', '.join(others)} changed without being meant to"] if others else []
    return Intent(
        declared=declared, met=not said, reason="; ".join(said) or "what was declared changed, and nothing else"
    )
