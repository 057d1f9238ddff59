"""The one identity of a design: which runs are one experiment, whatever their seed.

Cohorts, the list index, a repetition's replicates and the cells of a study all ask here, so that no two of them can
disagree on who is with whom. Two runs are of one design where a comparison finds nothing to differ but seeds; what is
in doubt is a factor, and so another design. A run of the same design with another seed is a *replicate*, one that
repeats the same seed a *repetition*.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from runaudit.factors.classes import design_key
from runaudit.factors.cohort import id_of, same_design
from runaudit.factors.levels import Levels, levels
from runaudit.factors.policy import shared_policy
from runaudit.records.run import Run
from runaudit.settings import FactorSettings


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What was run, without its seed, under a policy. All that is kept here depends on these two alone."""

    of: Levels
    policy: FactorSettings

    @property
    def run(self) -> Run:
        """The run whose design this is."""
        return self.of.run

    @cached_property
    def key(self) -> str:
        """A text that runs of one design have in common. It sorts candidates: unequal for two designs that differ in
        what they declare; of equal ones `matches` decides."""
        return design_key(self.of, shared_policy(self.policy, (self.run,)))

    @cached_property
    def id(self) -> str:
        """The id of the cohort that this run founds."""
        return id_of(self.of, self.policy)

    def matches(self, other: "Identity") -> bool:
        """Whether two runs are of one design: a comparison finds nothing to differ but seeds."""
        return self.key == other.key and same_design(self.of, other.of, self.policy)

    def founder(self, founders: Iterable["Identity"]) -> "Identity | None":
        """The first of these, oldest first, of whose design this run is; None where it founds a cohort of its own."""
        return next((one for one in founders if one.matches(self)), None)


def identity_of(run: Run, policy: FactorSettings) -> Identity:
    """The design of a run under the policy of the project."""
    return Identity(of=levels(run, shared_policy(policy, (run,))), policy=policy)
