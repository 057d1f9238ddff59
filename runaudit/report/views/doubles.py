"""What stands on a page under two names and is one: arms with the same numbers, test data that is validation data.

Nobody sees it in a table: two columns that agree look like care. Numbers are compared to the last bit, data by content.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from runaudit.metrics.heldout import is_held_out, standing
from runaudit.records.results import Results, bits, is_clock, is_plan, same_numbers
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.words import clean
from runaudit.text.words import listed, plural

LEAST_RUNS, LEAST_VALUES = 3, 2
"""Runs in which two numbers agree, and values that they take, before it is no chance: of a hundred images an accuracy
has a hundred values."""


def equal_arms(arms: Sequence[ArmInput], comparisons: Sequence[ComparisonInput]) -> Iterator[str]:
    """Arms that ended in the same numbers at every seed that they share, where no card of the page says so of all."""
    compared = {frozenset((one.arm, one.baseline)) for one in comparisons}
    numbers = [_numbers(arm.runs) for arm in arms]
    groups: list[list[int]] = []
    for index, own in enumerate(numbers):
        home = next((group for group in groups if _are_equal(numbers[group[0]], own)), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    for alike in groups:
        if len(alike) > 1 and any(frozenset(pair) not in compared for pair in combinations(alike, 2)):
            named = listed([letter(index) for index in alike], limit=8)
            yield (
                f"{named} came to the same numbers, to the last bit, at every seed that they share: what differs "
                "between them changed nothing that was recorded"
            )


def _are_equal(a: Mapping[str, Results], b: Mapping[str, Results]) -> bool:
    """Whether two arms are equal at every seed that both have, and those are enough that it is no chance."""
    shared = a.keys() & b.keys()
    least = LEAST_VALUES if len(a) > 1 and len(b) > 1 else 1
    return len(shared) >= least and all(same_numbers(a[seed], b[seed]) for seed in shared)


def _numbers(runs: Sequence[Run]) -> Mapping[str, Results]:
    """Seed -> what a run logged, of the runs that ended; read only where it is asked for."""
    return {seed_text(run): Results(run) for run in runs if run.finished}


def one_data(arms: Sequence[ArmInput]) -> Iterator[str]:
    """Test data that the network, or whoever chose it, has seen: by its content on record, then by its numbers."""
    runs = [run for arm in arms for run in arm.runs]
    pairs: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        for pair in _shared_data(run):
            pairs.setdefault(pair, []).append(run)
    for (held, other), having in sorted(pairs.items()):
        why = (
            "what was chosen by the one, a checkpoint say, looks better on the other than it is"
            if is_held_out(other)
            else "the network is measured on what it has seen"
        )
        yield f"data.{clean(held)} and data.{clean(other)} have one content in {_of(having, runs)}: {why}"
    if not pairs:
        yield from _equal_metrics(runs)


def _shared_data(run: Run) -> Iterator[tuple[str, str]]:
    """(what results are claimed on, what else it is) of data sets with one digest."""
    digests = {name: entry["digest"] for name, entry in run.manifest.section("data").items()
               if isinstance(entry, Mapping) and entry.get("digest")}  # fmt: skip
    for one, two in combinations(sorted(digests), 2):
        if digests[one] == digests[two] and standing(one) != standing(two):
            first, second = sorted((one, two), key=standing, reverse=True)
            yield first, second


def _equal_metrics(runs: Sequence[Run]) -> Iterator[str]:
    """Final metrics of the test that are those of the validation in every run that has both."""
    names = sorted({name for run in runs for name in run.metrics if not is_clock(name) and not is_plan(name)})
    tests = [name for name in names if standing(name) == 2]
    for test in tests:
        for name in names:
            if standing(name) != 1 or _quantity(name) != _quantity(test):
                continue
            having = [run for run in runs if test in run.metrics and name in run.metrics]
            values = {bits(run.metrics[test]) for run in having}
            is_one = all(bits(run.metrics[test]) == bits(run.metrics[name]) for run in having)
            if is_one and len(having) >= LEAST_RUNS and len(values) >= LEAST_VALUES:
                yield (
                    f"{clean(test)} is {clean(name)}, to the last bit, in {_of(having, runs)}: if both are of the same "
                    "data, what was chosen by the one, a checkpoint say, looks better in the other than it is"
                )


def _quantity(name: str) -> tuple[str, ...]:
    """A name without the words that say on which data: `test/accuracy` and `val_accuracy` are one quantity."""
    return tuple(word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and not is_held_out(word))


def _of(having: Sequence[Run], runs: Sequence[Run]) -> str:
    is_all = len(having) == len(runs) > 1
    return f"all {len(runs)} runs" if is_all else f"{len(having)} of {plural(len(runs), 'run')}"
