"""One sentence: a claim if it can be read in one way, else why not.

A difference needs two arms and a word that says which is ahead: "flow staged improves full_frame/psnr by 0.9 dB over
TERN staged". A value needs an arm, a number and a verb between: "flow staged reaches 30.1 dB". Negations, hedges and
several numbers are left to an annotation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from runaudit.claims.claim import Claim, Kind, Source, Unread
from runaudit.claims.number import OTHER, PLAIN, Number, numbers
from runaudit.claims.vocabulary import Mention, Vocabulary, is_decibel, mentions, metric_in
from runaudit.claims.words import not_understood, stated_seeds, unit_not_understood
from runaudit.metrics.catalogue import Direction

_HEDGE = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|hardly|would|could|should|might|may|will|expect\w*|target\w*|goal|hope\w*|"
    r"aim\w*|if|unless|until|plan\w*|suppos\w*|assum\w*|needs?|required?|detect\w*)\b|n't\b|\?",
    re.IGNORECASE,
)
_BETTER = re.compile(
    r"\b(?:improv\w*|better|outperform\w*|beats?|beat|beating|surpass\w*|gains?|gained|gaining|ahead|wins?|won)\b", re.I
)
_WORSE = re.compile(
    r"\b(?:worse\w*|degrad\w*|hurts?|hurt|behind|underperform\w*|trail\w*|loses?|lost|falls? short|regress\w*)\b", re.I
)
_MORE = re.compile(
    r"\b(?:higher|increas\w*|rais\w*|above|more|larger|greater|exceed\w*|adds?|added|rises?|rose|up by)\b", re.I
)
_LESS = re.compile(r"\b(?:lower\w*|reduc\w*|decreas\w*|drop\w*|below|less|smaller|cuts?|falls?|fell|down by)\b", re.I)
_LINK = re.compile(
    r"\b(?:over|than|against|versus|vs|compared (?:to|with)|relative to|above|below|behind|ahead of|from|"
    r"improv\w* (?:up)?on|outperform\w*|beats?|surpass\w*|exceed\w*|trail\w*|underperform\w*)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:over|than|against|versus|vs|compared (?:to|with)|relative to)\s*$", re.IGNORECASE)
_VALUE = re.compile(
    r"\b(?:reach\w*|achiev\w*|attain\w*|scor\w*|gets?|got|gives?|gave|obtain\w*|yield\w*|has|had|have|is|was|are|were|of|"
    r"at|with|report\w*|averag\w*|record\w*|hits?|for)\b|[=:]",
    re.IGNORECASE,
)


_ELSEWHERE = re.compile(r"\b[Oo]n\s+(?:the\s+)?([A-Z][\w.-]*[\w])")
"""`on Set5`: a name after "on" that is none of the recorded sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What one sentence gave: claims, numbers that were not understood (offset in the sentence first), and the rest."""

    claims: tuple[tuple[int, Claim], ...] = ()
    unread: tuple[tuple[int, Unread], ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A sentence taken apart; `rest` has its names blanked out."""

    text: str
    arms: list[Mention]
    metric: str
    why_no_metric: str
    is_named: bool
    found: list[Number]
    rest: str


def read_sentence(text: str, vocabulary: Vocabulary, *, default: str | None = None) -> Sentence:
    """The claims of one sentence, as if it stood on line 1. `default` is the metric where it names none."""
    parts = _parts(text, vocabulary, default)
    whole = " ".join(text.split())
    spoken = [n for n in parts.found if n.problem != OTHER and not _is_foreign(n, parts.metric)]
    if not parts.arms:
        # Every paper speaks of its loss; without an arm only what looks like a result is worth a line.
        spoken = [n for n in spoken if n.unit == "dB" or (parts.is_named and n.tolerance < 0.5)]
    others = len(parts.found) - len(spoken)
    plain = [n for n in spoken if n.problem == PLAIN]
    reason, read = _read(parts, plain, vocabulary)
    claims = tuple((number.start, replace(claim, text=whole)) for number, claim in read)
    unread = tuple(
        (n.start, Unread(line=1, written=n.written, reason=n.problem or reason, text=whole))
        for n in spoken
        if n.problem or reason
    )
    if parts.arms and parts.metric and not read:
        # "2.0k" of an arm: a result in a unit that nobody knows, not a count of something.
        unread += tuple(
            (n.start, Unread(line=1, written=n.written, reason=why, text=whole))
            for n in parts.found
            if n.problem == OTHER and "." in n.written and (why := unit_not_understood(parts.rest, n))
        )
    return Sentence(claims=claims, unread=unread, others=others)


def _parts(text: str, vocabulary: Vocabulary, default: str | None) -> _Parts:
    arms, rest = mentions(text, vocabulary.arms)
    # Units are looked for before the metric is: "30.1 dB" alone can mean only a metric in dB.
    has_decibel = bool(re.search(r"\d\s?dB\b", rest))
    metric, why, blanked = metric_in(rest, vocabulary, has_decibel=has_decibel, default=default)
    return _Parts(
        text=text,
        arms=arms,
        metric=metric,
        why_no_metric=why,
        is_named=blanked != rest,
        found=list(numbers(blanked)),
        rest=blanked,
    )


