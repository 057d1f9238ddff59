"""One sentence over all comparisons of a page: how many arms did what, before a card tells each of them.

Nine cards take minutes to read. What is counted is the word that each card shows; nothing is weighed anew.
"""

from collections.abc import Sequence

from runaudit.report.views.arm import ArmView
from runaudit.report.views.verdict import VerdictView
from runaudit.report.words import clean
from runaudit.text.verdicts import Tone
from runaudit.text.words import listed

MOST_NAMED = 6
"""Arms of one outcome that are named; of more the number says it, and the cards which."""


def summary(verdicts: Sequence[VerdictView]) -> str:
    """What came of the comparisons together, as a sentence; empty where a card alone says it."""
    if len(verdicts) < 2:
        return ""
    outcomes: dict[tuple[int, str], list[VerdictView]] = {}
    for one in verdicts:
        outcomes.setdefault((_weight(one), _word(one)), []).append(one)
    is_one_baseline = len({one.baseline.letter for one in verdicts}) == 1
    told = [
        f"{len(some)} {word}{_names(some, is_one_baseline=is_one_baseline)}"
        for (_, word), some in sorted(outcomes.items(), key=lambda entry: entry[0][0])
    ]
    base = verdicts[0].baseline
    what = f"arms held against {_side(base)}" if is_one_baseline else "comparisons"
    metrics = {one.evidence[0].metric for one in verdicts if one.evidence}
    about = f", on {metrics.pop()}" if len(metrics) == 1 else ""
    return clean(f"Of {len(verdicts)} {what}{about}: {listed(told, limit=99)}.")


def _word(one: VerdictView) -> str:
    """The word of the card: that of the numbers where there are any, else that of the design. Arms whose numbers are
    equal are counted as such: nothing was unclear about them."""
    if one.evidence and one.evidence[0].judged.is_equal and one.effectless:
        return "equal to the last bit"
    return one.evidence[0].badge if one.evidence else f"without a judgement ({one.badge})"


def _weight(one: VerdictView) -> int:
    """Claims first, then what they were refused for."""
    return list(Tone).index(Tone(one.evidence[0].tone)) if one.evidence else len(Tone)


def _names(some: Sequence[VerdictView], *, is_one_baseline: bool) -> str:
    if len(some) > MOST_NAMED:
        return ""
    names = [_side(one.arm) if is_one_baseline else f"{one.arm.letter} against {one.baseline.letter}" for one in some]
    return f" ({listed(names, limit=MOST_NAMED)})"


def _side(arm: ArmView) -> str:
    return f"{arm.letter} {arm.name}"
