"""What only some of the runs of a study were seen to use: it follows from a factor, or it is one.

The rules are those by which a comparison of two runs explains such a difference, asked of all runs at once: a use that
goes with the other factors in every run is no factor beside them; one that does not is.
"""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.factors.factor import ABSENT, Absent, Change
from runaudit.factors.levels import Levels
from runaudit.factors.onesided import is_lone, may_follow, named_in, names
from runaudit.study.leaf import Leaf


def explained(leaves: Sequence[Leaf], runs: Sequence[Levels]) -> tuple[Leaf, ...]:
    """The leaves without those that follow from others; what only counts where nothing else differs is marked."""
    lone = {leaf.path for leaf in leaves if _is_lone(leaf, runs)}
    if not lone:
        return tuple(leaves)
    firm = [leaf for leaf in leaves if leaf.path not in lone]
    named = {leaf.path for leaf in leaves if leaf.path in lone and any(_names(other, leaf, runs) for other in firm)}
    loose = {leaf.path for leaf in leaves if leaf.path in lone - named and _goes_with_the_rest(leaf, runs)}
    # A file that nothing names is a choice of its own, and may be why a module or a variable was got to.
    others = [leaf for leaf in leaves if leaf.path not in named | loose]
    rows = [tuple(leaf.tokens[row] for leaf in others) for row in range(len(runs))]
    kept = []
    for leaf in leaves:
        if leaf.path in named or (leaf.path in loose and others and _goes_with(rows, leaf)):
            continue
        kept.append(replace(leaf, lone=True) if leaf.path in loose else leaf)
    return tuple(kept)


def _goes_with(rows: Sequence[tuple[str, ...]], leaf: Leaf) -> bool:
    """Whether runs that are alike in all else are alike in this too."""
    return len({*zip(rows, leaf.tokens, strict=True)}) == len(set(rows))


def _is_lone(leaf: Leaf, runs: Sequence[Levels]) -> bool:
    using, idle = _sides(leaf)
    return bool(using and idle) and all(
        is_lone(Change(path=leaf.path, before=leaf.tokens[i], after=ABSENT), runs[i], runs[idle[0]]) for i in using
    )


def _sides(leaf: Leaf) -> tuple[list[int], list[int]]:
    rows = range(len(leaf.levels))
    return ([i for i in rows if not isinstance(leaf.levels[i], Absent)],
            [i for i in rows if isinstance(leaf.levels[i], Absent)])  # fmt: skip


def _goes_with_the_rest(leaf: Leaf, runs: Sequence[Levels]) -> bool:
    using, idle = _sides(leaf)
    return all(may_follow(leaf.path, runs[i], runs[j]) for i in using for j in idle)


def _names(other: Leaf, leaf: Leaf, runs: Sequence[Levels]) -> bool:
    """Whether the other leaf leads to the file in just those runs that read it."""
    using, idle = _sides(leaf)
    if (path := named_in(leaf.path)) is None:
        return False
    return all(names(other.path, path, runs[i]) for i in using) and not any(
        names(other.path, path, runs[i]) for i in idle
    )
