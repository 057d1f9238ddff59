"""Whether two arms were measured alike, where the records do not say by what they were measured.

A run records all of its code and seldom says which of it computes the metric. As long as nothing moved that may be
that part, there is no question. It is open where a file moved that is called after an evaluation, where trainings that
are one to the last bit end in other numbers, and where one arm was seen to read the held-out data that both declare
and the other was not. Then nobody knows whether results or rulers are compared.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import PurePosixPath

from runaudit.diff.arms import Beside, of_one_seed
from runaudit.diff.result import Missing
from runaudit.factors import builtin
from runaudit.factors.factor import Role, section_of
from runaudit.factors.levels import Levels
from runaudit.factors.namewords import words
from runaudit.factors.never import is_foreign
from runaudit.factors.observed import unread_data
from runaudit.factors.pair import Pair
from runaudit.factors.path import words_along
from runaudit.metrics import roles
from runaudit.metrics.catalogue import is_share, known_direction
from runaudit.metrics.heldout import is_held_out, is_reported
from runaudit.records.results import Results, bits, is_plan
from runaudit.records.run import Run
from runaudit.settings import FactorSettings
from runaudit.text.words import head, listed

MEASURES = builtin.MEASURING_WORDS | {"evaluators", "evaluating", "scores", "scoring", "validate", "validator",
                                      "benchmark"}  # fmt: skip
"""Words of the names of files that measure."""
FILLERS = frozenset({"compute", "run", "do", "my", "model", "models", "utils", "util", "helpers", "helper", "lib",
                     "common", "base", "main", "functions", "fn", "step", "loop", "epoch", "and"})  # fmt: skip
"""Words that leave such a name what it is: `compute_metrics.py`, and not `score_matching.py`."""
UNSAID = "no record says what computes the metric"
"""How a note begins that leaves open whether the measure changed."""
_POLICY = "[factors] evaluation"
ENOUGH = 3
"""Different values of a training loss, beyond which two trainings hardly log the same ones by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How alike two arms were measured. gaps: what is not known of it; after: what the trainings have in common where
    what changed did nothing to them, as the beginning of a sentence."""

    gaps: tuple[Missing, ...] = ()
    after: str = ""

    @property
    def notes(self) -> Iterator[str]:
        """That what changed acts after the training, where that leaves no gap."""
        if self.after and not any(row.factor == "eval" for row in self.gaps):
            yield (f"{self.after}: what changed acts after it, as a measure does, or the choice of which weights are "
                   "measured")  # fmt: skip


def measured_alike(arms: Beside) -> Measured:
    """What is known of how two arms were measured; nothing where no treatment can have moved it."""
    treatments = [f.factor for f in arms.factors if f.role is Role.TREATMENT]
    if any(map(is_foreign, arms.runs)) or not treatments:
        return Measured()
    read_by_one = tuple(_read_by_one(arms))
    if is_declared(arms.pair.settings, arms.runs):
        return Measured(gaps=read_by_one)
    after = equal_trainings(arms)
    return Measured(gaps=(*read_by_one, *_undeclared(treatments, after)), after=after)


def _undeclared(treatments: Sequence[str], after: str) -> Iterator[Missing]:
    """That a treatment may be a part of the measure, where it is on no record what that is."""
    files = [path for path in treatments if _is_called_after_a_measure(path)]
    settings = [path for path in treatments if may_say_how_it_is_measured(path) or section_of(path) == "data"]
    if files:
        why = f"{head(files)} may compute the metric, and no record says what does"
    elif settings and after:
        why = f"{after}: {head(settings)} acts after it, and may say how or on what is measured"
    else:
        return
    yield Missing(factor="eval", side="both", reason=f"{why}; {_remedy([*files, *settings])}")


def is_declared(settings: FactorSettings, runs: Iterable[Run]) -> bool:
    """Whether it is on record what measures these runs, or the policy says it."""
    return bool(settings.evaluation) or all("code_digest" in run.manifest.section("eval") for run in runs)


def _remedy(named: Sequence[str]) -> str:
    return f'the policy can say which files and settings measure, and then no other does: {_POLICY} = ["{named[0]}"]'


def says_what_measures(row: Missing) -> bool:
    """Whether a gap ends with how the policy says what measures."""
    return row.factor == "eval" and _POLICY in row.reason


def may_say_how_it_is_measured(path: str) -> bool:
    """Whether a setting is called after the measure, and not after when or how fast it is taken."""
    found = words_along(path)
    return (
        section_of(path) == "config"
        and bool(builtin.MEASURING_WORDS.intersection(found))
        and not builtin.NOT_EVALUATION.intersection((*found, *map("_".join, pairwise(found))))
    )


def knows_the_measure(pair: Pair) -> bool:
    """Whether both runs used a file that is called after a measure, and that did not change."""
    used = [_read_code(of) for of in (pair.a, pair.b)]
    return any(
        _is_called_after_a_measure(f"code.{path}") for path, digest in used[0].items() if used[1].get(path) == digest
    )


def _read_code(of: Levels) -> dict[str, str]:
    """The source files that a run was seen to load, with their digests."""
    rows = of.observed.reads.values() if of.observed is not None else ()
    return {row.path: row.digest for row in rows if row.group == "code" and row.digest}


def _is_called_after_a_measure(path: str) -> bool:
    section, _, name = path.partition(".")
    if section != "code" or not name.endswith(".py"):
        return False
    file = PurePosixPath(name)
    parts = [{word for word in words(part) if not word.isdigit()} for part in (*file.parent.parts, file.stem)]
    return any(MEASURES & part and part <= MEASURES | FILLERS and not _is_a_network(part) for part in parts)


def _is_a_network(part: Set[str]) -> bool:
    """Whether a name is of the network of a score-based model: `score_model.py`, `score_fn.py`."""
    return part & MEASURES <= {"score", "scores"} and bool(part & {"model", "models", "fn", "functions", "base"})


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
    shown = [name for name in learned if roles.role(name) is roles.Role.LOSS] or [
        name for name in shared if is_held_out(name) and not is_share(name)
        and known_direction(name) is not None and left[name] == right[name]
    ]  # fmt: skip
    return {name for name in shown if len({value for _, value in a.series[name] if isfinite(value)}) >= ENOUGH}


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
