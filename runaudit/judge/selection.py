"""What a judgement is about where the user left it open: which runs make an arm, and which metrics are asked.

Both choices are made before any number is looked at, from names and designs alone.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from runaudit.errors import UsageError
from runaudit.factors.cohort import Cohort, cohorts
from runaudit.judge.bench import Bench
from runaudit.judge.values import declared_direction
from runaudit.metrics.catalogue import known_direction
from runaudit.metrics.leading import Figure, in_order, is_baseline, is_of_training
from runaudit.settings import Settings
from runaudit.text.words import listed, quoted

if TYPE_CHECKING:
    from runaudit.records.run import Run

MAX_METRICS = 8
"""Judged where nobody named a metric: more would drown the verdict, and every further one is a further chance."""


class NamedArms(NamedTuple):
    """The arms that words name. joined: which of the words became one arm, in sentence parts: who names two wants them
    compared."""

    arms: list[Cohort]
    joined: tuple[str, ...]


def page_arms(bench: Bench, words: Sequence[str]) -> NamedArms:
    """One arm a word that names several runs; runs named one by one are grouped by their design."""
    found: list[tuple[int, Cohort]] = []
    single: dict[str, tuple[int, Run]] = {}
    named: list[tuple[str, frozenset[str]]] = []
    for at, word in enumerate(words):
        members = bench.named(word)
        named.append((word, frozenset(run.id for run in members)))
        if len(members) == 1 and "," not in word:
            single.setdefault(members[0].id, (at, members[0]))
        elif members:
            found.append((at, bench.arm(members)))
    taken = {run.id for _, arm in found for run in arm.runs}
    rest = {key: value for key, value in single.items() if key not in taken}
    for arm in cohorts((run for _, run in rest.values()), settings=bench.settings):
        found.append((min(rest[run.id][0] for run in arm.runs), arm))
    ordered = [arm for _, arm in sorted(found, key=lambda item: item[0])]
    unique = list({tuple(sorted(run.id for run in arm.runs)): arm for arm in ordered}.values())
    if not unique:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    return NamedArms(unique, tuple(_joined(named, unique)))


def _joined(named: Sequence[tuple[str, frozenset[str]]], arms: Sequence[Cohort]) -> Iterator[str]:
    """Where several words became one arm. The runs of an arm may be named one by one, beside another arm."""
    for arm in arms:
        ids = {run.id for run in arm.runs}
        here = [(word, own) for word, own in named if own and own <= ids]
        is_spelt_out = all(len(own) == 1 for _, own in here) and len({own for _, own in here}) == len(here)
        if len(here) < 2 or (is_spelt_out and len(arms) > 1):
            continue
        words = list(dict.fromkeys(quoted(word) for word, _ in here))
        verb = (
            "name runs of one cohort"
            if len(words) > 1
            else f"is named {'twice' if len(here) == 2 else f'{len(here)} times'}"
        )
        yield f"{listed(words, 4)} {verb}: that is one arm, and nothing in it is compared"


def page_metrics(settings: Settings, *arms: Cohort, direction: str | None = None) -> list[str]:
    """What is judged where nobody named a metric, the one that matters first: that which `list` shows first and whose
    direction is known; then the sequences that it is the mean of, else the other metrics that all arms have.

    direction: what counts as better in the first, where neither its name nor the policy says it.
    """
    figures = leading(*arms)
    known = [one for one in figures if known_direction(one.name) or declared_direction(settings, one.name, None)]
    first = known[0] if known and not direction else figures[0] if direction and figures else None
    # A training loss is no stand-in for the held-out metric that `list` shows and of which nobody said what is better.
    if first is None or (is_of_training(first.name) and not is_of_training(figures[0].name)):
        return []
    parts = [f"{first.name}/{part}" for part in first.parts]
    further = [name for name in parts if known_direction(name) or declared_direction(settings, name, None)]
    if not parts:
        further = [one.name for one in known if one is not first]
    return [first.name, *further][:MAX_METRICS]


def leading(*arms: Cohort) -> tuple[Figure, ...]:
    """The metrics that some run of each arm has, in the order in which `list` shows those of a run. What a baseline
    gave stands beside a result and is none. The values are those of the first run that has them."""
    held = [[run.metrics for run in arm.runs] for arm in arms]
    shared = set.intersection(*({name for one in own for name in one} for own in held)) if held else set()
    values: dict[str, float] = {}
    for one in (one for own in held for one in own):
        values |= {name: value for name, value in one.items() if name in shared and name not in values}
    declared = (run.manifest.section("eval").get("metric") for arm in arms for run in arm.runs)
    asked = next((name for name in declared if isinstance(name, str)), None)
    return tuple(one for one in in_order(values, asked) if not is_baseline(one.name))
