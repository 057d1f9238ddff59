"""The words of a sentence that are understood: a list of these, and none of what is doubtful.

"It is false that", "myth:", "ought to", "2.0 million", a struck sentence: each changes what a number says, and a
language has more ways to deny than a list of them could hold. So a sentence supports a claim only where every word and
sign of it is one of these; the first other one is told, and the number is left to an annotation.
"""

import re
from collections.abc import Sequence

from runaudit.claims.number import OTHER, Number
from runaudit.claims.vocabulary import BLANK

_AHEAD = (
    "improve improves improved improving improvement improvements better outperform outperforms outperformed beat "
    "beats beating surpass surpasses surpassed gain gains gained gaining ahead win wins won worse worsen worsens "
    "worsened degrade degrades degraded hurt hurts behind underperform underperforms underperformed trail trails "
    "trailed lose loses lost short regress regresses regressed higher increase increases increased increasing raise "
    "raises raised above more larger greater exceed exceeds exceeded add adds added rise rises rose lower lowers "
    "lowered lowering reduce reduces reduced reducing reduction decrease decreases decreased drop drops dropped "
    "below less smaller cut cuts fall falls fell up down"
)
"""Which arm is ahead."""
_OF_AN_ARM = (
    "reach reaches reached achieve achieves achieved attain attains attained score scores scored get gets got give "
    "gives gave obtain obtains obtained yield yields yielded report reports reported average averages averaged "
    "averaging record records recorded hit hits is was are were has had have"
)
"""What a number is of an arm."""
_JOINING = (
    "n a an the this that of at by in on for from with and but while whereas its it we our us here also thus hence "
    "therefore indeed so then now as over than against versus vs compared relative to per both each all mean means "
    "value values result results arm arms baseline network networks model models method variant training run runs "
    "seed seeds significantly clearly sd se ci confidence interval intervals p corrected db px show shows showed "
    "find found see table tables figure figures fig section channel channels"
)
"""What joins them, and what is told beside a result."""
_UNDERSTOOD = frozenset(f"{_AHEAD} {_OF_AN_ARM} {_JOINING}".split())
_WORD_OR_SIGN = re.compile(r"[^\W\d_][\w]*|\d[\w.,]*|[^\w\s]")
_SIGNS = frozenset(BLANK + ".,;:()[]\"'“”‘’—–-+±=<>≤≥%/")
_STRUCK = re.compile(r"~~|[<\[]\s*/?\s*(?:del|s|strike)\s*[>\]]", re.IGNORECASE)
OF_A_STEP = re.compile(r"\b(?:step|epoch|iteration)(?=s?\b)", re.IGNORECASE)
"""Words for a moment of the training. What is checked is the number that a run ended with."""
_LETTER = re.compile(r"[A-Za-zµ°]")
_COUNT_OF_SEEDS = re.compile(r"\s*(?:-\s*)?(?:seeds?|runs?)\b", re.IGNORECASE)
_NAMES_SEEDS = re.compile(r"\b(?:n|seeds?|runs?)\s*=\s*$", re.IGNORECASE)


def stated_seeds(rest: str, found: Sequence[Number]) -> tuple[int, ...]:
    """How many seeds a sentence says that it rests on, in its order."""
    return tuple(int(number.value) for number in found if _counts_seeds(rest, number))


def _counts_seeds(rest: str, number: Number) -> bool:
    after, before = rest[number.end :], rest[: number.start]
    return number.value.is_integer() and bool(_COUNT_OF_SEEDS.match(after) or _NAMES_SEEDS.search(before))


def unit_not_understood(rest: str, number: Number) -> str:
    """Why a number with letters right behind it says nothing here; empty where there are none."""
    after = rest[number.end :]
    return f"what {number.written}{after.split()[0]} is, is not understood" if _LETTER.match(after) else ""


def not_understood(text: str, rest: str, found: Sequence[Number], *, metric: str) -> str:
    """Why a sentence is not read to its end; empty where it is.

    text: as it was written; rest: the same with its names blanked out, every letter in its place; found: its numbers;
    metric: what it is about, whose own words it may hold.
    """
    if struck := _STRUCK.search(text):
        return f"{struck[0]!r} strikes something out"
    understood = _UNDERSTOOD | set(re.findall(r"[^\W_]+", metric.lower()))
    blank = list(rest)
    for number in found:
        if number.problem == OTHER and (unit := unit_not_understood(rest, number)):
            return unit
        blank[number.start : number.end] = BLANK * (number.end - number.start)
    if step := OF_A_STEP.search(rest):
        return f"it speaks of a {step[0].lower()}, and only what a run ended with is checked"
    for match in _WORD_OR_SIGN.finditer("".join(blank)):
        if match[0].lower() not in understood and match[0] not in _SIGNS and not match[0][0].isdigit():
            return f"{match[0]!r} is not understood, and may change what the number says"
    return ""
