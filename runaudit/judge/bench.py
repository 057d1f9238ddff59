"""Where judgement sits: a store and the policy beside it, handed on together because every judgement needs both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.factors.cohort import Cohort
from runaudit.records.run import Run
from runaudit.runs.arms import arm_of, cohort_named, cohorts_with
from runaudit.runs.listing import sections_of, table_rows
from runaudit.runs.names import has_store, one_of, runs_named
from runaudit.runs.reading import all_runs, stored_cohorts
from runaudit.settings import Settings
from runaudit.store.store import Store
from runaudit.text.terminal import printable


@dataclass(frozen=True, slots=True)
class Bench:
    """The store, which need not exist where record files are compared, and the settings that hold there."""

    store: Store
    settings: Settings

    def __repr__(self) -> str:
        return f"<Store {printable(str(self.store.root))}>"

    def named(self, *words: str, trajectory: bool = True) -> tuple[Run, ...]:
        """The runs that these words name. Raises UsageError for an unknown or ambiguous one."""
        return runs_named(self.store, self.settings, *words, trajectory=trajectory)

    def run(self, word: str) -> Run:
        """The one run that a word names: the beginning of an id, a label, `@last`, the path of a record file.

        Raises UsageError where it names none or several.

        >>> import runaudit
        >>> runaudit.open_store().run("@last").status
        'completed'
        """
        found = self.named(word)
        one_of([run.id for run in found], word)
        return found[0]

    def runs(self, *, trajectory: bool = False) -> tuple[Run, ...]:
        """Every launch of the store, oldest first; its curves are read if asked for. Raises EmptyStoreError where there
        is none.

        >>> import runaudit
        >>> [run.label for run in runaudit.open_store().runs()][:2]
        ['slow', 'slow']
        """
        return all_runs(self.store.existing(), trajectory=trajectory)

    def cohort(self, *words: str, trajectory: bool = True) -> Cohort:
        """The runs that these words name together, as one arm.

        >>> import runaudit
        >>> runaudit.open_store().cohort("fast").seeds
        (1, 2, 3)
        """
        return cohort_named(self.store, self.settings, *words, trajectory=trajectory)

    def arm(self, side: Cohort | Sequence[Run]) -> Cohort:
        """These runs as one arm. A cohort is one already."""
        return side if isinstance(side, Cohort) else arm_of(self.store, self.settings, side)

    def cohorts(self) -> tuple[Cohort, ...]:
        """Every launch of the store by cohort: the runs that differ only in their seed. None where there is no store.

        >>> import runaudit
        >>> [(cohort.label, cohort.n) for cohort in runaudit.open_store().cohorts()]
        [('slow', 3), ('fast', 3)]
        """
        return stored_cohorts(self.store.existing(), self.settings) if has_store(self.store) else ()

    def homes(self, arms: Iterable[Cohort]) -> tuple[Cohort, ...]:
        """The whole cohorts, in the store, of the runs of these arms: how many of a design were launched. No other run
        is read."""
        return cohorts_with(self.store, self.settings, [run.id for arm in arms for run in arm.runs])

    def table(self) -> list[dict[str, Any]]:
        """Every launch as a plain dict of equal keys, which a data-frame library takes: every field, every setting
        (`config.lr`) and every metric.

        >>> import runaudit
        >>> [(row["label"], row["seed"]) for row in runaudit.open_store().table()][:2]
        [('slow', 1), ('slow', 2)]
        """
        return table_rows(sections_of(self.cohorts(), self.settings), config=True)
