"""Curves and loss scales drawn: seeds thin, means bold, each arm by its colour, its dash and its letter.

Colour alone would be lost in grey print and to one man in twelve, so every arm has a dash of its own and its letter at
the right end of its line.
"""

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runaudit.records.points import Points
from runaudit.records.segments import Band
from runaudit.report import chart
from runaudit.report.chart import Frame
from runaudit.report.series import Line
from runaudit.report.views.curve import ArmCurve, CurveFigure, Mark
from runaudit.report.views.scaler import LINES, ScalerFigure
from runaudit.report.words import shown, whole

if TYPE_CHECKING:
    from numpy import ndarray

COLOURS = 6
_SEED_DASHES = 4
_CROWD = 60
"""Tenths of a unit that two marks of one kind keep from one another."""
_NAME = 200
"""Tenths of a unit that the name of a mark is wide."""
_FEW = 40
"""Points of a line up to which each is marked."""
_DENSE = 200
"""Points of a line from which on it is a cloud rather than a line."""


def draw_curves(figure: CurveFigure) -> str:
    """One quantity over the steps: every seed thin, the mean of each arm bold in the spread of its seeds."""
    frame = (chart.small if figure.is_small else chart.wide)(figure.axis, figure.first, figure.last)
    parts = [_stages(frame, figure.bands)]
    parts += [part for curve in figure.arms for part in _seeds(frame, curve)]
    # Every rim before any bold line: arms that coincide are then seen through one another's gaps.
    parts += [_rims(frame, curve) for curve in figure.arms]
    parts += [part for curve in figure.arms for part in _trends(frame, curve)]
    parts += [_mean(frame, curve) for curve in figure.arms]
    named: dict[int, int] = {}
    parts += [_happened(frame, curve, row, named) for row, curve in enumerate(figure.arms)]
    parts += [_ended(frame, curve) for curve in figure.arms]
    parts.append(_letters(frame, figure.arms))
    return chart.chart(frame, parts, label=figure.label)


def _ended(frame: Frame, curve: ArmCurve) -> str:
    """A ring where the line of a run ends that gave no result."""
    body = ""
    for ended, line in zip(curve.ended, curve.lines, strict=False):
        if ended and line.segments:
            steps, values = _columns(line.segments[-1])
            x, y = (chart.tenths(int(at[0])) for at in (frame.x(steps[-1:]), frame.y(values[-1:])))
            body += f'<circle class="ended" cx="{x}" cy="{y}" r="3.4"><title>{_who(line, ended)}</title></circle>'
    return _group("at", curve.arm, body)


def _who(line: Line, ended: str) -> str:
    return html.escape(f"seed {line.seed} {ended}")


def _columns(points: Points) -> "tuple[ndarray, ndarray]":
    import numpy as np

    return np.asarray(points.steps), np.asarray(points.values)


def _path(frame: Frame, points: Points) -> str:
    steps, values = _columns(points)
    return chart.polyline(frame.x(steps), frame.y(values))


def _stages(frame: Frame, bands: Sequence[Band]) -> str:
    """Alternating tints, with the stage's name where it fits and its number where it does not."""
    import numpy as np

    if not bands:
        return ""
    edges = [(int(a), int(b)) for a, b in (frame.x(np.array([band.start, band.end], dtype=float)) for band in bands)]
    tints = "".join(
        f'<rect x="{chart.tenths(low)}" y="{frame.top}" width="{chart.tenths(high - low)}" height="{frame.up}"/>'
        for index, (low, high) in enumerate(edges)
        if index % 2 == 0
    )
    texts = []
    taken = float("-inf")
    for index, (band, (low, high)) in enumerate(zip(bands, edges, strict=True)):
        name = shown(band.name.replace("_", " "), 24).short
        label = name if len(name) * chart.LETTER * 10 < high - low else str(index + 1)
        middle, half = (low + high) / 20, len(label) * chart.LETTER / 2
        if middle - half >= taken:
            texts.append(chart.text(round(middle, 1), frame.top - 6, label, "stage"))
            taken = middle + half + 2
    return f'<g class="stages">{tints}{"".join(texts)}</g>'


