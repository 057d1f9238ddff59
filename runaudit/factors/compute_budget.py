"""What a run really spent: the optimiser updates that took effect, and the samples it saw.

A budget is no input. It follows from the config, from the gradient scaler's skips or from stopping early, and is told
as a derived leaf under `outcome`. Two finished runs of one config that took another number of steps, with nothing that
explains it, did not both run to their end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

from runaudit.factors.arguments import ROOT
from runaudit.factors.builtin import BATCH_KEYS
from runaudit.factors.factor import SEED_ROLES, Change, ChangeClass
from runaudit.factors.levels import Levels
from runaudit.factors.own_settings import own_settings
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches
from runaudit.factors.stopping import gave_up
from runaudit.factors.tree import leaves_of
from runaudit.records.results import Results, ends_of
from runaudit.records.run import Run

LENGTH_WORDS = ("step", "epoch", "iter", "batch", "accum", "world", "gpu", "device", "time", "budget", "patience",
                "stop", "samples", "tokens", "stage", "fraction", "subset", "limit", "resume")  # fmt: skip
"""Words in the name of a config leaf that can set how long a run is."""
LOGGING_KEYS = frozenset({"log_every", "log_interval", "log_freq", "print_every", "print_freq", "logging_steps"})
"""How often a run logs: its last logged step, which is what `steps_done` knows, moves with it."""
EXPLAINING = ("code", "data", "init")
"""Sections any change of which can set how long a run is."""
PROGRAMS = frozenset(f"{ROOT}.{word}" for word in ("script", "module", "command"))
"""What was run: another program has a length of its own."""
MOST_APART = 0.01
"""Share of its steps by which a run may seem longer for where its last value was logged. Evaluations every 100 steps
that begin at step 1 in one run and at step 0 in the other end one step apart; a run of 1001 steps is no longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """`steps`: optimiser steps of the loop; `skipped`: those the gradient scaler withheld."""

    steps: int
    skipped: int

    @property
    def taken(self) -> int:
        """Updates that changed the weights."""
        return self.steps - self.skipped


def updates(run: Run) -> Updates | None:
    """The updates of a run; None where the record does not say how many steps it did."""
    done = run.outcome.body.get("steps_done") if run.outcome else None
    if not isinstance(done, int | float) or isinstance(done, bool):
        return None
    skipped = ends_of(run).last("amp/skipped")
    if skipped is None:
        skipped = run.metrics.get("amp/skipped", 0.0)
    return Updates(steps=int(done), skipped=int(skipped) if not isnan(skipped) else 0)


def shorter_first(a: Run, b: Run, left: Updates, right: Updates) -> tuple[Run, tuple[Run]]:
    """Of two runs that took `left` and `right`, the shorter one and what it is held against, as `gave_up` asks."""
    return (a, (b,)) if left.steps < right.steps else (b, (a,))


def samples(of: Levels, spent: Updates) -> int | None:
    """Samples seen: steps times the effective batch, where the config names each of its parts at most once."""
    parts: dict[str, float] = {}
    for path, value in leaves_of(of.tree.get("config"), "config"):
        kind = BATCH_KEYS.get(last_key(path))
        if kind is None:
            continue
        if kind in parts or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        parts[kind] = value
    if "batch" not in parts:
        return None
    product = parts["batch"] * parts.get("accumulation", 1) * parts.get("world", 1) * spent.steps
    return int(product) if not isnan(product) and abs(product) < 2**63 else None