def _is_foreign(number: Number, metric: str) -> bool:
    """Whether the unit belongs to something else: pixels beside a PSNR."""
    return number.unit == "px" and not any(word.endswith("px") for word in metric.lower().split("/"))


def _read(parts: _Parts, plain: Sequence[Number], vocabulary: Vocabulary) -> tuple[str, list[tuple[Number, Claim]]]:
    """(why nothing was understood, nothing) or ("", the numbers with what they claim)."""
    if not plain:
        return "", []
    if why := _obstacle(parts, plain):
        return why, []
    relative = any(word.search(parts.rest) for word in (_BETTER, _WORSE, _MORE, _LESS))
    names = {mention.name for mention in parts.arms}
    if len(names) == 2 == len(parts.arms) and len(plain) == 1:
        why, read = _difference(parts, plain[0], vocabulary)
    elif relative:
        return "a difference needs two arms and one number in a sentence", []
    else:
        why, read = _values(parts, plain)
    why = why or not_understood(parts.text, parts.rest, parts.found, metric=parts.metric)
    seeds = stated_seeds(parts.rest, parts.found)
    return (why, []) if why else ("", [(number, replace(claim, seeds=seeds)) for number, claim in read])


def _obstacle(parts: _Parts, plain: Sequence[Number]) -> str:
    if not parts.arms:
        return "no recorded arm is named"
    if hedge := _HEDGE.search(parts.rest):
        return f"the sentence is hedged or negated ({hedge[0]!r})"
    if not parts.metric:
        return parts.why_no_metric
    elsewhere = _ELSEWHERE.search(parts.rest)
    if elsewhere and not parts.metric.lower().endswith(f"/{elsewhere[1].lower()}"):
        return f"{elsewhere[1]!r} is none of the recorded sequences"
    if any(n.unit == "dB" for n in plain) and not is_decibel(parts.metric):
        return f"{parts.metric} is not measured in dB"
    return ""


def _values(parts: _Parts, plain: Sequence[Number]) -> tuple[str, list[tuple[Number, Claim]]]:
    arms = parts.arms
    if len(arms) != len(plain):
        return "several numbers or arms in one sentence", []
    if any(n.is_signed and n.value > 0 for n in plain):
        return "a number with a plus sign looks like a difference, and no second arm is named", []
    kinds = [is_arm for _, is_arm in sorted([(a.start, True) for a in arms] + [(n.start, False) for n in plain])]
    if any(a == b for a, b in pairwise(kinds)) or (len(arms) > 1 and not kinds[0]):
        return "it is not clear which number belongs to which arm", []
    pairs = list(zip(arms, plain, strict=True))
    between = [parts.rest[min(a.end, n.end) : max(a.start, n.start)] for a, n in pairs]
    if not _VALUE.search(between[0]):
        return "no verb says what the number is of the arm", []
    return "", [(n, _claim(parts, n, kind=Kind.VALUE, arm=a.name, value=n.value)) for a, n in pairs]


def _difference(parts: _Parts, number: Number, vocabulary: Vocabulary) -> tuple[str, list[tuple[Number, Claim]]]:
    first, second = parts.arms
    leading = bool(_BEFORE.search(parts.rest[: first.start]))
    linked = bool(_LINK.search(parts.rest[first.end : second.start]))
    if leading == linked:
        return "it is not clear which arm is the baseline", []
    arm, baseline = (second, first) if leading else (first, second)
    sign, why = _sign(parts, number, vocabulary)
    if why:
        return why, []
    claimed = _claim(parts, number, kind=Kind.DIFFERENCE, arm=arm.name, value=sign * abs(number.value))
    return "", [(number, replace(claimed, baseline=baseline.name))]


def _claim(parts: _Parts, number: Number, *, kind: Kind, arm: str, value: float) -> Claim:
    return Claim(
        line=1,
        kind=kind,
        metric=parts.metric,
        arm=arm,
        value=value,
        tolerance=number.tolerance,
        written=number.written,
        source=Source.SENTENCE,
    )


def _sign(parts: _Parts, number: Number, vocabulary: Vocabulary) -> tuple[int, str]:
    """+1 where the arm is claimed to be above the baseline, -1 below, 0 with the reason where nobody can tell."""
    signs = set()
    if _BETTER.search(parts.rest) or _WORSE.search(parts.rest):
        direction = vocabulary.direction(parts.metric.rpartition("/")[0]) or vocabulary.direction(parts.metric)
        if direction is None:
            return 0, f"whether a higher or a lower {parts.metric} is better is not declared"
        up = 1 if direction is Direction.HIGHER else -1
        signs |= {up} if _BETTER.search(parts.rest) else set()
        signs |= {-up} if _WORSE.search(parts.rest) else set()
    signs |= {1} if _MORE.search(parts.rest) else set()
    signs |= {-1} if _LESS.search(parts.rest) else set()
    if number.is_signed:
        signs |= {1 if number.value >= 0 else -1}
    if len(signs) != 1:
        return 0, "claims both an increase and a decrease" if signs else "no word says which arm is ahead"
    return signs.pop(), ""
