"""Hybrids as folders: A's sealed tree with B's content of chosen files, and whether its parts fit each other.

Both trees are restored once, byte for byte; every run gets a folder of its own, so that what one run writes is no
input of the next. A hybrid is asked before the first run whether it imports: its script's own imports are carried out
in a process of their own, the script itself is not run.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runaudit.capture.program import program_of
from runaudit.errors import NothingToJudgeError
from runaudit.factors.factor import Absent
from runaudit.launch.rerun import link_data, restored_exactly, start_in, with_path, with_program
from runaudit.records.run import Run
from runaudit.records.yamlfile import parse_yaml
from runaudit.store import Store
from runaudit.system.files import read_ordinary
from runaudit.untangle.moves import Keys, Move

PROBE_S = 300.0
_PROBE = """
import ast, importlib, pathlib, sys
script = pathlib.Path(sys.argv[1]).resolve()
sys.path[0] = str(script.parent)
here = [script.parent, pathlib.Path.cwd(), pathlib.Path.cwd() / "src"]
mine = lambda name: any((p / name.split(".")[0]).is_dir() or (p / (name.split(".")[0] + ".py")).is_file() for p in here)
def statements(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Try):
            continue
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        yield from statements(child)
for one in statements(ast.parse(script.read_text(encoding="utf-8"), script.name)):
    if isinstance(one, ast.Import):
        for alias in one.names:
            if mine(alias.name):
                importlib.import_module(alias.name)
    elif one.module and not one.level and mine(one.module):
        module = importlib.import_module(one.module)
        for alias in one.names:
            if alias.name != "*" and not hasattr(module, alias.name):
                try:
                    importlib.import_module(one.module + "." + alias.name)
                except ModuleNotFoundError:
                    raise ImportError(f"{one.module} has no {alias.name}") from None
"""
"""Carries out the imports of a script that name modules beside it; one within a `try` may fail."""


@dataclass(frozen=True, kw_only=True)
class Trees:
    """The two restored trees of a plan. folder: theirs and the hybrids', removed by whoever made it."""

    a: Run
    b: Run
    folder: Path
    _probed: dict[frozenset[str], str | None] = field(default_factory=dict)

    def build(self, moves: Sequence[Move], to: Path) -> Path:
        """A's tree with these moves, in the new folder `to`; returns the folder in which the command starts."""
        shutil.copytree(self.folder / "a", to, symlinks=True)
        for move in moves:
            for path in move.files:
                _bring(self.folder / "b" / path, to / path)
        for path in dict.fromkeys(move.leaf[0] for move in moves if move.leaf):
            values = {
                name: value for move in moves if move.leaf and move.leaf[0] == path for name, value in move.leaf[1]
            }
            _edit(to / path, values)
        for run in (self.a, self.b):
            list(link_data(run, to))
        return start_in(self.a, to)

    def fault(self, moves: Sequence[Move], command: Sequence[str], environ: Mapping[str, str]) -> str | None:
        """Why this hybrid does not import, None where it does, or where its command starts no script of Python."""
        key = frozenset(path for move in moves for path in move.files)
        if key not in self._probed:
            self._probed[key] = self._probe(moves, command, environ)
        return self._probed[key]

    def _probe(self, moves: Sequence[Move], command: Sequence[str], environ: Mapping[str, str]) -> str | None:
        to = self.folder / "probe"
        try:
            cwd = self.build(moves, to)
            words = with_program(tuple(command), self.a, cwd)
            program = program_of(words, cwd=cwd, environ=environ)
            if program.python is None or program.script is None:
                return None
            done = subprocess.run(
                [str(program.python), "-c", _PROBE, str(program.script)], cwd=cwd, env=with_path(environ, to),
                capture_output=True, text=True, errors="replace", timeout=PROBE_S, check=False,
            )  # fmt: skip
            return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ended"])[-1]
        except subprocess.TimeoutExpired:
            return f"its imports took longer than {PROBE_S:.0f} s"
        finally:
            shutil.rmtree(to, ignore_errors=True)


def open_trees(store: Store, a: Run, b: Run, folder: Path) -> Trees:
    """Restore both trees below `folder`. Raises NothingToJudgeError where one cannot be restored as it was sealed."""
    for name, run in (("a", a), ("b", b)):
        restored_exactly(store, run, folder / name)
    return Trees(a=a, b=b, folder=folder)


def mentions(tree: Path, paths: Collection[str], word: str) -> set[str]:
    """Which of these files of a tree hold a word."""
    pattern = re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])".encode())
    found = set()
    for path in paths:
        place = tree / path
        if place.is_file() and not place.is_symlink() and pattern.search(read_ordinary(place)):
            found.add(path)
    return found


def _bring(source: Path, target: Path) -> None:
    if target.is_symlink() or target.is_file():
        target.unlink()
    if source.is_symlink() or source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _edit(path: Path, values: Mapping[Keys, Any]) -> None:
    """Set leaves of a YAML or JSON file, which is written as JSON: YAML reads that, too."""
    body = parse_yaml(read_ordinary(path), where=path.name)
    if not isinstance(body, dict):
        raise NothingToJudgeError(f"{path.name} holds no table of settings", remedy="move the whole file by hand")
    for name, value in values.items():
        _set(body, name, value)
    text = json.dumps(body, indent=2)
    # YAML 1.1 reads 1e-05 as a text and 1.0e-05 as a number.
    path.write_text(_EXPONENT.sub(r"\g<1>.0\g<2>", text) if path.suffix != ".json" else text, encoding="utf-8")


_EXPONENT = re.compile(r"(?<![\w.\"-])(-?\d+)(e[-+]?\d+)(?![\w\"])")


def _set(table: Any, keys: Keys, value: Any) -> None:
    """Set one leaf; a table that is not there is made, a leaf that B has not goes."""
    for key in keys[:-1]:
        table = table.setdefault(key, {}) if isinstance(table, dict) else table[key]
    if isinstance(value, Absent):
        table.pop(keys[-1], None)
    else:
        table[keys[-1]] = value
