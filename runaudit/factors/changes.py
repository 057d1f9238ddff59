"""Every leaf that differs between two runs, each with exactly one class.

Leaves are found first, each by itself. Rules then hold them against one another: what follows from what, what was only
declared, what one run alone was seen to use. At last they are counted into factors. A source takes the pair and gives
leaves; a rule takes all leaves and gives them all back, some of another class, some new: none is dropped.
"""

from collections.abc import Callable, Iterable, Sequence

from runaudit.factors.bydefault import declared_by_one, leads_to_data
from runaudit.factors.code_state import follow_the_code
from runaudit.factors.compute_budget import with_budget
from runaudit.factors.copied import logged_twice
from runaudit.factors.exchanged import renamed_data
from runaudit.factors.factor import Change
from runaudit.factors.filed import says_what_another_does
from runaudit.factors.following import broken_rules, each_once, explained_by_what_counts
from runaudit.factors.grouping import counted
from runaudit.factors.keyed import masked_apart
from runaudit.factors.leaves import circumstances, design_leaves, seed_proofs
from runaudit.factors.levels import Levels
from runaudit.factors.lineage import compared, lineage
from runaudit.factors.onesided import explained_by_use
from runaudit.factors.pair import Pair
from runaudit.factors.policy import measured_by_policy
from runaudit.factors.seeding import with_seeding
from runaudit.factors.together import beside
from runaudit.factors.usage import moved_changes, seed_unproven, unused_changes
from runaudit.settings import FactorSettings

SOURCES: tuple[Callable[[Pair], Iterable[Change]], ...] = (
    design_leaves,
    unused_changes,
    moved_changes,
    circumstances,
    seed_proofs,
)
RULES: tuple[Callable[[Sequence[Change], Pair], Iterable[Change]], ...] = (
    broken_rules,
    explained_by_what_counts,
    logged_twice,
    each_once,
    leads_to_data,
    declared_by_one,
    says_what_another_does,
    follow_the_code,
    renamed_data,
    explained_by_use,
    seed_unproven,
    with_seeding,
    with_budget,
    masked_apart,
    measured_by_policy,
)
"""In this order: a rule sees what those before it decided."""


def changes(a: Levels, b: Levels, settings: FactorSettings) -> tuple[Pair, tuple[Change, ...]]:
    """Two runs put beside each other, and their changed leaves in the order of the paths, counted into factors."""
    pair = beside(a, b, settings)
    return pair, _changes(pair)


def _changes(pair: Pair) -> tuple[Change, ...]:
    found = tuple(change for source in SOURCES for change in source(pair))
    for rule in RULES:
        found = tuple(rule(found, pair))
    own = counted(tuple(sorted(found, key=lambda change: change.path)), pair)
    if not compared(pair.a, pair.b) or pair.a.parent is None or pair.b.parent is None:
        return own
    # The parents are put beside each other as the runs are.
    return lineage(own, _changes(beside(pair.a.parent, pair.b.parent, pair.settings)), pair)
