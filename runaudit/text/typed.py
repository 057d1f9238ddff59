"""Words as a shell takes them back, in letters that are seen: what is printed is what is typed."""

import os
import shlex
from collections.abc import Iterable

from runaudit.text.terminal import printable


def typed_word(word: str) -> str:
    """One word for a shell. One with a letter that a terminal would obey or nobody would see stands as `$'\\x1b…'`,
    which bash, zsh and ksh read back to the last byte; between plain quotes its name in letters would be another."""
    if printable(word, keep="") == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_letter, word))}'"


def typed_words(words: Iterable[str]) -> str:
    """A command for a shell."""
    return " ".join(map(typed_word, words))


def _letter(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if printable(letter, keep="") == letter:
        return letter
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
