# ruff: noqa: E501  (a table reads best a row a line)
"""Secrets that their own shape gives away: what providers publish for theirs, and literals that look drawn at random.

A shape is looked for only where its first letters stand: a search for a word is a hundred times as fast as a pattern,
and most files hold none. Hexadecimal is never judged by its looks: a training record is full of digests.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from runaudit.capture.hinted import on_lines

_SHAPES = {
    # what it begins with, or holds: the whole of it
    "PRIVATE KEY": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^<>]{64,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[\s+\\n\"',-]*[A-Za-z0-9+/=]{16,})+",
    "AKIA": r"AKIA[0-9A-Z]{16}(?![A-Za-z0-9])",
    "ASIA": r"ASIA[0-9A-Z]{16}(?![A-Za-z0-9])",
    "gh": r"gh[pousr]_[A-Za-z0-9]{30,}",
    "github_pat_": r"github_pat_[A-Za-z0-9_]{40,}",
    "gl": r"gl(?:pat|dt|rt|ptt|soat|cbt|ft|imt|agent)-[A-Za-z0-9_.-]{20,}",
    "hf_": r"hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z0-9]{30,}",
    "sk-": r"sk-(?:[a-z]+\d*-)*[A-Za-z0-9_-]{20,}",
    "xox": r"xox[abeoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}",
    "xapp-": r"xapp-\d-[A-Za-z0-9-]{20,}",
    "AIza": r"AIza[0-9A-Za-z_-]{35}",
    "ya29.": r"ya29\.[0-9A-Za-z_-]{20,}",
    "GOCSPX-": r"GOCSPX-[0-9A-Za-z_-]{20,}",
    "Q~": r"[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{31,34}",
    "npm_": r"npm_[A-Za-z0-9]{36}",
    "pypi-": r"pypi-[A-Za-z0-9_-]{50,}",
    "dop_v1_": r"do[opr]_v1_[0-9a-f]{64}",
    "eyJ": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|eyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/_-]{20,}={0,2}",
    "wandb_v1_": r"wandb_v1_[A-Za-z0-9_]{20,}",
    "k_live_": r"[rs]k_live_[A-Za-z0-9]{16,}",
    "k_test_": r"[rs]k_test_[A-Za-z0-9]{16,}",
    "whsec_": r"whsec_[A-Za-z0-9+/=]{24,}",
    "SK": r"SK[0-9a-f]{32}(?![A-Za-z0-9])",
    "SG.": r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",
    ":AA": r"\d{8,10}:AA[A-Za-z0-9_-]{32,}",
    "dapi": r"dapi[0-9a-f]{32}(?![A-Za-z0-9])",
    "r8_": r"r8_[A-Za-z0-9]{30,}",
    "gsk_": r"gsk_[A-Za-z0-9]{40,}",
    "pplx-": r"pplx-[A-Za-z0-9]{40,}",
    "pcsk_": r"pcsk_[A-Za-z0-9_]{40,}",
    "dckr_pat_": r"dckr_pat_[A-Za-z0-9_-]{20,}",
    "shp": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "hvs.": r"hvs\.[A-Za-z0-9_-]{20,}",
    ".atlasv1.": r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{50,}",
    "gl_": r"gl(?:sa|c)_[A-Za-z0-9_+/=]{30,}",
    "glsa_": r"glsa_[A-Za-z0-9_]{30,}",
    "lin_api_": r"lin_api_[A-Za-z0-9]{30,}",
    "NRAK-": r"NRAK-[A-Z0-9]{27}",
    "ATATT3": r"ATATT3[A-Za-z0-9_=-]{60,}",
    "AGE-SECRET-KEY-": r"AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "KGAT_": r"KGAT_[a-f0-9]{32}",
}
"""Public shapes: what stands in a scanner's rules too."""

RULES = "\n".join(_SHAPES.values())
"""The patterns as one text: a memory of clean contents holds for these alone."""

_LITERAL = re.compile(r"(?<=['\"])[A-Za-z0-9+/_-]{32,200}={0,2}(?=\\?['\"])")
_BARE = re.compile(r"[A-Za-z0-9+/_-]{32,200}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F-]+")
_WORD = re.compile(r"[a-z]*(?:[A-Z][a-z]+)*\d*|[A-Z]*\d*")
_PUBLIC = (
    "sha1-",
    "sha256-",
    "sha384-",
    "sha512-",
    "iVBORw0KGg",
    "/9j/",
    "R0lGOD",
    "UklGR",
    "PHN2Zy",
    "AAAAB3Nza",
    "AAAAC3Nza",
)
"""How digests in base64, small images and public keys begin: drawn at random by their looks, and no secret."""


_EDGED = r"(?<![A-Za-z0-9])(?:{})"
"""Where a shape may begin: an underscore is an edge, for a secret in a name stands behind one (`key_hf_…`)."""
_GLUED = frozenset({"PRIVATE KEY", "gh", "github_pat_", "gl", "AIza", "xox", "dckr_pat_", "AGE-SECRET-KEY-", "GOCSPX-"})
"""Shapes that nothing else begins like: they are found behind a letter as well."""
_COMPILED = {
    hint: re.compile(pattern if hint in _GLUED else _EDGED.format(pattern)) for hint, pattern in _SHAPES.items()
}


def shaped(text: str, replacement: Callable[[str], str]) -> str:
    """`text` with everything replaced that has a published shape."""
    for hint, pattern in _COMPILED.items():
        if hint in text:
            change = partial(pattern.sub, lambda match: replacement(match[0]))
            # A private key runs over many lines.
            text = change(text) if hint == "PRIVATE KEY" else on_lines(text, (hint,), change)
    return text


def literals(text: str) -> re.Pattern[str] | None:
    """The pattern of what may be key material in `text`: it whole, else its quoted literals."""
    return _BARE if _BARE.fullmatch(text) else _LITERAL if "'" in text or '"' in text else None


def is_random(text: str) -> bool:
    """Whether a literal looks like key material: mixed case and digits, no hexadecimal, 4.2 bits a character.

    For 40 characters of base64 the expected sample entropy is about 4.8 bits. Identifiers in camel case come near it,
    but change between lower case, upper case and digits at a third of their places; base64 does at 64 % (1 - Σp²).
    """
    if _HEX.fullmatch(text) or text.count("/") > 3 or is_worded(text) or text.startswith(_PUBLIC):
        return False
    kinds = "".join("a" if c.islower() else "A" if c.isupper() else "0" if c.isdigit() else "-" for c in text)
    if not {"a", "A", "0"} <= set(kinds):
        return False
    turns = sum(x != y for x, y in pairwise(kinds)) / len(text)
    counts = Counter(text).values()
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
    return (turns >= 0.45 and entropy >= 4.2) or (turns >= 0.38 and entropy >= 4.7)


def is_worded(text: str) -> bool:
    """Whether every part between dots, dashes, slashes and underscores is a word, perhaps with a number at its end."""
    return all(_WORD.fullmatch(part) for part in re.split(r"[_./-]", text))


def is_credible(text: str) -> bool:
    """Whether a value cannot be a word, an identifier or a path: 8 characters or more, letters and digits mixed."""
    mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return len(text) >= 8 and mixed and not is_worded(text)
