"""What was reached: every arm on the one metric that the page is about, with its spread and the runs that gave none.

Arms that share no metric, as those of a whole store, stand in tables of their own, each on the metric that most of its
arms have; what has no number at all is named in one line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.metrics.catalogue import Direction, known_direction
from runaudit.records.run import UNSAID, Run
from runaudit.report.inputs import ArmInput, Part
from runaudit.report.views.arm import letter, which_runs
from runaudit.report.views.origin import origin_words
from runaudit.report.views.scores import summary as gains
from runaudit.report.words import MINUS, NO_NUMBER, MetricText, clean, metric, powers, shown
from runaudit.stats.answer import ArmSummary
from runaudit.stats.cohort import IDLE, NO_VALUE
from runaudit.stats.digits import decimals, percent, show
from runaudit.stats.told import column_places
from runaudit.stats.words import arm_text
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One arm, by its place on the page. value: mean and spread, or the values where they are too few for a mean.
    n: the runs that count. summary: the numbers themselves."""

    arm: int
    value: str
    interval: str
    n: str
    failed: str
    gains: str
    summary: ArmSummary | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """Arms on one metric, in words, empty where no run has one. name: as it was recorded; caption: as a sentence begins
    with it. better: which way it
    improves, where that is known. level: of the intervals, in percent, empty where no arm has one. origin: where the
    number of a run comes from. title: what the arms have in common, where the page has several tables."""

    name: str
    metric: str
    caption: str
    better: str
    level: str
    origin: str
    title: str
    rows: tuple[ResultRow, ...]

    @property
    def under(self) -> str:
        """What is said under the table: which way the metric improves, and where its numbers come from."""
        return " ".join(
            filter(None, (f"{self.better[:1].upper()}{self.better[1:]}." if self.better else "", self.origin))
        )

    @property
    def has_failed(self) -> bool:
        """Whether a run of these arms gave no number."""
        return any(row.failed for row in self.rows)

    @property
    def has_spread(self) -> bool:
        """Whether a mean with its spread stands in the table; else it holds single values."""
        return any("±" in row.value for row in self.rows)

    @property
    def has_interval(self) -> bool:
        """Whether the mean of an arm has an interval."""
        return any(row.interval for row in self.rows)

    @property
    def has_gains(self) -> bool:
        """Whether gains over bicubic were measured."""
        return any(row.gains for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """The tables, one where all arms stand on one metric. bare: in words, the arms that no table has."""

    tables: tuple[ResultTable, ...]
    bare: str

    @property
    def metric(self) -> str:
        """The metric of the page's first table, in words."""
        return self.tables[0].metric if self.tables else ""


def result_view(arms: Sequence[ArmInput], parts: Sequence[Part], direction: Direction | None = None) -> ResultView:
    """The arms on the metrics of their parts; their numbers are those of the judgement. direction: what counts as
    better in the first, where it was judged."""
    tables = [_table(arms, part, direction if not place else None) for place, part in enumerate(parts)]
    listed_ones = {index for part in parts for index in part.arms}
    bare = [index for index in range(len(arms)) if index not in listed_ones]
    return ResultView(tables=tuple(tables), bare=_bare(arms, bare))


def _bare(arms: Sequence[ArmInput], bare: Sequence[int]) -> str:
    if not bare:
        return ""
    names = listed([f"{letter(index)} {shown(arms[index].name, 32).short}" for index in bare], limit=12)
    runs = plural(sum(len(arms[index].runs) for index in bare), "run")
    return f"No number at all from {plural(len(bare), 'arm')} ({runs}): {names}."


def _table(arms: Sequence[ArmInput], part: Part, direction: Direction | None) -> ResultTable:
    about = metric(part.metric) if part.metric else None
    own = [arms[index] for index in part.arms]
    found = [arm.summary for arm in own if arm.summary]
    levels = {percent(one.ci.level) for one in found if one.ci}
    way = direction or (known_direction(part.metric) if part.metric else None)
    places = _places(found)
    return ResultTable(
        name=part.metric or "",
        metric="" if about is None else f"{about.words}{f' ({about.unit})' if about.unit else ''}",
        caption="" if about is None else f"{about.title}{f' ({about.unit})' if about.unit else ''}",
        better="" if way is None else f"{way} is better",
        level=levels.pop().removesuffix(" %") if len(levels) == 1 else "",
        origin=origin_words([run for arm in own for run in arm.runs], part.metric) if part.metric else "",
        title=clean(part.name),
        rows=tuple(_row(index, arms[index], about, places) for index in part.arms),
    )


def _places(found: Sequence[ArmSummary]) -> int | None:
    return column_places(one.sd if one.survivors is None else one.survivors.sd for one in found)


def _row(index: int, arm: ArmInput, about: MetricText | None, places: int | None) -> ResultRow:
    found = arm.summary
    lost = len(found.failed) + len(found.missing) if found else len(arm.runs)
    has_some = about is not None and any(about.name in run.metrics for run in arm.runs)
    if found is None:
        value = "not a mean: a value is out of all bounds" if has_some else NO_NUMBER
    else:
        value = powers(clean(arm_text(found, places))).replace("-", MINUS)
    if about is None:
        lost = sum(not run.finished for run in arm.runs)
        left = len(arm.runs) - lost if arm.effective_n is None else arm.effective_n
        counted = f"{left} of {left + lost}" if lost else str(left)
    else:
        used = found.used if found else 0
        counted = f"{used} of {used + lost}" if lost else str(used)
    if found is None and has_some:  # They have a number, too large to be reckoned with.
        counted = str(sum(run.finished and about is not None and about.name in run.metrics for run in arm.runs))
    return ResultRow(
        arm=index,
        value=value,
        interval=_interval(found, places) if found else "",
        n=counted,
        failed=clean("; ".join(_lost(arm, found, is_bare=about is not None and not has_some))),
        gains=gains(arm),
        summary=found,
    )


def _interval(found: ArmSummary, places: int | None) -> str:
    if found.ci is None:
        return ""
    places = decimals((found.ci.high - found.ci.low) / 4) if places is None else places
    ends = f"[{show(found.ci.low, places)}, {show(found.ci.high, places)}]"
    return powers(ends).replace("-", MINUS).replace(" ", "\N{NO-BREAK SPACE}")


MOST_NAMED = 6
"""Runs that are told one by one where it happened to all of them."""


def _lost(arm: ArmInput, found: ArmSummary | None, *, is_bare: bool) -> Iterator[str]:
    """`seed 2 crashed`, `seeds 3 and 4 no value`: every run of the arm that gave no number, by what became of it. A run
    whose seed does not tell it is told by its id, the only one of its arm by neither.
    is_bare: none of its runs has the metric."""
    has_none = NO_VALUE if is_bare else ""
    whys = found.left_out if found else [has_none if run.finished else run.status for run in arm.runs]
    rows: dict[str, list[Run]] = {}
    for run, why in zip(arm.runs, whys, strict=True):
        if why and why != IDLE:  # It has a number, and the warnings say why that is not another one.
            rows.setdefault("without an end on record" if why == UNSAID else why.replace("_", " "), []).append(run)
    for why, runs in rows.items():
        is_all = len(runs) == len(arm.runs) > MOST_NAMED
        who = "its run" if len(arm.runs) == 1 else "all runs" if is_all else which_runs(runs, arm.runs)
        yield f"{who} {why}"
