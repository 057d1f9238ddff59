"""What was reached: every arm on the one metric that the page is about, with its spread and the runs that gave none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.report.inputs import ArmInput
from runaudit.report.views.scores import summary as gains
from runaudit.report.words import MINUS, MetricText, clean, metric, shown
from runaudit.stats.answer import ArmSummary
from runaudit.stats.digits import decimals, percent, show, show_spread
from runaudit.stats.values import MIN_SEEDS, Excluded
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One arm. value: mean and spread, or the values where they are too few for a mean. n: the runs that count."""

    value: str
    interval: str
    n: str
    failed: str
    gains: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """The metric in words, empty where no run has one, and a row for each arm in their order. level: of the intervals,
    in percent, empty where no arm has one."""

    metric: str
    level: str
    rows: tuple[ResultRow, ...]
    has_failed: bool
    has_gains: bool


def result_view(arms: Sequence[ArmInput], name: str | None) -> ResultView:
    """The arms on the metric `name`; their numbers are those of the judgement."""
    about = metric(name) if name else None
    rows = tuple(_row(arm, about) for arm in arms)
    levels = {percent(arm.summary.ci.level) for arm in arms if arm.summary and arm.summary.ci}
    return ResultView(
        metric="" if about is None else f"{about.words}{f' ({about.unit})' if about.unit else ''}",
        level=levels.pop().removesuffix(" %") if len(levels) == 1 else "",
        rows=rows,
        has_failed=any(row.failed for row in rows),
        has_gains=any(row.gains for row in rows),
    )


def _row(arm: ArmInput, about: MetricText | None) -> ResultRow:
    found = arm.summary
    finished = sum(run.finished for run in arm.runs)
    if found is None or about is None:
        lost = len(arm.runs) - finished
        has_some = about is not None and any(about.name in run.metrics for run in arm.runs)
        return ResultRow(
            value="not a mean: a value is out of all bounds" if has_some else "no number",
            interval="",
            n=str(finished if arm.effective_n is None else arm.effective_n),
            failed=plural(lost, "run") if lost else "",
            gains=gains(arm),
        )
    lost = len(found.failed) + len(found.missing)
    return ResultRow(
        value=clean(_value(found)).replace("-", MINUS),
        interval=_interval(found),
        n=f"{found.used} of {found.used + lost}" if lost else str(found.used),
        failed=clean("; ".join(_lost(found))),
        gains=gains(arm),
    )


def _value(found: ArmSummary) -> str:
    """`0.87 ± 0.03` from three values on; fewer are listed, because a mean would pretend to stand for more."""
    values = [value for value in found.values if value is not None]
    if found.survivors is not None:
        told = show_spread(found.survivors.mean, found.survivors.sd) if found.survivors.mean is not None else "none"
        return f"no mean: {told} of those that gave a number"
    if found.mean is None or (found.ci is None and found.used < MIN_SEEDS):
        places = decimals(max(values) - min(values)) if len(values) > 1 else None
        return ", ".join(show(value, places) for value in sorted(values))
    return show_spread(found.mean, found.sd)


def _interval(found: ArmSummary) -> str:
    if found.ci is None:
        return ""
    places = decimals((found.ci.high - found.ci.low) / 4)
    ends = f"[{show(found.ci.low, places)}, {show(found.ci.high, places)}]"
    return ends.replace("-", MINUS).replace(" ", "\N{NO-BREAK SPACE}")


def _lost(found: ArmSummary) -> Iterator[str]:
    """`seed 2 crashed`, `seeds 3 and 4 no value`: every run of the arm that gave no number, by what became of it."""
    rows: dict[str, list[Excluded]] = {}
    for one in (*found.failed, *found.missing):
        rows.setdefault(one.reason, []).append(one)
    for reason, ones in rows.items():
        seeds = [shown("unknown" if one.seed is None else one.seed, 20).short for one in ones]
        yield f"seed{'s' if len(seeds) > 1 else ''} {listed(seeds)} {reason.replace('_', ' ')}"
