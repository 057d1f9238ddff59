"""Bad news, said first and loudly: what speaks against believing the numbers on the page."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.diff.result import Verdict
from runaudit.factors.cohort import is_unproven
from runaudit.guard.rulebook import OWN
from runaudit.records.run import UNSAID, Run
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.arm import distinct_seeds, letter, logged_words, seed_text, seeds_words, which_runs
from runaudit.report.views.doubles import equal_arms, one_data
from runaudit.report.views.recorded import assumed_in_words
from runaudit.report.views.scores import gain, sequences, unequal_bicubic
from runaudit.report.views.seen import never_read
from runaudit.report.views.verdict import MAX_REASON, changed
from runaudit.report.words import called, clean, number, shown
from runaudit.rules import find_rule
from runaudit.stats.selection import denominator
from runaudit.text.verdicts import Tone, comparison_clause, verdict_words
from runaudit.text.words import listed, plural

MIN_SEEDS = 3
"""Below three seeds an arm no interval for a difference deserves the name."""
ROUNDED_AWAY_DB = 0.005
Integrity = Mapping[str, tuple[str, ...]]
"""Run id -> what a re-hash found wrong; an empty tuple: checked and sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One kind of bad news and everything it concerns. `tone` is bad or doubt."""

    tone: str
    title: str
    items: tuple[str, ...]


def alerts(
    arms: Sequence[ArmInput],
    comparisons: Sequence[ComparisonInput],
    integrity: Integrity | None,
    metric: str | None = None,
    by_hybrids: Collection[frozenset[str]] = (),
) -> tuple[Alert, ...]:
    """All bad news, the gravest first. Empty only if there is none. metric: the one that the comparisons are about.
    by_hybrids: pairs of arms of which hybrids told which factor did it."""
    designs = tuple(_designs(comparisons, by_hybrids))
    found = (
        Alert(tone="bad", title="Records do not match their digests", items=tuple(_integrity(arms, integrity))),
        Alert(tone="bad", title="Comparisons that cannot carry a claim", items=designs),
        Alert(tone="bad", title="Arms that are not one design", items=tuple(_odd(arms, comparisons))),
        Alert(tone="bad", title="Worse than bicubic", items=tuple(_below(arms, "bicubic"))),
        Alert(tone="bad", title="Runs without a result", items=(*_unfinished(arms), *_unmeasured(arms, metric))),
        Alert(tone="bad", title="Results that are not numbers", items=tuple(_non_finite(arms))),
        Alert(tone="bad", title="Bicubic is not the same everywhere", items=tuple(_unequal(arms))),
        Alert(tone="doubt", title="Too few seeds", items=tuple(_few(arms, comparisons, metric))),
        Alert(tone="doubt", title="Runs that are not shown", items=tuple(_left_out(arms))),
        Alert(tone="doubt", title="How runs ended is not on record", items=tuple(_unknown_ends(arms))),
        Alert(tone="doubt", title="Seeds not proven to have acted", items=tuple(_unproven(arms, comparisons))),
        Alert(tone="doubt", title="Runs that count once", items=tuple(_repeated(arms))),
        Alert(tone="doubt", title="Arms with the same numbers", items=tuple(equal_arms(arms, comparisons))),
        Alert(tone="doubt", title="Test data that is not held out", items=tuple(one_data(arms))),
        Alert(tone="doubt", title="Declared data that no run read", items=tuple(_never_read(arms))),
        Alert(tone="doubt", title="Rules were waived", items=tuple(_waivers(arms))),
        Alert(tone="doubt", title="Launched against a warning", items=tuple(_warned(arms))),
        Alert(tone="doubt", title="Assumed, not recorded", items=tuple(_assumed(comparisons))),
        Alert(
            tone="doubt",
            title="Below the classical baseline (IBP with estimated motion)",
            items=tuple(_below(arms, "ibp")),
        ),
        Alert(
            tone="doubt",
            title="Below the same network fed one frame only",
            items=(*_below(arms, "control"), *_below(arms, "single_frame")),
        ),
    )
    return tuple(alert for alert in found if alert.items)


def _each(arms: Sequence[ArmInput]) -> Iterator[tuple[int, str, Run]]:
    """Every run with the place of its arm and what names it on the page."""
    for index, arm in enumerate(arms):
        yield from ((index, f"{letter(index)}, {which_runs([run], arm.runs)}", run) for run in arm.runs)


def _integrity(arms: Sequence[ArmInput], integrity: Integrity | None) -> Iterator[str]:
    for _, named, run in _each(arms):
        problems = (run.fault, *(integrity or {}).get(run.id, ()))
        for problem in dict.fromkeys(filter(None, problems)):
            told = named if run.short in named else f"{named} ({run.short})"
            yield f"{told}: {clean(problem)}"


def _designs(comparisons: Sequence[ComparisonInput], by_hybrids: Collection[frozenset[str]]) -> Iterator[str]:
    for comparison in comparisons:
        code = str(comparison.diff.verdict)
        if verdict_words("diff", comparison.diff.standing).tone != Tone.GOOD:
            diff = comparison.diff
            why = {"confounded": changed(diff, diff.factors), "incomparable": diff.reason}
            what = f": {shown(why[code], MAX_REASON).short}" if why.get(code) else ""
            is_told = frozenset((letter(comparison.arm), letter(comparison.baseline))) in by_hybrids
            told = "; hybrids of the two told which did it" if is_told else ""
            only = f": what is said above holds on {clean(diff.on_record)} alone" if diff.on_record else ""
            is_damaged = comparison.diff.verdict is Verdict.INTEGRITY_FAILURE
            said = f": {comparison_clause(code)}" if is_damaged else f" is {clean(verdict_words('diff', code).words)}"
            yield f"{_sides(comparison)}{said}{what}{told}{only}"


def _odd(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    """Runs of several designs under one mean, where no comparison says so."""
    compared = {index for one in comparisons for index in (one.arm, one.baseline)}
    for index, arm in enumerate(arms):
        if arm.odd and index not in compared:
            yield f"{letter(index)}: {shown(clean(arm.odd), MAX_REASON).short}. A mean over them is of none of them."


def _sides(comparison: ComparisonInput) -> str:
    return f"{letter(comparison.arm)} against {letter(comparison.baseline)}"


def _assumed(comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    """One line for each comparison for which the user vouches."""
    for one in comparisons:
        if told := assumed_in_words(one.diff):
            yield f"{_sides(one)}: {told.removeprefix('Assumed, not recorded: ')}"


def _below(arms: Sequence[ArmInput], baseline: str) -> Iterator[str]:
    """One line an arm: on which sequences its runs lost to the baseline, by how much, and how many of them."""
    for index, arm in enumerate(arms):
        parts = []
        for name in sequences([arm]):
            gains = [value for run in arm.runs if (value := gain(run, name, baseline)) is not None]
            # A loss that prints as 0.00 is none; NaN is no gain either.
            if losses := [value for value in gains if not value >= -ROUNDED_AWAY_DB]:
                share = f" ({len(losses)} of {len(gains)} runs)" if len(gains) > 1 else ""
                parts.append(f"{_range(losses)} on {clean(name)}{share}")
        if parts:
            yield f"{letter(index)}: {', '.join(parts)}"


def _range(losses: Sequence[float]) -> str:
    """`−0.10 dB`, `−0.20 to −0.10 dB`, `NaN dB`."""
    ends = list(dict.fromkeys(number(value, signed=True) for value in (min(losses), max(losses))))
    return f"{' to '.join(ends)} dB"


def _unfinished(arms: Sequence[ArmInput]) -> Iterator[str]:
    for index, arm in enumerate(arms):
        lost = [run for run in arm.runs if not run.finished and run.status != UNSAID]
        if lost:
            ends = listed([
                f"{which_runs([run for run in lost if run.status == status], arm.runs)} {status.replace('_', ' ')}"
                for status in dict.fromkeys(run.status for run in lost)
            ])  # fmt: skip
            stay = "it stays" if len(lost) == 1 else "they stay"
            yield f"{letter(index)}: {len(lost)} of {plural(len(arm.runs), 'run')} ({ends}); {stay} in the count"


def _unmeasured(arms: Sequence[ArmInput], metric: str | None) -> Iterator[str]:
    """Arms of which no run has the metric that the page compares."""
    bare = [index for index, arm in enumerate(arms) if metric and arm.summary is None and not _has(arm, metric)]
    if bare:
        on_the_way = [told for index in bare if (told := logged_words(arms[index].runs, metric or "", letter(index)))]
        beside = f" ({'; '.join(on_the_way)})" if on_the_way else ""
        yield f"{listed([letter(index) for index in bare])}: no finished run has {shown(metric).short}{beside}"


def _has(arm: ArmInput, metric: str) -> bool:
    return any(metric in run.metrics for run in arm.runs)


def _unknown_ends(arms: Sequence[ArmInput]) -> Iterator[str]:
    """Arms with runs of which nobody recorded how they ended: no failure, and no pass either. One that logged far fewer
    steps than another of its arm may have been stopped, and its number is named for it."""
    rows = []
    for index, arm in enumerate(arms):
        if lost := sum(run.status == UNSAID for run in arm.runs):
            share = "all" if lost == len(arm.runs) else str(lost)
            rows.append((index, f"{share} of {plural(len(arm.runs), 'run')}"))
    yield from (f"{who}: {words}{'' if is_one else ' each'}" for who, words, is_one in _grouped(rows))
    for index, arm in enumerate(arms):
        yield from (f"{letter(index)}, {words}" for words in _short(arm.runs))


SHORT_OF = 0.5
"""Of the last step of the longest run of an arm: a run that stopped before it did not train as the others did."""


def _short(runs: Sequence[Run]) -> Iterator[str]:
    """The runs of one design without an end on record that logged far fewer steps than another of them."""
    last = {run.id: max((points[-1][0] for points in run.trajectory.series.values() if points), default=0)
            for run in runs}  # fmt: skip
    most = max(last.values(), default=0)
    for run in runs:
        if run.status == UNSAID and 0 < last[run.id] < SHORT_OF * most:
            yield (
                f"{which_runs([run], runs)} logged up to step {last[run.id]}, another of its arm up to step {most}: it "
                "may have been stopped, and its numbers be those of the way"
            )


def _non_finite(arms: Sequence[ArmInput]) -> Iterator[str]:
    for _, named, run in _each(arms):
        bad = [
            f"{called(name).short} is {number(value)}"
            for name, value in run.metrics.items()
            if not math.isfinite(value)
        ]
        if bad:
            yield f"{named}: {', '.join(sorted(bad)[:4])}{' …' if len(bad) > 4 else ''}"


def _unequal(arms: Sequence[ArmInput]) -> Iterator[str]:
    for _, name, low, high in unequal_bicubic(arms):
        yield f"{name}: {low} to {high} dB between runs. No network can change bicubic, so the evaluation did."


def _few(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput], metric: str | None) -> Iterator[str]:
    """Arms that cannot carry a claim. One that is shown beside the others and compared with nothing makes none, nor do
    arms of which none is compared. One without any number has no seed that counts."""
    compared = {index for one in comparisons for index in (one.arm, one.baseline)}
    if not compared and len(arms) > 1:
        return
    few: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        is_bare = bool(metric) and arm.summary is None
        if (compared and index not in compared) or (is_bare and _has(arm, metric or "")):  # Out of all bounds: told.
            continue
        n = distinct_seeds(arm.runs) if arm.effective_n is None else arm.effective_n
        n = 0 if is_bare else n if arm.summary is None else min(n, arm.summary.used)
        if n < MIN_SEEDS:
            few.append((index, plural(n, "seed")))
    for who, seeds, is_one in _grouped(few):
        has, that = ("has", "") if is_one else ("have", " each")
        verb = "counts" if seeds == "1 seed" else "count"
        yield f"{who} {has} {seeds}{that} that {verb}; a claim needs {MIN_SEEDS}"


def _grouped(rows: Sequence[tuple[int, str]]) -> Iterator[tuple[str, str, bool]]:
    """What is said of several arms in the same words is said once: (their letters, the words, whether it is one)."""
    arms: dict[str, list[str]] = {}
    for index, words in rows:
        arms.setdefault(words, []).append(letter(index))
    return ((listed(letters, limit=8), words, len(letters) == 1) for words, letters in arms.items())


def _left_out(arms: Sequence[ArmInput]) -> Iterator[str]:
    """What was left out of an arm by naming runs of it: a page of the best three of five looks like one of three."""
    for index, arm in enumerate(arms):
        if rest := arm.left_out:
            every = (*arm.runs, *rest)
            named, has_mean = len(arm.runs), arm.summary is not None
            told = denominator(letter(index), named=named, launched=len(every), has_mean=has_mean)
            without = listed([
                which_runs(found, every) + ("" if found[0].finished else f" {status.replace('_', ' ')}")
                for status in dict.fromkeys(run.status for run in rest)
                if (found := [run for run in rest if run.status == status])
            ])  # fmt: skip
            yield f"{told} Left out: {without}"


def _unproven(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    if not comparisons and len(arms) > 1:
        return  # Of arms of which none is compared nothing is claimed that seeds would have to carry.
    rows: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        bare = [run for run in arm.runs if run.finished and is_unproven(run)]
        if bare:
            is_known = any(seed_text(run) != "unknown" for run in bare)
            what = f"no proof in the record of {seeds_words(bare)}" if is_known else "no seed is on record"
            rows.append((index, what))
    yield from (f"{who}: {words}" for who, words, _ in _grouped(rows))


def _repeated(arms: Sequence[ArmInput]) -> Iterator[str]:
    """Arms of which several runs are one draw: a seed that ran again, or one that changed nothing."""
    rows: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        counting = [run for run in arm.runs if run.finished]
        if arm.effective_n is not None and arm.effective_n < len(counting):
            draws = plural(arm.effective_n, "independent draw")
            is_known = all(run.status != UNSAID for run in counting)
            told = plural(len(counting), "finished run" if is_known else "run")
            rows.append((index, f"{told}, but only {draws}{_unlike(arm)}"))
    yield from (f"{who}: {words}" for who, words, _ in _grouped(rows))


def _unlike(arm: ArmInput) -> str:
    """That runs of one draw came to unlike numbers, which none of them can be picked of."""
    values = arm.summary.counting if arm.summary else ()
    if arm.summary is None or len(set(values)) <= arm.summary.used:
        return ""
    return "; their numbers are unlike, and none of them is the arm's"


def _never_read(arms: Sequence[ArmInput]) -> Iterator[str]:
    """Data that was declared and that nothing was seen to read: what a metric is called after may be no part of it."""
    rows = [(index, listed([f"data.{clean(name)}" for name in names]))
            for index, arm in enumerate(arms) if (names := never_read(arm))]  # fmt: skip
    yield from (f"{who}: {names}" for who, names, _ in _grouped(rows))


def _warned(arms: Sequence[ArmInput]) -> Iterator[str]:
    """What the launch lint warned of and was launched all the same, arms of one warning together."""
    rows: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        told: dict[str, list[Run]] = {}
        for run in arm.runs:
            for rule in run.manifest.section("launch").get("lint") or ():
                told.setdefault(str(rule), []).append(run)
        for rule, runs in told.items():
            known = find_rule(OWN, rule.partition(" ")[0])
            title = f", which holds that {_lower(known.title)}" if known else ""
            some = "" if len(runs) == len(arm.runs) else f" in {which_runs(runs, arm.runs)}"
            rows.append((index, f"{clean(rule)}{title}{some}"))
    yield from (f"{who}: {words}" for who, words, _ in _grouped(rows))


def _lower(title: str) -> str:
    """A rule's title within a sentence."""
    return f"{title[:1].lower()}{title[1:]}".removesuffix(".")


def _waivers(arms: Sequence[ArmInput]) -> Iterator[str]:
    """One line a waiver, with what its rule is about and every run that it was granted for."""
    granted: dict[tuple[int, str, str], list[Run]] = {}
    for index, _, run in _each(arms):
        for waiver in run.manifest.waivers:
            rule, reason = shown(waiver.get("rule", "?")).short, shown(waiver.get("reason", "no reason"), 160).short
            granted.setdefault((index, rule, reason), []).append(run)
    for (index, rule, reason), runs in granted.items():
        known = find_rule(OWN, rule)
        title = f" ({known.title.removesuffix('.')})" if known else ""
        yield f"{letter(index)}, {seeds_words(runs)}: {rule}{title}, because “{reason}”"
