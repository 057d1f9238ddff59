"""What the records of a study do not say, and what was the same in all of them."""

from collections.abc import Iterable, Mapping, Sequence

from runaudit.factors.arguments import ROOT
from runaudit.factors.between import SEED_UNPROVEN
from runaudit.factors.builtin import OBSERVERS
from runaudit.factors.code_state import APART, PROGRAM, lay_apart
from runaudit.factors.factor import ABSENT, Absent, Role
from runaudit.factors.gaps import gaps, status_gap
from runaudit.factors.levels import Levels
from runaudit.factors.measuring import doubts, in_words, is_declared
from runaudit.factors.never import is_foreign
from runaudit.factors.observed import seeded_alike
from runaudit.factors.unmeasured import NO_NUMBER, RESULTS, are_unmeasured
from runaudit.factors.unwritten import METRICS, unwritten_gap
from runaudit.settings import FactorSettings
from runaudit.study.leaf import UNKNOWN, Leaf, token


def missing_of(
    runs: Sequence[Levels], leaves: Sequence[Leaf], policy: FactorSettings
) -> Mapping[str, tuple[frozenset[int], str]]:
    """Path -> the rows whose record lacks it, with the reason of the first."""
    rows: dict[str, dict[int, str]] = {}
    for row, of in enumerate(runs):
        for path, reason in gaps(of, policy).items():
            rows.setdefault(path, {})[row] = reason
        if (why := status_gap(of.run)) is not None and not of.run.withheld:
            rows.setdefault("runtime.status", {})[row] = why
        if (why := unwritten_gap(of.run)) is not None:
            rows.setdefault(METRICS, {})[row] = why
    if are_unmeasured(of.run for of in runs):
        rows[RESULTS] = dict.fromkeys(range(len(runs)), NO_NUMBER)
    for row in sorted({row for group in alike_rows(runs) for row in group}):
        rows.setdefault("seed", {}).setdefault(row, SEED_UNPROVEN)
    for row, reason in _unlike_most(runs, leaves, policy).items():
        rows.setdefault("eval", {}).setdefault(row, reason)
    for row in sorted(lay_apart(runs)):
        rows.setdefault(PROGRAM, {}).setdefault(row, APART)
    seen = {path for of in runs for path in of.scope.facts}
    for leaf in leaves:
        for row, level in enumerate(leaf.levels):
            # What a run broke off before has no result to spoil.
            if leaf.path in OBSERVERS or (runs[row].broke_off and leaf.path in seen):
                continue
            if level is UNKNOWN and not any(
                row in rows[path] for path in rows if leaf.path == path or leaf.path.startswith(f"{path}.")
            ):
                rows.setdefault(leaf.path, {})[row] = runs[row].run.manifest.reason(leaf.path)
    return {path: (frozenset(rows[path]), min(rows[path].items())[1]) for path in sorted(rows)}


def _unlike_most(runs: Sequence[Levels], leaves: Sequence[Leaf], policy: FactorSettings) -> Mapping[int, str]:
    """The rows whose level of what may be a part of the measure is not that of most, with the reason."""
    moved = {leaf.path: leaf for leaf in leaves if leaf.role is Role.TREATMENT and len(leaf.known) > 1}
    if any(is_foreign(of.run) for of in runs) or is_declared(policy, [of.run for of in runs]):
        return {}
    found = doubts(moved, runs)
    odd: set[int] = set()
    for path in found:
        levels = moved[path].tokens
        most = max(sorted({*levels}), key=levels.count)
        odd |= {row for row, level in enumerate(levels) if level != most}
    return dict.fromkeys(odd, in_words(found)) if found else {}


def known_rows(runs: Sequence[Levels], leaves: Sequence[Leaf]) -> Mapping[str, frozenset[int]]:
    """Of every leaf that only observation or the command line tells, the rows that have it."""
    listed = {path for of in runs for path in of.scope.facts}
    return {
        leaf.path: frozenset(row for row, level in enumerate(leaf.levels) if level is not UNKNOWN)
        for leaf in leaves
        if leaf.path in listed or leaf.path.startswith(ROOT)
    }


def alike_rows(runs: Sequence[Levels]) -> tuple[frozenset[int], ...]:
    """Rows of equal seeding calls and other declared seeds, where no word of the command line gave the seed."""
    groups: dict[str, list[int]] = {}
    for row, of in enumerate(runs):
        if of.observed is not None and of.observed.seeded and of.seed_word is None:
            groups.setdefault(repr(of.observed.seeded), []).append(row)
    return tuple(
        frozenset(rows)
        for rows in groups.values()
        if any(seeded_alike(runs[rows[0]].run, runs[row].run) for row in rows[1:])
    )


def never_varied(constant: Iterable[str], runs: Sequence[Levels], varying: Iterable[str] = ()) -> tuple[str, ...]:
    """What was held in all runs; packages, variables and the facts of a data set each in one word, where none of them
    varied."""
    seeds = {token(of.at("seed")) for of in runs}
    moved = {_collapsed(path) for path in varying}
    named = {_collapsed(path) for path in constant} - moved
    if any(of.files is None for of in runs) and any(isinstance(of.at("code.commit"), Absent) for of in runs):
        named.discard("code")
    if len(seeds) == 1 and token(ABSENT) not in seeds:
        named.add("seed")
    return tuple(sorted(named))


def _collapsed(path: str) -> str:
    for root in ("env.packages", "env.variables"):
        if path.startswith((f"{root}.", f"{root}[")):
            return root
    return ".".join(path.split(".")[:2]) if path.startswith("data.") else path
