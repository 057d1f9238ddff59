"""`runaudit claims`: numbers claimed in a README or a draft, held against sealed runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError

if TYPE_CHECKING:
    from runaudit.claims.claim import Claim
    from runaudit.claims.verdict import Judged
    from runaudit.claims.vocabulary import Vocabulary
    from runaudit.factors.cohort import Cohort

LARGEST_TEXT_BYTES = 4 * 2**20


@common.command(exit_zero=True)
def claims(
    context: Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="The text whose numbers are checked.")],
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="M", help="The metric where the text names none.")
    ] = None,
) -> None:
    """Which numbers of a text the recorded runs support, which they do not, and which were not understood.

    Read are sentences ("flow staged improves full_frame/psnr by 0.9 dB over TERN staged"), tables of arms and metrics,
    and comments, which no page shows: <!-- runaudit: METRIC "ARM" vs "BASELINE" = +0.9 -->
    """
    from runaudit.claims.answer import ClaimsAnswer
    from runaudit.claims.reading import read
    from runaudit.claims.verdict import exit_code, over_family
    from runaudit.judge.circumstances import launched_cohorts

    text = _text(file)
    context.open()
    launched = launched_cohorts(context.store, context.settings)
    reading = read(text, vocabulary(context, launched), default=metric)
    judged = [judge_claim(context, claim, launched) for claim in reading.claims]
    answer = ClaimsAnswer(
        file=str(file), reading=reading, judged=over_family(judged, alpha=context.settings.stats.alpha)
    )
    context.tell(answer)
    context.finish(exit_code(answer.judged))


def _text(file: Path) -> str:
    path = common.existing_file(file, "the text")
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise UsageError(f"{path} is larger than {LARGEST_TEXT_BYTES >> 20} MiB", remedy="give the text alone")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})", remedy="check its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", remedy="save it as UTF-8") from error


def vocabulary(context: Context, launched: "Sequence[Cohort]") -> "Vocabulary":
    """The names that the recorded runs give a text to use."""
    from runaudit.claims.vocabulary import Vocabulary
    from runaudit.metrics.catalogue import Direction, parents, sequence_names

    runs = [run for cohort in launched for run in cohort.runs]
    known = {name for run in runs for name in run.metrics}
    declared = context.settings.stats.directions
    # A metric that is the child of a quantity (psnr/camera) is a sequence of it, not a metric of its own.
    quantities = parents(known) | {name.rpartition("/")[0] for name in known if name.rpartition("/")[0] in declared}
    sequences = [(metric, sequence) for metric in sorted(quantities) for sequence in sequence_names(known, metric)]
    own = known - {f"{metric}/{sequence}" for metric, sequence in sequences}
    judged_by = {run.manifest.section("eval").get("metric") for run in runs}
    return Vocabulary(
        arms=tuple(sorted({cohort.label for cohort in launched})),
        metrics=tuple(sorted(own | quantities)),
        sequences=tuple(sequences),
        preferred=tuple(sorted(name for name in judged_by if isinstance(name, str))),
        directions=tuple((name, Direction(word)) for name, word in declared.items() if word in ("higher", "lower")),
    )


def judge_claim(context: Context, claim: "Claim", launched: "Sequence[Cohort]") -> "Judged":
    """One claim against the runs of its arms."""
    from runaudit.claims.verdict import ClaimVerdict, Judged, judge_difference, not_found
    from runaudit.judge.cohorts import declared_direction, judge_cohorts, require_metric
    from runaudit.runs.names import cohort_in_text

    try:
        arms = [
            cohort_in_text(context.store, context.settings, name, launched)
            for name in (claim.arm, claim.baseline)
            if name is not None
        ]
        is_directed = declared_direction(context.settings, claim.metric, None) is not None
        for arm in arms:
            require_metric([arm], claim.metric, is_directed=is_directed)
    except UsageError as error:
        return not_found(claim, error.message)
    if len(arms) == 1:
        return _value(context, claim, arms[0])
    if {run.id for run in arms[0].runs} & {run.id for run in arms[1].runs}:
        return not_found(claim, "both names stand for the same runs")
    try:
        answer, _ = judge_cohorts(
            context.store, context.settings, arms, metric=claim.metric, direction=None, launched=launched
        )
    except UsageError as error:
        return Judged(claim=claim, verdict=ClaimVerdict.UNSUPPORTED, reason=str(error))
    return judge_difference(claim, answer)


def _value(context: Context, claim: "Claim", arm: "Cohort") -> "Judged":
    from runaudit.claims.verdict import judge_value
    from runaudit.factors.cohort import cohorts
    from runaudit.judge.circumstances import selected_on_report
    from runaudit.judge.cohorts import values_of
    from runaudit.stats.selection import best_of

    (values,) = values_of([arm], claim.metric)
    damaged = [run.short for run in arm.runs if run.fault]
    doubt = ""
    if damaged:
        doubt = f"the record of {', '.join(damaged)} does not match its digest"
    elif len(cohorts(arm.runs, settings=context.settings)) > 1:
        doubt = "these runs are not one design, so their mean is the mean of nothing"
    elif max(best_of([arm.label]), context.settings.stats.best_of) > 1:
        doubt = "every value is the best of several runs"
    elif any(selected_on_report(run) for run in arm.runs):
        doubt = "the checkpoints were chosen on the very data that is reported"
    return judge_value(claim, values, doubt=doubt, is_damaged=bool(damaged))
