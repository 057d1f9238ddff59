"""Which runs of a study are of one design: the identity that cohorts have, asked only where the table leaves it open.

Runs that share every leaf that counts are of one design, and runs that do not are not, as long as all of them were
watched alike. Where they were not, a table of all excuses less than two runs by themselves: then the identity decides.
"""

from collections.abc import Sequence

from runaudit.factors.gaps import undeclared_code
from runaudit.factors.identity import Identity, of_one_design
from runaudit.factors.levels import Levels
from runaudit.factors.observed import KINDS
from runaudit.settings import FactorSettings
from runaudit.study.leaf import Leaf


def designs_of(runs: Sequence[Levels], leaves: Sequence[Leaf], policy: FactorSettings) -> tuple[int, ...]:
    """For each run, as it is by itself, the number of its design, counted from the earliest run on. Code of which
    nobody knows all is another design than code that is known."""
    order = sorted(range(len(runs)), key=lambda row: (_started(runs[row]), runs[row].run.id))
    unknown = [tuple(path for path, _ in undeclared_code(of)) for of in runs]
    rows = [(*(leaf.tokens[row] for leaf in leaves), *unknown[row]) for row in range(len(runs))]
    first: dict[tuple[str, ...], int] = {}
    for row in order:
        first.setdefault(rows[row], row)
    if _watched_alike(runs):
        number = {key: at for at, key in enumerate(first)}
        return tuple(number[key] for key in rows)
    groups = of_one_design(Identity(of=runs[row], policy=policy) for row in first.values())
    home = {one.run.id: at for at, group in enumerate(groups) for one in group}
    return tuple(home[runs[first[key]].run.id] for key in rows)


def _watched_alike(runs: Sequence[Levels]) -> bool:
    """Whether what was not used is known of all runs, or of none."""
    return len({tuple(of.observed is not None and of.observed.excuses(kind) for kind in KINDS) for of in runs}) == 1


def _started(of: Levels) -> str:
    return str(of.run.manifest.section("launch").get("started") or "")
