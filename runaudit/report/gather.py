"""From arms of runs to a page: every pair judged, every byte hashed again, every image read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from runaudit.campaign.answer import CampaignAnswer, recorded
from runaudit.campaign.plan import Plan
from runaudit.diff import compare_cohorts
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.factors.cohort import Cohort, cohort_of, cohorts, hybrid_mark
from runaudit.judge.bench import Bench
from runaudit.judge.cohorts import compare_arms, judge_cohorts, summaries
from runaudit.judge.many import study_runs, study_store
from runaudit.judge.selection import NamedArms, leading, page_arms, page_metrics
from runaudit.judge.values import declared_direction, distinct_labels, require_metric, runs_left_out
from runaudit.metrics.catalogue import known_direction
from runaudit.metrics.leading import is_of_training, may_count
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput, ComparisonInput, Part, Unjudged
from runaudit.report.panels import read_panels
from runaudit.report.views.alerts import Alert
from runaudit.report.views.arm import letter, logged_words
from runaudit.report.views.page import PageView, page_view
from runaudit.report.words import clean
from runaudit.runs.lineage import whole
from runaudit.runs.names import has_store
from runaudit.stats.answer import ArmSummary
from runaudit.stats.values import OutOfReachError
from runaudit.store.catalogue import run_ids
from runaudit.store.verify import verify
from runaudit.study.projects import projects_of
from runaudit.study.text import StudyAnswer
from runaudit.system.progress import work
from runaudit.text.words import ended, listed, plural, quoted
from runaudit.untangle.told import answers_on

T = TypeVar("T")
U = TypeVar("U")
MIN_STUDY = 3
"""Arms from which on the page says what they can tell together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and whether it shows a record that was damaged."""

    view: PageView
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the page is to show. runs: words for the arms, none for every run of the store. campaign: its arms in their
    order, in the place of words. baseline: every arm is held against it, else each against the one before, and those of
    a campaign against its first. beside: shown as well, compared with nothing. metrics: what is judged;
    without any, the ones that matter. directions: what counts as better in the first, the second …
    curves: patterns of the series that are drawn; without any, those that tell most."""

    runs: Sequence[str] = ()
    campaign: Plan | None = None
    baseline: str | None = None
    beside: Sequence[str] = ()
    metrics: Sequence[str] = ()
    directions: Sequence[str] = ()
    curves: Sequence[str] = ()
    title: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every run of the store is shown: nobody said which."""
        return not self.runs and self.campaign is None

    @property
    def direction(self) -> str | None:
        """What counts as better in the metric that the page is about."""
        return self.directions[0] if self.directions else None


def gather(bench: Bench, wanted: Wanted) -> Page:
    """The page on these runs. Raises UsageError for a word that names none, a metric that none has."""
    for word in wanted.directions:  # One that is no direction is told before the work.
        declared_direction(bench.settings, "", word)
    campaign = None if wanted.campaign is None else recorded(wanted.campaign, bench.store.existing())
    arms, joined = (_of_campaign(bench, campaign, wanted), ()) if campaign else _arms(bench, wanted)
    pairs = _pairs(arms, wanted)
    named = {run.id for arm in arms for run in arm.runs}
    others = page_arms(bench, wanted.beside).arms if wanted.beside else []
    shown = [*arms, *(arm for arm in others if not named.issuperset(run.id for run in arm.runs))]
    asked = _asked(bench, shown, wanted)
    metric = next(iter(asked), None) or _shared_metric(bench, shown, wanted.direction)
    # Of a whole store every run is shown; the cohorts of runs that were named are read for what was left out of them.
    launched = bench.homes(shown) if pairs or not wanted.is_whole or wanted.beside else ()
    compare = partial(_comparison, bench, shown, wanted=wanted, asked=asked, metric=metric, launched=launched)
    compared = _each(compare, pairs, "comparing", "pairs of arms")
    if (wanted.baseline or campaign) and len(pairs) > 1:
        way = partial(_way, wanted, asked, first=metric)
        compared = _each(lambda one: _in_family(bench, shown, one, compared, way, launched),
                         tuple(compared), "comparing as a family", "pairs of arms")  # fmt: skip
    integrity = _integrity(bench, shown)
    parts = parts_of(bench, shown) if _is_apart(wanted, pairs, shown) else ()
    sums = _sums(bench, shown, parts or (Part(metric=metric, arms=tuple(range(len(shown)))),))
    left = runs_left_out(shown, {run.id: one for one in launched for run in one.runs})
    view = page_view(
        _each(
            lambda one: _arm(bench, *one),
            tuple(zip(shown, distinct_labels(shown), sums, left, strict=True)),
            "reading",
            "arms",
        ),
        compared,
        title=wanted.title,
        integrity=integrity,
        metric=metric,
        parts=parts,
        study=_study(bench, arms, wanted, metric if compared else None),
        campaign=campaign,
        untangled=answers_on(bench, [[run.id for run in arm.runs] for arm in arms]),
        curves=wanted.curves,
        rules=bench.settings.rules,
        directions=bench.settings.stats.directions,
    )
    told = (Alert(tone="doubt", title="Words that name one arm", items=tuple(map(clean, joined))),) if joined else ()
    view = replace(view, headed=clean(wanted.title or ""), alerts=(*view.alerts, *told))
    return Page(view=view, is_damaged=any(integrity.values()) or any(run.fault for arm in shown for run in arm.runs))


def _each(make: Callable[[T], U], of: Sequence[T], what: str, unit: str) -> list[U]:
    """What `make` makes of each, told while it takes long."""
    made = []
    with work(what, len(of), unit) as advance:
        for one in of:
            made.append(make(one))
            advance(1)
    return made


def _arms(bench: Bench, wanted: Wanted) -> NamedArms:
    """The arms in the order of their words; every cohort of the store where no run is named."""
    if wanted.runs:
        # `report A B --vs A` names the baseline among the arms, as `stats` has it: it is no word said twice.
        others = [word for word in wanted.runs if word != wanted.baseline]
        return page_arms(bench, [wanted.baseline, *others] if wanted.baseline else wanted.runs)
    every = cohorts(bench.runs(trajectory=True), settings=bench.settings)
    # Runs that `untangle` made are no arms that anybody launched: what they told has a section of its own.
    found = [arm for arm in every if not all(hybrid_mark(run.manifest) for run in arm.runs)] or list(every)
    return NamedArms(_behind(bench, wanted.baseline, found), ())


def _behind(bench: Bench, baseline: str | None, arms: list[Cohort]) -> list[Cohort]:
    """The arms, with the baseline before them where one is named."""
    if not baseline:
        return arms
    (first, *_) = page_arms(bench, [baseline]).arms
    ids = {run.id for run in first.runs}
    return [first, *(arm for arm in arms if not any(run.id in ids for run in arm.runs))]


def _of_campaign(bench: Bench, campaign: CampaignAnswer, wanted: Wanted) -> list[Cohort]:
    """The arms of a campaign of which some job was launched, each with all its runs, those that failed among them."""
    if wanted.runs:
        raise UsageError("a campaign names its own runs", remedy="leave the others out, or show them with --beside RUN")
    launched = (campaign.history.of_arm(arm.id) for arm in campaign.plan.arms)
    found = [bench.arm(bench.named(*(f"id:{run.id}" for run in runs))) for runs in launched if runs]
    if not found:
        raise UsageError("the store holds no run of this campaign as its file stands",
                         remedy=f"run it: {campaign.plan.repeated()}")  # fmt: skip
    return _behind(bench, wanted.baseline, found)


def _pairs(arms: Sequence[Cohort], wanted: Wanted) -> list[tuple[int, int]]:
    """Which arms are held against which: all against the baseline, else each against the one before. The cohorts of a
    whole store have no order that anybody gave them, so without a baseline only two of them are a comparison."""
    if wanted.baseline or wanted.campaign:
        return [(0, index) for index in range(1, len(arms))]
    if not wanted.runs and len(arms) > 2:
        return []
    return [(index - 1, index) for index in range(1, len(arms))]


def _shared_metric(bench: Bench, arms: Sequence[Cohort], direction: str | None = None) -> str | None:
    """The metric that arms are shown on where none was asked for: the one that matters of what all have, else of what
    most have."""
    judged = page_metrics(bench.settings, *arms, direction=direction)
    if judged and not is_of_training(judged[0]):
        return judged[0]
    every = leading(bench.arm([run for arm in arms for run in arm.runs]))
    # What all arms have of the training alone says less than what some have of what they were trained for.
    figures = leading(*arms) or every
    if all(is_of_training(one.name) for one in figures):
        figures = tuple(one for one in every if not is_of_training(one.name)) or figures
    held = {one.name: sum(_is_measured([arm], one.name) for arm in arms) for one in figures}
    return max(figures, key=lambda one: held[one.name]).name if figures else None  # of equals the one that leads


def _asked(bench: Bench, arms: Sequence[Cohort], wanted: Wanted) -> Mapping[str, str | None]:
    """The metrics that were asked for, in full, each with what was declared to be better in it. Raises UsageError for
    one that no run on the page has, and for one whose direction nobody knows."""
    if len(wanted.directions) > max(1, len(wanted.metrics)):
        raise UsageError(
            f"{plural(len(wanted.directions), 'direction')} for {plural(len(wanted.metrics), 'metric')}",
            remedy="give one --direction for each --metric, in their order",
        )
    found: dict[str, str | None] = {}
    ways = (*wanted.directions, *[None] * len(wanted.metrics))
    for word, way in zip(wanted.metrics, ways, strict=False):
        name = require_metric(bench.settings, arms, word, direction=way).name
        if found and declared_direction(bench.settings, name, way) is None and known_direction(name) is None:
            raise UsageError(
                f"whether a higher or a lower {quoted(name)} is better is not known",
                remedy="declare it: one --direction for each --metric, in their order",
            )
        found.setdefault(name, way)
    return found


def _way(wanted: Wanted, asked: Mapping[str, str | None], name: str, first: str | None) -> str | None:
    """What was declared to be better in a metric. first: the one that the page is about where none was asked for."""
    return asked.get(name) if asked else wanted.direction if name == first else None


def _is_measured(arms: Sequence[Cohort], metric: str) -> bool:
    """Whether a run of these arms has the metric, or a sequence of it. A pair that has not is shown without numbers."""
    names = {name for arm in arms for run in arm.runs for name in run.metrics}
    return any(name == metric or name.startswith(f"{metric}/") for name in names)


def _is_apart(wanted: Wanted, pairs: Sequence[tuple[int, int]], arms: Sequence[Cohort]) -> bool:
    """Whether the arms are looked at in parts: nobody said which belong together, or what they are to be held by."""
    return not wanted.metrics and not pairs and len(arms) >= MIN_STUDY


def parts_of(bench: Bench, arms: Sequence[Cohort]) -> tuple[Part, ...]:
    """The arms of a whole store in parts: of one project, on the metric that most of its arms have; those that have not
    that one stand together by another. What has no number at all is in none."""
    projects = projects_of(run for arm in arms for run in arm.runs)
    found: list[Part] = []
    for project in projects:
        ids = {run.id for run in project.runs}
        left = [index for index, arm in enumerate(arms) if arm.runs and arm.runs[0].id in ids]
        name = project.name if len(projects) > 1 else ""
        while left and (metric := _shared_metric(bench, [arms[index] for index in left])):
            held = tuple(index for index in left if _is_measured([arms[index]], metric))
            left = [index for index in left if index not in held]
            found.append(Part(metric=metric, arms=held, name=name))
    return tuple(found)


def _sums(bench: Bench, arms: Sequence[Cohort], parts: Sequence[Part]) -> list[ArmSummary | None]:
    """Every arm by itself on the metric of its part."""
    sums: list[ArmSummary | None] = [None] * len(arms)
    for part in parts:
        held = [arms[index] for index in part.arms]
        found = summaries(bench, held, part.metric) if part.metric else (None,) * len(held)
        for index, one in zip(part.arms, found, strict=True):
            sums[index] = one
    return sums


def _study(
    bench: Bench, arms: Sequence[Cohort], wanted: Wanted, metric: str | None
) -> StudyAnswer | NothingToJudgeError | None:
    """What all runs together can tell, where there are more arms than a comparison has; of a whole store what those of
    its largest project can. What is shown beside them is compared with nothing and in no study. metric: the one
    that arms are compared on, if any are. Runs that tell nothing together have a page all the same."""
    if len(arms) < MIN_STUDY:
        return None
    runs = [run for arm in arms for run in arm.runs]
    try:
        found = (study_store if wanted.is_whole else study_runs)(runs, bench.settings)
        return StudyAnswer(study=replace(found, metric=metric))
    except NothingToJudgeError as nothing:
        return nothing


def _arm(bench: Bench, arm: Cohort, name: str, summary: ArmSummary | None, left: tuple[Run, ...]) -> ArmInput:
    panels = {run.id: read_panels(run, bench.store.run_dir(run.id)) for run in arm.runs}
    drawn = tuple(whole(bench.store, run) for run in arm.runs)
    return ArmInput(name=name, runs=arm.runs, effective_n=arm.effective_n, cohort=arm.id, panels=panels,
                    summary=summary, drawn=drawn, left_out=left, odd=_odd(bench, arm))  # fmt: skip


def _odd(bench: Bench, arm: Cohort) -> str:
    """What makes the runs that somebody named together more than one design; empty for a cohort."""
    if arm.n < 2 or arm.id != cohort_of(arm.runs).id:
        return ""
    return next(iter(compare_cohorts(arm, arm, settings=bench.settings).odd), "")


def _comparison(
    bench: Bench,
    arms: Sequence[Cohort],
    pair: tuple[int, int],
    *,
    wanted: Wanted,
    asked: Mapping[str, str | None],
    metric: str | None,
    launched: Sequence[Cohort],
) -> ComparisonInput:
    """The judgement on one pair of arms: its design once, its numbers once a metric, the page's metric first."""
    before, after = (arms[index] for index in pair)
    sides = [after, before]
    designs = compare_arms(bench.settings, sides)
    names = [name for name in asked if _is_measured(sides, name)]
    if not asked:
        judged = page_metrics(bench.settings, before, after, direction=wanted.direction)
        names = sorted(judged, key=lambda name: name != metric)
    dropped = [] if asked else _dropped(sides, names)
    unjudged = [lack for name in asked or filter(None, [metric]) if (lack := _lacking(sides, pair, name))]
    unjudged += dropped
    stats = []
    for name in names:
        direction = _way(wanted, asked, name, metric)
        try:
            stats.append(
                judge_cohorts(bench, sides, metric=name, direction=direction, designs=designs, launched=launched)
            )
        except OutOfReachError as error:  # Of a run that diverged, and the page is about that, too.
            why = ended(f"{name} was not judged: {error.message}")
            unjudged.append(Unjudged(words=why, needs="values that can be reckoned with", leads=name == metric))
    return ComparisonInput(baseline=pair[0], arm=pair[1], diff=designs[0], stats=tuple(stats), unjudged=tuple(unjudged))


