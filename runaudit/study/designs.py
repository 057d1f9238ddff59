"""Which runs of a study are of one design: the identity that cohorts have, asked only where the table leaves it open.

Runs that were watched alike and share every leaf that counts are of one design. Runs that differ in a plain setting
that all of them have are not. Of the rest a table of all may say more or less than two runs by themselves, so the
identity is asked.
"""

from collections.abc import Iterator, Mapping, Sequence

from runaudit.factors.classes import CHECKPOINT
from runaudit.factors.factor import section_of
from runaudit.factors.identity import extent, identity_at, of_one_design
from runaudit.factors.levels import SEED_KEYS, Levels
from runaudit.factors.observed import KINDS
from runaudit.factors.path import last_key
from runaudit.factors.seedlike import all_seeds
from runaudit.settings import FactorSettings
from runaudit.study.leaf import Leaf

DECLARED = ("config", "data", "eval", "init")
"""Sections whose leaves are judged in each run by itself."""


def designs_of(runs: Sequence[Levels], leaves: Sequence[Leaf], policy: FactorSettings) -> tuple[int, ...]:
    """For each run, as it is by itself, the number of its design, counted from the earliest run on."""
    order = sorted(range(len(runs)), key=lambda row: (_started(runs[row]), runs[row].run.id))
    told = ((*extent(of), *all_seeds(of)) for of in runs)
    rows = [(*(leaf.tokens[row] for leaf in leaves), *rest) for row, rest in enumerate(told)]
    if not _watched_alike(runs):
        # A table of all excuses less, and tells less of use, than two runs that were both watched: each is asked.
        rows = [(of.run.id,) for of in runs]
    plain = [leaf for leaf in leaves if _is_plain(leaf)]
    buckets: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
    for row in order:
        buckets.setdefault(tuple(leaf.tokens[row] for leaf in plain), {}).setdefault(rows[row], row)
    number: dict[tuple[str, ...], int] = {}
    for at, group in enumerate(group for firsts in buckets.values() for group in _grouped(firsts, runs, policy)):
        number |= dict.fromkeys(group, at)
    return tuple(number[key] for key in rows)


def _grouped(
    firsts: Mapping[tuple[str, ...], int], runs: Sequence[Levels], policy: FactorSettings
) -> Iterator[tuple[tuple[str, ...], ...]]:
    """The distinct rows of one bucket, those of one design together."""
    if len(firsts) == 1:
        yield tuple(firsts)
        return
    of_run = {runs[row].run.id: key for key, row in firsts.items()}
    for group in of_one_design(identity_at(runs[row], policy) for row in firsts.values()):
        yield tuple(of_run[one.run.id] for one in group)


def _is_plain(leaf: Leaf) -> bool:
    """Whether every run has a plain value here that counts in it, whatever it is compared with."""
    return (
        section_of(leaf.path) in DECLARED
        and leaf.path != CHECKPOINT  # Where its parents are known, they are judged in pairs.
        and last_key(leaf.path) not in SEED_KEYS
        and all(isinstance(level, str | int | float | None) for level in leaf.levels)
    )


def _watched_alike(runs: Sequence[Levels]) -> bool:
    """Whether what was not used is known of all runs, or of none."""
    return len({(of.broke_off, *(of.observed is not None and of.observed.excuses(kind) for kind in KINDS))
                for of in runs}) < 2  # fmt: skip


def _started(of: Levels) -> str:
    return str(of.run.manifest.section("launch").get("started") or "")