def with_budget(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """All changes, and the budget as leaves: `outcome.updates` and, where it can be derived, `outcome.samples`."""
    return [*found, *_budget(found, pair.a, pair.b, pair.settings.length)]


def _budget(found: Sequence[Change], a: Levels, b: Levels, length: Sequence[str]) -> Iterator[Change]:
    left, right = updates(a.run), updates(b.run)
    if left is None or right is None:
        return
    follows = ", ".join(_causes(a.run, b.run, left, right, found, length)) or UNEXPLAINED
    if left.taken != right.taken:
        yield Change(path="outcome.updates", before=left.taken, after=right.taken, kind=ChangeClass.DERIVED,
                     follows=follows, why="optimiser updates really taken")  # fmt: skip
    seen = samples(a, left), samples(b, right)
    if seen[0] != seen[1] and None not in seen:
        yield Change(path="outcome.samples", before=seen[0], after=seen[1], kind=ChangeClass.DERIVED,
                     follows=follows, why="steps times the effective batch")  # fmt: skip


def _causes(
    a: Run, b: Run, left: Updates, right: Updates, found: Iterable[Change], length: Sequence[str]
) -> Iterator[str]:
    if left.steps != right.steps:
        yield from (change.path for change in found if sets_length(change, length) or _logs_otherwise(change))
        if "early_stopped" in (a.status, b.status) or gave_up(*shorter_first(a, b, left, right)):
            yield "stopping early"
        if not (a.finished and b.finished):
            yield "a run that did not finish"
    if left.skipped != right.skipped:
        yield "amp/skipped"


def sets_length(change: Change, length: Sequence[str] = ()) -> bool:
    """Whether a changed leaf can set how many steps a run takes: chosen, or following from what was chosen, as the
    steps of each stage follow from the staging. length: patterns that the policy declares to do so."""
    if any(matches(change.path, pattern) for pattern in length):
        return True
    if change.kind not in (ChangeClass.FACTOR, ChangeClass.DERIVED) or change.role in SEED_ROLES:
        return False
    if change.kind is ChangeClass.DERIVED and change.section != "config":
        return False
    if change.section in EXPLAINING or change.path in PROGRAMS or change.section not in ("config", "env", "eval"):
        return True
    return change.section == "config" and any(word in change.path.lower() for word in LENGTH_WORDS)


def are_timed(a: Run, b: Run, length: Sequence[str]) -> bool:
    """Whether both runs have a setting of which the policy says that it sets how long a run is: a budget of seconds
    gives another number of steps each time."""
    return bool(length) and all(
        any(matches(path, pattern) for path, _ in own_settings(run) for pattern in length) for run in (a, b)
    )


def _logs_otherwise(change: Change) -> bool:
    return change.section == "config" and last_key(change.path) in LOGGING_KEYS


def explains_length(found: Iterable[Change], length: Sequence[str] = ()) -> bool:
    """Whether anything that changed can be why two runs logged another number of steps. length: patterns of settings
    of which the policy says that they do."""
    return any(sets_length(change, length) or _logs_otherwise(change) for change in found)


def budget_barriers(a: Run, b: Run, found: Iterable[Change], length: Sequence[str] = ()) -> tuple[str, ...]:
    """Why another number of steps forbids a comparison; empty where something recorded can explain it, or where only
    the last value was logged at another step."""
    steps = _unexplained(a, b, found, length)
    if not steps or logged_apart(a, b):
        return ()
    return (f"runs that say completed ended at {steps[0]} and {steps[1]} steps, and {NOTHING_SETS}",)


UNEXPLAINED = "nothing that is known to set it"
"""What a budget follows where nothing recorded can be why it moved."""
NOTHING_SETS = "nothing that changed is known to set how many"
"""Of lengths that nothing explains. A name that tells nothing may set one all the same, so it is not denied."""


def budget_notes(a: Run, b: Run, found: Iterable[Change], length: Sequence[str] = ()) -> tuple[str, ...]:
    """That two runs are taken for equally long though the last value was not logged at one step."""
    steps = _unexplained(a, b, found, length)
    if not steps or not logged_apart(a, b):
        return ()
    ends = f"step {steps[0]} of {a.short} and {steps[1]} of {b.short}"
    return (f"the last value was logged at {ends}, closer than two logged values lie: neither run is taken for longer",)


def _unexplained(a: Run, b: Run, found: Iterable[Change], length: Sequence[str]) -> tuple[int, ...]:
    """The steps of two completed runs that differ in them with nothing that explains it; empty otherwise."""
    left, right = updates(a), updates(b)
    if left is None or right is None or left.steps == right.steps or {a.status, b.status} != {"completed"}:
        return ()
    is_told = explains_length(found, length) or are_timed(a, b, length) or gave_up(*shorter_first(a, b, left, right))
    return () if is_told else (left.steps, right.steps)


def logged_apart(a: Run, b: Run) -> bool:
    """Whether two runs seem of other lengths only for where the last value was logged: at most one step in a hundred
    apart, and closer than two values usually are of each series that goes on after the shorter one. A value at every
    step shows steps that the other did not take."""
    spent = [found.steps for run in (a, b) if (found := updates(run)) is not None]
    ends = spent if len(spent) == 2 else [Results(run).last_step for run in (a, b)]
    apart, (short, long) = abs(ends[0] - ends[1]), sorted(ends)
    if short < 0 or apart > MOST_APART * long:
        return False
    series = Results(a if ends[0] == long else b).series or {}
    spaced = [points for points in series.values() if len(points) > 1]
    return bool(spaced) and all(_spacing(points) > apart for points in spaced if points[-1][0] > short)


def _spacing(points: Sequence[tuple[int, float]]) -> int:
    """How far two values of a series usually lie apart."""
    gaps = sorted(after - before for (before, _), (after, _) in pairwise(points))
    return gaps[len(gaps) // 2]
