"""What a run that broke off had not reached: unknown, and no evidence of another design.

A run that crashed before its imports used fewer packages than its replicates, and is of their design all the same: were
it another, it would leave their denominator. Beside runs that went to their end it is judged by what those used, as its
own record has it from before the start: the version that was installed, the file of its tree, the variable that was
set. What differs there was seen on both sides and counts. Of what only watching tells, nothing is known; and what it
alone used of things that the others had as well follows from how it ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.factors.levels import Levels
from runaudit.factors.observed import Observed, dist_name
from runaudit.records.canonical import JSON


@dataclass(frozen=True, slots=True)
class Whole:
    """Of one table of the environment (packages, variables), what a run that went to its end used, and what its record
    has of it from before the start."""

    used: Mapping[str, JSON]
    sealed: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the runs used that went to their end, where a run is judged beside them that did not."""

    packages: Sequence[Whole]
    variables: Sequence[Whole]


def ahead_of(runs: Sequence[Levels]) -> Ahead | None:
    """What those of these runs used that went to their end; None where none did."""
    whole = [(of, of.observed or Observed(level="none")) for of in runs if not of.broke_off]
    if not whole or len(whole) == len(runs):
        return None
    return Ahead(
        packages=[Whole(seen.imported, sealed_packages(of.tree.get("env"))) for of, seen in whole],
        variables=[Whole(seen.looked_up, sealed_variables(of.tree.get("env"))) for of, seen in whole],
    )


def sealed_packages(env: JSON) -> Mapping[str, JSON]:
    """The packages that were installed at the start, by the name that every spelling of theirs has."""
    return {dist_name(name): version for name, version in _table(env, "packages").items()}


def sealed_variables(env: JSON) -> Mapping[str, JSON]:
    """The variables that were recorded at the start."""
    return _table(env, "variables")


def _table(env: JSON, name: str) -> Mapping[str, Any]:
    found = env.get(name) if isinstance(env, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def counted(used: Mapping[str, JSON], sealed: Mapping[str, JSON], whole: Sequence[Whole]) -> dict[str, JSON]:
    """Name -> value of what counts of a run that broke off: what all whole runs used, as it is on record here, and what
    it used itself where the others do not have the same. None: it is known not to have been there."""
    anywhere = frozenset[str]().union(*(one.used for one in whole))
    everywhere = anywhere.intersection(*(one.used for one in whole))
    found = {
        name: value
        for name, value in used.items()
        if name in anywhere or any(one.sealed.get(name) != value for one in whole)
    }
    for name in everywhere - used.keys():
        mine = sealed.get(name)
        alike = [one.used[name] for one in whole if one.sealed.get(name) == mine]
        if mine is not None:
            found[name] = alike[0] if alike and all(value == alike[0] for value in alike) else mine
        elif sealed and all(name in one.sealed for one in whole):
            found[name] = None
    return found


def with_files(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The runs, each that broke off with the source files that the others used, as its own tree has them."""
    trees = [(of.files, of.scope.idle) for of in runs if not of.broke_off and of.files is not None]
    if not trees or len(trees) == len(runs):
        return tuple(runs)
    anywhere = frozenset[str]().union(*(files for files, _ in trees))
    everywhere = anywhere.intersection(*(files for files, _ in trees))
    return tuple(_with_files(of, trees, anywhere, everywhere) if of.broke_off else of for of in runs)


def _with_files(
    of: Levels,
    trees: Sequence[tuple[Mapping[str, str], Mapping[str, str]]],
    anywhere: frozenset[str],
    everywhere: frozenset[str],
) -> Levels:
    if of.files is None:
        return of
    ahead = {path: digest for path, digest in of.scope.idle.items() if path in everywhere}
    aside = {path: digest for path, digest in of.files.items()
             if path not in anywhere and all(idle.get(path) == digest for _, idle in trees)}  # fmt: skip
    files = {path: digest for path, digest in of.files.items() if path not in aside}
    idle = {path: digest for path, digest in of.scope.idle.items() if path not in ahead}
    return replace(of, files={**files, **ahead}, scope=replace(of.scope, idle={**idle, **aside}))


def without_part_read(runs: Sequence[Levels], rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Path -> digest in every run, without the folders that are told as one and of which a run that broke off may have
    read a part: their digest is that of what it got to."""
    whole = [found for of, found in zip(runs, rows, strict=True) if not of.broke_off]
    if not whole:
        return [dict(found) for found in rows]
    known = [{path for path, digest in found.items() if not path.endswith("/") or any(
                 one.get(path, digest) == digest for one in whole)} if of.broke_off else found.keys()
             for of, found in zip(runs, rows, strict=True)]  # fmt: skip
    return [{path: digest for path, digest in found.items() if path in kept}
            for found, kept in zip(rows, known, strict=True)]  # fmt: skip


def texts_of(of: Levels, runs: Sequence[Levels]) -> Mapping[str, str]:
    """The code without a file that counts of a run: of several texts of one name a run that broke off may have got to
    some."""
    if of.observed is None:
        return {}
    if not of.broke_off:
        return of.observed.texts
    several = frozenset[str]().union(*(one.observed.several for one in runs if one.observed is not None))
    return {name: digest for name, digest in of.observed.texts.items() if name not in several}
