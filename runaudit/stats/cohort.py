"""From the runs of an arm to the numbers that may be tested: one per distinct seed that acted.

Three ways to fool oneself end here. A seed run twice is one seed: its runs are averaged and all of them must
support a claim. A seed that provably did not act adds no evidence. A run without a number (diverged, crashed,
metric missing) stays in the count and forbids a claim about the rest. One that was stopped from outside and is, to the
last bit, the beginning of a run that finished is that run's draw, and no other.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

from runaudit.stats.values import AGAIN, FINISHED, ArmValues, Excluded, Sample
from runaudit.text.words import plural

UNNAMED = "(unnamed"  # how the keys of runs without a seed begin


FAILED, NO_VALUE, NOT_FINITE, IDLE = "failed", "no value", "not finite", "idle"


def why_left_out(arm: ArmValues, index: int) -> str:
    """Why a run of an arm gives no number, in one of the words above; empty where it gives one."""
    value = arm.values[index]
    if arm.statuses[index] == AGAIN:
        return AGAIN
    if arm.statuses[index] not in FINISHED:
        return FAILED
    if value is None:
        return NO_VALUE
    if not math.isfinite(value):
        return NOT_FINITE
    return IDLE if arm.proven[index] is False and arm.repeats[index] is None else ""


def left_out(arm: ArmValues) -> tuple[str, ...]:
    """Why each run of an arm gives no number, of one that did not finish how it ended; empty where it gives one."""
    whys = (why_left_out(arm, index) for index in range(len(arm.values)))
    return tuple(status if why == FAILED else why for status, why in zip(arm.statuses, whys, strict=True))


def usable(arm: ArmValues) -> Mapping[str, list[int]]:
    """The places of the runs whose numbers count, by what is one draw: those that `collapse` makes one value of."""
    found: dict[str, list[int]] = defaultdict(list)
    for index in range(len(arm.seeds)):
        if not why_left_out(arm, index):
            found[_draw(arm, index)].append(index)
    return found


def collapse(arm: ArmValues) -> Sample:
    """One finite number per distinct seed, sorted by value, so that the order of the runs changes nothing."""
    chosen = {key: [float(value) for index in places if (value := arm.values[index]) is not None]
              for key, places in usable(arm).items()}  # fmt: skip
    failed: list[Excluded] = []
    missing: list[Excluded] = []
    idle: list[str] = []
    again: list[str] = []
    acted: set[str] = set()
    everyone: set[str] = set()
    broken: set[str] = set()
    for index, seed in enumerate(arm.seeds):
        key, why = _draw(arm, index), why_left_out(arm, index)
        everyone.add(key)
        if arm.proven[index] is not False and arm.statuses[index] in FINISHED:
            acted.add(key)
        if why == NO_VALUE:
            missing.append(Excluded(seed=seed, reason=why))
        elif why == IDLE:
            idle.append(_name(seed))
        elif why == AGAIN:
            again.append(_name(seed))
        elif why:
            failed.append(Excluded(seed=seed, reason=arm.statuses[index] if why == FAILED else why))
            broken.add(key)
    rows = sorted((math.fsum(sorted(runs)) / len(runs), tuple(sorted(runs)), key) for key, runs in chosen.items())
    return Sample(
        label=arm.label,
        seeds=tuple(key for _, _, key in rows),
        # A seed run twice with the same outcome must keep that outcome to the last bit.
        values=tuple(runs[0] if runs[0] == runs[-1] else mean for mean, runs, _ in rows),
        choices=tuple(tuple(sorted(set(runs))) for _, runs, _ in rows),
        failed=tuple(sorted(failed, key=lambda run: (run.reason, _name(run.seed)))),
        missing=tuple(sorted(missing, key=lambda run: _name(run.seed))),
        effective_n=len(acted) if arm.draws is None else arm.draws,
        distinct=len(everyone),
        distinct_failed=len(broken),
        notes=_notes(arm, chosen, idle=idle, launched_again=again),
    )


def _notes(
    arm: ArmValues, chosen: dict[str, list[float]], *, idle: list[str], launched_again: list[str]
) -> tuple[str, ...]:
    notes = []
    if launched_again:
        notes.append(
            f"{plural(len(launched_again), 'run')} stopped from outside and launched again with the same seed "
            f"({', '.join(sorted(launched_again))}): equal to the last bit up to there, so one draw with its result."
        )
    again = sorted(key for key, runs in chosen.items() if len(runs) > 1)
    if again:
        differ = [key for key in again if len(set(chosen[key])) > 1]
        which = (
            "their runs disagree, so a claim must hold whichever of them counts: "
            "difference, interval and p are those of the choice with the largest p; "
            "the mean of the arm has their middle"
            if differ
            else "one number each"
        )
        notes.append(
            f"{plural(len(again), 'seed')} ran more than once ({', '.join(key.strip('()') for key in again)}): {which}."
        )
    alike = idle.count(_name(None))
    if alike:
        notes.append(f"{plural(alike, 'run')} not counted: without a seed, and nothing shows that it began otherwise.")
    named = sorted(name for name in idle if name != _name(None))
    if named:
        notes.append(
            f"{plural(len(named), 'run')} not counted, because the seed provably did not act ({', '.join(named)})."
        )
    copies = [index for index, place in enumerate(arm.repeats) if place is not None]
    unnamed = sum(seed is None for seed in arm.seeds) - alike - sum(arm.seeds[index] is None for index in copies)
    draws = {_draw(arm, index) for index in range(len(arm.seeds))}
    counting = [index for index in range(len(arm.seeds)) if not why_left_out(arm, index)]
    if unnamed > bool(alike) and len(draws) > 1:
        notes.append(f"{plural(unnamed, 'run')} without a seed, taken as distinct; nothing proves it.")
    elif any(arm.proven[at] is None for at in counting) and not named and not unnamed:
        notes.append("no seed proof recorded: nothing proves that the seeds acted.")
    return tuple(notes)


def _draw(arm: ArmValues, index: int) -> str:
    """The key of the draw that a run is: its own seed's, or that of the run that it repeats."""
    place = arm.repeats[index]
    at = index if place is None else place
    return _key(arm.seeds[at], at)


def _key(seed: str | int | None, index: int) -> str:
    return f"{UNNAMED} {index + 1})" if seed is None else str(seed).strip()


def _name(seed: str | int | None) -> str:
    return "unnamed" if seed is None else str(seed).strip()
