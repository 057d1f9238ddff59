# ruff: noqa: E501  (a table reads best a row a line)
"""Secrets that their own shape gives away: what providers publish for theirs, and literals that look drawn at random.

A shape is looked for only where its first letters stand: a search for a word is a hundred times as fast as a pattern,
and most files hold none. What begins like a key and is made of words is a name (`sk-resnet-50-cosine-v1`) and stays. What
has the very length and letters of a provider's key is one (`proven`); what comes near it is replaced all the same, and
proves nothing. Hexadecimal is never judged by its looks: a training record is full of digests.
"""

import re
from collections.abc import Callable

from runaudit.capture import pem
from runaudit.capture.hinted import on_lines
from runaudit.capture.looks import is_of_both_cases, wordiness
from runaudit.text.pattern import late

_GL = r"gl(?:pat|dt|rt|ptt|soat|cbt|ft|imt|agent)-"
_SK = (
    r"sk-(?:[A-Za-z0-9]{48}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[0-9a-f]{32}|or-v1-[0-9a-f]{64}"
    r"|lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,200}|ant-[a-z]{2,8}\d\d-[A-Za-z0-9_-]{80,120})"
)
_SHAPES = {
    # what it begins with, or holds: the whole of it, and what it is exactly where the first is wider
    "AKIA": (r"AKIA[0-9A-Z]{16}(?![A-Za-z0-9])", ""),
    "ASIA": (r"ASIA[0-9A-Z]{16}(?![A-Za-z0-9])", ""),
    "gh": (r"gh[pousr]_[A-Za-z0-9]{30,}", r".{40,}"),
    "github_pat_": (r"github_pat_[A-Za-z0-9_]{40,}", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    "gl": (
        _GL + r"[A-Za-z0-9_.-]{20,}",
        _GL + r"(?:[A-Za-z0-9_-]{20,22}|[0-9a-f]{40}|[A-Za-z0-9_-]{27,300}\.[0-9a-z]{2}\.[0-9a-z]{7,9})",
    ),
    "hf_": (r"hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z0-9]{30,}", r"(?:hf|api_org)_[A-Za-z0-9]{34}"),
    "sk-": (r"sk-(?:[a-z]+\d*-)*[A-Za-z0-9_-]{20,}", _SK),
    "xox": (
        r"xox[abeoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}",
        r"xox[abeoprs](?:\.xox[a-z])?-(?:\d{6,13}-)+[A-Za-z0-9]{24,64}|xoxe(?:\.xox[a-z])?-\d-[A-Za-z0-9]{100,}",
    ),
    "xapp-": (r"xapp-\d-[A-Za-z0-9-]{20,}", r"xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{64}"),
    "AIza": (r"AIza[0-9A-Za-z_-]{35}", ""),
    "ya29.": (r"ya29\.[0-9A-Za-z_-]{20,}", r".{65,}"),
    "GOCSPX-": (r"GOCSPX-[0-9A-Za-z_-]{20,}", r".{35}"),
    "Q~": (r"[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{31,34}", ""),
    "npm_": (r"npm_[A-Za-z0-9]{36}", ""),
    "pypi-": (r"pypi-[A-Za-z0-9_-]{50,}", r"pypi-AgE[A-Za-z0-9_-]{60,}"),
    "dop_v1_": (r"do[opr]_v1_[0-9a-f]{64}", ""),
    "eyJ": (
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|eyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/_-]{20,}={0,2}",
        "",
    ),
    "wandb_v1_": (r"wandb_v1_[A-Za-z0-9_]{20,}", r".{50,}"),
    "k_live_": (r"[rs]k_live_[A-Za-z0-9]{16,}", r".{32,}"),
    "k_test_": (r"[rs]k_test_[A-Za-z0-9]{16,}", r".{32,}"),
    "whsec_": (r"whsec_[A-Za-z0-9+/=]{24,}", r".{38,}"),
    "SG.": (r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ":AA": (r"\d{8,10}:AA[A-Za-z0-9_-]{32,}", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    "dapi": (r"dapi[0-9a-f]{32}(?![A-Za-z0-9])", ""),
    "r8_": (r"r8_[A-Za-z0-9]{30,}", r".{40}"),
    "gsk_": (r"gsk_[A-Za-z0-9]{40,}", r".{56}"),
    "pplx-": (r"pplx-[A-Za-z0-9]{40,}", r".{53,61}"),
    "pcsk_": (r"pcsk_[A-Za-z0-9_]{40,}", r".{60,}"),
    "dckr_pat_": (r"dckr_pat_[A-Za-z0-9_-]{20,}", r".{36}"),
    "shp": (r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", ""),
    "hvs.": (r"hvs\.[A-Za-z0-9_-]{20,}", r".{90,}"),
    ".atlasv1.": (r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{50,}", ""),
    "glc_": (r"glc_[A-Za-z0-9_+/=]{30,}", r"glc_eyJ.*"),
    "glsa_": (r"glsa_[A-Za-z0-9_]{30,}", r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),
    "lin_api_": (r"lin_api_[A-Za-z0-9]{30,}", r".{48}"),
    "NRAK-": (r"NRAK-[A-Z0-9]{27}", ""),
    "ATATT3": (r"ATATT3[A-Za-z0-9_=-]{60,}", ""),
    "AGE-SECRET-KEY-": (r"AGE-SECRET-KEY-1[0-9A-Z]{58}", ""),
    "fm": (r"fm[12][ar]?_[A-Za-z0-9+/=_-]{40,}", r".{60,}"),
    "KGAT_": (r"KGAT_[a-f0-9]{32}", ""),
}
"""Public shapes: what stands in a scanner's rules too."""

_ONE_CASE = frozenset({"AKIA", "ASIA", "NRAK-", "AGE-SECRET-KEY-"})
"""Shapes whose letters are capitals alone; of any other, hexadecimal at its end apart, those of a key are of both cases."""
_HEX_END = late(r"(?:[0-9a-fA-F]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")
_GLUED_BODY = late(r"[a-z0-9]{20,}")
_NAMELIKE, _DOUBTFUL = 0.7, 0.5
"""So much of the letters in words: a name; a key perhaps. Of keys of 20 letters 0.3 % have half of theirs in words."""
_RUN = late(r"[A-Za-z0-9+/_.~:-]{16}")
"""No shape is shorter: most texts are looked through no further."""

RULES = "\n".join(part for shape in _SHAPES.values() for part in shape) + pem.RULES + "names are kept"
"""The patterns as one text: a memory of clean contents holds for these alone."""

_LITERAL = late(r"(?<=['\"])[A-Za-z0-9+/_-]{32,200}={0,2}(?=\\?['\"])")
_BARE = late(r"[A-Za-z0-9+/_-]{32,200}={0,2}")
_EDGED = r"(?<![A-Za-z0-9])(?:{})"
"""Where a shape may begin: an underscore is an edge, for a secret in a name stands behind one (`key_hf_…`)."""
_GLUED = frozenset({"gh", "github_pat_", "gl", "AIza", "xox", "dckr_pat_", "AGE-SECRET-KEY-", "GOCSPX-"})
"""Shapes that nothing else begins like: they are found behind a letter as well."""
_COMPILED = {hint: late(wide if hint in _GLUED else _EDGED.format(wide)) for hint, (wide, _) in _SHAPES.items()}
_EXACT = {hint: late(exact or wide, re.DOTALL) for hint, (wide, exact) in _SHAPES.items()}

Replacement = Callable[[str, bool], str]
"""What stands for a secret; whether its shape proves that it is one."""


def shaped(text: str, replacement: Replacement) -> str:
    """`text` with everything replaced that has a published shape and is no name."""
    if pem.HINT in text:
        text = pem.keys_replaced(text, replacement)
    elif not _RUN.search(text):
        return text
    for hint, pattern in _COMPILED.items():
        if hint in text:

            def change(part: str, hint: str = hint, pattern: re.Pattern[str] = pattern) -> str:
                return pattern.sub(lambda match: _judged(match, hint, replacement), part)

            text = on_lines(text, (hint,), change)
    return text


def is_published(text: str) -> bool:
    """Whether a text is the key of a provider beyond doubt, and nothing else."""
    found: list[bool] = []

    def note(_: str, proven: bool) -> str:
        found.append(proven)
        return ""

    return not shaped(text, note).strip() and found == [True]


def _judged(match: re.Match[str], hint: str, replacement: Replacement) -> str:
    """What stands for something that has a shape: itself, where it is made of words."""
    found = match[0]
    body = found.rpartition(hint)[2] or found
    one_case = hint in _ONE_CASE or _HEX_END.search(found)
    glued = _GLUED_BODY.fullmatch(body) and any(map(str.isdigit, body))
    if wordiness(body) >= _NAMELIKE or not (one_case or glued or is_of_both_cases(body)):
        return found
    exact = _EXACT[hint].fullmatch(found) and not re.match(r"[A-Za-z0-9_-]", match.string[match.end() :][:1])
    return replacement(found, bool(exact) and _is_key(body, hint))


def _is_key(body: str, hint: str) -> bool:
    # Of capitals alone more pairs look like words.
    wordy = _NAMELIKE if hint in _ONE_CASE else _DOUBTFUL
    return any(map(str.isdigit, body)) and wordiness(body) < wordy


def literals(text: str) -> re.Pattern[str] | None:
    """The pattern of what may be key material in `text`: it whole, else its quoted literals."""
    return _BARE if _BARE.fullmatch(text) else _LITERAL if "'" in text or '"' in text else None
