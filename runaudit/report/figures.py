"""View-model -> inline SVG. The home of matplotlib.

Figures are small and many rather than large and few, so that a telephone shows them at reading size. Colours are CSS
variables of the page, so that one drawing serves light, dark and paper; texts stay texts. The same view gives the same
bytes: the salt of ids is fixed, no date is written, and the user's own matplotlib settings are set aside.
"""

import html
import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from runaudit.report.series import Band, Line, Point
from runaudit.report.views.curves import CurveFigure
from runaudit.report.views.scaler import LINES, ScalerFigure
from runaudit.report.views.scores import ScoreFigure
from runaudit.report.words import number

WIDTH, HEIGHT = 400, 250
"""In points; one point is one CSS pixel at the drawn size."""
FONT = 11
ARM_COLOURS = 6
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.2, 1.5)))
"""One per seed; further seeds start again."""

_FAR = 2.0**120
"""Loss scales beyond this, up or down, are drawn at the edge."""

_VAST = 1e100
"""Values beyond this, up or down, are drawn at the edge: an axis has to be able to reach past them."""

# Colours that no figure uses for itself stand for the page's variables and are exchanged in the finished drawing.
INK, MUTED, GRID, _BAND, _PAPER, _BAD = (f"#01010{n}" for n in range(1, 7))
ARM_STYLES = tuple(f"#02020{n}" for n in range(ARM_COLOURS))
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--rule)",
    _BAND: "var(--band)",
    _PAPER: "var(--paper)",
    _BAD: "var(--bad)",
    **{colour: f"var(--arm-{n})" for n, colour in enumerate(ARM_STYLES)},
}
_RC = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "path.simplify": False,
    "font.size": FONT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "text.color": INK,
}


