"""Did it come out the same? A run and its repetition: first by their inputs, then by their results.

What was run with other inputs was not repeated, whatever came of it. Else three answers are possible, and a fourth
where none can be determined: equal to the last bit; different, but no more than another seed would have been; different
beyond that; different, with too few replicates to know how much is noise. The noise is that of the replicates, by the
prediction interval for one further run: `mean ± t(n-1) sd sqrt(1 + 1/n)`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from runaudit.diff.result import FactorChange
from runaudit.records.canonical import canonical_equal, json_safe, thawed
from runaudit.records.results import is_clock
from runaudit.records.run import Run
from runaudit.text.words import head, plural

MIN_REPLICATES = 3
LEVEL = 0.95
MAX_NAMED = 5
SCHEMA = "runaudit.rerun/1"


class Reproduction(StrEnum):
    """What the repetition says."""

    BIT_EQUAL = "bit_equal"
    WITHIN_NOISE = "within_replicate_noise"
    NOT_REPRODUCED = "not_reproduced"
    CANNOT_SAY = "cannot_say"
    OTHER_INPUTS = "other_inputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One metric that came out differently. `low`, `high`: where a further replicate was to be expected, if known."""

    metric: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None

    @property
    def expected(self) -> bool | None:
        """Whether the repetition lies where a replicate would; None where that is not known."""
        if self.after is None or self.low is None or self.high is None:
            return None
        return self.low <= self.after <= self.high

    def to_json(self) -> dict[str, Any]:
        """The metric for a JSON answer."""
        interval = None if self.low is None else [self.low, self.high]
        return {"metric": self.metric, "before": self.before, "after": self.after, "interval": interval}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """The answer, with what differs and how many replicates it was judged by."""

    verdict: Reproduction
    reason: str
    differences: tuple[Difference, ...] = ()
    files: tuple[str, ...] = ()
    replicates: int = 0
    inputs: tuple[FactorChange, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": SCHEMA,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "differences": [d.to_json() for d in self.differences],
            "files": list(self.files),
            "replicates": self.replicates,
            "inputs": [json_safe(thawed(factor.to_json())) for factor in self.inputs],
        }


def judge_repetition(
    run: Run, again: Run, replicates: tuple[Run, ...], *, inputs: tuple[FactorChange, ...] = ()
) -> Repetition:
    """Hold `again` against `run`. `replicates` are finished runs of the same design, `run` among them; `inputs` are the
    factors in which the two differ."""
    found = _by_results(run, again, replicates)
    if not inputs:
        return found
    shown = head([factor.factor for factor in inputs], MAX_NAMED)
    return replace(found, verdict=Reproduction.OTHER_INPUTS, reason=f"not the same inputs: {shown}", inputs=inputs)


def _by_results(run: Run, again: Run, replicates: tuple[Run, ...]) -> Repetition:
    if run.outcome is None:
        return Repetition(verdict=Reproduction.CANNOT_SAY, reason=f"run {run.short} has no outcome to compare with")
    if not run.metrics and not run.outcome.checkpoints and not run.trajectory.series:
        return Repetition(verdict=Reproduction.CANNOT_SAY, reason=f"run {run.short} recorded no result")
    if run.status != again.status:
        return Repetition(
            verdict=Reproduction.NOT_REPRODUCED, reason=f"the run was {run.status}, the repetition {again.status}"
        )
    metrics = tuple(_metric_differences(run, again, replicates))
    files = tuple(_file_differences(run, again))
    same_series = canonical_equal(_series(run), _series(again))
    if not metrics and not files and same_series:
        return Repetition(verdict=Reproduction.BIT_EQUAL, reason="every metric, series and checkpoint is the same",
                          replicates=len(replicates))  # fmt: skip
    return _beyond_bits(metrics, files, same_series, replicates)


def _beyond_bits(
    metrics: tuple[Difference, ...], files: tuple[str, ...], same_series: bool, replicates: tuple[Run, ...]
) -> Repetition:
    def answer(verdict: Reproduction, reason: str) -> Repetition:
        return Repetition(verdict=verdict, reason=reason, differences=metrics, files=files, replicates=len(replicates))

    what, count = _what(metrics, files, same_series), len(replicates)
    if count < MIN_REPLICATES:
        return answer(
            Reproduction.CANNOT_SAY,
            f"{what}; with {plural(count, 'replicate')} it cannot be determined whether that is noise "
            f"({MIN_REPLICATES} are needed)",
        )
    if outside := [d.metric for d in metrics if not d.expected]:
        verb = "lies" if len(outside) == 1 else "lie"
        return answer(
            Reproduction.NOT_REPRODUCED, f"{', '.join(outside)} {verb} outside what {count} replicates predict"
        )
    return answer(
        Reproduction.WITHIN_NOISE,
        f"{what}, and every metric lies where a further replicate would ({LEVEL:.0%} prediction interval of {count})",
    )


def _what(metrics: tuple[Difference, ...], files: tuple[str, ...], same_series: bool) -> str:
    parts = [f"{d.metric} differs" for d in metrics[:3]] or (
        [f"{files[0]} differs"] if files else [] if same_series else ["the series differ"]
    )
    return ", ".join(parts)


def _metric_differences(run: Run, again: Run, replicates: tuple[Run, ...]) -> Iterator[Difference]:
    for name in sorted(filter(_repeats, {*run.metrics, *again.metrics})):
        before, after = run.metrics.get(name), again.metrics.get(name)
        if before is None or after is None or not canonical_equal(before, after):
            values = [r.metrics[name] for r in replicates if name in r.metrics]
            low, high = _expected(values)
            yield Difference(metric=name, before=before, after=after, low=low, high=high)


def _expected(values: list[float]) -> tuple[float | None, float | None]:
    from runaudit.stats.interval import prediction_interval

    if len(values) < MIN_REPLICATES:
        return None, None
    interval = prediction_interval(values, level=LEVEL)
    return interval.low, interval.high


def _file_differences(run: Run, again: Run) -> Iterator[str]:
    before, after = _checkpoints(run), _checkpoints(again)
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield path


def _checkpoints(run: Run) -> Mapping[str, str]:
    return {str(c["path"]): str(c["digest"]) for c in (run.outcome.checkpoints if run.outcome else ())}


def _series(run: Run) -> dict[str, Any]:
    return {name: list(map(list, points)) for name, points in run.trajectory.series.items() if _repeats(name)}


def _repeats(name: str) -> bool:
    """Whether a quantity can come out the same at all: a step's time never does."""
    return not is_clock(name)
