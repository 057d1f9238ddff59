"""A chart as SVG text, written by hand: a frame, two axes, lines, marks. The same numbers give the same bytes.

Curves are most of a page's bytes and of its time. Written here, a figure costs milliseconds, and its size is that of
its points; looks are the style sheet's, so that one drawing serves light, dark, paper and telephone. For a script that
wants to answer the pointer, the drawing says where things are:

    <svg class="chart" data-x="0 900" data-y="-4.1 0.2" data-log="1" data-box="52 20 392 212">
        data-x: first and last step; data-y: foot and top of the axis (decimal logarithms where data-log is 1);
        data-box: left, top, width, height of the frame, in the units of the viewBox.
    <g class="seed" data-arm="0" data-run="2" data-seed="7">  one seed's line: arm of the page, run of the arm
    <g class="mean" data-arm="0">                             the mean of an arm and the spread of its seeds
    <g class="trend" data-arm="0">                            the running median of a noisy seed
    <g class="under" data-arm="0">                            rims of the paper's colour under the bold lines of an arm
    <g class="at" data-arm="0">                               what happened to an arm: ticks, crosses, triangles, letter

Paths begin each piece with `M x y` and go on with one `l` of relative pairs, so that points are sums of numbers.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runaudit.report.axis import Axis, step_ticks

if TYPE_CHECKING:
    from numpy import ndarray

T = TypeVar("T")
LETTER = 6.2
"""Width of a letter of an axis, in units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a chart's axes stand, in units of its viewBox, and what they count."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int
    first: int
    last: int
    axis: Axis

    @property
    def across(self) -> int:
        """Width of the field between the axes."""
        return self.width - self.left - self.right

    @property
    def up(self) -> int:
        """Height of the field between the axes."""
        return self.height - self.top - self.bottom

    @property
    def foot(self) -> int:
        """Where the axis of steps stands."""
        return self.height - self.bottom

    def x(self, steps: "ndarray") -> "ndarray":
        """Steps in tenths of a unit, at the edge where they are beyond it."""
        import numpy as np

        # Floats, because the difference of two steps of 64 bits is one of 65.
        share = np.clip((steps - float(self.first)) / (float(self.last) - float(self.first)), 0.0, 1.0)
        return _whole((self.left + share * self.across) * 10)

    def y(self, values: "ndarray") -> "ndarray":
        """Values in tenths of a unit, at the edge where they are beyond it."""
        return _whole((self.foot - self.axis.places(values) * self.up) * 10)


def _whole(tenths: "ndarray") -> "ndarray":
    import numpy as np

    found: ndarray = np.rint(tenths).astype(np.int64)
    return found


def wide(axis: Axis, first: int, last: int) -> Frame:
    """A figure of its own."""
    return Frame(
        width=480, height=262, left=_room(axis), top=20, right=26, bottom=34, first=first, last=last, axis=axis
    )


def small(axis: Axis, first: int, last: int) -> Frame:
    """One of many beside one another."""
    return Frame(
        width=320, height=190, left=_room(axis), top=18, right=20, bottom=32, first=first, last=last, axis=axis
    )


def _room(axis: Axis) -> int:
    """Room for the labels at the left, at the larger type of a telephone too."""
    return max(34, round(max((len(text) for _, text in axis.ticks()), default=0) * LETTER * 1.3) + 10)


def chart(frame: Frame, parts: Iterable[str], *, label: str) -> str:
    """The whole drawing: `parts` over the axes. label: the figure in words."""
    axis = frame.axis
    where = (
        f'data-x="{frame.first} {frame.last}" data-y="{axis.bottom:.12g} {axis.top:.12g}" '
        f'data-log="{int(axis.is_log)}" data-box="{frame.left} {frame.top} {frame.across} {frame.up}"'
    )
    head = (
        f'<svg class="chart" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{html.escape(label, quote=True)}" {where}>'
    )
    return "".join([head, "\n", _axes(frame), *parts, "\n</svg>"])


