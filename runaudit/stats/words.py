"""The answer for a reader: the verdict in words first, then the table it rests on. Text and Markdown say the same."""

from collections.abc import Iterator, Sequence

from runaudit.stats.answer import ArmComparison, ArmSummary, StatsAnswer, StatsVerdict
from runaudit.stats.digits import bare_p, decimals, percent, show, show_p
from runaudit.stats.told import among, result_text
from runaudit.stats.values import MIN_SEEDS
from runaudit.text.markdown import bullets, escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import Tone, verdict_words
from runaudit.text.words import columns, listed, resting_on


def headline(answer: StatsAnswer) -> str:
    """The verdict and its reason, on one line; of foreign records, what they show, and what it rests on besides."""
    return printable(f"{heading(answer)}: {reason(answer)}")  # A label may hold a line of its own.


def is_told_as_recorded(answer: StatsAnswer) -> bool:
    """Whether what others recorded comes first: they have no place for what is missing, or the user vouches for it."""
    says_more = answer.conditional not in (None, StatsVerdict.NOT_ATTRIBUTABLE)
    return says_more and bool(answer.design.on_record or answer.assumed)


def heading(answer: StatsAnswer) -> str:
    """The verdict in words. Where the arms did not all do the same, what each did: one word for all of them would call
    an arm that improved and one that became worse inconclusive, which neither of them is."""
    if not is_told_as_recorded(answer) or answer.conditional is None:
        return _each_arm(answer.verdict, [(row.verdict, row.arm) for row in answer.comparisons])
    held = _each_arm(answer.conditional, [(row.conditional or row.verdict, row.arm) for row in answer.comparisons])
    return f"{held} {condition_of(answer)}"


def _each_arm(verdict: StatsVerdict, rows: Sequence[tuple[StatsVerdict, str]]) -> str:
    did: dict[StatsVerdict, list[str]] = {}
    for own, arm in rows:
        did.setdefault(own, []).append(arm)
    if len(did) < 2:
        return verdict_words("stats", verdict).heading
    told = ", ".join(f"{verdict_words('stats', own).words} ({listed(arms)})" for own, arms in did.items())
    return told[:1].upper() + told[1:]


def condition_of(answer: StatsAnswer) -> str:
    """What an answer on foreign records rests on."""
    return resting_on(answer.design.on_record or "what is recorded", listed(answer.assumed, limit=99))


def reason(answer: StatsAnswer) -> str:
    """Why, in words; of foreign records, what they show and what is not on record."""
    if not is_told_as_recorded(answer):
        if answer.conditional in (None, answer.verdict):
            return answer.reason
        return f"{answer.reason} (conditional: {verdict_words('stats', answer.conditional).words})"
    if answer.assumed:
        return answer.conditional_reason
    gaps = f"not on record: {listed(answer.design.missing)}"
    return f"{answer.conditional_reason} ({verdict_words('stats', answer.verdict).words} yet; {gaps})"


def _colour(answer: StatsAnswer) -> str:
    """What rests on a condition is never shown as a clean pass."""
    if not is_told_as_recorded(answer) or answer.conditional is None:
        return verdict_words("stats", answer.verdict).tone.colour
    tone = verdict_words("stats", answer.conditional).tone
    return (Tone.DOUBT if tone is Tone.GOOD else tone).colour


def text_lines(answer: StatsAnswer, *, paint: Paint = UNPAINTED) -> Iterator[str]:
    """For the terminal, without control characters."""
    yield paint(printable(headline(answer)), BOLD + _colour(answer))
    yield ""
    yield from map(printable, columns(_table(answer), left=1))
    if spread := _spread_lines(answer):
        yield from ("", *map(printable, spread))
    for comparison in answer.comparisons:
        rows = _figures(comparison, answer)
        width = max(len(name) for name, _ in rows)
        yield from ("", printable(_against(comparison, answer)))
        yield from (printable(f"  {name:<{width}}  {figures}") for name, figures in rows)
    if answer.interaction is not None:
        yield from ("", printable(f"Interaction: {answer.interaction.reason}"))
    if answer.notes:
        yield from ("", "Notes", *(printable(f"- {note}") for note in answer.notes))


