"""The whole page as one value, in the order in which it is read. Two pages of equal views are equal byte for byte.

A section is there because its data is: what no run recorded has no heading, and the page says at its end what it
leaves out and why. A section that cannot be made takes no other with it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from runaudit import __version__
from runaudit.campaign.answer import CampaignAnswer
from runaudit.errors import NothingToJudgeError
from runaudit.health.answer import HealthAnswer, health_of
from runaudit.metrics.catalogue import Direction
from runaudit.records.run import Run
from runaudit.report.guarded import Failed, attempted
from runaudit.report.inputs import ArmInput, ComparisonInput, Part
from runaudit.report.views.alerts import Alert, Integrity, alerts
from runaudit.report.views.arm import ArmView, arm_view, letter
from runaudit.report.views.blown import blown_up
from runaudit.report.views.campaign import CampaignView, campaign_view
from runaudit.report.views.cost import cost_words
from runaudit.report.views.curve import Mark
from runaudit.report.views.curves import CurvesView, curves_view
from runaudit.report.views.diff import DiffView, diff_view
from runaudit.report.views.health import (
    HealthView,
    grave,
    health_alerts,
    health_marks,
    health_view,
    subjects,
)
from runaudit.report.views.images import ImagesView, images_view
from runaudit.report.views.manifest import ManifestView, manifest_views
from runaudit.report.views.origin import is_training_loss, origin_words
from runaudit.report.views.result import ResultView, result_view
from runaudit.report.views.scaler import ScalerView, scaler_view
from runaudit.report.views.scores import ScoresView, scores_view
from runaudit.report.views.seen import SeenView, seen_views
from runaudit.report.views.study import StudyView, moved_alone, study_view
from runaudit.report.views.summary import summary
from runaudit.report.views.untangled import UntangledView, attributed_pairs, untangled_views
from runaudit.report.views.verdict import VerdictView, verdict_view
from runaudit.report.words import Text, clean, shown
from runaudit.report.words import metric as shown_metric
from runaudit.settings import RuleSettings
from runaudit.study.text import StudyAnswer
from runaudit.text.words import listed, plural
from runaudit.untangle.answer import UntangleAnswer

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page: its anchor, its heading, its short name in the contents, and the template that sets it."""

    id: str
    title: str
    short: str
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A part of the page that is not on it, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything on the page. `sections` are those that have something to show, in the order in which they are read;
    what could not be made is None, what there is nothing of is empty, and `left_out` says why."""

    title: Text
    subtitle: str
    version: str
    arms: tuple[ArmView, ...]
    verdicts: tuple[VerdictView, ...]
    summary: str
    alerts: tuple[Alert, ...]
    result: ResultView
    campaign: CampaignView | None
    untangled: tuple[UntangledView, ...]
    study: StudyView | None
    scores: ScoresView | None
    images: ImagesView | None
    curves: CurvesView | None
    scaler: ScalerView | None
    health: HealthView | None
    diffs: tuple[DiffView, ...]
    seen: tuple[SeenView, ...]
    manifests: tuple[ManifestView, ...]
    headed: str = ""
    """The title, where somebody gave it one."""
    sections: tuple[Section, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def unheld(self) -> str:
        """The arms that a page of comparisons shows and compares with nothing: a control, say, that stands beside."""
        compared = {side.letter for one in self.verdicts for side in (one.arm, one.baseline)}
        beside = [arm.letter for arm in self.arms if arm.letter not in compared]
        if not self.verdicts or not beside:
            return ""
        verb = "is" if len(beside) == 1 else "are"
        study = ", and not in the study of the others" if self.study else ""
        return f"{listed(beside, limit=8)} {verb} shown beside the others: compared with nothing{study}."


def page_view(
    arms: Sequence[ArmInput],
    comparisons: Sequence[ComparisonInput] = (),
    *,
    title: str | None = None,
    integrity: Integrity | None = None,
    metric: str | None = None,
    parts: Sequence[Part] = (),
    study: StudyAnswer | NothingToJudgeError | None = None,
    campaign: CampaignAnswer | None = None,
    untangled: Sequence[UntangleAnswer] = (),
    curves: Sequence[str] = (),
    rules: RuleSettings | None = None,
    directions: Mapping[str, str] | None = None,
) -> PageView:
    """The page on these arms.

    integrity: run id -> what a re-hash of the store found wrong with it (empty: sound); None: it was not re-hashed.
    metric: the one that the page is about. parts: the metrics that it is about, where its arms share none. study: the
    judgement on all runs together, or why there is none. campaign: the one whose arms these are. untangled: what
    hybrids of its arms told. curves: patterns of the series to draw, if asked for. rules: the policy on the rules of
    health; None: they are not asked. directions: those it declares. Raises NothingToJudgeError where there is no run.
    """
    if not any(arm.runs for arm in arms):
        raise NothingToJudgeError("there is no run to report on", remedy="name at least one run")
    held = tuple(parts) or (Part(metric=metric, arms=(*range(len(arms)),)),)
    named, made = tuple(arm_view(arm, index) for index, arm in enumerate(arms)), _Maker(study)
    health, marks = _asked(made, arms, rules, directions)
    told = made(_UNTANGLED, lambda: untangled_views(untangled, arms)) or ()
    by_hybrids, others = attributed_pairs(told), len(comparisons) - 1
    against = alerts(arms, comparisons, integrity, metric if comparisons else None, by_hybrids)
    cards = tuple(_verdict(one, arms, named, integrity, health, others, by_hybrids, study) for one in comparisons)
    view = PageView(
        title=shown(title or _title(named, cards, campaign), 110),
        subtitle=listed(list(_sizes(arms, comparisons))),
        version=__version__,
        arms=named,
        verdicts=cards,
        summary=summary(cards),
        alerts=(*against, *(health_alerts(arms, health) if health else ())),
        result=result_view(arms, held, _direction(comparisons, metric)),
        campaign=made(_CAMPAIGN, lambda: campaign_view(campaign, tuple(arms))) if campaign else None,
        untangled=told,
        study=made("Study", lambda: study_view(study)) if isinstance(study, StudyAnswer) else None,
        scores=made("Results", lambda: scores_view(arms, held)),
        images=made("Pictures", lambda: images_view(arms)),
        curves=made("Curves", lambda: _curves(arms, curves, marks, metric)),
        scaler=made("Loss scale", lambda: scaler_view(arms, marks)),
        health=made(_HEALTH, lambda: health_view(arms, health)) if health else None,
        diffs=made("What changed", lambda: tuple(diff_view(one, arms) for one in comparisons)) or (),
        seen=made("What was used", lambda: seen_views(arms)) or (),
        manifests=made("Provenance", lambda: manifest_views(arms, integrity)) or (),
    )
    view = replace(view, sections=tuple(_sections(view)))
    return replace(view, left_out=(*made.failed, *_absent(view, {one.title for one in made.failed})))


def _asked(
    made: "_Maker", arms: Sequence[ArmInput], rules: RuleSettings | None, directions: Mapping[str, str] | None
) -> tuple[HealthAnswer | None, Sequence[Mark]]:
    """What the rules of health say of all runs, and where the figures are marked with it."""
    runs = [run for arm in arms for run in arm.runs]
    health = made(_HEALTH, lambda: health_of(runs, rules, directions=directions or {})) if rules else None
    return health, (made(_HEALTH, lambda: health_marks(arms, health)) or ()) if health else ()


def _curves(arms: Sequence[ArmInput], wanted: Sequence[str], marks: Sequence[Mark], metric: str | None) -> CurvesView:
    """The curves, of a run that went on from another with what that one logged."""
    drawn = [arm.curved for arm in arms]
    return curves_view(drawn, wanted, marks, metric)


def _verdict(
    one: ComparisonInput,
    arms: Sequence[ArmInput],
    named: Sequence[ArmView],
    integrity: Integrity | None,
    health: HealthAnswer | None,
    beside: int,
    by_hybrids: Collection[frozenset[str]],
    study: StudyAnswer | NothingToJudgeError | None,
) -> VerdictView:
    """The card of one comparison."""
    sides = [arms[one.arm], arms[one.baseline]]
    found = subjects(health) if health else ()
    return verdict_view(
        one,
        named,
        is_damaged=_is_damaged(sides, integrity),
        blown=[
            line
            for index in (one.arm, one.baseline)
            for line in (
                *(f"{told}." for told in (grave(index, arms[index], health) if health else ())),
                *blown_up(arms[index], index, found),
            )
        ],
        beside=beside,
        by_hybrids=frozenset((letter(one.arm), letter(one.baseline))) in by_hybrids,
        alone=moved_alone(study, one.diff) if isinstance(study, StudyAnswer) else (),
        origins=list(_origins(one, [run for side in sides for run in side.runs])),
        cost=cost_words(letter(one.arm), sides[0].runs, letter(one.baseline), sides[1].runs),
    )


MOST_TITLED = 3
"""Arms that a title names."""
_HEALTH, _UNTANGLED, _CAMPAIGN = "Health", "Which change did it", "Campaign"
SECTIONS: Mapping[str, tuple[str, Callable[[PageView], bool]]] = {
    "campaign": (_CAMPAIGN, lambda view: view.campaign is not None),
    "untangle": (_UNTANGLED, lambda view: bool(view.untangled)),
    "study": ("Study", lambda view: view.study is not None),
    "changes": ("What changed", lambda view: bool(view.diffs or view.seen)),
    "results": ("Results", lambda view: view.scores is not None and bool(view.scores.sequences or view.scores.plain)),
    "pictures": (
        "Pictures",
        lambda view: view.images is not None and bool(view.images.sequences or view.images.figures),
    ),
    "curves": ("Curves", lambda view: view.curves is not None and bool(view.curves.series or view.curves.told)),
    "scaler": ("Loss scale", lambda view: view.scaler is not None and bool(view.scaler.figures or view.scaler.without)),
    "training": ("How it trained", lambda view: view.curves is not None and bool(view.curves.training)),
    "health": (_HEALTH, lambda view: view.health is not None and bool(view.health.arms)),
    "statistics": ("Statistics", lambda view: any(verdict.evidence for verdict in view.verdicts)),
    "provenance": ("Provenance", lambda view: True),
}
"""The sections in the order in which they are read: the anchor, which names the template too -> the name in the
contents, and whether there is something to show."""


class _Maker:
    """Makes a part of the page; one that cannot be made is left out with its reason and takes no other with it."""

    def __init__(self, study: StudyAnswer | NothingToJudgeError | None) -> None:
        why = study.message if isinstance(study, NothingToJudgeError) else ""
        self.failed = [LeftOut(title="Study", reason=clean(why))] if why else []

    def __call__(self, title: str, make: Callable[[], _T]) -> _T | None:
        made = attempted(make, what="it")
        if not isinstance(made, Failed):
            return made
        self.failed.append(LeftOut(title=title, reason=made.words.removesuffix(".")))
        return None


def _sections(view: PageView) -> Iterator[Section]:
    """What has something to show, in the order in which it is read."""
    for name, (title, is_there) in SECTIONS.items():
        if is_there(view):
            heading = _heading(name, view) or title
            short = heading if name == "changes" else title
            yield Section(id=name, title=heading, short=short, template=f"_{name}.html.j2")


def _heading(name: str, view: PageView) -> str:
    """The heading of a section where what it holds has a better name than the section."""
    if name == "campaign" and view.campaign and view.campaign.name.short:
        return f"Campaign: {view.campaign.name.short}"
    if name == "study":
        return "What these runs can tell"
    if name == "changes" and not view.diffs:
        return "What was used"
    return "Full-frame PSNR against bicubic" if name == "results" and view.scores and view.scores.sequences else ""


def _origins(comparison: ComparisonInput, runs: Sequence[Run]) -> Iterator[str]:
    """Where the training losses that were judged come from; of the page's own metric the table of the arms says it."""
    for answer in comparison.stats:
        if is_training_loss(answer.metric):
            yield f"{shown_metric(answer.metric).title}: {origin_words(runs, answer.metric)}"


