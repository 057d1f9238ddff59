"""Patterns that are compiled when they are first asked.

To compile the two hundred by which secrets are known was a third of what a launch took to load its modules, and most
launches ask few of them: a plain word that stands in every match is looked for first.
"""

import re
from functools import cached_property
from typing import Any, cast


def late(source: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile(source, flags)`, put off until more than its source is asked for. A mistake in it is told then, too.

    >>> late(r"[0-9]+").sub("#", "12 frames of 96 pixels")
    '# frames of # pixels'
    """
    return cast("re.Pattern[str]", _Late(source, flags))


class _Late:
    """Stands for a pattern. What was asked once is kept, so that it is asked without a detour from then on."""

    def __init__(self, source: str, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags)

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(self._compiled, name)
        return found
