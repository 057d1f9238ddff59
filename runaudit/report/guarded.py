"""One figure that cannot be made is a line in its place, and the rest of the page stands.

A page is read when a training has gone wrong, and that is when its numbers are strangest. What the tests did not think
of must cost one drawing, not the page: so every drawing is made through here, and nowhere else is a fault swallowed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from runaudit.errors import RunauditError
from runaudit.report.words import clean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands in the place of something that could not be drawn."""

    words: str


def attempted(make: Callable[[], T], *, what: str) -> T | Failed:
    """What `make` makes, or in words why there is none. What a person got wrong is still an error of that person."""
    try:
        return make()
    except RunauditError:
        raise
    except Exception as error:
        reason = clean(f"{type(error).__name__}: {error}")[:200]
        return Failed(f"{what} could not be drawn: {reason}. Its numbers stand in the record.")
