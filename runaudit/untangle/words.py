"""An answer of `untangle` in words and tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runaudit.stats.digits import decimals, percent, show, show_p
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, DIM, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import columns, listed, plural
from runaudit.untangle.finding import ATTRIBUTED, NO_DIFFERENCE, Part
from runaudit.untangle.trial import spent

if TYPE_CHECKING:
    from runaudit.untangle.answer import UntangleAnswer

WHY = {
    "no spread": "Runs of one cell gave equal numbers whatever their seed: nothing says what chance does.",
    "ends fail": "A and B fail too often here to be compared.",
    "closing": "Not every factor that stood out did so again when all of them were run in every combination.",
    "looks": "The runs of a plan are used up.",
    "budget": "The budget is used up.",
}


def headline(answer: "UntangleAnswer") -> str:
    """The verdict in one line."""
    plan = answer.plan
    if answer.finding is None and answer.runs:
        return (
            f"unfinished: {plural(len(answer.runs), 'run')} of the plan are kept; `runaudit untangle` goes on from them"
        )
    if answer.finding is None:
        return f"planned: {plural(len(plan.units), 'factor')} to untangle on {plan.metric}; nothing was run"
    word = verdict_words("untangle", answer.verdict).words
    if answer.verdict == ATTRIBUTED:
        return f"{word}: {listed(answer.named)} moved {plan.metric}"
    if answer.failing:
        names = [str(row["factor"]) for row in answer.failing]
        return f"{word}: {listed(names)} {'makes' if len(names) == 1 else 'together or alone make'} runs fail"
    if answer.verdict == NO_DIFFERENCE:
        return f"{word}: A and B do not differ in {plan.metric} here"
    named = f"{listed(answer.named)} moved {plan.metric}; " if answer.named else ""
    left = listed([" + ".join(group) for group in answer.open])
    return f"{word}: {named}{left} could not be told" if left else f"{word}: {named or plan.metric}"


def reasons(answer: "UntangleAnswer") -> Iterator[str]:
    """The verdict in sentences."""
    plan, finding = answer.plan, answer.finding
    if finding is None:
        return
    places = decimals(answer.spread)
    for one in answer.effects:
        if one.named:
            size, ci = show(one.effect, places), _ci(one.ci, places)
            yield f"{one.name} moved {plan.metric} by {size} ({ci}, p {show_p(one.p)})."
    for pair in finding.pairs:
        if pair.acts:
            first, second = (plan.units[unit].name for unit in pair.units)
            size = show(pair.effect, places)
            yield f"The effect of {first} changes by {size} with {second}: neither has one effect of its own."
    yield from (_inside(answer, part) for part in finding.parts if any(part.did))
    if answer.verdict == ATTRIBUTED and len(answer.effects) > len(finding.named):
        yield "Every other factor that was moved is bounded below half of the smallest of these effects."
    if answer.drifted:
        suspects = listed(list(plan.immovable)) or "something that the record does not hold"
        record, here = (show(one, places) for one in answer.drifted)
        yield (f"B less A was {record} in the record and is {here} here: the rest is not reproduced, "
               f"and {suspects} may be why.")  # fmt: skip
    for row in answer.failing:
        yield (f"{row['factor']}: {row['failed_b']} of {row['runs_b']} runs failed at B's level, {row['failed_a']} of "
               f"{row['runs_a']} at A's (Fisher's exact p {show_p(row['p_adjusted'])}); the runs that finished are no "
               f"fair sample, so nothing is said of {plan.metric}.")  # fmt: skip
    if answer.verdict == NO_DIFFERENCE:
        yield from _no_difference(answer)
    elif finding.why in WHY:
        yield WHY[finding.why]
    if finding.why == "ends fail":
        yield from (f"{plural(count, 'run')}: {error}" for error, count in list(answer.errors.items())[:3])
        yield "Fix that, then ask again with --afresh."
    if finding.deciding is not None:
        yield f"{plural(len(finding.deciding.cells), 'further run')} would go on: raise --budget, nothing is run twice."


def _inside(answer: "UntangleAnswer", part: Part) -> str:
    """Which part of a unit that only moves as a whole did it."""
    unit = answer.plan.units[part.unit]
    other = next(name for name in unit.factors if name != unit.first)
    places = decimals(answer.spread)
    told = [
        f"{name} {'did' if did else 'did not'} ({'' if size is None else f'{show(size, places)}, '}p {show_p(p)})"
        for name, did, size, p in zip((unit.first, other), part.did, part.effects, part.p, strict=True)
    ]
    return f"Of {unit.name}, which only moves as a whole but for one mix, {told[0]} and {told[1]}."


def _ci(ci: tuple[float, float], places: int | None) -> str:
    return f"95 % CI {show(ci[0], places)} to {show(ci[1], places)}"


def _no_difference(answer: "UntangleAnswer") -> Iterator[str]:
    from runaudit.stats.power import detectable

    ends, sd = answer.ends, answer.plan.spread
    n = min(len(ends["a"]), len(ends["b"]))
    gone = [value for values in ends.values() for value in values]
    if len(gone) > 2 and n > 1:
        from runaudit.stats.interval import variance

        sd = ((variance(ends["a"]) + variance(ends["b"])) / 2) ** 0.5
    seen = (
        f"; {n} seeds each would show {show(detectable(sd, n), decimals(sd))} with 80 % power" if sd and n > 1 else ""
    )
    yield f"The seed alone explains what A and B show here{seen}."
    if answer.not_reproduced:
        suspects = listed(list(answer.plan.immovable)) or "what the record does not hold"
        yield f"In the record they do differ: that is not reproduced here, where {suspects} cannot be moved."
    yield "Effects may cancel each other: --anyway goes on all the same."


def text_lines(answer: "UntangleAnswer", *, paint: Paint, verbose: bool = False) -> Iterator[str]:
    """For a terminal."""
    tone = verdict_words("untangle", answer.verdict).tone.colour
    yield paint(printable(headline(answer)), BOLD + tone)
    for line in reasons(answer):
        yield printable(f"  {line}")
    if answer.effects:
        yield ""
        yield "effects on " + printable(answer.plan.metric)
        yield from (f"  {printable(line)}" for line in columns(list(_rows(answer)), left=1))
    yield ""
    yield from (printable(line) for line in _plan_lines(answer))
    if verbose:
        yield from (paint(f"  {run}", DIM) for run in answer.runs)


def _rows(answer: "UntangleAnswer") -> Iterator[tuple[str, ...]]:
    places = decimals(answer.spread)
    yield ("factor", "effect", "95 % CI", "p", "share", "")
    for one in answer.effects:
        share = "" if one.share is None else percent(one.share) + ("" if one.is_exact else " est.")
        yield (
            one.name,
            show(one.effect, places),
            _ci(one.ci, places).removeprefix("95 % CI "),
            show_p(one.p_now).removeprefix("= "),
            share,
            "named" if one.named else "",
        )


def _plan_lines(answer: "UntangleAnswer") -> Iterator[str]:
    plan = answer.plan
    if answer.finding is None:
        yield f"what would be moved, from A ({plan.a.run.label}) to B ({plan.b.run.label})"
        for unit in plan.units:
            yield from (f"  {move.factor}: {move.how}" for move in unit.moves)
            if unit.why:
                yield f"    moved as one: {unit.why}"
    for name, why in plan.immovable.items():
        yield f"  cannot be moved here: {name}: {why}"
    for note in plan.notes:
        yield f"  note: {note}"
    if answer.finding is None:
        average, p90 = plan.cost
        yield (f"runs: {plan.least} if A and B do not differ here, about {average}, {p90} in one of ten cases"
               f"{_hours(plan.hours(plan.least), plan.hours(average), plan.hours(p90))}")  # fmt: skip
        if plan.spread is not None:
            places = decimals(plan.spread)
            large, small = show(3 * plan.spread, places), show(plan.spread, places)
            yield f"seed sd {small}: an effect of {large} is found in 95 of 100 cases, one of {small} hardly ever"
        yield f"plan {plan.id.rpartition(':')[2][:12]}, sealed with every run of it"
        return
    spread = f"; seed sd {show(answer.spread, decimals(answer.spread))}" if answer.spread else ""
    yield f"{runs_said(answer)}{spread}"
    yield from ends_said(answer)


def runs_said(answer: "UntangleAnswer") -> str:
    """How many runs the answer is of. One that was stopped by hand is no outcome, and lies in the store as well."""
    failed = sum(one.value is None for done in answer.history for one in done.attempts)
    stopped = len(answer.runs) - spent(answer.history)
    told = f"{plural(spent(answer.history), 'run')}, {failed} failed"
    return f"{told}, {stopped} more stopped by hand" if stopped > 0 else told


def ends_said(answer: "UntangleAnswer") -> Iterator[str]:
    """The two ends as they were recorded and as they were run again."""
    from runaudit.stats.interval import mean

    places = decimals(answer.spread)
    for name, arm in (("A", answer.plan.a), ("B", answer.plan.b)):
        again = answer.ends[name.lower()]
        if arm.values and again:
            yield (f"{name}: {show(mean(arm.values), places)} in the record (n = {len(arm.values)}), "
                   f"{show(mean(again), places)} run again (n = {len(again)})")  # fmt: skip


def _hours(*hours: float | None) -> str:
    if any(one is None for one in hours):
        return ""
    said = [
        f"{one:.1f} h" if one >= 1 else f"{60 * one:.0f} min" if one >= 1 / 60 else f"{3600 * one:.0f} s"
        for one in hours
        if one is not None
    ]
    return f" ({', '.join(said)})"


def markdown_lines(answer: "UntangleAnswer") -> Iterator[str]:
    """For a pull request."""
    yield f"**{escaped(headline(answer))}**"
    for line in reasons(answer):
        yield ""
        yield escaped(line)
    if answer.effects:
        yield ""
        head, *rows = _rows(answer)
        yield from table(head, rows)
    yield ""
    yield from (f"- {escaped(line.strip())}" for line in _plan_lines(answer))