def _axes(frame: Frame) -> str:
    rows = [(tenths(round((frame.foot - place * frame.up) * 10)), label) for place, label in frame.axis.ticks()]
    columns = [
        (tenths(round((frame.left + place * frame.across) * 10)), label)
        for place, label in step_ticks(frame.first, frame.last, 5 if frame.across > 300 else 4)
    ]
    grid = "".join(f"M{frame.left} {y}h{frame.across}" for y, _ in rows)
    notches = "".join(f"M{x} {frame.foot}v4" for x, _ in columns)
    edge = f"M{frame.left} {frame.top}V{frame.foot}h{frame.across}"
    texts = [f'<text x="{frame.left - 6}" y="{y}" dy=".34em" class="y">{label}</text>' for y, label in rows]
    texts += [f'<text x="{x}" y="{frame.foot + 16}">{label}</text>' for x, label in columns]
    middle = tenths(frame.left * 10 + frame.across * 5)
    texts.append(f'<text x="{middle}" y="{frame.height - 4}" class="quiet">step</text>')
    return (
        f'<path class="grid" d="{grid}"/><path class="edge" d="{edge}{notches}"/><g class="ticks">{"".join(texts)}</g>'
    )


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────────


def tenths(count: int) -> str:
    """So many tenths of a unit, as short as SVG takes it: `12.3`, `-.4`, `7`."""
    whole, rest = divmod(abs(count), 10)
    sign = "-" if count < 0 else ""
    return f"{sign}{whole}" if not rest else f"{sign}{whole or ''}.{rest}"


_SHORT = {count: tenths(count) for count in range(-3000, 3001)}


def polyline(x: "ndarray", y: "ndarray") -> str:
    """A line through points in tenths of a unit; a single point is a dot where ends are round."""
    head = f"M{tenths(int(x[0]))} {tenths(int(y[0]))}"
    if len(x) == 1:
        return head + "l0 0"
    return f"{head}l{_pairs(x, y)}"


def ribbon(x: "ndarray", low: "ndarray", high: "ndarray") -> str:
    """The field between two lines over the same points."""
    import numpy as np

    around_x, around_y = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
    return f"M{tenths(int(x[0]))} {tenths(int(low[0]))}l{_pairs(around_x, around_y)}z"


def _pairs(x: "ndarray", y: "ndarray") -> str:
    dx, dy = (x[1:] - x[:-1]).tolist(), (y[1:] - y[:-1]).tolist()
    # Points that fall on one another are drawn once.
    moves = [(a, b) for a, b in zip(dx, dy, strict=True) if a or b] or [(0, 0)]
    known = _SHORT.get
    words = [word for a, b in moves for word in (known(a) or tenths(a), known(b) or tenths(b))]
    # A minus sign parts two numbers as well as a space does.
    return " ".join(words).replace(" -", "-")


def ticks(x: "Iterable[int]", y: float, height: float) -> str:
    """Small upright strokes that stand on `y`."""
    return "".join(f"M{tenths(at)} {y:g}v{-height:g}" for at in x)


def crosses(x: "Iterable[int]", y: float, size: float = 2.6) -> str:
    """A cross at each place."""
    step = f"l{2 * size:g} {2 * size:g}m0 {-2 * size:g}l{-2 * size:g} {2 * size:g}"
    return "".join(f"M{tenths(at - round(size * 10))} {y - size:g}{step}" for at in x)


def triangles(x: "Iterable[int]", y: float, *, up: bool, size: float = 3.6) -> str:
    """A triangle at each place that points out of the frame."""
    tip = -1.7 * size if up else 1.7 * size
    return "".join(f"M{tenths(at - round(size * 10))} {y:g}l{size:g} {tip:g} {size:g} {-tip:g}z" for at in x)


def apart(x: "ndarray", least: int) -> list[int]:
    """Places at least `least` tenths apart, the first of each crowd: marks that can be told from one another."""
    import numpy as np

    if not len(x):
        return []
    _, first = np.unique(x // least, return_index=True)
    return [int(at) for at in x[first]]


def text(x: float, y: float, words: str, kind: str) -> str:
    """A text that is somebody's, harmless."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{html.escape(words)}</text>'


def spread_out(places: Sequence[tuple[float, T]], gap: float, low: float, high: float) -> list[tuple[float, T]]:
    """Labels at their heights, pushed apart so that none covers another, within `low` and `high`."""
    found: list[tuple[float, T]] = []
    at = low - gap
    for wish, label in sorted(places, key=lambda place: place[0]):
        at = max(wish, at + gap)
        found.append((at, label))
    limit = high
    for index in range(len(found) - 1, -1, -1):
        found[index] = (min(found[index][0], limit), found[index][1])
        limit = found[index][0] - gap
    return found
