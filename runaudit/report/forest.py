"""The effect of each factor with its interval, one under the other: what moved the metric stands away from zero."""

from typing import Any

from runaudit.report.figures import ARM_STYLES, GRID, HEIGHT, INK, MUTED, as_svg, plain_number, value_ticks
from runaudit.report.views.untangled import UntangledView

_ROOM = 30
_ROW = 22
"""Points of height that one factor takes."""


def draw_forest(view: UntangledView) -> str:
    """The figure as inline SVG; the same view gives the same bytes."""
    rows = view.drawn

    def paint(axes: Any) -> None:
        for place, row in enumerate(reversed(rows)):
            colour = ARM_STYLES[0] if row.named else MUTED
            axes.plot(row.ci, [place, place], color=colour, linewidth=2.2 if row.named else 1.2, zorder=2)
            axes.plot([row.effect], [place], marker="o" if row.named else "D", markersize=6 if row.named else 4,
                      markerfacecolor=colour, markeredgecolor=INK, markeredgewidth=0.6, zorder=3)  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8, dashes=(4, 2), zorder=1)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_yticks(range(len(rows)), [plain_number(row.name.short, _ROOM) for row in reversed(rows)])
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.06)
        value_ticks(axes, along="x")
        axes.grid(axis="x", color=GRID, linewidth=0.5)
        about = view.metric
        axes.set_xlabel(plain_number(f"effect on {about.words}" + (f" ({about.unit})" if about.unit else ""), 44))

    height = max(HEIGHT // 2, 60 + _ROW * len(rows))
    return as_svg(paint, f"forest-{view.metric.name}-{view.sides}", view.words, left=0.42, height=height)
