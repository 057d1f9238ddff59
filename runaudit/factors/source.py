"""What a change of a source file means. Python files are compared by syntax tree, never by whitespace rules.

Comments and layout are cosmetic; a docstring is cosmetic but told; an indentation that changes meaning changes the
tree. What cannot be parsed is compared by its bytes. `diff -w` would call a moved line under an `if` no change.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from runaudit.errors import RunauditError
from runaudit.factors import known
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass
from runaudit.factors.levels import Levels
from runaudit.factors.path import matches
from runaudit.records.run import Run
from runaudit.settings import FactorSettings

MAX_PARSED_BYTES = 2 << 20


def prefix_of(path: str) -> str:
    """The dotted path of a source file: its path as it is, `code.trainer/losses.py`."""
    return f"code.{path}"


def file_changes(a: Levels, b: Levels, settings: FactorSettings) -> Iterator[Change]:
    """Every source file that differs, with its class."""
    left, right = a.files or {}, b.files or {}
    for path in sorted({*left, *right}):
        before, after = left.get(path, ABSENT), right.get(path, ABSENT)
        if before != after:
            kind, why = _judge(path, before, after, a, b, settings)
            yield Change(path=prefix_of(path), before=before, after=after, kind=kind, why=why)
    yield from _unopened(a, b)


def _unopened(a: Levels, b: Levels) -> Iterator[Change]:
    """Files that fully observed runs did not open: they cannot have mattered, whatever they are called."""
    for path in sorted({*a.scope.idle, *b.scope.idle} - {*(a.files or {}), *(b.files or {})}):
        before, after = a.scope.idle.get(path, ABSENT), b.scope.idle.get(path, ABSENT)
        if before == after:
            continue
        kind, why, follows = ChangeClass.NUISANCE, "unused: neither run opened it", ""
        if told := a.scope.told.get(path) or b.scope.told.get(path):
            moved = a.at(f"{told}.digest") != b.at(f"{told}.digest") or a.at(told) != b.at(told)
            kind, why, follows = (ChangeClass.DERIVED, f"it lies within {told}", told) if moved else (
                ChangeClass.FACTOR, f"it lies within {told}, whose digest did not move", ""
            )  # fmt: skip
        yield Change(path=prefix_of(path), before=before, after=after, kind=kind, why=why, follows=follows)


def _judge(
    path: str, before: str | Absent, after: str | Absent, a: Levels, b: Levels, settings: FactorSettings
) -> tuple[ChangeClass, str]:
    if any(matches(prefix_of(path), pattern) for pattern in settings.nuisance):
        return ChangeClass.NUISANCE, "the policy declares that it cannot change a result"
    if not _opened(path, a, b) and (why := cannot_run(path)):
        return ChangeClass.NUISANCE, why
    if not _ran(path, a, b):
        return ChangeClass.NUISANCE, "not run: neither run loaded it"
    if _launched_with(path, a, b):
        return ChangeClass.DERIVED, "the run's settings; the resolved config is compared leaf by leaf"
    if path.endswith(".py") and isinstance(before, str) and isinstance(after, str):
        return same_program(text_of(a.run, before), text_of(b.run, after))
    return ChangeClass.FACTOR, ""


def cannot_run(path: str) -> str:
    """Why a file of this name cannot change a result; empty where it can."""
    if path.endswith(known.DOCUMENT_SUFFIXES) or known.DOCUMENT_NAMES.search(path):
        return "a document; nothing runs it"
    if known.PACKAGING_NAMES.search(path):
        return "it installs or checks; what is installed is judged as the environment"
    return ""


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


def _launched_with(path: str, a: Levels, b: Levels) -> bool:
    """Whether the config that is resolved in a record was read from this file, or its command line names it."""
    if not path.endswith(known.SETTING_SUFFIXES):
        return False
    if not all(side.tree.get("config") for side in (a, b)):
        return False
    for side in (a, b):
        if path in (side.run.manifest.section("launch").get("config_files") or ()):
            return True
        argv = side.run.manifest.section("launch").get("argv") or ()
        words = [str(word).rpartition("=")[2] for word in argv] if isinstance(argv, list | tuple) else []
        if any(
            PurePosixPath(word).parts[-len(PurePosixPath(path).parts) :] == PurePosixPath(path).parts for word in words
        ):
            return True
    return False


def text_of(run: Run, digest: str) -> str | None:
    """The content of a source file as text; None where it is not kept or is not text."""
    try:
        raw = run.blobs[digest]
    except (KeyError, RunauditError):
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


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


def shape(text: str, *, docstrings: bool = True) -> str | None:
    """The syntax tree of a Python text without positions; None where it does not parse."""
    if len(text) > MAX_PARSED_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        if not docstrings:
            _strip_docstrings(tree)
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _strip_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]


def renamed(changes: list[Change]) -> Mapping[str, str]:
    """Files that moved with their content: both paths -> the new one, under which they are one factor."""
    moved = [c for c in changes if c.section == "code" and c.kind is ChangeClass.FACTOR]
    gone = {c.before: c.path for c in moved if isinstance(c.after, Absent)}
    pairs = {c.path: gone[c.after] for c in moved if isinstance(c.before, Absent) and c.after in gone}
    return {path: new for new, old in pairs.items() for path in (new, old)}
