"""What the processes of a run were seen to do: which files, modules, variables, seeds and children they used.

`runaudit.observe()`, the first thing a program calls, begins to look; `runaudit run` does without it.
"""

import sys
from types import ModuleType


class _Room(ModuleType):
    """The room bears the name of what is asked of it: `runaudit.observe` is this package and, called, begins."""

    def __call__(self) -> bool:
        """`runaudit.observe.here.observe`."""
        from runaudit.observe.here import observe

        return observe()


sys.modules[__name__].__class__ = _Room
