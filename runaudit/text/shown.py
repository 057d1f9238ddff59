"""How an answer shows itself where nobody printed it: one line at a prompt, a fragment of the page in a notebook.

The page stands floors above the answers, so it is not imported from here: whoever opens the door for Python says once
who draws, and an answer without a drawer is shown as its one line.
"""

from collections.abc import Callable

from runaudit.text.terminal import printable

_drawers: list[Callable[[object], str | None]] = []


def drawn_by(draw: Callable[[object], str | None]) -> None:
    """From now on answers are drawn in notebooks by `draw`, in its place whoever drew before."""
    _drawers[:] = [draw]


class Shown:
    """An answer of one line, its `headline`, that a notebook may show as more."""

    __slots__ = ()

    @property
    def headline(self) -> str:
        """The result in one line."""
        raise NotImplementedError

    def __str__(self) -> str:
        return printable(self.headline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _repr_html_(self) -> str | None:
        """What Jupyter asks for; None lets it print the one line instead."""
        return _drawers[0](self) if _drawers else None
