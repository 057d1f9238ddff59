"""The verbs of judgement for Python: what the command line asks, asked from a script or a notebook.

They find the store and its policy as the commands do, take the same words, give the same answers, and count the same
looks. A run or a cohort that is already at hand may stand where a word would.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort
from runaudit.judge.bench import Bench
from runaudit.records.run import Run
from runaudit.settings import load_settings
from runaudit.store.catalogue import is_launched, load_or_fault
from runaudit.store.place import CALLED, TYPED, find_store
from runaudit.store.store import EmptyStoreError, Store
from runaudit.text.shown import drawn_by

if TYPE_CHECKING:
    from runaudit.diff import Comparison
    from runaudit.health.answer import HealthAnswer
    from runaudit.stats.answer import StatsAnswer
    from runaudit.store.answer import VerifyAnswer
    from runaudit.study.text import StudyAnswer

Place: TypeAlias = Bench | Store | Path | str | None
"""Where the runs are: an opened store, its folder, or None for the one that a command here would use."""
Side: TypeAlias = str | Run | Cohort | Sequence[Run | str]
"""What is judged: a word that names runs, or the runs themselves; of several together, a sequence."""


P = ParamSpec("P")
T = TypeVar("T")


def _called(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb whose advice, where there is no store, is Python and no option."""

    @wraps(verb)
    def call(*args: P.args, **named: P.kwargs) -> T:
        try:
            return verb(*args, **named)
        except EmptyStoreError as error:
            raise EmptyStoreError(error.message, remedy=error.remedy.replace(TYPED, CALLED)) from None

    return call


@_called
def open_store(path: Path | str | None = None) -> Bench:
    """The store at `path`, else the one that a command would use here: `$RUNAUDIT_STORE`, else `.runaudit`.

    Raises EmptyStoreError where there is none.

    >>> import runaudit
    >>> store = runaudit.open_store()
    >>> len(store.runs()), [cohort.label for cohort in store.cohorts()]
    (6, ['slow', 'fast'])
    """
    bench = _bench(path)
    return Bench(bench.store.existing(), bench.settings)


@_called
def compare(a: Side, b: Side, *, store: Place = None, intent: Sequence[str] = ()) -> "Comparison":
    """What changed between two runs or two cohorts, and whether a conclusion is allowed: `runaudit diff A B`.

    intent: the factors that were meant to change. Raises UsageError for a word that names nothing.

    >>> import runaudit
    >>> found = runaudit.compare("slow", "fast")
    >>> print(found.verdict)
    single_factor
    >>> [factor.factor for factor in found.factors if str(factor.role) == "treatment"]
    ['config.optimizer.lr']
    """
    from runaudit.judge.designs import compare_sides

    bench = _bench(store)
    left, right = (_runs(bench, side) for side in (a, b))
    return compare_sides(bench, left, right, intent=intent)[0]


@_called
def judge(*arms: Side, metric: str, direction: str | None = None, store: Place = None) -> "StatsAnswer":
    """Every arm against the last on one metric: `runaudit stats --metric M ARM… --vs BASELINE`.

    direction: `higher` or `lower`, where the name of the metric does not tell. A look at recorded runs is counted in
    the log of their store, as on the command line. Raises UsageError where no run has the metric.

    >>> import runaudit
    >>> answer = runaudit.judge("fast", "slow", metric="val/error", direction="lower")
    >>> print(answer.verdict)
    improved
    >>> round(answer.comparisons[0].difference, 3)
    -0.1
    """
    from runaudit.judge.cohorts import judge_cohorts

    if len(arms) < 2:
        raise UsageError(f"judge compares two arms, {len(arms)} given", remedy="name the arms, the baseline last")
    bench = _bench(store)
    sides = [bench.arm(_runs(bench, arm, trajectory=False)) for arm in arms]
    return judge_cohorts(bench, sides, metric=metric, direction=direction, count=True)


@_called
def study(*runs: Side, store: Place = None) -> "StudyAnswer":
    """Over many runs, all of the store if none is named: what varies, what is inseparable: `runaudit study RUN…`.

    >>> import runaudit
    >>> answer = runaudit.study()
    >>> answer.verdict
    'estimable'
    >>> [column.factor for column in answer.study.model.columns]
    ['config.optimizer.lr']
    """
    from runaudit.judge.many import study_runs, study_store
    from runaudit.study.text import StudyAnswer

    bench = _bench(store)
    named = [run for side in runs for run in _members(_runs(bench, side, trajectory=False))]
    found = study_runs(named, bench.settings) if runs else study_store(bench.runs(), bench.settings)
    return StudyAnswer(study=found)


@_called
def health(*runs: Side, store: Place = None) -> "HealthAnswer":
    """What the curves of these runs show to be wrong: `runaudit health RUN…`. Of none named, every run of the store.

    >>> import runaudit
    >>> answer = runaudit.health("slow")
    >>> [finding.name for finding in answer.findings if finding.severity >= 1]
    []
    """
    from runaudit.guard.rulebook import understood
    from runaudit.health.answer import health_of

    bench = _bench(store)
    understood(bench.settings.rules)
    named = [_as_far(bench, run) for side in runs for run in _members(_runs(bench, side))]
    asked = named if runs else bench.runs(trajectory=True)
    return health_of(asked, bench.settings.rules, directions=bench.settings.stats.directions)


@_called
def verify(*runs: Side, store: Place = None) -> "VerifyAnswer":
    """Every stored byte hashed again, or those of the named runs: `runaudit verify [RUN…]`.

    Raises NothingToJudgeError where the store holds no run: a check of nothing is no pass.

    >>> import runaudit
    >>> runaudit.verify().verdict
    'sound'
    """
    from runaudit.store.attest import attest

    bench = _bench(store)
    opened = bench.store.existing(as_it_is=True)
    named = [run.id for side in runs for run in _members(_runs(bench, side, trajectory=False))]
    return attest(opened, tuple(dict.fromkeys(named)) if runs else None).answer


def _bench(place: Place) -> Bench:
    if isinstance(place, Bench):
        return place
    if isinstance(place, Store):
        return Bench(place, load_settings(place.root))
    root = find_store(Path.cwd(), named=None if place is None else Path(place))
    return Bench(Store(root), load_settings(root))


def _runs(bench: Bench, side: Side, *, trajectory: bool = True) -> Cohort | tuple[Run, ...]:
    """The runs of a side; those of a cohort stay under its name."""
    if isinstance(side, str):
        return bench.named(side, trajectory=trajectory)
    if isinstance(side, Run):
        return (side,)
    if isinstance(side, Cohort):
        return side
    if not isinstance(side, Sequence):
        raise UsageError(f"{side!r} names no runs", remedy="give a word as on the command line, a run, or a cohort")
    if not side:  # None of these runs is not all of them: a filter that kept nothing must not pass for everything.
        raise UsageError("an empty list names no runs", remedy="give a word as on the command line, a run, or a cohort")
    return tuple(run for one in side for run in _members(_runs(bench, one, trajectory=trajectory)))


def _members(side: Cohort | tuple[Run, ...]) -> tuple[Run, ...]:
    return side.runs if isinstance(side, Cohort) else side


def _as_far(bench: Bench, run: Run) -> Run:
    """The run with what it has logged so far, where it has no sealed series yet and came without any."""
    if run.outcome or run.trajectory.series or not is_launched(bench.store, run.id):
        return run
    return load_or_fault(bench.store, run.id)


def _drawn(answer: object) -> str | None:
    from runaudit.report.notebook import fragment

    return fragment(answer)


drawn_by(_drawn)
