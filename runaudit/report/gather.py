"""From arms of runs to a page: every pair judged, every byte hashed again, every image read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runaudit.factors.cohort import Cohort
from runaudit.judge.bench import Bench
from runaudit.judge.cohorts import compare_arms, judge_cohorts
from runaudit.judge.selection import page_arms, page_metrics
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.panels import read_panels
from runaudit.report.views.page import PageView, page_view
from runaudit.runs.names import has_store
from runaudit.store.catalogue import run_ids
from runaudit.store.verify import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and whether it shows a record that was damaged."""

    view: PageView
    is_damaged: bool


def gather(
    bench: Bench,
    runs: Sequence[str],
    *,
    baseline: str | None = None,
    beside: Sequence[str] = (),
    metrics: Sequence[str] = (),
    title: str | None = None,
) -> Page:
    """The page on these runs: each arm against the one before it, or all against `baseline`.

    beside: shown as well, compared with nothing. metrics: what is judged; without any, the ones that matter.
    """
    arms = page_arms(bench, [baseline, *runs] if baseline else runs)
    pairs = [(0 if baseline else index - 1, index) for index in range(1, len(arms))]
    named = {run.id for arm in arms for run in arm.runs}
    others = page_arms(bench, beside) if beside else []
    arms += [arm for arm in others if not named.issuperset(run.id for run in arm.runs)]
    launched = bench.homes(arms) if pairs else ()
    compared = [_comparison(bench, arms, pair, metrics=metrics, launched=launched) for pair in pairs]
    integrity = _integrity(bench, arms)
    view = page_view([_arm(bench, arm) for arm in arms], compared, title=title, integrity=integrity)
    return Page(view=view, is_damaged=any(integrity.values()) or any(run.fault for arm in arms for run in arm.runs))


def _arm(bench: Bench, arm: Cohort) -> ArmInput:
    panels = {run.id: read_panels(run, bench.store.run_dir(run.id)) for run in arm.runs}
    return ArmInput(name=arm.label, runs=arm.runs, effective_n=arm.effective_n, cohort=arm.id, panels=panels)


def _comparison(
    bench: Bench,
    arms: Sequence[Cohort],
    pair: tuple[int, int],
    *,
    metrics: Sequence[str],
    launched: Sequence[Cohort],
) -> ComparisonInput:
    """The judgement on one pair of arms: its design once, its numbers once a metric."""
    before, after = (arms[index] for index in pair)
    sides = [after, before]
    designs = compare_arms(bench.settings, sides)
    names = metrics or page_metrics(bench.settings, before, after)
    judged = (judge_cohorts(bench, sides, metric=name, designs=designs, launched=launched) for name in names)
    return ComparisonInput(baseline=pair[0], arm=pair[1], diff=designs[0], stats=tuple(judged))


def _integrity(bench: Bench, arms: Sequence[Cohort]) -> Mapping[str, tuple[str, ...]]:
    """Every byte of these runs hashed again. A run that is not in the store was not checked and is left out."""
    if not has_store(bench.store):
        return {}
    store = bench.store.existing()
    known = set(run_ids(store))
    ids = tuple(run.id for arm in arms for run in arm.runs if run.id in known)
    problems = verify(store, ids).problems
    return {run: tuple(f"{p.file}: {p.problem}" for p in problems if p.run == run or p.run is None) for run in ids}
