"""What the sentences around a claim do to it: "A beats B by 0.9 dB. That is not so." says nothing of the kind.

A sentence is read alone, and the next one may take it back, or say of which step of the training it speaks. Prose
cannot be followed that far: where a sentence beside a claim may do so, the claim is told as not understood, never as
supported. A plain "not" denies what stands before it only where it points there ("that", "this", "the numbers above"),
for most sentences that hold one speak of something else.
"""

import re
from collections.abc import Sequence

from runaudit.claims.markdown import Block, sentences
from runaudit.claims.number import OTHER, numbers

_FALSE = re.compile(
    r"\b(?:false|falsely|untrue|wrong|wrongly|incorrect\w*|mistaken\w*|erroneous\w*|in error|retract\w*|withdr[ae]w\w*|"
    r"take (?:it|that|this) back|disavow\w*|recant\w*|myths?|a lie|lied|nonsense|bogus|hoax|fabricat\w*|invented|"
    r"made[- ]up|debunk\w*|refut\w*|disprov\w*|contradict\w*|den(?:y|ies|ied)|hypothetical\w*|"
    r"fiction\w*|imaginary|imagine|pretend|placeholders?|dummy|opposite|contrary|kidding|joke|outdated|"
    r"obsolete|no longer|supersed\w*|invalid\w*|"
    r"not (?:so|true|the case|correct|real|valid|quite|yet))\b",
    re.IGNORECASE,
)
"""Words that by themselves say of something that it does not hold."""
_NOT = re.compile(
    r"\b(?:not|no|never|none|neither|nor|cannot|hardly|nobody|no one|nothing|nope|nah)\b|n['’]t\b", re.IGNORECASE
)
_DOUBTS = re.compile(
    r"\b(?:if|suppose\w*|assum\w*|expect\w*|hope\w*|would|could|should|may|might|planned|target\w*|example)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:that|this|these|those|it|such|above|below|following|previous\w*|preceding|earlier|claims?|claimed|statements?|"
    r"sentences?|paragraphs?|(?:the|these|those|all|our) (?:numbers?|values?|results?|figures?|scores?|gains?))\b",
    re.IGNORECASE,
)
"""Words by which a sentence points at another one."""
_OF_A_STEP = re.compile(
    r"\b(?:at|after|from|until|till|by|up to|on|of)\s+(?:the\s+)?(?:(?:training\s+)?(?:steps?|epochs?|iterations?)\b|"
    r"[\d][\d.,]*\s*k?\s*(?:training\s+)?(?:steps?|epochs?|iterations?)\b)|\bstep\s*=?\s*\d",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\b(?:numbers?|values?|results?|figures?|metrics?|scores?|measured|evaluated|taken|reported|everything|all)\b",
    re.I,
)
_SHORT = 3
"""Words of a sentence that is an answer to the one before it: "Not really."."""
_CAPTION = re.compile(r"\W*tab(?:le)?\b", re.IGNORECASE)
_HEADING = re.compile(r"^\s*#{1,6}\s")


def taken_back(blocks: Sequence[Block], at: int, *, under: Block | None) -> str:
    """Why the sentences beside those of a block may take back or limit what it claims; empty where none does: those of
    the block itself, the last one before it, the first one behind it, and the heading that it stands `under`."""
    own = [] if blocks[at].is_table else _said(blocks[at])
    before = _said(blocks[at - 1])[-1:] if at and not blocks[at - 1].is_table else []
    behind = (
        _said(blocks[at + 1])[:1]
        if at + 1 < len(blocks) and not (blocks[at + 1].is_table or is_heading(blocks[at + 1]))
        else []
    )
    said = (*own, *before, *behind, *(_said(under) if under is not None else ()))
    return next((why for text in said if (why := _doubt(text, of_table=blocks[at].is_table))), "")


def _said(block: Block) -> list[str]:
    return [" ".join(text.split()) for _, text in sentences(block)]


def is_heading(block: Block) -> bool:
    """Whether a block is the heading of what follows it."""
    return not block.is_table and bool(_HEADING.match(block.text))


def _doubt(text: str, *, of_table: bool) -> str:
    """Why a sentence may change what the ones beside it say, or the table beside it; empty where it does not."""
    if _FALSE.search(text):
        return f"a sentence beside it may take it back ({_short(text)!r})"
    if any(number.problem != OTHER for number in numbers(text)):
        return ""  # It has a number of its own, which its words are about.
    if _OF_A_STEP.search(text) and (_MEASURED.search(text) or (of_table and _CAPTION.match(text))):
        return f"a sentence beside it may say of which step it speaks ({_short(text)!r})"
    points = _POINTS.search(text) or len(text.split()) <= _SHORT
    if points and (_NOT.search(text) or _DOUBTS.search(text)):
        return f"a sentence beside it may take it back ({_short(text)!r})"
    return ""


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
