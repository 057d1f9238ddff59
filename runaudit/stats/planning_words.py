"""A plan for a reader: the number of seeds first, then the table of what each number of seeds can see."""

from runaudit.stats.digits import decimals, percent, show
from runaudit.stats.planning import SeedPlan, headline, notes


def text_view(plan: SeedPlan) -> str:
    """For the terminal."""
    header, *rows = _table(plan)
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [headline(plan), ""]
    lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in (header, *rows)]
    lines += ["", "Notes", *(f"- {note}" for note in notes(plan))]
    return "".join(f"{line}\n" for line in lines)


def markdown_view(plan: SeedPlan) -> str:
    """For a page or a pull request."""
    header, *rows = _table(plan)
    lines = [f"**{headline(plan)}**", "", _row(header), _row(["---:"] * len(header)), *(_row(row) for row in rows)]
    lines += ["", "Notes", "", *(f"- {note}" for note in notes(plan))]
    return "".join(f"{line}\n" for line in lines)


def _table(plan: SeedPlan) -> list[list[str]]:
    header = ["seeds per arm", f"seen with {percent(plan.power)}"]
    if plan.effect is not None:
        header.append(f"chance for {show(abs(plan.effect))}")
    header.append("smallest p of the labels")
    places = decimals(plan.table[-1].detectable)
    rows = []
    for row in plan.table:
        chance = [] if row.power is None else ["> 99 %" if row.power > 0.99 else f"{100 * row.power:.0f} %"]
        rows.append([str(row.n), show(row.detectable, places), *chance, f"{row.smallest_reachable_p:.2g}"])
    return [header, *rows]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
