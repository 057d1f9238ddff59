"""Whether a text was drawn at random or written by a person: what a key looks like, and what a name looks like.

A name that only begins like a key (`sk-resnet-50-cosine-large-v1`) is made of words, and words are told from drawn
letters by the pairs of letters in them: 150 of the 676 pairs make up 85 % of the text that code and its documents are
written in, and 22 % of what is drawn.
"""

import base64
import binascii
import math
import re
from collections import Counter
from itertools import pairwise

_COMMON = """
    ab ac ad ag ai al am an ap ar as at ba be bl ca ce ch ci ck cl co ct da de di do ea ec ed ee ef el em en ep er
    es et ev ex fa fi fo ge ha he hi ho ia ib ic id ie if ig il im in io ir is it iv ke la le li ll lo ls lt lu ly
    ma me mi mo mp na nc nd ne ng ni no ns nt oc od ol om on oo op or os ot ou ov ow pa pe pl po pp pr pt ra re ri
    rm rn ro rr rs rt ry sa se sh si so sp ss st su ta te th ti to tr ts tt tu ty ue ul um un up ur us ut va ve wa
    wh wi
"""
_PAIRS = frozenset(_COMMON.split())
"""The commonest pairs in the words of 500 Python sources and of this project's pages."""
_LETTERS = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}")
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
_CID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{58}|z[1-9A-HJ-NP-Za-km-z]{48}")
"""Addresses of contents (IPFS): a digest in base58 or base32."""
_NUMBER = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PARTED = re.compile(r"[\s;,{}()\[\]\"'<>|]|=(?!=*\Z)|://")
"""What stands between the parts of a value: a secret may be one of them, and the others say where it leads."""
_PLACE = re.compile(r"(?:~|\.{0,2})/|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*://")


def wordiness(text: str) -> float:
    """The share of the letters of `text` that stand in words, 0 to 1; 0 where there is no letter."""
    letters = sum(map(str.isalpha, text))
    return sum(len(run) for run in _LETTERS.findall(text) if _is_spoken(run.lower())) / letters if letters else 0.0


def _is_spoken(run: str) -> bool:
    pairs = [x + y for x, y in pairwise(run)]
    return len(run) >= 3 and 5 * sum(pair in _PAIRS for pair in pairs) >= 3 * len(pairs)


def is_key_material(text: str) -> bool:
    """Whether nobody would write this text: 8 characters or more, digits among letters of both cases or among signs,
    16 of hexadecimal, 20 of one case; less than half of its letters in words, and no place, nothing put together."""
    if not is_mixed(text) or is_place(text) or is_put_together(text) or _CID.fullmatch(text):
        return False
    if is_number(text):
        return True
    signed = bool(re.search(r"[^A-Za-z0-9_.,:;/\\\s=+-]", text))
    long = len(text) >= 20 and text.isalnum()
    listed = 8 * sum(map(text.count, "_-./ ")) > max(len(text), 16)
    spoken = listed or is_worded(text) or wordiness(text) >= 0.5
    return len(text) >= 8 and (is_of_both_cases(text) or signed or long) and not spoken


def is_put_together(text: str) -> bool:
    """Whether a text is made of parts: words, settings (`Server=h;Password=…`), an address."""
    return bool(_PARTED.search(text))


def is_number(text: str) -> bool:
    """Whether a text is 16 digits or more of hexadecimal, or a UUID: a key, or the digest of something."""
    return bool(_NUMBER.fullmatch(text))


def is_mixed(text: str, size: int = 0) -> bool:
    """Whether a text of this size or more has letters and digits."""
    return len(text) >= size and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def is_of_both_cases(text: str) -> bool:
    """Whether a text has letters of both cases."""
    return text.lower() != text != text.upper()


def is_place(text: str) -> bool:
    """Whether a text is a path or an address by its beginning."""
    return bool(_PLACE.match(text))


def is_random(text: str) -> bool:
    """Whether a literal looks like key material: mixed case and digits, no hexadecimal, 4.2 bits a character.

    For 40 characters of base64 the expected sample entropy is about 4.8 bits. Identifiers in camel case come near it,
    but change between lower case, upper case and digits at a third of their places; base64 does at 64 % (1 - Σp²).
    """
    if _HEX.fullmatch(text) or text.count("/") > 3 or is_worded(text) or text.startswith(_PUBLIC):
        return False
    kinds = "".join("a" if c.islower() else "A" if c.isupper() else "0" if c.isdigit() else "-" for c in text)
    if not {"a", "A", "0"} <= set(kinds) or _CID.fullmatch(text) or _writes_hex(text):
        return False
    turns = sum(x != y for x, y in pairwise(kinds)) / len(text)
    counts = Counter(text).values()
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
    return (turns >= 0.45 and entropy >= 4.2) or (turns >= 0.38 and entropy >= 4.7)


def _writes_hex(text: str) -> bool:
    """Whether a text is hexadecimal in base64: a digest, written twice."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(re.fullmatch(rb"[0-9a-fA-F-]+\s*", raw))


def is_worded(text: str) -> bool:
    """Whether every part between dots, dashes, slashes and underscores is a word, perhaps with a number at its end."""
    return all(_WORD.fullmatch(part) for part in re.split(r"[_./-]", text))


def is_credible(text: str) -> bool:
    """Whether a value cannot be a word, an identifier or a path: 8 characters or more, letters and digits mixed."""
    return is_mixed(text, 8) and not is_worded(text)