def dash_of(arm: int) -> int:
    """The dash of an arm by its place: the seventh has the colour of the first, and another dash."""
    return (arm + arm // COLOURS) % COLOURS


def _group(kind: str, arm: int, body: str, more: str = "") -> str:
    return f'\n<g class="{kind} in-arm-{arm % COLOURS}" data-arm="{arm}"{more}>{body}</g>' if body else ""


def _seeds(frame: Frame, curve: ArmCurve) -> Iterator[str]:
    for index, line in enumerate(curve.lines):
        quiet = bool(curve.means or line.trends)
        raw = "".join(_path(frame, part) for part in line.segments)
        if not raw:
            continue
        drawn = sum(map(len, line.segments))
        bold = f"bold d{dash_of(curve.arm)}"
        body = f'<path class="{("cloud" if drawn > _DENSE else "thin") if quiet else bold}" d="{raw}"/>'
        if drawn <= _FEW:
            dots = "".join(_dots(frame, part) for part in line.segments)
            body += f'<path class="{"dots thin" if quiet else "dots"}" d="{dots}"/>'
        who = f' data-run="{index}" data-seed="{html.escape(line.seed, quote=True)}"'
        yield _group("seed", curve.arm, body, who)


def _dots(frame: Frame, points: Points) -> str:
    steps, values = _columns(points)
    places = zip(frame.x(steps).tolist(), frame.y(values).tolist(), strict=True)
    return "".join(f"M{chart.tenths(x)} {chart.tenths(y)}h0" for x, y in places)


def _mean(frame: Frame, curve: ArmCurve) -> str:
    import numpy as np

    of = max((len(part.runs) for part in curve.means), default=0)
    body = ""
    for part in curve.means:
        x = frame.x(np.asarray(part.steps))
        low, high, middle = (frame.y(np.asarray(column)) for column in (part.low, part.high, part.values))
        kind = "bold" if len(part.runs) == of else "thinner"
        body += f'<path class="spread" d="{chart.ribbon(x, low, high)}"/>' if len(x) > 1 else ""
        body += f'<path class="{kind} d{dash_of(curve.arm)}" d="{chart.polyline(x, middle)}"/>'
    return _group("mean", curve.arm, body)


def _trends(frame: Frame, curve: ArmCurve) -> Iterator[str]:
    """The trend of each seed that is noisy, where no mean stands for the arm."""
    for line in curve.lines:
        path = "".join(_path(frame, part) for part in line.trends)
        yield _group("trend", curve.arm, f'<path class="bold d{dash_of(curve.arm)}" d="{path}"/>' if path else "")


def _rims(frame: Frame, curve: ArmCurve) -> str:
    """A rim of the paper's colour under each bold line, so that it is seen in the thick of the thin ones."""
    middles = [Points(part.steps, part.values) for part in curve.means]
    paths = [_path(frame, part) for part in (*middles, *(part for line in curve.lines for part in line.trends))]
    return _group("under", curve.arm, "".join(f'<path class="rim" d="{path}"/>' for path in paths))


def _happened(frame: Frame, curve: ArmCurve, row: int, named: "dict[int, int]") -> str:
    """Where the arm resumed, skipped a step, had no finite number, left the axis, or was found at fault. named: how
    many names of marks stand at a place already; the next goes below them."""
    import numpy as np

    def at(steps: Sequence[int]) -> "list[int]":
        inside = [float(step) for step in steps if frame.first <= step <= frame.last]
        return chart.apart(frame.x(np.array(inside)), _CROWD) if inside else []

    body = []
    if places := at(curve.resumes):
        body.append(
            f'<path class="resumed" d="{"".join(f"M{chart.tenths(x)} {frame.top}V{frame.foot}" for x in places)}"/>'
        )
    if places := at([band.start for band in curve.stages]):
        body.append(f'<path class="tick" d="{chart.ticks(places, frame.top + 8, 8)}"/>')
    if places := at(curve.skips):
        body.append(f'<path class="tick" d="{chart.ticks(places, frame.foot, 5)}"/>')
    bad = sorted({step for line in curve.lines for step in line.non_finite.steps})
    if places := at(bad):
        body.append(f'<path class="cross" d="{chart.crosses(places, frame.foot - 6 - 7 * row)}"/>')
    body += _beyond(frame, curve.lines)
    body += _marks(frame, curve.letter, curve.marks, named)
    return _group("at", curve.arm, "".join(body))


def _marks(frame: Frame, letter: str, marks: Sequence[Mark], named: "dict[int, int]") -> Iterator[str]:
    """A line at every finding, with the arm's letter and its number. named: as above."""
    import numpy as np

    for number, mark in enumerate(marks, start=1):
        if frame.first <= mark.step <= frame.last:
            (x,) = frame.x(np.array([float(mark.step)])).tolist()
            title = f"<title>{html.escape(mark.words)}</title>"
            yield f'<path class="mark" d="M{chart.tenths(x)} {frame.top}v{frame.up}">{title}</path>'
            place = x // _NAME
            below = max(named.get(place + side, 0) for side in (-1, 0, 1))
            named[place] = below + 1
            yield chart.text(x / 10 + 2, frame.top + 10 + 12 * below, f"{letter}{number}", "mark")


def _beyond(frame: Frame, lines: Sequence[Line]) -> Iterator[str]:
    """A triangle at the edge for what the axis does not reach."""
    import numpy as np

    segments = [_columns(part) for line in lines for part in line.segments]
    for beyond, edge, up in ((frame.axis.above, frame.top, True), (frame.axis.below, frame.foot, False)):
        steps = [steps[beyond(values)] for steps, values in segments]
        found = np.sort(np.concatenate(steps)) if steps else np.empty(0)
        if len(found):
            places = chart.apart(frame.x(found), 2 * _CROWD)
            yield f'<path class="beyond" d="{chart.triangles(places, edge, up=up)}"/>'


def _letters(frame: Frame, curves: Sequence[ArmCurve]) -> str:
    """Each arm's letter where its line ends; those that end side by side are pushed apart."""
    import numpy as np

    ends: dict[int, list[tuple[float, tuple[int, ArmCurve]]]] = {}
    for curve in curves:
        parts = [Points(part.steps, part.values) for part in curve.means]
        parts = parts or [part for line in curve.lines for part in line.trends or line.segments]
        if parts:
            last = max(parts, key=lambda part: part.steps[-1])
            x, y = (int(at[0]) for at in (frame.x(np.array(last.steps[-1:])), frame.y(np.array(last.values[-1:]))))
            ends.setdefault(round(x / 200), []).append((y / 10, (x, curve)))
    return "".join(
        _group("at", curve.arm, chart.text(round(x / 10 + 5, 1), round(y + 4, 1), curve.letter, "letter"))
        for column in ends.values()
        for y, (x, curve) in chart.spread_out(column, 12, frame.top + 4, frame.foot - 2)
    )


def draw_scaler(figure: ScalerFigure) -> str:
    """The loss scale on a log2 axis, the lines at 16384 and 1024, and a mark below for every skipped step."""
    import numpy as np

    frame = chart.small(figure.axis, 0, max(1, figure.last_step))
    limits = "".join(
        f'<path class="limit" d="M{frame.left} {chart.tenths(y)}h{frame.across}"/>'
        + chart.text(frame.left + frame.across - 2, y / 10 - 4, whole(limit), "limit")
        for limit, y in zip(LINES, frame.y(np.array(LINES, dtype=float)).tolist(), strict=True)
    )
    parts = [_stages(frame, figure.bands), limits]
    for index, line in enumerate(figure.lines):
        body = "".join(
            f'<path class="bold d{index % _SEED_DASHES}" d="{_stairs(frame, part)}"/>' for part in line.segments
        )
        who = f' data-run="{index}" data-seed="{html.escape(line.seed, quote=True)}"'
        parts.append(_group("seed", figure.arm, body, who))
    skips = np.array(sorted({float(step) for _, step in figure.skips}))
    if len(skips):
        marks = chart.ticks(chart.apart(frame.x(skips), 10), frame.foot, 6)
        parts.append(_group("at", figure.arm, f'<path class="tick" d="{marks}"/>'))
    parts.append(_group("at", figure.arm, "".join(_marks(frame, figure.letter, figure.marks, {}))))
    return chart.chart(frame, parts, label=figure.words)


def _stairs(frame: Frame, points: Points) -> str:
    """A line that keeps its value until the next one."""
    import numpy as np

    steps, values = _columns(points)
    x, y = frame.x(steps), frame.y(values)
    return chart.polyline(np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]) if len(x) > 1 else chart.polyline(x, y)
