"""What only one of two fully observed runs was seen to use: it follows from something, or it is a choice of its own.

A file that a changed argument names, or a changed source file, follows from that change. A module, a package or a
variable that only one run got to follows from whatever else differs, as long as something does; where nothing else
does, it is told as a factor. No rule here leaves a difference without a factor.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from runaudit.factors.documents import text_of
from runaudit.factors.factor import SEED_ROLES, Absent, Change, ChangeClass, Role, section_of
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.path import steps
from runaudit.records.canonical import JSON

USED_BY_ONE = "only one of the runs used it"
EMPTY = "only one of the runs imported it, and it holds nothing but comments"
WITHIN = "it lies within a declared data set, whose content is equal"


def explained_by_use(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The changes, with what follows from others among them as derived."""
    a, b = pair.a, pair.b
    found = [replace(c, kind=ChangeClass.NUISANCE, role=Role.TREATMENT, why=WITHIN) if _within_declared(c, a, b) else c
             for c in found]  # fmt: skip
    lone = {change.path for change in found if change.kind is ChangeClass.FACTOR and is_lone(change, a, b)}
    if empty := {path for path in lone if _is_empty_module(path, a, b)}:
        found = [replace(c, kind=ChangeClass.NUISANCE, why=EMPTY) if c.path in empty else c for c in found]
        lone -= empty
    if not lone:
        return found
    causes = {c.path: cause for c in found if c.path in lone and (cause := _named_by(c, found, lone, a, b)) is not None}
    # A file that nothing names is a choice of its own, and may be why a module or a variable was got to.
    loose = {path for path in lone if path not in causes and may_follow(path, a, b)}
    factors = [c.path for c in found if c.kind is ChangeClass.FACTOR and c.role not in SEED_ROLES]
    others = [path for path in factors if path not in loose and path not in causes]
    causes |= {path: others[0] for path in loose if others}
    for path in _measured_on(found, lone):
        causes.pop(path, None)
    return [_with_cause(change, causes.get(change.path)) if change.path in lone else change for change in found]


def _measured_on(found: Sequence[Change], lone: Collection[str]) -> Sequence[str]:
    """Held-out files that one run alone read, where the other read such of its own: results on other data are not held
    side by side, whatever setting named the file. One that reads a test set besides is measured as before."""
    read = [c for c in found if c.path in lone and c.role is Role.EVALUATION]
    sides = {isinstance(change.before, Absent) for change in read}
    return [change.path for change in read] if len(sides) > 1 else []


def _within_declared(change: Change, a: Levels, b: Levels) -> bool:
    """Whether it is a file that one run alone read, of a data set that both declare with equal content: what was read
    of that narrows nothing."""
    one_sided = isinstance(change.before, Absent) or isinstance(change.after, Absent)
    seen = change.path in {*a.scope.facts, *b.scope.facts}
    path = named_in(change.path) if one_sided and seen and change.kind is ChangeClass.FACTOR else None
    if path is None:
        return False
    for name, entry in a.run.manifest.section("data").items():
        other = b.run.manifest.section("data").get(name)
        if not isinstance(entry, Mapping) or not isinstance(other, Mapping) or not entry.get("digest"):
            continue
        places = {str(side.get("path") or "").rstrip("/") for side in (entry, other)} - {""}
        if entry["digest"] == other.get("digest") and any(path.startswith(f"{place}/") for place in places):
            return True
    return False


def _with_cause(change: Change, cause: str | None) -> Change:
    if cause is None:
        return replace(change, why=USED_BY_ONE)
    why = f"{USED_BY_ONE}, which follows from {cause}"
    return replace(change, kind=ChangeClass.DERIVED, role=Role.TREATMENT, follows=cause, why=why)


def is_lone(change: Change, a: Levels, b: Levels) -> bool:
    """Whether a change is one of use alone: only one run used it, and the record of the other would say so."""
    using = b if isinstance(change.before, Absent) else a if isinstance(change.after, Absent) else None
    if using is None or change.path not in using.scope.facts:
        return False
    # A source file that only one tree has was added or removed: that is a change of the code.
    other = a if using is b else b
    return change.section != "code" or bool(_source(change.path, other)) or not _source(change.path, using)


def _source(path: str, of: Levels) -> str | None:
    """The digest of a source file that the record of the run holds, used or not."""
    name = path.removeprefix("code.")
    code = of.run.manifest.section("code").get("files")
    if name in of.scope.idle:
        return of.scope.idle[name]
    entry = code.get(name) if isinstance(code, Mapping) else None
    return str(entry) if entry is not None else None


def may_follow(path: str, a: Levels, b: Levels) -> bool:
    """Whether a use by one run follows from any other change: the thing itself is the same in both."""
    keys = steps(path)
    if path.startswith("code."):
        sides = [(of.files or {}).get(path[5:]) or of.scope.idle.get(path[5:]) for of in (a, b)]
        return sides[0] == sides[1]
    if path.startswith("env.packages"):
        versions = [_package(str(keys[-1]), of) for of in (a, b)]
        return versions[0] is not None and versions[0] == versions[1]
    return path.startswith("env.variables")


def _is_empty_module(path: str, a: Levels, b: Levels) -> bool:
    """Whether it is a module of both trees, equal in both, that holds no statement: the mark of a package, mostly."""
    if not path.startswith("code.") or not path.endswith(".py") or not may_follow(path, a, b):
        return False
    digest = (a.files or {}).get(path[5:]) or a.scope.idle.get(path[5:])
    text = text_of(a.run, digest) if digest else None
    return text is not None and all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def _package(name: str, of: Levels) -> JSON:
    """The version of a package that is installed, imported or not."""
    idle = of.scope.unused.get("env", {}).get("packages", {})
    tree: Any = of.tree.get("env", {}).get("packages", {})
    found: JSON = tree.get(name) or idle.get(name)
    return found


def _named_by(change: Change, found: Sequence[Change], lone: set[str], a: Levels, b: Levels) -> str | None:
    """The changed argument, config leaf, variable or source file that names a file on the side that read it alone."""
    if (path := named_in(change.path)) is None:
        return None
    using, other_side = (b, a) if isinstance(change.before, Absent) else (a, b)
    for other in found:
        if other.path in lone or other.kind is not ChangeClass.FACTOR or other.role in SEED_ROLES:
            continue
        if names(other.path, path, using) and not names(other.path, path, other_side):
            return other.path
    return None


def named_in(path: str) -> str | None:
    """The file that a leaf stands for, where another leaf may name it; None for a module of the work tree."""
    if section_of(path) not in ("data", "init") and not path.startswith(("env.files", "code./")):
        return None
    return path[5:] if path.startswith("code.") else str(steps(path)[-1])


def names(leaf: str, path: str, of: Levels) -> bool:
    """Whether a leaf of a run leads to a file: its path, a folder above it, a part of its name; or a source text that
    holds its name."""
    if leaf.startswith("code."):
        digest = (of.files or {}).get(leaf[5:])
        text = text_of(of.run, digest) if digest else None
        return text is not None and PurePosixPath(path.rstrip("/")).name in text
    if section_of(leaf) != "config" and not leaf.startswith("env.variables"):
        return False
    return any(_leads_to(word, path) for word in _texts(of.at(leaf)))


def _texts(value: JSON | Absent) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _leads_to(word: str, path: str) -> bool:
    word, path = word.removeprefix("./").rstrip("/"), path.rstrip("/")
    if not word:
        return False
    whole = f"/{path.lstrip('/')}/"
    inner = f"/{word.lstrip('./')}/"
    return inner in whole or whole in f"/{word.lstrip('/')}/" or PurePosixPath(path).stem == word
