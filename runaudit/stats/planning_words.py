"""A plan for a reader: the number of seeds first, then the table of what each number of seeds can see."""

from collections.abc import Iterator

from runaudit.stats.digits import decimals, percent, show
from runaudit.stats.planning import SeedPlan, notes
from runaudit.stats.power import MAX_SEEDS
from runaudit.text.markdown import bullets, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.words import columns


def headline(plan: SeedPlan) -> str:
    """The answer on one line."""
    if plan.effect is None:
        three = plan.table[0]
        return (
            f"{three.n} seeds per arm: minimum detectable difference {show(three.detectable)} "
            f"({percent(plan.power)} power, seed sd {show(plan.spread.sd)})."
        )
    asked = f"a true difference of {show(abs(plan.effect))} with {percent(plan.power)} power"
    if plan.n_needed is None:
        return f"More than {MAX_SEEDS} seeds per arm would be needed to find {asked}."
    return f"{plan.n_needed} seeds per arm find {asked} (seed sd {show(plan.spread.sd)})."


def text_lines(plan: SeedPlan, *, paint: Paint = UNPAINTED) -> Iterator[str]:
    """For the terminal."""
    yield paint(printable(headline(plan)), BOLD)
    yield from ("", *columns(_table(plan)), "", "Notes", *(printable(f"- {note}") for note in notes(plan)))


def markdown_lines(plan: SeedPlan) -> Iterator[str]:
    """For a page or a pull request."""
    header, *rows = _table(plan)
    yield f"**{escaped(headline(plan))}**"
    yield from ("", *table(header, rows, right=0), "", "Notes", "", *bullets(notes(plan)))


def _table(plan: SeedPlan) -> list[list[str]]:
    header = ["seeds per arm", f"minimum detectable difference ({percent(plan.power)} power)"]
    if plan.effect is not None:
        header.append(f"power for {show(abs(plan.effect))}")
    header.append("smallest permutation p")
    places = decimals(plan.table[-1].detectable)
    rows = []
    for row in plan.table:
        power = [] if row.power is None else ["> 99 %" if row.power > 0.99 else f"{100 * row.power:.0f} %"]
        rows.append([str(row.n), show(row.detectable, places), *power, f"{row.smallest_reachable_p:.2g}"])
    return [header, *rows]
