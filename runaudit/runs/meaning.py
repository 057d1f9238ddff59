"""What a name of `list` means: one thing for all runs, in its columns, conditions, filters and orders alike.

A name is a field, a dotted path of the design, or a metric; in this order, and each under the names that the policy
gives it. It is settled over all runs at once: were it sought in each run by itself, `val` would be the accuracy of one
run and the loss of another. `stats` asks the same question of the metrics (`runaudit.metrics.naming`).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from runaudit.errors import UsageError
from runaudit.factors.factor import Absent
from runaudit.factors.renaming import end_of
from runaudit.metrics.naming import all_names, meant, near_names
from runaudit.runs.rows import METRIC, Entry, fields
from runaudit.text.words import quoted

MOST_NAMES = 8
"""Names that are told where one could be several."""


class Vocabulary:
    """The names that these runs know. series: other name of a metric -> the recorded one, as the policy has it."""

    def __init__(self, entries: Sequence[Entry], series: Mapping[str, str] | None = None) -> None:
        self.entries = entries
        self._series = series or {}
        self._found: dict[str, tuple[str, ...]] = {}

    def meaning(self, name: str) -> str:
        """The one spelling of a name that `Entry.at` takes. Raises UsageError, with the nearest names, where no run
        knows it or where it could be several metrics."""
        found = self._meanings(name)
        if len(found) == 1:
            return found[0]
        if found:
            few = ", ".join(map(quoted, found[:MOST_NAMES]))
            raise UsageError(f"{quoted(name)} could be {few}", remedy="write one of them in full")
        near = ", ".join(map(quoted, near_names(name, self.known())))
        raise UsageError(
            f"no run has {quoted(name)}{f' (closest: {near})' if near else ''}",
            remedy="`runaudit list --json` and `runaudit show -v RUN` give the names",
        )

    def known(self) -> set[str]:
        """Every name that some run has something under."""
        return {*fields(), *all_names(self.metrics), *(path for entry in self.entries for path, _ in entry.leaves())}

    def knows(self, name: str) -> bool:
        """Whether the name means something here, be it several things."""
        return bool(self._meanings(name))

    def is_metric(self, name: str) -> bool:
        """Whether a settled name is that of a metric."""
        return name in all_names(self.metrics) or METRIC.fullmatch(name) is not None

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The recorded metrics."""
        return frozenset(name for entry in self.entries for name in entry.run.metrics)

    def _meanings(self, name: str) -> tuple[str, ...]:
        if name not in self._found:
            self._found[name] = self._sought(name)
        return self._found[name]

    def _sought(self, name: str) -> tuple[str, ...]:
        if name in fields() or not self.entries:
            return (name,)  # Where there is no run, no name is wrong.
        if match := METRIC.fullmatch(name):
            found = meant(match["quoted"] or match["plain"], self.metrics, aliases=self._series)
            return tuple(f"metrics[{one!r}]" for one in found)
        paths = dict.fromkeys((name, end_of(name, self.entries[0].policy.aliases)))
        if path := next(filter(self._is_leaf, paths), None):
            return (path,)
        found = meant(name, self.metrics, aliases=self._series)
        return tuple(f"metrics[{one!r}]" if self._is_leaf(one) else one for one in found)

    def _is_leaf(self, path: str) -> bool:
        return any(not isinstance(entry.levels.at(path), Absent) for entry in self.entries)
