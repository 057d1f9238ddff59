"""The words of a name: of a config key, an option, a program."""

import re
from collections.abc import Sequence

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> Sequence[str]:
    """The words of a name, whether it is written with blanks, dashes, underscores or in camel case."""
    return [word.lower() for word in _WORDS.findall(name)]
