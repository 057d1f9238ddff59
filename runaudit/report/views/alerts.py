"""Bad news, said first and loudly: what speaks against believing the numbers on the page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.factors.cohort import is_unproven
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.arm import distinct_seeds, letter, seed_text
from runaudit.report.views.recorded import assumed_in_words
from runaudit.report.views.scores import gain, sequences, unequal_bicubic
from runaudit.report.views.verdict import change_words
from runaudit.report.words import clean, number, shown
from runaudit.text.verdicts import Tone, verdict_words
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
    arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput], integrity: Integrity | None
) -> tuple[Alert, ...]:
    """All bad news, the gravest first. Empty only if there is none."""
    found = (
        Alert(tone="bad", title="Records do not match their digests", items=tuple(_integrity(arms, integrity))),
        Alert(tone="bad", title="Comparisons that cannot carry a claim", items=tuple(_designs(comparisons))),
        Alert(tone="bad", title="Worse than bicubic", items=tuple(_below(arms, "bicubic"))),
        Alert(tone="bad", title="Runs without a result", items=tuple(_unfinished(arms))),
        Alert(tone="bad", title="Results that are not numbers", items=tuple(_non_finite(arms))),
        Alert(tone="bad", title="Bicubic is not the same everywhere", items=tuple(_unequal(arms))),
        Alert(tone="doubt", title="Too few seeds", items=tuple(_few(arms, comparisons))),
        Alert(tone="doubt", title="Seeds not proven to have acted", items=tuple(_unproven(arms))),
        Alert(tone="doubt", title="Runs that count once", items=tuple(_repeated(arms))),
        Alert(tone="doubt", title="Rules were waived", items=tuple(_waivers(arms))),
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


def _named(index: int, run: Run) -> str:
    return f"{letter(index)}, {_which(run)}"


def _which(run: Run) -> str:
    """A run among those of its arm: by its seed, by its id where nobody knows that or it has none."""
    seed = seed_text(run)
    return f"run {run.short}" if seed in ("unknown", "none") else f"seed {seed}"


def _each(arms: Sequence[ArmInput]) -> Iterator[tuple[int, Run]]:
    return ((index, run) for index, arm in enumerate(arms) for run in arm.runs)


def _integrity(arms: Sequence[ArmInput], integrity: Integrity | None) -> Iterator[str]:
    for index, run in _each(arms):
        problems = (run.fault, *(integrity or {}).get(run.id, ()))
        for problem in dict.fromkeys(filter(None, problems)):
            yield f"{_named(index, run)} ({run.short}): {clean(problem)}"


def _designs(comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    for comparison in comparisons:
        code = str(comparison.diff.verdict)
        if verdict_words("diff", comparison.diff.standing).tone != Tone.GOOD:
            what = f": {change_words(comparison.diff.factors)}" if code == "confounded" else ""
            yield f"{_sides(comparison)} is {clean(verdict_words('diff', code).words)}{what}"


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
        lost = [run for run in arm.runs if not run.finished]
        if lost:
            ends = ", ".join(f"{_which(run)} {run.status.replace('_', ' ')}" for run in lost)
            yield f"{letter(index)}: {len(lost)} of {plural(len(arm.runs), 'run')} ({ends}); they stay in the count"


def _non_finite(arms: Sequence[ArmInput]) -> Iterator[str]:
    for index, run in _each(arms):
        bad = [
            f"{shown(name).short} is {number(value)}" for name, value in run.metrics.items() if not math.isfinite(value)
        ]
        if bad:
            yield f"{_named(index, run)}: {', '.join(sorted(bad)[:4])}{' …' if len(bad) > 4 else ''}"


def _unequal(arms: Sequence[ArmInput]) -> Iterator[str]:
    for _, name, low, high in unequal_bicubic(arms):
        yield f"{name}: {low} to {high} dB between runs. No network can change bicubic, so the evaluation did."


def _few(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    """Arms that cannot carry a claim. One that is shown beside the others and compared with nothing makes none."""
    compared = {index for one in comparisons for index in (one.arm, one.baseline)}
    few: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        if compared and index not in compared:
            continue
        n = distinct_seeds(arm.runs) if arm.effective_n is None else arm.effective_n
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


def _unproven(arms: Sequence[ArmInput]) -> Iterator[str]:
    rows: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        bare = [seed_text(run) for run in arm.runs if run.finished and is_unproven(run)]
        if bare:
            rows.append((index, f"no proof in the record of seed {listed(bare, limit=8)}"))
    yield from (f"{who}: {words}" for who, words, _ in _grouped(rows))


def _repeated(arms: Sequence[ArmInput]) -> Iterator[str]:
    """Arms of which several runs are one draw: a seed that ran again, or one that changed nothing."""
    rows: list[tuple[int, str]] = []
    for index, arm in enumerate(arms):
        finished = sum(run.finished for run in arm.runs)
        if arm.effective_n is not None and arm.effective_n < finished:
            draws = plural(arm.effective_n, "independent draw")
            rows.append((index, f"{plural(finished, 'finished run')}, but only {draws}"))
    yield from (f"{who}: {words}" for who, words, _ in _grouped(rows))


def _waivers(arms: Sequence[ArmInput]) -> Iterator[str]:
    """One line a waiver, with every run it was granted for."""
    granted: dict[tuple[int, str, str], list[str]] = {}
    for index, run in _each(arms):
        for waiver in run.manifest.waivers:
            rule, reason = shown(waiver.get("rule", "?")).short, shown(waiver.get("reason", "no reason"), 160).short
            granted.setdefault((index, rule, reason), []).append(seed_text(run))
    for (index, rule, reason), seeds in granted.items():
        yield f"{letter(index)}, seed {listed(seeds)}: {rule}, because “{reason}”"