def _in_family(
    bench: Bench,
    arms: Sequence[Cohort],
    one: ComparisonInput,
    every: Sequence[ComparisonInput],
    way: Callable[[str], str | None],
    launched: Sequence[Cohort],
) -> ComparisonInput:
    """A pair among those that share a baseline, allowed for as `stats` does that is asked of all of them: the more are
    held against one baseline, the sooner one of them improves by luck."""
    stats = []
    for answer in one.stats:
        beside = [_p_of(other, answer.metric) for other in every if other is not one]
        direction = way(answer.metric)
        sides = [arms[one.arm], arms[one.baseline]]
        stats.append(
            judge_cohorts(
                bench, sides, metric=answer.metric, direction=direction, designs=(one.diff,), launched=launched,
                beside=beside,
            )
        )  # fmt: skip
    return replace(one, stats=tuple(stats))


def _p_of(one: ComparisonInput, metric: str) -> float | None:
    """The p of a comparison on a metric; None where it could not be tested."""
    return next((answer.comparisons[0].p for answer in one.stats if answer.metric == metric), None)


def _lacking(sides: Sequence[Cohort], pair: tuple[int, int], metric: str) -> Unjudged | None:
    """Why a metric cannot be judged between two arms: no run of one of them, or of neither, has it as a result. What a
    run logs on its way is in its curves."""
    letters = [letter(index) for index in reversed(pair)]
    bare = [who for who, arm in zip(letters, sides, strict=True) if not _is_measured([arm], metric)]
    if not bare:
        return None
    told = (logged_words(arm.runs, metric, who) for who, arm in zip(letters, sides, strict=True) if who in bare)
    beside = f" ({'; '.join(known)})" if (known := [one for one in told if one]) else ""
    none = f"no finished run of {' or of '.join(bare)} has"
    # Where one of the two has it, the judge says itself that it makes no claim of the metric.
    is_judged = len(bare) < len(sides)
    words = f"N{none[1:]} {metric}{beside}." if is_judged else f"{metric} was not judged: {none} it{beside}."
    return Unjudged(words=words, needs=f"runs of both arms that have {metric}, or another `--metric`")


