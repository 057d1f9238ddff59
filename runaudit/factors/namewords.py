"""The words of a name: of a config key, an option, a program."""

import re
from collections.abc import Sequence
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=65536)
def words(name: str) -> Sequence[str]:
    """The words of a name, whether it is written with blanks, dashes, underscores or in camel case."""
    return tuple(word.lower() for word in _WORDS.findall(name))