def markdown_lines(answer: StatsAnswer) -> Iterator[str]:
    """For a pull request or a page; labels are escaped, so that a name can be no markup."""
    yield f"**{escaped(heading(answer))}**: {escaped(reason(answer))}"
    header, *rows = _table(answer)
    yield from ("", *table(header, rows, right=1))
    if spread := _spread_lines(answer):
        yield from ("", *bullets(spread))
    for comparison in answer.comparisons:
        yield from ("", f"**{escaped(_against(comparison, answer))}**", "")
        yield from bullets(f"{name}: {figures}" for name, figures in _figures(comparison, answer))
    if answer.interaction is not None:
        yield from ("", f"**Interaction**: {escaped(answer.interaction.reason)}")
    if answer.notes:
        yield from ("", "Notes", "", *bullets(answer.notes))


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


def arm_text(arm: ArmSummary, places: int | None) -> str:
    """What stands for an arm, by the one rule of page, terminal and list."""
    of = arm.survivors or arm
    lost = len(arm.failed) + len(arm.missing)
    return result_text(arm.counting, n=arm.used, mean=of.mean, sd=of.sd, lost=lost, places=places)


def _mean_or_values(arm: ArmSummary, places: int | None) -> str:
    if arm.survivors is None and arm.used >= MIN_SEEDS:
        return show(arm.mean, places)  # Its spread has a column.
    return arm_text(arm, places)


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


def _against(comparison: ArmComparison, answer: StatsAnswer) -> str:
    """Whose figures follow, and what was found where several are judged."""
    found = ""
    if len(answer.comparisons) > 1:
        found = f": {verdict_words('stats', comparison.verdict).words}"
        held = comparison.conditional and verdict_words("stats", comparison.conditional).words
        found += f" (conditional: {held})" if held else ""
    return f"{comparison.arm} against {comparison.baseline}{found}"


def _figures(comparison: ArmComparison, answer: StatsAnswer) -> list[tuple[str, str]]:
    """What a comparison rests on: (name, figures), the test first."""
    ci = comparison.ci
    if ci is None:
        return [("difference", "not tested")]
    places = decimals((ci.high - ci.low) / 4)
    adjusted = among(comparison, answer.family, places)
    spread = f"{percent(ci.level)} CI {_range(ci.low, ci.high, places)}"
    odds = percent(comparison.probability_of_improvement or 0.0)
    beats = f"a run of {comparison.arm} beats one of {comparison.baseline} in {odds} of pairs"
    detectable = f"{show(comparison.minimal_detectable_effect, places)} ({percent(answer.power)} power)"
    test = f"{comparison.method}, p {show_p(comparison.p)}{adjusted}"
    return [
        ("difference", f"{show(comparison.difference, places)} ({spread}, {test})"),
        ("minimum detectable difference", detectable),
        ("size", f"Hedges g {show(comparison.effect_size, 2)}; {beats}"),
        *_companions(comparison, places),
    ]


def _companions(comparison: ArmComparison, places: int | None) -> Iterator[tuple[str, str]]:
    """What stands beside the test, and decides nothing."""
    if comparison.dunnett_p is not None:
        yield "Dunnett p", f"{show_p(comparison.dunnett_p).removeprefix('= ')} (assumes equal variances)"
    if comparison.permutation_p is not None:
        without = f"without any one seed p at most {bare_p(comparison.drop_one_p or 0.0)}"
        yield "permutation test", f"p {show_p(comparison.permutation_p)} ({_counted(comparison)}); {without}"
    if comparison.ci_bca is not None:
        yield "BCa bootstrap", _range(comparison.ci_bca.low, comparison.ci_bca.high, places)
    if comparison.sequences:
        yield "per sequence", ", ".join(f"{name} {show(value, places)}" for name, value in comparison.sequences)


def _counted(comparison: ArmComparison) -> str:
    """Whether the permutation test is exact, and the smallest p that it could have said."""
    drawn = comparison.permutation_drawn
    how = f"{drawn} arrangements drawn, each tail (b + 1) / (m + 1)" if drawn else "exact"
    return f"{how}; smallest permutation p {comparison.smallest_permutation_p:.2g}"


def _range(low: float, high: float, places: int | None) -> str:
    return f"{show(low, places)} to {show(high, places)}"
