"""Where judgement sits: a store and the policy beside it, handed on together because every judgement needs both."""

from dataclasses import dataclass

from runaudit.factors.cohort import Cohort
from runaudit.records.run import Run
from runaudit.runs.names import all_runs, cohort_named, has_store, runs_named, stored_cohorts
from runaudit.settings import Settings
from runaudit.store.store import Store


@dataclass(frozen=True, slots=True)
class Bench:
    """The store, which need not exist where record files are compared, and the settings that hold there."""

    store: Store
    settings: Settings

    def named(self, *words: str, trajectory: bool = True) -> tuple[Run, ...]:
        """The runs that these words name. Raises UsageError for an unknown or ambiguous one."""
        return runs_named(self.store, self.settings, *words, trajectory=trajectory)

    def arm(self, *words: str, trajectory: bool = True) -> Cohort:
        """The runs that these words name together, as one arm."""
        return cohort_named(self.store, self.settings, *words, trajectory=trajectory)

    def everything(self) -> tuple[Run, ...]:
        """Every launch of the store. Raises EmptyStoreError where there is none."""
        return all_runs(self.store.existing())

    def launched(self) -> tuple[Cohort, ...]:
        """Every launch of the store by cohort; none where there is no store."""
        return stored_cohorts(self.store.existing(), self.settings) if has_store(self.store) else ()
