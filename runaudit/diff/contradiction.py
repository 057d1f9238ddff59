"""Where the results contradict the verdict.

A verdict on inputs is a claim about results: equal inputs give equal results, other seeds give others, a factor does
something. The runs have been made, so the claim can be held against what they logged, bit for bit. Nothing here changes
a verdict: the sentence stands beside it, and whoever reads "identical" reads in the same breath that it did not repeat.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from runaudit.diff.result import FactorChange, Verdict
from runaudit.factors.cohort import Cohort
from runaudit.factors.factor import SEED_ROLES, Role
from runaudit.factors.never import is_foreign, lacks_commit
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.manifest import BEYOND_TYPED, Unknown
from runaudit.records.outcome import FINISHED
from runaudit.records.results import Deviation, Overlap, Results, bits, overlap
from runaudit.records.run import UNSAID, Run
from runaudit.text.words import head, listed, plural


class Against(NamedTuple):
    """What the results say against a comparison. `idle`: the note that says that no factor changed any number, where
    that is so: then there is no effect to speak of."""

    notes: tuple[str, ...] = ()
    idle: str = ""


MAX_NAMES = 3


def contradictions(
    a: Cohort, b: Cohort, factors: Sequence[FactorChange], verdict: Verdict, *, gaps: Sequence[str]
) -> Against:
    """What the results of two arms say against the comparison of their inputs. Runs without results say nothing. gaps:
    the paths that are not on record.

    In arms of several runs each is held against the run of the other arm that has its seed; two single runs are held
    against each other whatever their seeds are.
    """
    if verdict is Verdict.INTEGRITY_FAILURE or _measured_otherwise(factors):
        return Against()
    treatments = [f for f in factors if f.role not in SEED_ROLES]
    if a.n == b.n == 1:
        return _of_a_pair(a.runs[0], b.runs[0], treatments, gaps=gaps, seeds=len(treatments) < len(factors))
    return _of_arms(a, b, treatments, gaps=gaps)


def _of_a_pair(a: Run, b: Run, treatments: Sequence[FactorChange], *, gaps: Sequence[str], seeds: bool) -> Against:
    is_whole = a.finished and b.finished
    held = overlap(Results(a), Results(b), lengths=is_whole)
    if held is None:
        return Against()
    if not treatments and not seeds:
        return Against((*_unlike(a, b, held, gaps=gaps), *_one_training(a, b, held)))
    if not held.equal or not is_whole:
        return Against()
    return _against(treatments, held, seeds=seeds)


def _unlike(a: Run, b: Run, held: Overlap, *, gaps: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of equal inputs with unequal results."""
    cut = _broken_off(a, b, held)
    return tuple(_unequal(held, gaps=gaps)) if cut is None else cut


def _broken_off(a: Run, b: Run, held: Overlap) -> tuple[str, ...] | None:
    """What is to be said of two runs of which one goes on where the record of the other breaks off, and that are equal
    up to there: nothing where a verdict says that it did not finish. None where they are not such."""
    if held.first is None or not held.series:
        return None
    last = [Results(run).last_step for run in (a, b)]
    if last[0] == last[1]:
        return None
    run, step = (a, last[0]) if last[0] < last[1] else (b, last[1])
    if run.status in FINISHED:
        return None
    so_far = overlap(Results(a), Results(b), lengths=False)
    if so_far is None or not so_far.equal_by_step:
        return None
    if run.status != UNSAID:
        return ()
    ended = f"the record of {run.label} ({run.short}) breaks off at step {step} and does not say how the run ended"
    return (f"{ended}; up to there the two are equal in every series both logged",)


def _one_training(a: Run, b: Run, held: Overlap) -> Iterator[str]:
    """That two records of others may tell of one training: brought in by two imports, nothing put them together."""
    if held.equal and held.decisive and is_foreign(a) and is_foreign(b):
        yield ("the two are equal in every number both logged: they may be two records of one training, or copies, or "
               "of a program without chance; they count once")  # fmt: skip


