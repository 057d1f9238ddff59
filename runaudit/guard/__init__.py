"""May this run start? `runaudit.guard(…)` asks from within a program; the rules and their facts live in this room."""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """The room bears the name of its question: `runaudit.guard` is this package and, called, asks it."""

    def __call__(self, *args: Any, **given: Any) -> Any:
        """`runaudit.guard.python.guard`."""
        from runaudit.guard.python import guard

        return guard(*args, **given)


sys.modules[__name__].__class__ = _Room
