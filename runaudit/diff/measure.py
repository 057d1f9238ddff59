"""Whether two arms were measured alike, where the records do not say by what they were measured.

A run records all of its code and seldom says which of it computes the metric. As long as nothing moved that may be
that part, there is no question. It is open where a file or a setting moved that is called after an evaluation, where
trainings that are one to the last bit end in other numbers, and where one arm was seen to read the held-out data that
both declare and the other was not. Then nobody knows whether results or rulers are compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from runaudit.diff.arms import Beside, of_one_seed
from runaudit.diff.result import Missing
from runaudit.factors import measuring
from runaudit.factors.evidence import under
from runaudit.factors.factor import Role, section_of
from runaudit.factors.levels import Levels
from runaudit.factors.never import is_foreign
from runaudit.factors.observed import unread_data
from runaudit.metrics import roles
from runaudit.metrics.catalogue import is_share, known_direction
from runaudit.metrics.heldout import is_held_out, is_reported
from runaudit.records.results import Results, bits, is_plan
from runaudit.records.run import Run
from runaudit.text.words import head, listed

UNSAID = "no record says what computes the metric"
"""How a note begins that leaves open whether the measure changed."""
ENOUGH = 3
"""Different values of a training loss, beyond which two trainings hardly log the same ones by chance."""
MANY = 10
"""The same of a share of few samples, which has few values to take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How alike two arms were measured. gaps: what is not known of it; after: what the trainings have in common where
    what changed did nothing to them, as the beginning of a sentence."""

    gaps: tuple[Missing, ...] = ()
    after: str = ""


def measured_alike(arms: Beside) -> Measured:
    """What is known of how two arms were measured; nothing where no treatment can have moved it."""
    treatments = [f.factor for f in arms.factors if f.role is Role.TREATMENT]
    if any(map(is_foreign, arms.runs)) or not treatments:
        return Measured()
    read_by_one = tuple(_read_by_one(arms))
    if measuring.is_declared(arms.pair.settings, arms.runs):
        return Measured(gaps=read_by_one)
    after = equal_trainings(arms)
    return Measured(gaps=(*read_by_one, *_undeclared(arms, treatments, after)), after=after)


def _undeclared(arms: Beside, treatments: Sequence[str], after: str) -> Iterator[Missing]:
    """That a treatment may be a part of the measure, where it is on no record what that is."""
    sides = (arms.pair.a, arms.pair.b)
    found = {**measuring.doubts(treatments, sides), **_held_out_within(arms, treatments)}
    if after:
        acts = head([found.get(path, path) for path in treatments])
        example = [*found, *measuring.measures_in_use(sides), "code.FILE"][0]
        why = (f"{after}, and the results are not: {acts} acts after it, as a measure does, or the choice of which "
               f"weights are measured; {measuring.remedy(example)}")  # fmt: skip
        yield Missing(factor="eval", side="both", reason=why)
    elif found:
        yield Missing(factor="eval", side="both", reason=measuring.in_words(found))


def _held_out_within(arms: Beside, treatments: Sequence[str]) -> dict[str, str]:
    """Declared data -> how it is told which held-out file of it is another one and was read, or may have been."""
    sides = (arms.pair.a, arms.pair.b)
    found: dict[str, str] = {}
    for change in arms.found:
        if change.follows in treatments and section_of(change.follows) == "data":
            file = change.path.partition(".")[2]
            is_of_it = is_held_out(file) or any(of.is_held_out_place(file) for of in sides)
            if is_of_it and all(_may_be_read(file, of) for of in sides):
                found.setdefault(change.follows, f"{file} of {change.follows}")
    return found


def _may_be_read(file: str, of: Levels) -> bool:
    """Of a declared folder the record holds that it was read, and not what in it."""
    return of.observed is None or any(under(file, path) for path in of.observed.reads)


def _speaks_of_learning(name: str) -> bool:
    """Whether a quantity is of the training and as fine as a loss."""
    if is_held_out(name) or is_plan(name):
        return False
    return roles.role(name) is roles.Role.LOSS or known_direction(name) is not None


def says_what_measures(row: Missing) -> bool:
    """Whether a gap ends with how the policy says what measures."""
    return row.factor == "eval" and measuring.POLICY in row.reason


# ── trainings that are one, and end in other numbers ─────────────────────────────────────────────────────────────


def equal_trainings(arms: Beside) -> str:
    """What the trainings of one seed have in common where all of them are one in both arms and end in other numbers, as
    the beginning of a sentence; empty where they are not, or no seed is in both."""
    pairs = of_one_seed(*([row.of for row in arm.heard if row.run.finished] for arm in (arms.a, arms.b)))
    found = [_equal_training(Results(left.run), Results(right.run)) for left, right in pairs]
    if not found or not all(found):
        return ""
    names = listed(sorted(set.union(*found)), limit=2)
    which = "the training" if not arms.is_replicated else "the training of every seed that is in both arms"
    return f"{which} is one to the last bit ({names})"


def _equal_training(a: Results, b: Results) -> set[str]:
    """The losses and errors that are equal at every step, where all that the two logged of the training is, and the
    numbers that were measured on held-out data are not. Shares of few samples may be equal by chance."""
    # The numbers at the end are at hand; series are read where these leave it open.
    learned = [name for name in a.metrics if name in b.metrics and not is_held_out(name) and not is_plan(name)]
    if any(bits(a.metrics[name]) != bits(b.metrics[name]) for name in learned) or not _ends_otherwise(a, b):
        return set()
    if a.series is None or b.series is None:
        return set()
    left, right = dict(a.whole or ()), dict(b.whole or ())
    shared = [name for name in left if name in right]
    learned = [name for name in shared if not is_held_out(name) and not is_plan(name)]
    if any(left[name] != right[name] for name in learned):
        return set()
    shown = [name for name in learned if _speaks_of_learning(name)] or [
        name for name in shared if is_held_out(name) and not is_share(name)
        and known_direction(name) is not None and left[name] == right[name]
    ]  # fmt: skip
    return {name for name in shown if _different(a.series[name]) >= (MANY if is_share(name) else ENOUGH)}


def _different(points: Iterable[tuple[int, float]]) -> int:
    return len({value for _, value in points if isfinite(value)})


def _ends_otherwise(a: Results, b: Results) -> bool:
    names = [name for name in a.metrics if name in b.metrics and is_held_out(name)]
    return any(bits(a.metrics[name]) != bits(b.metrics[name]) for name in names)


# ── held-out data that one arm read ──────────────────────────────────────────────────────────────────────────────


def _read_by_one(arms: Beside) -> Iterator[Missing]:
    """Held-out data that both arms declare, that every run of one was seen to read and none of the other."""
    both = (arms.a, arms.b)
    none, some = zip(*(_unread([row.run for row in arm.heard]) for arm in both), strict=True)
    measured = [set.intersection(*({*row.run.metrics} for row in arm.heard)) for arm in both]
    shared = [name for name in measured[0] & measured[1] if is_held_out(name)]
    for own, other, side in ((0, 1, "a"), (1, 0, "b")):
        for name in sorted(none[own] - some[other]):
            if is_held_out(name) and any(is_reported(name) is is_reported(metric) for metric in shared):
                why = (f"declared, and {both[own].cohort.label} was not seen to read it, as {both[other].cohort.label} "
                       "was: on what it was measured is not known")  # fmt: skip
                yield Missing(factor=f"data.{name}", side=side, reason=why)


def _unread(runs: Sequence[Run]) -> tuple[set[str], set[str]]:
    """The declared data that none of the runs read, and those that any left unread, or may have."""
    told = [unread_data(run) for run in runs]
    every = {name for run in runs for name in run.manifest.section("data")}
    known = [set(names) for names in told if names is not None]
    if not runs or len(known) < len(runs):
        return set(), every
    return set.intersection(*known), set.union(*known)