def _of_arms(a: Cohort, b: Cohort, treatments: Sequence[FactorChange], *, gaps: Sequence[str]) -> Against:
    pairs = list(_matched(a, b))
    if not treatments:
        return _unequal_arms(pairs, gaps=gaps)
    if not pairs:
        return _idle_without_seeds(a, b, treatments)
    equal = [(seed, held) for seed, left, right in pairs if (held := _equal(left, right))]
    if not equal:
        return Against()
    seeds = ", ".join(seed for seed, _ in equal)
    if len(equal) == len(pairs) and (parted := _ended_otherwise(a, b)):
        equal_at = f"at seed {seeds} the two arms are equal in every number both logged"
        return Against((f"{equal_at}; {_one_alone(parted, treatments)}",))
    if len(equal) == len(pairs):
        where = f"at every seed that both arms have ({seeds})"
        return _against(treatments, _together([held for _, held in equal]), seeds=False, where=where)
    names = _named([f.factor for f in treatments])
    sentence = f"at seed {seeds} the two arms are equal in every number both logged, at other seeds they are not"
    return Against((f"{sentence}: was {names} used there?",))


def _one_alone(parted: Mapping[str, str], treatments: Sequence[FactorChange]) -> str:
    """What is to be said of the seeds at which one arm alone has a result, for every reason that the other has none."""
    names, said = _named([f.factor for f in treatments]), []
    for why in dict.fromkeys(parted.values()):
        seeds = ", ".join(seed for seed, reason in parted.items() if reason == why)
        beside = f": the other {why}" if why else f": {names} may have done that"
        said.append(f"at seed {seeds} only one has a result{beside}")
    return "; ".join(said)


def _ended_otherwise(a: Cohort, b: Cohort) -> dict[str, str]:
    """The seeds that both arms were launched with and at which one of them alone has a finished run: what ends a run
    has an effect, however equal the others are. With each why the other has none, empty where a factor may be why."""
    launched, finished = (_by_seed(a.runs), _by_seed(b.runs)), (_by_seed(a.finished), _by_seed(b.finished))
    parted = launched[0].keys() & launched[1].keys() & (finished[0].keys() ^ finished[1].keys())
    return {key.decode(): _kept_from(launched[key in finished[0]][key]) for key in sorted(parted)}


def _by_seed(runs: Sequence[Run]) -> dict[bytes, Run]:
    return {canonical_bytes(run.manifest.seed): run for run in runs if _is_seed(run.manifest.seed)}


def _kept_from(run: Run) -> str:
    """Why a run has no result, where no factor brought that about: it goes on, or its end was taken out on purpose."""
    return "was forgotten" if run.withheld else "still runs" if run.status == "running" else ""


def _is_seed(seed: JSON | Unknown) -> bool:
    return seed is not None and not isinstance(seed, Unknown)


def _unequal_arms(pairs: Sequence[tuple[str, Run, Run]], *, gaps: Sequence[str]) -> Against:
    for seed, left, right in pairs:
        held = _held(left, right) if left.id != right.id else None
        if held is not None and held.first is not None:
            return Against(tuple(f"seed {seed}: {note}" for note in _unlike(left, right, held, gaps=gaps)))
    return Against()


def _held(a: Run, b: Run) -> Overlap | None:
    return overlap(Results(a), Results(b)) if a.finished and b.finished else None


def _equal(a: Run, b: Run) -> Overlap | None:
    """Two runs held together, where all that both logged is equal. Final metrics come first: they need no reading."""
    left, right = Results(a), Results(b)
    if any(bits(left.metrics[name]) != bits(right.metrics[name]) for name in left.metrics if name in right.metrics):
        return None
    held = _held(a, b)
    return held if held is not None and held.equal else None


def _together(found: Sequence[Overlap]) -> Overlap:
    """What equal pairs of runs say together: numbers that are few in each pair may be enough in all."""
    return replace(
        found[0],
        values=sum(held.values for held in found),
        metrics=sum(held.metrics for held in found),
        evidence=frozenset().union(*(held.evidence for held in found)),
    )


def _matched(a: Cohort, b: Cohort) -> Iterator[tuple[str, Run, Run]]:
    """The runs of both arms that have one seed: the first of each that finished."""
    sides = []
    for arm in (a, b):
        found: dict[bytes, Run] = {}
        for run in arm.finished:
            if _is_seed(run.manifest.seed):
                found.setdefault(canonical_bytes(run.manifest.seed), run)
        sides.append(found)
    for key, left in sides[0].items():
        if key in sides[1]:
            yield key.decode(), left, sides[1][key]


