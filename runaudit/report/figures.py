"""Results per seed -> inline SVG. The home of matplotlib. (Curves are drawn by `drawings`.)

Figures are small and many rather than large and few, so that a telephone shows them at reading size. Colours are CSS
variables of the page, so that one drawing serves light, dark and paper; texts stay texts. The same view gives the same
bytes: the salt of ids is fixed, no date is written, and the user's own matplotlib settings are set aside.
"""

import html
import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from runaudit.report.axis import told_apart
from runaudit.report.views.scores import ScoreFigure
from runaudit.report.words import MINUS, number, powers

WIDTH, HEIGHT = 400, 250
"""In points; one point is one CSS pixel at the drawn size."""
FONT = 11
ARM_COLOURS = 6
MARKERS = ("o", "s", "^", "D", "v", "P")


def marker_of(place: int) -> str:
    """The mark of an arm: the seventh has the colour of the first, and another mark."""
    return MARKERS[(place + place // len(MARKERS)) % len(MARKERS)]


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
            lost = figure.beside[index] if figure.beside else ()
            dots(axes, index, [_near(value) for _, value in values], beside=[_near(value) for _, value in lost])
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


def dots(
    axes: Any, index: int, values: Sequence[float], *, place: int | None = None, beside: Sequence[float] = ()
) -> None:
    """A point a run at `index`; `place` on the page gives colour and mark, where that is another. beside: values of
    runs that gave no result, as hollow marks."""
    kind = index if place is None else place
    of = len(values) + len(beside)
    spread = min(0.5, 0.14 * max(0, of - 1))
    offsets = [spread * (n / max(1, of - 1) - 0.5) for n in range(of)]
    colour = ARM_STYLES[kind % ARM_COLOURS]
    for own, at, inside, edge, wide in (
        (values, offsets[: len(values)], colour, _PAPER, 0.7),
        (beside, offsets[len(values) :], "none", colour, 1.4),
    ):
        if own:
            axes.plot(
                [index + offset for offset in at],
                own,
                linestyle="none",
                marker=marker_of(kind),
                markersize=7,
                markerfacecolor=inside,
                markeredgecolor=edge,
                markeredgewidth=wide,
                zorder=3,
            )


def _short(key: str) -> str:
    return {"ibp": "IBP", "registered_median": "median"}.get(key, key.replace("_", " ")[:12])


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


def _near(value: float) -> float:
    return max(-_VAST, min(_VAST, value))


def value_ticks(axes: Any, times: float = 1.0, *, along: str = "y") -> None:
    """Ticks of an axis of values, in the words the page writes numbers in. times: what the values were multiplied by to
    be drawn; along: which axis has them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    axis, limits = (axes.yaxis, axes.get_ylim()) if along == "y" else (axes.xaxis, axes.get_xlim())
    axis.set_major_locator(MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)))
    # Marks that stand apart are written apart, be they 1e9 and 1e9 + 1.
    digits = max(6, told_apart(*limits))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value / times, digits)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())
    axes.grid(axis=along, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _tick(value: float, digits: int) -> str:
    return powers(f"{value:.{digits}g}").replace("-", MINUS)


# ── from a painting to markup ────────────────────────────────────────────────────────────────────────────────────


def as_svg(
    paint: Callable[[Any], None],
    key: str,
    words: str,
    *,
    left: float = 0.135,
    right: float = 0.97,
    height: int = HEIGHT,
) -> str:
    """A drawing as the SVG text of the page; `key` makes its ids its own, `words` say what it shows. left, right: of
    the width, where the axes are; height: in points."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the measuring font lacks is drawn by the reader's own fonts all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC | {"svg.hashsalt": key})
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_axes((left, 0.17 * HEIGHT / height, right - left, 1 - 0.27 * HEIGHT / height))
        axes.patch.set_alpha(0)
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), key, words, height)


def plain_number(text: str, room: int = 24) -> str:
    """Text for a figure: short, because there is room for little."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _inline(svg: str, key: str, words: str, height: int) -> str:
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
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">\n{body}\n</svg>'


def _scoped(body: str, slug: str) -> str:
    used = set(re.findall(r'(?:url\(#|href="#)([\w.-]+)', body))
    body = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{slug}-{m[1]}"' if m[1] in used else "", body)
    return re.sub(r'(url\(#|href="#)([\w.-]+)', lambda m: f"{m[1]}{slug}-{m[2]}", body)


def _rounded(match: re.Match[str]) -> str:
    """Two digits after the point: a hundredth of a pixel."""
    return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), match[0])
