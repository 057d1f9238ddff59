"""The numbers of a sentence, each with what it can be: a plain number, or something that only looks like one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

PLAIN, OTHER = "", "other"
"""A number that may be a claim; one that counts, dates or cites something."""

_NUMBER = re.compile(
    r"(?<![\w.,/#$])(?<![\w]-)(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+(?![,\d])|\d+(?:,\d+)?)(?:\.\d+)?(?:[eE][+-]?\d\d?)?)"
    r"(?!\d|\.\d|,\d|[/:]\d|-\d\d-\d\d)(?:\s?(?P<unit>dB|%|px)(?!\w))?"
)
_COUNTED = re.compile(
    r"[\s-]*(?:seeds?|runs?|steps?|epochs?|images?|frames?|tiles?|sequences?|arms?|times|iterations?|parameters?|"
    r"params|weights|layers?|blocks?|channels?|bits?|gpus?|cores?|hours?|minutes?|seconds?|days?|weeks?|months?|"
    r"years?|h|min|s|ms|gb|mb|kb|gib|mib|k|m|x|×|fold|of|out|others?|factors?|cohorts?|stages?|points? of)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:\b(?:n|k|p|seeds?|steps?|epochs?|tables?|tab|figs?|figures?|sections?|sec|eqs?|equations?|versions?|v|python|"
    r"torch|chapters?|pages?|issues?|no|alpha|gamma|level|factor of)\.?\s*[=<>≤≥:]?\s*)$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|approximately|approx|roughly|almost|nearly|circa|ca|up to|at least|at most|more than|"
    r"less than|over|under|some|only about|as much as|within)\.?|[~≈<>≤≥])\s*$",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?!,)(?!\d)")
_NEAR = 40
"""How many letters around a number can say what it is; reading more would take the square of a long line's length."""
_LEVEL = re.compile(r"\s?(?:CI|confidence|interval|chance|power)\b")
_INTERVAL = re.compile(
    r"\d+(?:\.\d+)?\s?%\s?(?:CI|confidence|interval)\b[^)\];]*|\[[^\[\]]{0,40}\d\s?[,;]\s?[^\[\]]{0,40}\d\s?\]"
)
_RANGE = re.compile(r"\d\s*(?:–|—|-|\.\.|\bto\b|\band\b(?=\s*\d+(?:\.\d+)?\s*dB))\s*[+-]?\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a text. `problem`: empty for a plain one, OTHER for a count, else why it cannot be checked."""

    start: int
    end: int
    written: str
    value: float
    tolerance: float
    unit: str
    is_signed: bool
    problem: str = PLAIN


def numbers(text: str) -> Iterator[Number]:
    """The numbers of a sentence, in order. Names must have been blanked out before: `conv3` is no number."""
    intervals, ranges = _covered(_INTERVAL, text), _covered(_RANGE, text)
    for match in _NUMBER.finditer(text):
        span = match.span("number")
        yield Number(
            start=match.start(),
            end=match.end(),
            written=match.group(0).strip(),
            value=float(match["number"].replace(",", "")),
            tolerance=tolerance(match["number"]),
            unit=match["unit"] or "",
            is_signed=match["number"][0] in "+-",
            problem=_problem(text, match, span, intervals, ranges),
        )


def tolerance(written: str) -> float:
    """Half a unit of the last digit: 0.05 for 30.1, 0.5 for 30."""
    mantissa, _, exponent = written.lower().partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def _is_mark(before: str, number: str, after: str) -> bool:
    """Whether a number is a citation [3] or counts what a sentence lists: (1)."""
    return number.isdigit() and before[-1:] + after[:1] in ("[]", "()")


def _covered(pattern: re.Pattern[str], text: str) -> bytearray:
    """One byte a letter: whether the pattern covers it."""
    mask = bytearray(len(text))
    for match in pattern.finditer(text):
        mask[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    return mask


def _problem(text: str, match: re.Match[str], span: tuple[int, int], intervals: bytearray, ranges: bytearray) -> str:
    before, after = text[max(0, span[0] - _NEAR) : span[0]], text[match.end() : match.end() + _NEAR]
    if before.rstrip().endswith(("±", "+/-")):
        return "what stands after ± may be an sd, a standard error or an interval"
    if _NAMED.search(before) or _LEVEL.match(after) or _is_mark(before, match["number"], after):
        return OTHER
    if intervals[span[0]]:
        return "an interval is not checked, only the number it belongs to"
    if any(ranges[span[0] : span[1]]):
        return "a range is no single number"
    if not match["unit"] and (_COUNTED.match(after) or re.match(r"[A-Za-zµ°]", after)):
        return OTHER
    if "," in match["number"] and not _THOUSANDS.match(match["number"]):
        return "a comma could part the decimals or the thousands"
    if _ABOUT.search(before):
        return "a bound or a rough figure is no exact number"
    if match["unit"] == "%":
        return "a percentage may be relative or absolute"
    return PLAIN
