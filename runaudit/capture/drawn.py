"""Whether a value can be a word: what is asked of one that stands under a telling name, where words stand as well.

How much is asked depends on the place. `password = "…"` gives a password, whatever it looks like; `("token", "…")` may
be a table of names, so there the value must look as nobody's word does.
"""

import re

from runaudit.capture.looks import is_credible, is_mixed, is_of_both_cases, is_worded, wordiness

_PASS = re.compile(r"(?i)pass(?:word|wort|wd|phrase|code)?s?(?:_?(?:text|value))?$|pwd$|(?:^|[^a-z])pw$|[a-z]_pw$")
_RUN = re.compile(r"[a-z]{8,}|[A-Z]{8,}")
_HEX = re.compile(r"[0-9a-f]{32,}")


def is_password(name: str) -> bool:
    """Whether a name says password: then a value need not look like anything."""
    return bool(_PASS.search(name.replace("-", "_")))


def is_scrambled(text: str) -> bool:
    """Whether a long word of letters alone, in both cases, was drawn: an eighth of all tokens of 16 have no digit."""
    if len(text) < 16 or not text.isalpha() or is_worded(text):
        return False
    return wordiness(text) < 0.5


def is_drawn(text: str) -> bool:
    """Whether one of the words of a value can be no word of a language, an identifier or a path."""
    return any(is_credible(word) or is_scrambled(word) or _is_unspoken(word) for word in text.split())


def _is_unspoken(text: str) -> bool:
    """Whether a long text with digits has a run of letters that is no word (`sk-qzxvkjwpqmhg12345`)."""
    return is_mixed(text, 16) and "/" not in text and any(not wordiness(run) for run in _RUN.findall(text))


def is_strong(text: str) -> bool:
    """Whether a value is drawn, and so that a name of a model, a file or a version is not (`resnet50d`)."""
    if not is_drawn(text) or " " in text:
        return False
    return (
        (is_of_both_cases(text) and text.count("/") < 2)
        or bool(_HEX.fullmatch(text))
        or (len(text) >= 24 and text.isalnum())
    )
