"""Which of the differences moved the metric, where hybrids of two arms were run to find out."""

from collections.abc import Sequence
from dataclasses import dataclass

from runaudit.report.inputs import ArmInput
from runaudit.report.views.arm import letter
from runaudit.report.words import MetricText, Text, clean, sentence, shown, true_minus
from runaudit.report.words import metric as shown_metric
from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import listed, plural
from runaudit.untangle.answer import Effect, UntangleAnswer
from runaudit.untangle.finding import ATTRIBUTED
from runaudit.untangle.words import ends_said, runs_said

MOST_DRAWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One factor: its effect with the 95 % interval, p and share in words; the numbers that are drawn; how it was
    moved."""

    name: Text
    how: Text
    size: str
    interval: str
    p: str
    share: str
    named: bool
    effect: float
    ci: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntangledView:
    """One question that was asked of two arms. letters: A, B of the question as the page calls them; told: the verdict
    in sentences; is_attributed: whether factors are named as what did it; immovable: (factor, why it stayed); ends: A
    and B in the record and as they were run again; words: what the drawing says, for who cannot see it."""

    letters: tuple[str, str]
    metric: MetricText
    tone: str
    badge: str
    is_attributed: bool
    headline: str
    told: tuple[str, ...]
    rows: tuple[EffectRow, ...]
    immovable: tuple[tuple[Text, str], ...]
    ends: tuple[str, ...]
    runs: str
    ids: tuple[str, ...]
    words: str

    @property
    def sides(self) -> str:
        """From which arm's level to which."""
        return " to ".join(self.letters)

    @property
    def drawn(self) -> tuple[EffectRow, ...]:
        """The rows that have room in the drawing: the named first, then the largest."""
        return self.rows[:MOST_DRAWN]


def untangled_views(answers: Sequence[UntangleAnswer], arms: Sequence[ArmInput]) -> tuple[UntangledView, ...]:
    """The answers in words, those of the terminal."""
    return tuple(_view(answer, arms) for answer in answers)


def _view(answer: UntangleAnswer, arms: Sequence[ArmInput]) -> UntangledView:
    about = shown_metric(answer.plan.metric)
    word, _, said = answer.headline.partition(": ")
    rows = tuple(_row(answer, one) for one in answer.effects)
    return UntangledView(
        letters=(_side(answer.plan.a.runs, arms), _side(answer.plan.b.runs, arms)),
        metric=about,
        tone=verdict_words("untangle", answer.verdict).tone,
        badge=clean(word),
        is_attributed=answer.verdict == ATTRIBUTED,
        headline=true_minus(sentence(said)),
        told=tuple(true_minus(clean(line)) for line in answer.reasons()),
        rows=rows,
        immovable=tuple((shown(name, 56), clean(why)) for name, why in answer.plan.immovable.items()),
        ends=tuple(true_minus(clean(line)) for line in ends_said(answer)),
        runs=runs_said(answer) if answer.history else plural(len(answer.runs), "run"),
        ids=answer.runs,
        words=_words(about, rows),
    )


def _side(runs: Sequence[str], arms: Sequence[ArmInput]) -> str:
    """The arm that holds these runs, by its letter."""
    place = next(at for at, arm in enumerate(arms) if {run.id for run in arm.runs}.issuperset(runs))
    return letter(place)


def _row(answer: UntangleAnswer, one: Effect) -> EffectRow:
    places = decimals(answer.spread)
    how = {move.factor: move.how for unit in answer.plan.units for move in unit.moves}
    share = "" if one.share is None else percent(one.share) + ("" if one.is_exact else " (estimated)")
    return EffectRow(
        name=shown(one.name, 56),
        how=shown(listed([how[name] for name in one.factors]), 90),
        size=true_minus(show(one.effect, places)),
        interval=true_minus(f"{show(one.ci[0], places)} to {show(one.ci[1], places)}"),
        p=true_minus(show_p(one.p_now).removeprefix("= ")),
        share=true_minus(share),
        named=one.named,
        effect=one.effect,
        ci=one.ci,
    )


def _words(about: MetricText, rows: Sequence[EffectRow]) -> str:
    told = "; ".join(f"{row.name.short} {row.size} (95 % CI {row.interval})" for row in rows[:MOST_DRAWN])
    return f"Effect of each factor on {about.words}, from A's level to B's: {told}." if told else ""


def attributed_pairs(views: Sequence[UntangledView]) -> frozenset[frozenset[str]]:
    """The pairs of arms, by their letters, of which hybrids named what did it: what the two alone could not tell."""
    return frozenset(frozenset(view.letters) for view in views if view.is_attributed)
