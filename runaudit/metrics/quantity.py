"""What the name of a metric stands for in runs that are held side by side: one measure, the same in all of them.

A run may record a metric under its own name, another one its sequences alone. A mean over sequences need not be what
the first recorded: held against each other they once gave "+3 dB" where every sequence was 1 dB worse. So either every
run has the metric itself, or every run is the mean over the same sequences; one that has neither has no number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum, isfinite

from runaudit.metrics.naming import sequence_names
from runaudit.text.words import listed, plural, quoted

Held = Mapping[str, float]
"""The final metrics of a run."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A metric, the sequences that any of the runs was measured on, and whether the value of a run is the mean over
    all of these; else it is what the run recorded under the metric's own name."""

    name: str
    sequences: tuple[str, ...] = ()
    is_mean: bool = False

    def of(self, held: Held) -> float | None:
        """The value of a run; None where it has none, or not on every sequence."""
        if not self.is_mean:
            return held.get(self.name)
        numbers = [held[full] for full in self._full if full in held]
        if len(numbers) < len(self.sequences) or not all(map(isfinite, numbers)):
            return None
        try:
            return fsum(numbers) / len(numbers)
        except OverflowError:
            return fsum(number / len(numbers) for number in numbers)

    @property
    def _full(self) -> tuple[str, ...]:
        return tuple(f"{self.name}/{part}" for part in self.sequences)

    def notes(self, runs: Iterable[Held]) -> Iterator[str]:
        """What is to be known of the values of these runs, in sentences."""
        some = [held for held in runs if self.name in held or any(full in held for full in self._full)]
        own = sum(self.name in held for held in some)
        if self.is_mean:
            beside = f" ({own} of {plural(len(some), 'run')} recorded {quoted(self.name)} itself)" if own else ""
            yield f"The value of a run is the mean over its {plural(len(self.sequences), 'sequence')}{beside}."
            yield from self._lacking(some)
        elif 0 < own < len(some):
            yield (
                f"{own} of {plural(len(some), 'run')} recorded {quoted(self.name)}; the others have sequences of it "
                f"alone, whose mean need not be the same measure, so they have no value: compare one sequence "
                f"({listed(list(self._full), 3)}), or record {quoted(self.name)} in every run."
            )

    def _lacking(self, some: Sequence[Held]) -> Iterator[str]:
        lacking = [full for full in self._full if not all(full in held for held in some)]
        shared = [full for full in self._full if full not in lacking]
        if lacking:
            count = sum(any(full not in held for full in lacking) for held in some)
            remedy = f": compare {listed(shared, 3)}" if shared else ""
            lack = f"{'lacks' if count == 1 else 'lack'} {listed(lacking, 3)}"
            yield (
                f"{count} of {plural(len(some), 'run')} {lack}, which others were measured on. A mean over other "
                f"sequences is another measure, so there is no value{remedy}."
            )


def measured(runs: Iterable[Held]) -> Callable[[str], Quantity]:
    """What each metric stands for in these runs, asked once for each."""
    tables = list(runs)
    return cache(lambda name: quantity_of(name, tables))


def quantity_of(name: str, runs: Iterable[Held]) -> Quantity:
    """What a metric stands for in these runs. Runs that have nothing of it decide nothing."""
    tables = {tuple(held) for held in runs}  # Which names there are decides, and most runs have the same.
    sequences = sequence_names({key for names in tables for key in names}, name)
    full = [f"{name}/{part}" for part in sequences]
    some = [names for names in tables if name in names or any(key in names for key in full)]
    if not sequences or all(name in names for names in some):
        return Quantity(name, sequences)
    is_own = any(name in names for names in some)
    return Quantity(name, sequences, is_mean=not is_own or all(key in names for names in some for key in full))
