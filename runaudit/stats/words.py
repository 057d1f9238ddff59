"""The answer for a reader: the verdict in words first, then the table it rests on. Text and Markdown say the
same.
"""

from collections.abc import Sequence

from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
from runaudit.stats.digits import bare_p, decimals, percent, show, show_p

_HEADINGS = {
    StatsVerdict.IMPROVED: "Improved",
    StatsVerdict.REGRESSED: "Worse",
    StatsVerdict.EQUIVALENT: "Equivalent",
    StatsVerdict.INCONCLUSIVE: "Inconclusive",
    StatsVerdict.TOO_FEW_SEEDS: "Too few seeds",
    StatsVerdict.NOT_ATTRIBUTABLE: "Not attributable",
}
_LABEL = 18  # where the figures begin in a line of a comparison


def headline(answer: StatsAnswer) -> str:
    """The verdict and its reason, on one line."""
    return f"{_HEADINGS[answer.verdict]}: {answer.reason}"


def text_view(answer: StatsAnswer) -> str:
    """For the terminal; no colour, no control characters, lines end in a newline."""
    lines = [headline(answer), ""]
    header, *rows = _table(answer)
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    if spread := _spread_lines(answer):
        lines += ["", *spread]
    for comparison in answer.comparisons:
        lines += ["", *_comparison_lines(comparison, answer)]
    if answer.interaction is not None:
        lines += ["", f"Interaction: {answer.interaction.reason}"]
    if answer.notes:
        lines += ["", "Notes", *(f"- {note}" for note in answer.notes)]
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown_view(answer: StatsAnswer) -> str:
    """For a pull request or a page; labels are escaped, so that a name can be no markup."""
    header, *rows = [[escaped(cell) for cell in row] for row in _table(answer)]
    lines = [f"**{_HEADINGS[answer.verdict]}**: {escaped(answer.reason)}", ""]
    lines += [_row(header), _row(["---", *["---:"] * (len(header) - 1)]), *(_row(row) for row in rows)]
    if spread := _spread_lines(answer):
        lines += ["", *(f"- {escaped(line)}" for line in spread)]
    for comparison in answer.comparisons:
        first, *others = _comparison_lines(comparison, answer)
        lines += ["", f"**{escaped(first)}**", ""]
        lines += [f"- {line[:_LABEL].strip()}: {escaped(line[_LABEL:])}" for line in others]
    if answer.interaction is not None:
        lines += ["", f"**Interaction**: {escaped(answer.interaction.reason)}"]
    if answer.notes:
        lines += ["", "Notes", "", *(f"- {escaped(note)}" for note in answer.notes)]
    return "".join(f"{line}\n" for line in lines)


def _table(answer: StatsAnswer) -> list[list[str]]:
    level = percent(1 - answer.alpha)
    sequences = _sequence_names(answer)
    header = ["arm", "n", answer.metric, "sd", f"{level} CI", *sequences]
    # One number of decimals for the column: that of the steadiest arm.
    places = decimals(min((arm.sd for arm in answer.arms if arm.sd), default=None))
    return [header, *(_arm_row(arm, sequences, places=places) for arm in answer.arms)]


def _arm_row(arm: ArmSummary, sequences: Sequence[str], *, places: int | None) -> list[str]:
    n = str(arm.n) if arm.n == arm.used else f"{arm.used} of {arm.n}"
    per_sequence = {s.sequence: s.mean for s in arm.components.sequences} if arm.components else {}
    return [
        arm.label,
        n,
        _mean_or_values(arm, places),
        show(arm.sd, places),
        _range(arm.ci.low, arm.ci.high, places) if arm.ci else "–",
        *(show(per_sequence.get(name), places) for name in sequences),
    ]


def _mean_or_values(arm: ArmSummary, places: int | None) -> str:
    if arm.ci is not None or arm.n > 3:
        return show(arm.mean, places)
    # Below three seeds a mean would pretend to stand for more than its values.
    return ", ".join(show(value, places) for value in arm.values)


def _sequence_names(answer: StatsAnswer) -> list[str]:
    names = (s.sequence for arm in answer.arms if arm.components for s in arm.components.sequences)
    return list(dict.fromkeys(names))


def _spread_lines(answer: StatsAnswer) -> list[str]:
    """Where the spread of each arm comes from, seeds x sequences."""
    return [
        f"{arm.label}: sd between seeds {show(parts.seed_sd, decimals(parts.residual_sd))}, "
        f"seed x sequence {show(parts.residual_sd, decimals(parts.residual_sd))}"
        for arm in answer.arms
        if (parts := arm.components) is not None and parts.seed_sd is not None
    ]


def _comparison_lines(comparison: ArmComparison, answer: StatsAnswer) -> list[str]:
    lines = [f"{comparison.arm} against {comparison.baseline}"]
    if len(answer.comparisons) > 1:
        lines[0] += f": {_HEADINGS[comparison.verdict].lower()}"
    ci = comparison.ci
    if ci is None:
        lines.append("  difference      not tested")
        return lines
    places = decimals((ci.high - ci.low) / 4)
    adjusted = f", corrected p {show_p(comparison.p_adjusted)}" if len(answer.comparisons) > 1 else ""
    lines.append(
        f"  difference      {show(comparison.difference, places)} ({percent(ci.level)} CI "
        f"{_range(ci.low, ci.high, places)}, {comparison.method}, p {show_p(comparison.p)}{adjusted})"
    )
    lines.append(
        f"  could be seen   {show(comparison.minimal_detectable_effect, places)} or more "
        f"({percent(answer.power)} chance, at this spread)"
    )
    odds = comparison.probability_of_improvement
    lines.append(
        f"  size            Hedges g {show(comparison.effect_size, 2)}; a run of {comparison.arm} beats one "
        f"of {comparison.baseline} in {percent(odds or 0.0)} of pairs"
    )
    lines += _companion_lines(comparison, places)
    return lines


def _companion_lines(comparison: ArmComparison, places: int | None) -> list[str]:
    lines = []
    if comparison.dunnett_p is not None:
        lines.append(f"  all together    Dunnett p {show_p(comparison.dunnett_p)} (takes one spread for all arms)")
    if comparison.permutation_p is not None:
        lines.append(
            f"  exact labels    p {show_p(comparison.permutation_p)} (smallest reachable "
            f"{comparison.smallest_reachable_p:.2g}); without any one seed p at most "
            f"{bare_p(comparison.drop_one_p or 0.0)}"
        )
    if comparison.ci_bca is not None:
        lines.append(f"  BCa bootstrap   {_range(comparison.ci_bca.low, comparison.ci_bca.high, places)}")
    if comparison.sequences:
        told = ", ".join(f"{name} {show(value, places)}" for name, value in comparison.sequences)
        lines.append(f"  per sequence    {told}")
    return lines


def _range(low: float, high: float, places: int | None) -> str:
    return f"{show(low, places)} to {show(high, places)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def printable(line: str) -> str:
    """Labels come from strangers: no escape sequence reaches the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def escaped(cell: str) -> str:
    """Text in Markdown that is text: no name can be markup."""
    text = printable(cell).replace("&", "&amp;").replace("<", "&lt;")
    for letter in "\\`*_[]|":
        text = text.replace(letter, f"\\{letter}")
    return text