def draw_scores(figure: ScoreFigure) -> str:
    """One sequence: a point per seed, a colour and marker per arm, a line per baseline."""

    from matplotlib.ticker import MaxNLocator

    def paint(axes: Any) -> None:
        for index, (_, values) in enumerate(figure.arms):
            dots(axes, index, [_near(value) for _, value in values])
        for index, value in enumerate(figure.one_frame):
            if value is not None:
                colour = ARM_STYLES[index % ARM_COLOURS]
                axes.plot(
                    [index - 0.34, index + 0.34], [value, value], color=colour, linewidth=1, linestyle=(0, (3, 1.5))
                )
        for line in figure.references:
            axes.axhline(line.value, color=INK, linewidth=0.8, linestyle=_reference_dash(line.key), zorder=1)
        axes.set_xlim(-0.6, max(0.6, len(figure.arms) - 0.4))
        axes.set_xticks(range(len(figure.arms)), figure.ticks)
        axes.tick_params(axis="x", length=0)
        axes.margins(y=0.08)
        axes.set_ylabel("PSNR (dB)")
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
        axes.grid(axis="y", color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        _end_labels(axes, [(line.value, f"{_short(line.key)} {number(line.value)}") for line in figure.references])

    return as_svg(paint, f"scores-{figure.sequence}", figure.words, right=0.74)


def dots(axes: Any, index: int, values: Sequence[float], *, place: int | None = None) -> None:
    """A point a run at `index`; `place` on the page gives colour and mark, where that is another."""
    kind = index if place is None else place
    spread = min(0.5, 0.14 * max(0, len(values) - 1))
    offsets = [spread * (n / max(1, len(values) - 1) - 0.5) for n in range(len(values))]
    axes.plot(
        [index + offset for offset in offsets],
        values,
        linestyle="none",
        marker=MARKERS[kind % len(MARKERS)],
        markersize=7,
        markerfacecolor=ARM_STYLES[kind % ARM_COLOURS],
        markeredgecolor=_PAPER,
        markeredgewidth=0.7,
        zorder=3,
    )


def _short(key: str) -> str:
    return {"ibp": "IBP"}.get(key, key.replace("_", " ")[:12])


def _reference_dash(key: str) -> Any:
    return {"bicubic": (0, (4, 2)), "ibp": (0, (1, 1.5))}.get(key, (0, (6, 2, 1, 2)))


def _end_labels(axes: Any, labels: Sequence[tuple[float, str]]) -> None:
    """Texts at the right end of lines, pushed apart so that none covers another."""
    low, high = axes.get_ylim()
    gap = (high - low) * FONT * 1.15 / (HEIGHT * 0.7)
    at = float("-inf")
    for value, text in sorted(labels):
        at = max(value, at + gap)
        axes.annotate(
            text,
            xy=(1, value),
            xytext=(1.02, at),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=FONT - 1,
            annotation_clip=False,
        )


def draw_curves(figure: CurveFigure, words: str) -> str:
    """One series of one arm: every value thin, its running median thick, stages as bands, non-finite steps crossed."""

    def paint(axes: Any) -> None:
        _bands(axes, figure.bands, figure.last_step)
        for index, line in enumerate(figure.lines):
            _line(axes, line, index, colour=ARM_STYLES[figure.arm % ARM_COLOURS])
        for step in figure.resumes:
            axes.axvline(step, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
        if figure.is_log:
            axes.set_yscale("log")
        low, high = _near(figure.low), _near(figure.high)
        pad = (high / low) ** 0.06 if figure.is_log else (high - low) * 0.06
        low, high = (low / pad, high * pad**1.6) if figure.is_log else (low - pad, high + 1.6 * pad)
        if not high > low:
            low, high = low - abs(low) * 0.05, low + (abs(low) * 0.05 or 1.0)
        axes.set_ylim(low, high)
        value_ticks(axes, low, high, is_log=figure.is_log)
        _steps(axes, figure.last_step)
        if figure.missing:
            axes.text(0.5, 0.5, figure.missing, transform=axes.transAxes, ha="center", color=MUTED)

    return as_svg(paint, f"{figure.series}-{figure.arm}", words)


def _near(value: float) -> float:
    return max(-_VAST, min(_VAST, value))


def _drawn(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """Steps and values as an axis takes them."""
    return [_near(step) for step, _ in points], [_near(value) for _, value in points]


def _line(axes: Any, line: Line, index: int, *, colour: str) -> None:
    dash = DASHES[index % len(DASHES)]
    has_trend = any(line.trends)
    for segment in line.segments:
        thin = {"linewidth": 0.5, "alpha": 0.35} if has_trend else {"linewidth": 1.1, "linestyle": dash}
        marks = {"marker": ".", "markersize": 3} if len(segment) <= 30 else {}
        axes.plot(*_drawn(segment), color=colour, zorder=2, **thin, **marks)
    for trend in filter(None, line.trends):
        axes.plot(*_drawn(trend), color=colour, linewidth=1.3, linestyle=dash, zorder=3)
    if line.non_finite:
        steps = [step for step, _ in line.non_finite]
        top = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        axes.plot(steps, [0.02] * len(steps), linestyle="none", marker="x", color=_BAD, markersize=5, zorder=4, **top)


def _bands(axes: Any, bands: Sequence[Band], last_step: int) -> None:
    """Alternating tints, with the stage's name where it fits and its number where it does not."""
    span = max(1, last_step)
    for index, band in enumerate(bands):
        if index % 2 == 0:
            axes.axvspan(band.start, band.end, color=_BAND, linewidth=0, zorder=0)
        room = (band.end - band.start) / span * WIDTH * 0.8
        text = band.name.replace("_", " ")
        label = text if len(text) * FONT * 0.55 < room else str(index + 1)
        axes.text(
            (band.start + band.end) / 2,
            1.0,
            plain_number(label),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=FONT - 1,
            color=MUTED,
        )


def value_ticks(axes: Any, low: float, high: float, *, is_log: bool) -> None:
    """Ticks of an axis of values, in the words the page writes numbers in."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    wide = is_log and high / low > 30
    axes.yaxis.set_major_locator(
        LogLocator(base=10, numticks=6)
        if wide
        else LogLocator(base=10, subs=(1, 2, 5), numticks=8)
        if is_log and high / low > 6
        else MaxNLocator(5, steps=(1, 2, 2.5, 5, 10))
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _tick(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def _steps(axes: Any, last_step: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, _near(max(1, last_step)) * 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}")
    )
    axes.set_xlabel("step")


def draw_scaler(figure: ScalerFigure) -> str:
    """The loss scale on a log2 axis, the lines at 16384 and 1024, and a mark below for every skipped step."""
    low, high = max(min(figure.low, LINES[-1]), _FAR**-1), min(max(figure.high, LINES[0]), _FAR)

    def paint(axes: Any) -> None:
        axes.set_yscale("log", base=2)
        axes.set_ylim(low / 2.6, high * 2)
        axes.set_autoscale_on(False)
        _bands(axes, figure.bands, figure.last_step)
        for index, line in enumerate(figure.lines):
            points = [point for point in line.finite if point[1] > 0]
            dash = DASHES[index % len(DASHES)]
            if points:
                colour = ARM_STYLES[figure.arm % ARM_COLOURS]
                axes.step(*zip(*points, strict=True), where="post", color=colour, linewidth=1.3, linestyle=dash)
        for limit, style in zip(LINES, ((0, (4, 2)), "solid"), strict=True):
            axes.axhline(limit, color=_BAD, linewidth=0.8, linestyle=style, zorder=1)
        _scale_ticks(axes, low, high)
        _steps(axes, figure.last_step)
        _end_labels_log(axes)
        marks = axes.get_xaxis_transform()
        for seed, step in figure.skips:
            axes.plot([step, step], [0.01, 0.045], color=INK, linewidth=0.7, transform=marks, zorder=4 + seed % 2)

    return as_svg(paint, f"scaler-{figure.arm}", figure.words, right=0.87)


def _scale_ticks(axes: Any, low: float, high: float) -> None:
    """Powers of two that are even fractions of the first scale, 65536; at most six."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    first, last = math.floor(math.log2(low)), math.ceil(math.log2(high))
    stride = next(stride for stride in (2, 4, 8, 16, 32, 64) if (last - first) / stride <= 6)
    exponents = [e for e in range(first - 1, last + 1) if e % stride == 16 % stride]
    axes.yaxis.set_major_locator(FixedLocator([2.0**e for e in exponents]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _end_labels_log(axes: Any) -> None:
    for limit in LINES:
        axes.annotate(
            str(limit),
            xy=(1.015, limit),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=FONT - 1,
            color=_BAD,
            annotation_clip=False,
        )


# ── from a painting to markup ────────────────────────────────────────────────────────────────────────────────────


def as_svg(paint: Callable[[Any], None], key: str, words: str, *, right: float = 0.97) -> str:
    """A drawing as the SVG text of the page; `key` makes its ids its own, `words` say what it shows."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the measuring font lacks is drawn by the reader's own fonts all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC | {"svg.hashsalt": key})
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_axes((0.135, 0.17, right - 0.135, 0.73))
        axes.patch.set_alpha(0)
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), key, words)


def plain_number(text: str, room: int = 24) -> str:
    """Text for a figure: short, because there is room for little."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _inline(svg: str, key: str, words: str) -> str:
    """The drawing without what only a file needs, with the page's colours, and with ids that are the page's alone."""
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    for tag in ("metadata", "style"):
        body = re.sub(rf"<{tag}\b.*?</{tag}>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = _scoped(body, re.sub("[^a-z0-9]+", "-", key.lower()).strip("-"))
    body = re.sub(r' (?:d|x|y|width|height|transform)="[^"]*"', _rounded, body)
    body = re.sub(r"\n\s*\n+", "\n", body).strip()
    # The explanation comes first, where screen readers look for it.
    label = html.escape(words, quote=True)
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">\n{body}\n</svg>'


def _scoped(body: str, slug: str) -> str:
    used = set(re.findall(r'(?:url\(#|href="#)([\w.-]+)', body))
    body = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{slug}-{m[1]}"' if m[1] in used else "", body)
    return re.sub(r'(url\(#|href="#)([\w.-]+)', lambda m: f"{m[1]}{slug}-{m[2]}", body)


def _rounded(match: re.Match[str]) -> str:
    """Two digits after the point: a hundredth of a pixel."""
    return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), match[0])
