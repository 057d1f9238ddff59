"""`runaudit report RUN… -o FILE.html`: one self-contained page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.text.markdown import bullets, code, escaped
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.verdicts import INTEGRITY

if TYPE_CHECKING:
    from runaudit.factors.cohort import Cohort
    from runaudit.records.run import Run
    from runaudit.report import ArmInput, ComparisonInput, PageView

DEFAULT = Path("report.html")
MAX_METRICS = 8
"""Judged where nobody named a metric: more would drown the verdict, and every further one is a further chance."""


@common.command()
def report(
    context: Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs, cohorts or lists with commas: the arms.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.html", help="Where the page goes.")] = DEFAULT,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="RUN", help="Compare every arm with this one [else the one before]."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", metavar="RUN", help="Shown as well, compared with nothing; may be repeated."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Judge this metric; may be repeated [full-frame PSNR]."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The page's title.")] = None,
) -> None:
    """Write one page on these runs: verdicts, scores, images, curves, differences, manifests.

    Runs that differ only in their seed become one arm; each arm is compared with the one before it. The page loads
    nothing from anywhere. Exit code 0 where it was written, 4 where it shows a record that was damaged.
    """
    from runaudit.judge.circumstances import launched_cohorts
    from runaudit.report import check_place, page_view, render_page, write_page

    check_place(output)
    cohorts = _arms(context, [baseline, *runs] if baseline else runs)
    pairs = [(0 if baseline else index - 1, index) for index in range(1, len(cohorts))]
    named = {run.id for cohort in cohorts for run in cohort.runs}
    others = _arms(context, beside) if beside else []
    cohorts += [cohort for cohort in others if not named.issuperset(run.id for run in cohort.runs)]
    launched = launched_cohorts(context.store, context.settings) if pairs else ()
    compared = [_comparison(context, cohorts, pair, metrics=metric or (), launched=launched) for pair in pairs]
    integrity = _integrity(context, cohorts)
    view = page_view([_arm(context, cohort) for cohort in cohorts], compared, title=title, integrity=integrity)
    write_page(output, render_page(view))
    context.tell(ReportAnswer(view=view, output=output))
    damaged = any(integrity.values()) or any(run.fault for cohort in cohorts for run in cohort.runs)
    context.finish(INTEGRITY if damaged else 0)


def _arms(context: Context, words: Sequence[str]) -> "list[Cohort]":
    """One arm a word that names several runs; runs named one by one are grouped by their design."""
    from runaudit.factors.cohort import cohorts
    from runaudit.runs.names import cohort_named, runs_named

    found: list[tuple[int, Cohort]] = []
    single: dict[str, tuple[int, Run]] = {}
    for at, word in enumerate(words):
        members = runs_named(context.store, context.settings, word)
        if len(members) == 1 and "," not in word:
            single.setdefault(members[0].id, (at, members[0]))
        elif members:
            found.append((at, cohort_named(context.store, context.settings, word)))
    taken = {run.id for _, arm in found for run in arm.runs}
    rest = {key: value for key, value in single.items() if key not in taken}
    for arm in cohorts((run for _, run in rest.values()), settings=context.settings):
        found.append((min(rest[run.id][0] for run in arm.runs), arm))
    ordered = [arm for _, arm in sorted(found, key=lambda item: item[0])]
    unique = list({tuple(sorted(run.id for run in arm.runs)): arm for arm in ordered}.values())
    if not unique:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    return unique


def _arm(context: Context, cohort: "Cohort") -> "ArmInput":
    from runaudit.report import ArmInput, read_panels

    store = context.store
    panels = {run.id: read_panels(run, store.run_dir(run.id)) for run in cohort.runs}
    return ArmInput(
        name=cohort.label, runs=cohort.runs, effective_n=cohort.effective_n, cohort=cohort.id, panels=panels
    )


def _comparison(
    context: Context,
    cohorts: "Sequence[Cohort]",
    pair: tuple[int, int],
    *,
    metrics: Sequence[str],
    launched: "Sequence[Cohort]",
) -> "ComparisonInput":
    """The judgement on one pair of arms, as the JSON that `diff` and `stats` answer with."""
    from runaudit.diff import compare_cohorts
    from runaudit.judge.cohorts import judge_cohorts
    from runaudit.report import ComparisonInput

    before, after = (cohorts[index] for index in pair)
    names = metrics or _metrics(context, before.runs, after.runs)
    around = (context.store, context.settings)
    judged = [judge_cohorts(*around, [after, before], metric=name, direction=None, launched=launched) for name in names]
    return ComparisonInput(
        baseline=pair[0],
        arm=pair[1],
        diff=compare_cohorts(before, after, settings=context.settings).to_json(),
        stats=tuple(answer.to_json() for answer, _ in judged),
    )


def _metrics(context: Context, *arms: "Sequence[Run]") -> list[str]:
    """The full-frame PSNR of every sequence; without any, what every arm has and whose direction is known."""
    from runaudit.judge.cohorts import declared_direction
    from runaudit.metrics.catalogue import PRIMARY, known_direction

    shared = sorted(set.intersection(*({name for run in runs for name in run.metrics} for runs in arms)))
    primary = [name for name in shared if name.startswith(f"{PRIMARY}/")]
    known = [name for name in shared if known_direction(name) or declared_direction(context.settings, name, None)]
    return primary or known[:MAX_METRICS]


def _integrity(context: Context, cohorts: "Sequence[Cohort]") -> Mapping[str, tuple[str, ...]]:
    """Every byte of these runs hashed again. A run that is not in the store was not checked and is left out."""
    from runaudit.store import EmptyStoreError
    from runaudit.store.catalogue import run_ids
    from runaudit.store.verify import verify

    try:
        store = context.open()
    except EmptyStoreError:
        return {}
    known = set(run_ids(store))
    ids = tuple(run.id for cohort in cohorts for run in cohort.runs if run.id in known)
    problems = verify(store, ids).problems
    return {run: tuple(f"{p.file}: {p.problem}" for p in problems if p.run == run or p.run is None) for run in ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """What `report` answers with: what the page says first, and where it is."""

    view: "PageView"
    output: Path

    @property
    def headline(self) -> str:
        """Where the page is."""
        return str(self.output)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        for verdict in self.view.verdicts:
            yield f"{verdict.arm.name} against {verdict.baseline.name}: {verdict.verdict}. {verdict.change}."
            yield from (f"  {evidence.metric} {evidence.sentence}" for evidence in verdict.evidence)
        for alert in self.view.alerts:
            yield f"{alert.title}:"
            yield from (f"  {item}" for item in alert.items)
        yield printable(f"page: {self.output}")

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        for verdict in self.view.verdicts:
            sides = escaped(f"{verdict.arm.name} against {verdict.baseline.name}")
            yield f"**{sides}**: {escaped(f'{verdict.verdict}. {verdict.change}.')}"
            yield from ("", *bullets(f"{evidence.metric} {evidence.sentence}" for evidence in verdict.evidence), "")
        for alert in self.view.alerts:
            yield from (f"**{escaped(alert.title)}**", "", *bullets(alert.items), "")
        yield f"page: {code(self.output)}"

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.report/1",
            "page": str(self.output),
            "arms": [
                {"letter": arm.letter, "label": arm.name.full, "runs": [run.id.full for run in arm.runs]}
                for arm in self.view.arms
            ],
            "comparisons": [
                {
                    "baseline": verdict.baseline.letter,
                    "arm": verdict.arm.letter,
                    "verdict": verdict.verdict.replace(" ", "_"),
                    "evidence": [
                        {"metric": e.metric, "verdict": e.verdict, "text": e.sentence} for e in verdict.evidence
                    ],
                }
                for verdict in self.view.verdicts
            ],
            "alerts": [{"title": alert.title, "items": list(alert.items)} for alert in self.view.alerts],
        }