def _idle_without_seeds(a: Cohort, b: Cohort, treatments: Sequence[FactorChange]) -> Against:
    """No seed is in both arms: only where all runs are alike can the factor be said to have done nothing."""
    if not a.finished or not b.finished:
        return Against()
    held = [_held(a.finished[0], run) for run in (*a.finished[1:], *b.finished)]
    if any(one is None or not one.equal or not one.decisive for one in held) or held[-1] is None:
        return Against()
    return _against(treatments, held[-1], seeds=True)


def _measured_otherwise(factors: Sequence[FactorChange]) -> bool:
    """With another measure, unequal numbers are no surprise and equal ones no proof."""
    return any(f.role is Role.EVALUATION for f in factors)


def _unequal(held: Overlap, *, gaps: Sequence[str]) -> Iterator[str]:
    if held.first is None:
        return
    rest = "" if len(held.differing) == 1 else f" ({_named(held.differing)} differ)"
    where = f"{_where(held.first)}{rest}"
    if unknown := _unknown(gaps):
        # Equal is what was compared: of a run that kept no settings it would be said of nothing.
        verb = "is" if len(unknown) == 1 else "are"
        another = " or ".join(f"another {word}" for word in unknown)
        yield f"{listed(unknown)} {verb} not on record and the results differ: {where}: {another}, or nondeterminism"
        return
    if gaps:  # Whoever vouches for them reads here that they may not have been what was said.
        yield (f"all inputs on record are equal and the results are not: {where}: nondeterminism, or an input that is "
               f"not on record ({listed(gaps, MAX_NAMES)})")  # fmt: skip
    else:
        yield f"the inputs are equal and the results are not: {where}: nondeterminism or an input nobody saw"


def _unknown(gaps: Sequence[str]) -> list[str]:
    """What the design of a run is made of, and the records do not say at all."""
    lacking = {"config": any(path in ("config", *BEYOND_TYPED) for path in gaps), "code": lacks_commit(gaps)}
    return [word for word, lacks in lacking.items() if lacks]


def _where(first: Deviation) -> str:
    sides = [_value(side) for side in (first.before, first.after)]
    if first.step is None:
        return f"the final {first.name} is {sides[0]} and {sides[1]}"
    if first.before is None or first.after is None:
        return f"{first.name} goes on in one of them only, from step {first.step}"
    return f"{first.name} differs first at step {first.step}, {sides[0]} and {sides[1]}"


def _value(value: float | None) -> str:
    return "none" if value is None else repr(value)


def _against(treatments: Sequence[FactorChange], held: Overlap, *, seeds: bool, where: str = "") -> Against:
    note = _idle(treatments, held, seeds=seeds, where=where)
    return Against((note,), note if treatments and held.decisive else "")


def _idle(treatments: Sequence[FactorChange], held: Overlap, *, seeds: bool, where: str = "") -> str:
    """Something changed and no number did. A few round numbers may coincide, and the sentence says so."""
    much = _much(held)
    where = f" {where}" if where else ""
    if not held.decisive:
        what = _named([f.factor for f in treatments]) or "the seed"
        return (f"the two are equal in every number both logged{where} ({much}), which is too little to tell whether "
                f"{what} had no effect")  # fmt: skip
    if not treatments:
        return f"the seed had no effect: the two are equal in every number both logged{where} ({much})"
    names = _named([f.factor for f in treatments])
    also = ", nor did the seed" if seeds else ""
    equal = f"{also}, the two are equal in every series and metric both logged{where} ({much})"
    if len(treatments) > 1:  # Each may do much, and undo what the other does.
        return f"{names} together changed no number{equal}: are they used, or does one undo the other?"
    return f"{names} had no effect: it changed no number{equal}: is it used?"


def _much(held: Overlap) -> str:
    parts = [f"{held.series} series of {held.values} values"] if held.series else []
    parts += [plural(held.metrics, "final metric")] if held.metrics else []
    return f"{', '.join(parts)}; clocks not counted"


def _named(names: Sequence[str]) -> str:
    return head(names, MAX_NAMES)
