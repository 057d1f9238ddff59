"""Which runs of a store are one study, where nobody named any: runs of unrelated programs are no design together.

Whoever brings in all the runs of a disk, or lets several repositories share one store, gets projects side by side, and
a table of all of them has more columns than runs: every setting of one project is absent in the others. Two runs are of
one project where the record shows it: the same work tree, repository or commit, the same script, most of their code, or
that one was made of the other. Names of settings are weaker: two programs of any field have `lr` and `epochs`. They
count where a record says nothing of the code, as those of trackers do.

A run of ours that says nothing of its code may be of any project here. It stays with the largest, which is the one that
is studied: what it lacks is then told.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from runaudit.factors.cohort import hybrid_mark, made_to_compare, shared_label
from runaudit.factors.never import is_foreign, kind_of, tracker_of
from runaudit.importers.tables import leaves
from runaudit.records.run import Run
from runaudit.records.trackers import FILE
from runaudit.text.words import listed

ALIKE = 0.5
"""The share of their files of code, or of the names of their settings, that two runs of one project have in common, at
least."""
MIN_SHARED = 2
"""Names of settings that two sets have in common, at least, to be of one project."""
CODE_SUFFIXES = (".py", ".pyx", ".ipynb", ".jl", ".r", ".lua", ".sh", ".c", ".cc", ".cpp", ".cu", ".rs")
"""How the names of files of code end: what somebody wrote for a project, and not the settings beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Runs that may be studied together. number: its place among all, by size, from 1. name: by what it is called."""

    number: int
    name: str
    runs: tuple[Run, ...]


def projects_of(runs: Iterable[Run]) -> tuple[Project, ...]:
    """The projects of these runs, the largest first; of equal ones that of the oldest run."""
    runs = tuple(runs)
    groups = _joined(runs)
    order = sorted(groups, key=lambda group: (-len(group), group[0]))
    return tuple(
        Project(number=number, name=_name([runs[at] for at in group]), runs=tuple(runs[at] for at in group))
        for number, group in enumerate(order, start=1)
    )


def command_of(project: Project) -> str:
    """What studies a project."""
    return f"runaudit study --part {project.number}"


def _joined(runs: Sequence[Run]) -> list[list[int]]:
    """The places of the runs, those of one project together."""
    found = _Joined(len(runs))
    first: dict[Any, int] = {run.id: at for at, run in enumerate(runs)}
    for at, run in enumerate(runs):
        for mark in _marks(run):
            found.join(first.setdefault(mark, at), at)
        for kin in _kin(run):
            found.join(first.get(kin, at), at)
    _join_code(runs, found)
    _join_settings(runs, found)
    silent = [at for at, run in enumerate(runs) if _is_ours(run) and not _tells_code(run)]
    own = [group for group in found.groups() if any(_tells_code(runs[at]) for at in group)]
    if silent and own:
        largest = max(own, key=lambda group: (len(group), -group[0]))
        for at in silent:
            if not any(found.root(at) == found.root(group[0]) for group in own):
                found.join(largest[0], at)
    return found.groups()


class _Joined:
    """Places 0 to n - 1 in groups, each alone at first."""

    def __init__(self, n: int) -> None:
        self._above = list(range(n))

    def root(self, at: int) -> int:
        """The place that stands for a group."""
        while self._above[at] != at:
            self._above[at] = self._above[self._above[at]]
            at = self._above[at]
        return at

    def join(self, a: int, b: int) -> None:
        """Make one group of those of two places."""
        self._above[self.root(b)] = self.root(a)

    def groups(self) -> list[list[int]]:
        """The places of each group, ascending."""
        found: dict[int, list[int]] = {}
        for at in range(len(self._above)):
            found.setdefault(self.root(at), []).append(at)
        return list(found.values())


def _marks(run: Run) -> Iterable[tuple[str, ...]]:
    """What two runs of one project have in common, word for word."""
    code, told = run.manifest.section("code"), False
    for key in ("program", "commit", "remote"):
        if isinstance(value := code.get(key), str) and value:
            yield key, value
            told = True
    if _is_ours(run):
        launch = run.manifest.section("launch")
        host, top = launch.get("hostname"), launch.get("top")
        if isinstance(host, str) and isinstance(top, str):
            yield "tree", host, top
        files, script = code.get("files"), launch.get("script")
        if isinstance(files, Mapping) and isinstance(entry := files.get(script), Mapping) and entry.get("digest"):
            yield "script", str(entry["digest"])
        if not _tells_code(run):
            yield ("own",)
    elif not told and not _names(run):
        yield "silent", kind_of(run)


def _is_ours(run: Run) -> bool:
    """Whether a run was recorded here, or came in as a file of records."""
    return not is_foreign(run) or kind_of(run) == FILE


def _tells_code(run: Run) -> bool:
    """Whether a run of ours says which code it ran, or where that stood."""
    code, launch = run.manifest.section("code"), run.manifest.section("launch")
    return _is_ours(run) and bool(code.get("commit") or code.get("remote") or code.get("files") or launch.get("top"))


def _kin(run: Run) -> Iterable[str]:
    """The ids of runs that this one was made of, or was of one design with before it was forgotten."""
    origin, plan = run.manifest.section("origin"), hybrid_mark(run.manifest).get("plan")
    if isinstance(again := origin.get("rerun_of"), str):
        yield again
    yield from map(str, origin.get("peers") or ())
    if isinstance(plan, Mapping):
        yield from (str(one) for side in "ab" for one in plan.get(side) or ())


def _join_code(runs: Sequence[Run], found: _Joined) -> None:
    """Join what has most of its code in common: a tree that was copied, and went on. Of each group the oldest run and
    the newest are asked; those between stand in the same tree."""
    sides = [
        (group[0], {code for at in (group[0], group[-1]) if (code := _code_of(runs[at]))}) for group in found.groups()
    ]
    for place, (at, own) in enumerate(sides):
        for other, codes in sides[:place]:
            if any(_are_alike(one, two) for one in own for two in codes):
                found.join(other, at)


def _code_of(run: Run) -> frozenset[tuple[str, str]]:
    """The files of code of a run of ours, path and digest. Empty ones and settings are alike in any two projects."""
    files = run.manifest.section("code").get("files")
    if not _is_ours(run) or not isinstance(files, Mapping):
        return frozenset()
    return frozenset(
        (path, str(entry.get("digest")))
        for path, entry in files.items()
        if path.endswith(CODE_SUFFIXES) and isinstance(entry, Mapping) and entry.get("size")
    )


def _are_alike(one: frozenset[Any], two: frozenset[Any]) -> bool:
    return len(one & two) >= ALIKE * len(one | two)


def _names(run: Run) -> frozenset[str]:
    """The names of the settings of a run."""
    return frozenset(name for name, _ in leaves(run.manifest.section("config")))


def _join_settings(runs: Sequence[Run], found: _Joined) -> None:
    """Join the runs whose settings have most of their names in common, where one of the two does not say which code it
    ran; each distinct set of names is asked once. One name that is shared by two sets is a coincidence."""
    sets: dict[tuple[frozenset[str], int | None], int] = {}
    for at, run in enumerate(runs):
        if names := _names(run):
            found.join(sets.setdefault((names, found.root(at) if _tells_code(run) else None), at), at)
    distinct = [(names, own is not None, at) for (names, own), at in sets.items()]
    for place, (names, own, at) in enumerate(distinct):
        for others, also, other in distinct[:place]:
            if not (own and also) and len(names & others) >= MIN_SHARED and _are_alike(names, others):
                found.join(other, at)


def _name(runs: Sequence[Run]) -> str:
    """What a project is called: by its programs, else by what the labels have in common; and who recorded it."""
    programs = Counter(name for run in runs if not made_to_compare(run) and (name := _program(run)))
    trackers = listed(sorted({tracker_of(run).name for run in runs if is_foreign(run)}))
    called = listed([name for name, _ in programs.most_common()], limit=2) if programs else shared_label(runs)
    return f"{called} ({trackers})" if trackers else called


def _program(run: Run) -> str:
    """The program of a run as its tracker names it; of one of ours the script within the folder of its tree, since
    every second project has a `train.py`. Empty where nobody says."""
    if isinstance(named := run.manifest.section("code").get("program"), str) and named:
        return named
    launch = run.manifest.section("launch")
    words = (PurePosixPath(str(launch.get("top") or "")).name, str(launch.get("script") or ""))
    return "/".join(word for word in words if word)
