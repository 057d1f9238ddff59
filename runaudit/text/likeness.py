"""Which labels read alike: to a person two names that differ in a space, a case or a letter's alphabet are one name."""

import re
import unicodedata
from functools import lru_cache

_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԌԚԜаеѕіјкорсухԁԛԝһӏ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹαιικνορυχϲ",
    "ABESIJKMHOPCTYXYGQWaesijkopcyxdqwhl" + "ABEZHIKMNOPTYXCaiiknopuxc",
)
"""Letters of Cyrillic and Greek that look like a Latin one."""
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@lru_cache(maxsize=4096)  # The seeds of a design bear one label, and a launch is held against all of them.
def skeleton(label: str) -> str:
    """What is left of a label when all is taken away that nobody sees: equal for labels that read alike.

    >>> skeleton("Sl\u043ew  Arm\u200b") == skeleton("slow arm")
    True
    """
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", label) if unicodedata.category(letter) != "Cf")
    seen = _UNSEEN.sub("", seen).translate(_LATIN).casefold().translate(_LATIN)
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def told_apart(label: str, other: str) -> str:
    """A label as it may be shown beside another one: with its letters by number where the two read alike and are not
    the same."""
    if label == other or skeleton(label) != skeleton(other) or label.isascii():
        return label
    return ascii(label)[1:-1]
