"""An arm as the page speaks of it: a letter for the figures, its name, its seeds, and how many of its runs count."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from runaudit.records.canonical import canonical_bytes
from runaudit.records.manifest import Unknown
from runaudit.records.run import UNSAID, Run
from runaudit.report.inputs import ArmInput
from runaudit.report.words import Text, clean, ident, shown
from runaudit.text.verdicts import Tone
from runaudit.text.words import in_order, listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """How one run is named: id, label, seed, and how it ended."""

    id: Text
    label: Text
    seed: str
    status: str
    tone: str
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmView:
    """One arm. `index` picks its colour and marker, `letter` names it where there is no room for its name."""

    index: int
    letter: str
    name: Text
    cohort: Text | None
    runs: tuple[RunName, ...]
    seeds: str
    finished: int
    size: str
    part: str = ""
    """`3 of 6 launched runs`, where the arm is a part of what was launched."""


def letter(index: int) -> str:
    """A, B, … Z, AA, AB, …"""
    head, tail = divmod(index, len(ascii_uppercase))
    return (letter(head - 1) if head else "") + ascii_uppercase[tail]


def seed_text(run: Run) -> str:
    """The declared seed, or what is known about it."""
    seed = run.manifest.seed
    if isinstance(seed, Unknown):
        return "unknown"
    return "none" if seed is None else shown(seed, 20).short


def seed_texts(runs: Sequence[Run]) -> tuple[str, ...]:
    """The seeds of an arm's runs; where one stands for several of them, each with the run's id."""
    seeds = [seed_text(run) for run in runs]
    return tuple(
        seed if seeds.count(seed) == 1 else f"{seed} ({run.short})" for seed, run in zip(seeds, runs, strict=True)
    )


def which_runs(runs: Sequence[Run], among: Sequence[Run]) -> str:
    """`seed 2`, `seeds 0 and 1`, `run 81d706e44332`: some of an arm's runs, by their seeds where those tell them."""
    every = [seed_text(run) for run in among]
    own = [seed_text(run) for run in runs]
    by_seed = all(every.count(seed) == 1 and seed not in ("unknown", "none") for seed in own)
    names = in_order(own) if by_seed else [run.short for run in runs]
    return f"{'seed' if by_seed else 'run'}{'s' if len(runs) > 1 else ''} {listed(names, limit=6)}"


def run_name(run: Run) -> RunName:
    """How one run is named."""
    return RunName(
        id=ident(run.id),
        label=shown(run.label),
        seed=seed_text(run),
        status=clean(run.status).replace("_", " "),
        # Nobody knows how it ended: no failure, and no pass either.
        tone=Tone.DOUBT if run.status == "unknown" else Tone.GOOD if run.finished else Tone.BAD,
        finished=run.finished,
    )


def distinct_seeds(runs: Sequence[Run]) -> int:
    """How many different seeds are declared; a seed that is unknown or null counts for nothing."""
    seeds = (run.manifest.seed for run in runs)
    return len({canonical_bytes(seed) for seed in seeds if seed is not None and not isinstance(seed, Unknown)})


def arm_view(arm: ArmInput, index: int) -> ArmView:
    """One arm in words."""
    finished = sum(run.finished for run in arm.runs)
    count = len(arm.runs)
    part = f"{count} of {count + len(arm.left_out)} launched runs" if arm.left_out else ""
    size = part or plural(count, "run")
    if finished < len(arm.runs):
        # Of a foreign run nobody may have recorded that it finished: it has a number, and more is not known.
        is_known = all(run.status != UNSAID for run in arm.runs)
        size += f", {finished} {'finished' if is_known else 'with a number'}"
    return ArmView(
        index=index,
        letter=letter(index),
        name=shown(arm.name, 80),
        cohort=ident(arm.cohort) if arm.cohort else None,
        runs=tuple(run_name(run) for run in arm.runs),
        seeds=seeds_words(arm.runs),
        finished=finished,
        size=size,
        part=part,
    )


def logged_words(runs: Sequence[Run], metric: str, who: str) -> str:
    """`A logged it up to step 19, running`: how far the runs of an arm came that have a metric on their way and did not
    finish; empty where none has."""
    found = [(series[-1][0], run.status.replace("_", " ")) for run in runs
             if not run.finished and (series := run.trajectory.series.get(metric))]  # fmt: skip
    if not found:
        return ""
    ends = listed(list(dict.fromkeys(clean(status) for _, status in found)))
    return f"{who} logged it up to step {max(step for step, _ in found)}, {ends}"


def seeds_words(runs: Sequence[Run]) -> str:
    """`seed 1`, `seeds 0, 1 and 2 (twice)`, `seeds unknown`: each once, with how often it ran."""
    times = Counter(seed_text(run) for run in runs)
    told = in_order(
        seed if count == 1 or seed in ("unknown", "none") else f"{seed} ({_times(count)})"
        for seed, count in times.items()
    )
    head = listed(told) if len(told) <= 8 else f"{', '.join(told[:7])} and {len(told) - 7} more"
    return f"seed{'s' if len(runs) > 1 else ''} {head}"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