def _dropped(sides: Sequence[Cohort], judged: Sequence[str]) -> list[Unjudged]:
    """The metric that `list` shows of these arms, where it is not judged: nobody said which way it improves. With what
    else may be what the program is for, where no better is known than how well it learned."""
    names = [one.name for one in leading(*sides)]
    if not names or (names[0] in judged and not is_of_training(names[0])):
        return []
    unknown = [name for name in names if name not in judged and known_direction(name) is None and may_count(name)]
    if names[0] in judged and not unknown:
        return []
    first = names[0] if names[0] not in judged else unknown[0]
    others = [name for name in unknown if name != first]
    which = "they improve" if others else "it improves"
    shown_by = ", which runaudit list shows," if first == names[0] else ""
    more = f" (nor {listed(others, limit=3)})" if others else ""
    words = f"{first}{shown_by} was not judged{more}: which way {which} is not known."
    return [Unjudged(words=words, needs=f"`--metric {quoted(first)} --direction higher` (or lower)")]


def _integrity(bench: Bench, arms: Sequence[Cohort]) -> Mapping[str, tuple[str, ...]]:
    """Every byte of these runs hashed again. A run that is not in the store was not checked and is left out."""
    if not has_store(bench.store):
        return {}
    store = bench.store.existing()
    known = set(run_ids(store))
    ids = tuple(run.id for arm in arms for run in arm.runs if run.id in known)
    problems = verify(store, ids).problems
    return {run: tuple(f"{p.file}: {p.problem}" for p in problems if p.run == run or p.run is None) for run in ids}