def _direction(comparisons: Sequence[ComparisonInput], metric: str | None) -> Direction | None:
    """What counts as better in the metric that the page is about, where it was judged."""
    answers = (answer for one in comparisons for answer in one.stats)
    return next((answer.direction for answer in answers if answer.metric == metric), None)


def _is_damaged(arms: Sequence[ArmInput], integrity: Integrity | None) -> bool:
    """Whether a run of these arms is not as it was sealed."""
    return any(run.fault or (integrity or {}).get(run.id) for arm in arms for run in arm.runs)


def _absent(view: PageView, failed: Collection[str]) -> Iterator[LeftOut]:
    """What most pages have and this one has not, and why."""
    shown_ones = {section.id for section in view.sections}
    for name, title, reason in (
        ("results", "Results", "no run recorded a final metric"),
        ("pictures", "Pictures", "no run kept an image to look at"),
        ("curves", "Curves", "no run logged a series"),
    ):
        if name not in shown_ones and title not in failed:
            yield LeftOut(title=title, reason=reason)


def _sizes(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    yield plural(sum(len(arm.runs) for arm in arms), "run")
    if len(arms) > 1:
        yield plural(len(arms), "arm")
    if comparisons:
        yield plural(len(comparisons), "comparison")


def _title(arms: Sequence[ArmView], cards: Sequence[VerdictView], campaign: CampaignAnswer | None) -> str:
    if campaign is not None and campaign.plan.name:
        return campaign.plan.name
    baselines = {card.baseline.name.short for card in cards}
    if len(cards) > MOST_TITLED and len(baselines) == 1:
        return f"{len(cards)} arms against {baselines.pop()}"
    names = [arm.name.short for arm in arms]
    return " · ".join(
        names if len(names) <= MOST_TITLED else [*names[:MOST_TITLED], f"{len(names) - MOST_TITLED} more"]
    )
