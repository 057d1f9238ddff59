"""What changed in the code, function by function, so that a reader sees the change and not the file."""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runaudit.diff.lines import changed_lines
from runaudit.diff.result import Comparison
from runaudit.factors.documents import text_of
from runaudit.factors.factor import Absent
from runaudit.records.run import Run

MAX_LINES = 400
"""Lines shown of one file; a generated file of thousands of changed lines says nothing more."""
MAX_ALL_LINES = 600
"""Lines shown of all files together."""
MAX_FOLDED = 60
"""Lines shown of all files together where not everything was asked for: a screen and a half."""
REST = "module"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """The changed lines of one function of one file, as a unified diff: `+`, `-` or a space before each."""

    path: str
    function: str
    lines: tuple[str, ...]


def code_hunks(comparison: Comparison, a: Run, b: Run) -> tuple[Hunk, ...]:
    """The changes of every source file that is a factor and whose text both runs keep."""
    hunks: list[Hunk] = []
    for factor in comparison.factors:
        for change in factor.members:
            if change.section != "code" or change.path.startswith(("code.commit", "code.patch")):
                continue
            if isinstance(change.before, Absent) or isinstance(change.after, Absent):
                continue  # a whole file added or removed is told in its row; its text would bury the changes
            before, after = text_of(a, str(change.before)), text_of(b, str(change.after))
            if before is not None and after is not None:
                hunks += file_hunks(change.path.removeprefix("code."), before, after)
    return _within(hunks, MAX_ALL_LINES)


def folded(hunks: Sequence[Hunk], room: int = MAX_FOLDED) -> tuple[tuple[Hunk, ...], int]:
    """As many lines as a person reads beside a verdict, and how many are left out; a few more are not worth a fold."""
    left = sum(len(hunk.lines) for hunk in hunks) - room
    if left <= room // 4:
        return tuple(hunks), 0
    kept: list[Hunk] = []
    for hunk in hunks:
        if room <= 0:
            break
        kept.append(replace(hunk, lines=hunk.lines[:room]))
        room -= len(hunk.lines)
    return tuple(kept), left


def _within(hunks: list[Hunk], room: int) -> tuple[Hunk, ...]:
    """As many hunks as fit; what is left out is counted."""
    kept: list[Hunk] = []
    for number, hunk in enumerate(hunks):
        room -= len(hunk.lines)
        if room < 0 and kept:
            kept.append(Hunk(path="…", function=f"{len(hunks) - number} more", lines=()))
            break
        kept.append(hunk)
    return tuple(kept)


def file_hunks(path: str, before: str, after: str) -> Iterator[Hunk]:
    """The changes of one file; per function where both sides parse as Python, as one piece otherwise."""
    sides = [functions(text) if path.endswith(".py") else None for text in (before, after)]
    if sides[0] is None or sides[1] is None:
        sides = [{REST: text.splitlines()} for text in (before, after)]
    left, right = sides[0] or {}, sides[1] or {}
    shown = 0
    for name in dict.fromkeys([*left, *right]):
        rows = changed_lines(left.get(name, []), right.get(name, []), context=2)
        lines = tuple(row for row in rows if not row.startswith("@@"))
        if any(line[:1] in "+-" for line in lines) and shown < MAX_LINES:
            cut = lines[: MAX_LINES - shown]
            shown += len(cut)
            more = () if len(cut) == len(lines) else (f" … {len(lines) - len(cut)} lines more",)
            yield Hunk(path=path, function=name, lines=(*cut, *more))


def functions(text: str) -> Mapping[str, list[str]] | None:
    """Qualified name -> the lines of each function; `module` holds what lies outside. None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.splitlines()
    owner = [REST] * len(lines)
    for name, first, last in _spans(tree, ""):
        owner[first - 1 : last] = [name] * (last - first + 1)
    found: dict[str, list[str]] = {}
    for name, line in zip(owner, lines, strict=True):
        found.setdefault(name, []).append(line)
    return found


def _spans(node: ast.AST, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Functions and classes, outer before inner, so that the inner name stays on its lines."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
            yield name, first, child.end_lineno or first
            if isinstance(child, ast.ClassDef):
                yield from _spans(child, f"{name}.")
