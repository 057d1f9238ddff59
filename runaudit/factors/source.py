"""What a change of a source file means. Python files are compared by syntax tree, never by whitespace rules.

Comments and layout are cosmetic; a docstring that no program reads is cosmetic but told; an indentation that changes
meaning changes the tree. What cannot be parsed is compared by its bytes. `diff -w` would call a moved line under an
`if` no change.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from runaudit.factors import builtin as known
from runaudit.factors.codefiles import effective_files, late_files, one_file
from runaudit.factors.config_source import is_the_config, read_two_ways
from runaudit.factors.documents import cells, reads_docstrings, shape, text_of, why_unread
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass
from runaudit.factors.levels import Levels
from runaudit.factors.marks import same_but_for_secrets
from runaudit.factors.path import matches
from runaudit.settings import FactorSettings


def prefix_of(path: str) -> str:
    """The dotted path of a source file: its path as it is, `code.trainer/losses.py`."""
    return f"code.{path}"


def file_changes(a: Levels, b: Levels, settings: FactorSettings) -> Iterator[Change]:
    """Every source file that differs, with its class."""
    left, right = a.files or {}, b.files or {}
    for path in sorted({*left, *right}):
        before, after = left.get(path, ABSENT), right.get(path, ABSENT)
        if before != after and not _told_at_the_end(path, before, after, a, b):
            yield file_change(path, before, after, a, b, settings)
    yield from _unopened(a, b)


def _told_at_the_end(path: str, before: str | Absent, after: str | Absent, a: Levels, b: Levels) -> bool:
    """Whether one run was seen to run code that no launch sees, and the other has no end yet or broke off: it may have
    run it as well, had it got there."""
    if not (isinstance(before, Absent) or isinstance(after, Absent)):
        return False
    using, other = (b, a) if isinstance(before, Absent) else (a, b)
    if other.run.outcome is None and path in late_files(using.run):
        return True
    return not_reached(path, using, other)


def not_reached(path: str, using: Levels, other: Levels) -> bool:
    """Whether a run broke off before it could be seen to run code that no launch sees, as another did."""
    return other.broke_off and path not in (effective_files(using.run.manifest.section("code")) or {})


def file_change(
    path: str, before: str | Absent, after: str | Absent, a: Levels, b: Levels, settings: FactorSettings
) -> Change:
    """The class of one source file that differs, by the digests of its contents."""
    kind, why = _judge(path, before, after, a, b, settings)
    follows = "config" if kind is ChangeClass.DERIVED else ""
    return Change(path=prefix_of(path), before=before, after=after, kind=kind, why=why, follows=follows)


def _unopened(a: Levels, b: Levels) -> Iterator[Change]:
    """Files that fully observed runs did not open: they cannot have mattered, whatever they are called."""
    for path in sorted({*a.scope.idle, *b.scope.idle} - {*(a.files or {}), *(b.files or {})}):
        before, after = a.scope.idle.get(path, ABSENT), b.scope.idle.get(path, ABSENT)
        if before == after:
            continue
        kind, why, follows = ChangeClass.NUISANCE, "unused: neither run opened it", ""
        if within := a.scope.within.get(path) or b.scope.within.get(path):
            moved = a.at(f"{within}.digest") != b.at(f"{within}.digest") or a.at(within) != b.at(within)
            kind, why, follows = (ChangeClass.DERIVED, f"it lies within {within}", within) if moved else (
                ChangeClass.FACTOR, f"it lies within {within}, whose digest did not move", ""
            )  # fmt: skip
        elif _launched_with(path, before, after, a, b):
            # Whoever launched the run read it, and the config holds what it said.
            kind, why = _as_config(a, b)
            follows = "config" if kind is ChangeClass.DERIVED else ""
        yield Change(path=prefix_of(path), before=before, after=after, kind=kind, why=why, follows=follows)


def _judge(
    path: str, before: str | Absent, after: str | Absent, a: Levels, b: Levels, settings: FactorSettings
) -> tuple[ChangeClass, str]:
    if any(matches(prefix_of(path), pattern) for pattern in settings.nuisance):
        return ChangeClass.NUISANCE, "the policy declares that it cannot change a result"
    if not _opened(path, a, b) and (why := why_unread(path, a, b)):
        return ChangeClass.NUISANCE, why
    if not _ran(path, a, b):
        return ChangeClass.NUISANCE, "not run: neither run loaded it"
    if _launched_with(path, before, after, a, b):
        return _as_config(a, b)
    if isinstance(before, str) and isinstance(after, str):
        if one_file(path, a.run, b.run):
            return ChangeClass.NUISANCE, "the same file; other secrets of it were known when it was recorded"
        return _same_text(path, text_of(a.run, before), text_of(b.run, after), a, b)
    return ChangeClass.FACTOR, ""


def _same_text(path: str, before: str | None, after: str | None, a: Levels, b: Levels) -> tuple[ChangeClass, str]:
    if before is not None and after is not None and "<redacted:" in before:
        before, after = same_but_for_secrets(before, after)
        if before == after:
            return ChangeClass.NUISANCE, "a secret in it; which one it was chose nothing"
    if path.endswith(".ipynb") and before is not None and after is not None:
        same_cells = (code_cells := cells(before)) is not None and code_cells == cells(after)
        return (ChangeClass.COSMETIC, "outputs or layout only") if same_cells else (ChangeClass.FACTOR, "")
    if not path.endswith(".py"):
        return ChangeClass.FACTOR, ""
    kind, why = same_program(before, after)
    if why == "docstrings only" and reads_docstrings(a, b):
        return ChangeClass.FACTOR, "docstrings only, and the program may read them"
    return kind, why


def cannot_run(path: str, *sides: Levels) -> str:
    """Why a file cannot have changed a result in these runs; empty where it can. Its name alone excuses nothing."""
    return why_unread(path, *sides)


def _opened(path: str, a: Levels, b: Levels) -> bool:
    """Whether a run was seen to open the file, so that its name says nothing."""
    return any(side.observed is not None and side.observed.opened(path) for side in (a, b))


def _ran(path: str, a: Levels, b: Levels) -> bool:
    """False only where both runs know what they loaded, and neither loaded this, nor names it as a script to start."""
    if not path.endswith(known.UNSEEN_SUFFIXES) or a.loaded is None or b.loaded is None:
        return True
    if path in a.loaded or path in b.loaded:
        return True
    # A script that a loaded module starts as a process of its own is in nobody's list of modules.
    script = PurePosixPath(path).name
    return script != "__init__.py" and any(script in side.spoken for side in (a, b))


def _launched_with(path: str, before: str | Absent, after: str | Absent, a: Levels, b: Levels) -> bool:
    """Whether the config that is resolved in a record was read from this file, on every side that has it."""
    if not path.endswith(known.SETTING_SUFFIXES):
        return False
    sides = [(of, digest) for of, digest in ((a, before), (b, after)) if isinstance(digest, str)]
    return all(of.tree.get("config") and is_the_config(path, digest, of) for of, digest in sides)


def _as_config(a: Levels, b: Levels) -> tuple[ChangeClass, str]:
    """What a file that the config was read from comes to: the config, where all readers find the same in it."""
    why = read_two_ways(a, b)
    return (ChangeClass.FACTOR, why) if why else (ChangeClass.DERIVED, known.SETTINGS)


def same_program(before: str | None, after: str | None) -> tuple[ChangeClass, str]:
    """Whether two Python texts are the same program."""
    if before is None or after is None:
        return ChangeClass.FACTOR, "its text is not kept, so it is compared by its bytes"
    left, right = shape(before), shape(after)
    if left is None or right is None:
        return ChangeClass.FACTOR, "it cannot be parsed by this Python, so it is compared by its bytes"
    if left == right:
        return ChangeClass.COSMETIC, "comments or layout only"
    if shape(before, docstrings=False) == shape(after, docstrings=False):
        return ChangeClass.COSMETIC, "docstrings only"
    return ChangeClass.FACTOR, ""


def renamed(changes: list[Change]) -> Mapping[str, str]:
    """Files that moved with their content: both paths -> the new one, under which they are one factor."""
    moved = [c for c in changes if c.section == "code" and c.kind is ChangeClass.FACTOR]
    gone = {c.before: c.path for c in moved if isinstance(c.after, Absent)}
    pairs = {c.path: gone[c.after] for c in moved if isinstance(c.before, Absent) and c.after in gone}
    return {path: new for new, old in pairs.items() for path in (new, old)}
