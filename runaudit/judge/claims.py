"""The numbers that a text claims, held against the runs of a store: the names it may use, and one verdict a claim."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runaudit.claims.answer import ClaimsAnswer
from runaudit.claims.claim import Claim
from runaudit.claims.reading import read
from runaudit.claims.verdict import ClaimVerdict, Judged, judge_difference, judge_value, not_found, over_family
from runaudit.claims.vocabulary import Vocabulary
from runaudit.diff import Comparison
from runaudit.diff.measure import UNSAID
from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort, cohorts
from runaudit.factors.hindsight import Answer, hindsight
from runaudit.judge.bench import Bench
from runaudit.judge.campaigns import PICKED
from runaudit.judge.circumstances import selected_on_report
from runaudit.judge.cohorts import compare_arms, judge_cohorts
from runaudit.judge.values import require_metric, values_of
from runaudit.metrics.catalogue import Direction
from runaudit.metrics.naming import parents, sequence_names
from runaudit.metrics.quantity import Quantity
from runaudit.records.run import faults
from runaudit.runs.arms import cohort_in_text, is_part_of
from runaudit.runs.leaving import not_here
from runaudit.settings import Settings
from runaudit.stats.selection import best_of, denominator
from runaudit.system.files import read_ordinary, refuse_special
from runaudit.text.words import plural

Compared = dict[tuple[str, str], tuple[Comparison, ...]]
"""The ids of two arms -> what their designs differ in: a text speaks of one pair in many metrics."""

LARGEST_TEXT_BYTES = 4 * 2**20


def judge_file(bench: Bench, file: Path, *, metric: str | None = None) -> ClaimsAnswer:
    """Every number that a file of text claims, as `judge_text` has it. Raises UsageError for what is no such file."""
    return judge_text(bench, _text(file), file=str(file), metric=metric)


def _text(path: Path) -> str:
    refuse_special(path, "the text")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", remedy="name the file of text in it")
    if not path.is_file():
        raise UsageError(f"the text {path} does not exist", remedy="check the path")
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise UsageError(f"{path} is larger than {LARGEST_TEXT_BYTES >> 20} MiB", remedy="give the text alone")
        return read_ordinary(path).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})", remedy="check its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", remedy="save it as UTF-8") from error


def judge_text(bench: Bench, text: str, *, file: str, metric: str | None = None) -> ClaimsAnswer:
    """Every number that a text claims, judged on the runs of the store. metric: the one where the text names none.

    Raises EmptyStoreError where there is no store.
    """
    bench.store.existing()
    launched = bench.cohorts()
    reading = read(text, vocabulary(bench.settings, launched), default=metric)
    compared: Compared = {}
    judged = [judge_claim(bench, claim, launched, compared) for claim in reading.claims]
    return ClaimsAnswer(file=file, reading=reading, judged=over_family(judged, alpha=bench.settings.stats.alpha))


def vocabulary(settings: Settings, launched: Sequence[Cohort]) -> Vocabulary:
    """The names that the recorded runs give a text to use."""
    runs = [run for cohort in launched for run in cohort.runs]
    known = {name for run in runs for name in run.metrics}
    declared = settings.stats.directions
    # A metric that is the child of a quantity (psnr/camera) is a sequence of it, not a metric of its own.
    quantities = parents(known) | {name.rpartition("/")[0] for name in known if name.rpartition("/")[0] in declared}
    sequences = [(metric, sequence) for metric in sorted(quantities) for sequence in sequence_names(known, metric)]
    own = known - {f"{metric}/{sequence}" for metric, sequence in sequences}
    judged_by = {run.manifest.section("eval").get("metric") for run in runs}
    return Vocabulary(
        # A cohort may hold runs of several labels, and be called after one of them.
        arms=tuple(sorted({one.label for one in launched} | {label for run in runs if (label := run.manifest.label)})),
        metrics=tuple(sorted(own | quantities)),
        sequences=tuple(sequences),
        preferred=tuple(sorted(name for name in judged_by if isinstance(name, str))),
        directions=tuple((name, Direction(word)) for name, word in declared.items() if word in ("higher", "lower")),
    )


def judge_claim(bench: Bench, claim: Claim, launched: Sequence[Cohort], compared: Compared) -> Judged:
    """One claim against the runs of its arms. compared: the designs of pairs that were asked for, added to."""
    try:
        names = [name for name in (claim.arm, claim.baseline) if name is not None]
        arms = [cohort_in_text(bench.store, bench.settings, name, launched) for name in names]
        found = [require_metric(bench.settings, [arm], claim.metric) for arm in arms]
    except UsageError as error:
        return not_found(claim, error.message)
    if len(arms) == 1:
        return _value(bench, claim, arms[0], found[0], launched)
    if {run.id for run in arms[0].runs} & {run.id for run in arms[1].runs}:
        return not_found(claim, "both names stand for the same runs")
    try:
        pair = (arms[0].id, arms[1].id)
        compared[pair] = compared.get(pair) or compare_arms(bench.settings, arms)
        answer = judge_cohorts(bench, arms, metric=claim.metric, designs=compared[pair], launched=launched)
    except UsageError as error:
        return Judged(claim=claim, verdict=ClaimVerdict.UNSUPPORTED, reason=str(error))
    stated = [design.assumed.note for design in compared[pair] if design.assumed]
    stated += [design.lifted_by for design in compared[pair] if design.lifted_by]
    late = (design.policy.note for design in compared[pair] if design.policy)
    planned = [answer.late_plan] if answer.late_plan else []
    planned += [note for note in answer.notes if note.startswith(UNSAID)]
    planned += [note for note in answer.notes if PICKED in note]
    return replace(judge_difference(claim, answer), notes=(*stated, *late, *planned))


def _value(bench: Bench, claim: Claim, arm: Cohort, quantity: Quantity, launched: Sequence[Cohort]) -> Judged:
    (values,) = values_of([arm], quantity)
    damaged = faults(arm.runs)
    doubt = ""
    if damaged:
        doubt = "; ".join(damaged)
    elif len(cohorts(arm.runs, settings=bench.settings)) > 1:
        doubt = "these runs are not one design, so their mean is the mean of nothing"
    elif max(best_of([arm.label]), bench.settings.stats.best_of) > 1:
        doubt = "every value is the best of several runs"
    elif absent := not_here(bench.store, (run.id for run in arm.runs))[0]:
        doubt = (
            f"{plural(len(absent), 'run')} of its design {'was' if len(absent) == 1 else 'were'} launched elsewhere "
            "and left out when these were taken from there"
        )
    elif whole := next((one for one in launched if is_part_of(arm, one)), None):
        doubt = denominator(arm.label, named=arm.n, launched=whole.n).removesuffix(".")
    elif any(selected_on_report(run, claim.metric) for run in arm.runs):
        doubt = "the checkpoints were chosen on the very data that is reported"
    judged = judge_value(claim, values, doubt=doubt, is_damaged=bool(damaged))

    def under(settings: Settings) -> Answer:
        found = len(cohorts(arm.runs, settings=settings))
        return ("one design" if found == 1 else f"{found} designs"), ()

    late = hindsight(arm.runs, bench.settings, under(bench.settings), under)
    return replace(judged, notes=(late.note,) if late else ())
