"""How each factor between two runs can be moved on this machine, or why it cannot.

A factor is moved by what was recorded of it: a file by its sealed content, an argument by its words in the command, a
leaf of a config file within that file, a dataset by the path that the command names, a variable of the environment by
its value. What has no such handle (another GPU, another torch, a value that stood in no file and no word) stays at A's
level and in the answer, as what could not be separated.
"""

import json
import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from runaudit.capture.seeding import is_seed_name
from runaudit.diff.result import Comparison, FactorChange
from runaudit.factors.factor import Absent
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of
from runaudit.records.places import started_in, top_of, written_by
from runaudit.records.run import Run
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.files import read_ordinary
from runaudit.text.words import level
from runaudit.untangle.commandline import Choice, choices, is_of_seed

EDITABLE = frozenset({".yaml", ".yml", ".json"})
"""Config files of which one leaf can be set: JSON is YAML, too, so that one writer does for both."""
VARIABLES = "env.variables."
Keys = tuple[str | int, ...]
Leaf = tuple[str, Any, Any]
"""A leaf of a record by its path, with its level in A and in B."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One factor that can be moved, and what that changes in A's launch.

    files: paths of the tree that take B's content (or go, where B has none); leaf: a config file of the tree and the
    leaves of it that take B's values (ABSENT: go), `new` of
    them A has not; choices: of the command; variable: name
    and value (None: unset) in the environment; data: name of a dataset whose path the choices name; how: in words.
    """

    factor: str
    how: str
    files: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    leaf: tuple[str, tuple[tuple[Keys, Any], ...]] | None = None
    new: tuple[Keys, ...] = ()
    variable: tuple[str, str | None, str | None] | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The movable factors in the order of the comparison, the others with the reason."""

    moves: tuple[Move, ...]
    immovable: Mapping[str, str]
    shared: tuple[Choice, ...] = ()
    """Choices that belong to no factor and differ all the same: they stay as A has them."""


def moves_between(found: Comparison, a: Run, b: Run) -> Moves:
    """What can be moved from `a` to `b`, one entry for each factor that changed between them."""
    differing = choices(a.words, b.words)
    seeds = [run.manifest.seed for run in (a, b)]
    taken: set[Choice] = {one for one in differing if is_of_seed(one, *seeds)}
    moves, immovable = [], {}
    # Where a dataset lay is itself no factor: its path may stand among what cannot change a result.
    leaves = [(one.path, one.before, one.after) for one in found.nuisance]
    leaves += [(one.factor, one.before, one.after) for one in found.derived]
    leaves += [leaf for one in found.factors for leaf in _leaves(one)]
    for factor in found.factors:
        follows = {one.factor for one in found.derived if one.follows == factor.factor}
        move = _move(factor, a, b, differing, follows)
        if isinstance(move, str) and factor.section == "data":
            move = _dataset_in_files(factor.factor, leaves, a, b) or move
        if isinstance(move, str):
            immovable[factor.factor] = move
        else:
            taken |= set(move.choices)
            moves.append(move)
    return Moves(moves=tuple(moves), immovable=immovable, shared=tuple(one for one in differing if one not in taken))


def _move(factor: FactorChange, a: Run, b: Run, differing: Sequence[Choice], follows: Set[str]) -> Move | str:
    """The factor's move, or why there is none. follows: leaves that changed because the factor did."""
    name = factor.factor
    if factor.section == "code":
        return _file(name, a, b)
    if factor.section == "data":
        return _dataset(factor, a, b, differing)
    if name.startswith(VARIABLES):
        return _variable(factor)
    names = {name, *(member.path for member in factor.members), *follows}
    words = tuple(one for one in differing if one.factors & names)
    if words:
        return Move(factor=name, how=f"the command says {_said(words)}", choices=words)
    if factor.section == "config":
        return _in_files(factor.factor, _leaves(factor), a, b)
    return "this machine has one level of it"


def _said(words: Sequence[Choice]) -> str:
    return " ".join(word for one in words for word in (one.b or ("no", *(one.a or ()))))


def _file(name: str, a: Run, b: Run) -> Move | str:
    path = name.removeprefix("code.")
    if path not in _files(a) and path not in _files(b):
        return "it names no file of the tree"
    if path not in _files(b):
        return Move(factor=name, how=f"{path} is taken away", files=(path,))
    return Move(factor=name, how=f"{path} as B sealed it", files=(path,))


def _leaves(factor: FactorChange) -> list[Leaf]:
    """The leaves that are counted under a factor, with their levels."""
    members = [(one.path, one.before, one.after) for one in factor.members]
    return members or [(factor.factor, factor.before, factor.after)]


def _in_files(name: str, leaves: Sequence[Leaf], a: Run, b: Run) -> Move | str:
    """Leaves of the configuration: by the file of the tree from which both runs read them."""
    places = [_config_files(run) for run in (a, b)]
    shared = [path for path in places[0] if path in places[1] and _digest(a, path) != _digest(b, path)]
    # Where each side names a file of its own, A's takes B's values: which file they stood in is no factor.
    changed = shared or ([*places[0]] if len(places[0]) == 1 and places[0] != places[1] else [])
    if len(changed) == 1 and PurePosixPath(changed[0]).suffix in EDITABLE:
        values = tuple((steps(path)[1:], after) for path, _, after in leaves)
        said = ", ".join(f"{path.removeprefix('config.')}: {level(after)}" for path, _, after in leaves)
        new = tuple(steps(path)[1:] for path, before, _ in leaves if isinstance(before, Absent))
        return Move(factor=name, how=f"{changed[0]} says {said}", leaf=(changed[0], values), new=new)
    if len(shared) == 1:
        return Move(factor=name, how=f"{shared[0]} as B sealed it", files=(shared[0],))
    return "no word of the command and no config file of the tree holds it"


def _config_files(run: Run) -> tuple[str, ...]:
    """The files of the run's tree that its config was read from."""
    named = _texts(run.manifest.section("launch").get("config_files"))
    return tuple(path for path in named if path in _files(run))


def is_config_file(choice: Choice, a: Run, b: Run) -> bool:
    """Whether a choice names the config file of its side: what stands in it is told leaf by leaf."""
    return all(
        bool(set(_config_files(run)) & {part for word in words or () for part in (word, word.partition("=")[2])})
        for run, words in ((a, choice.a), (b, choice.b))
    )


def seed_in_file(run: Run, tree: Path, seed: int) -> Move | None:
    """The seed of a run whose command names none, where it stands in one config file of its restored tree."""
    found = []
    for path in _config_files(run):
        if PurePosixPath(path).suffix in EDITABLE:
            body = parse_yaml(read_ordinary(tree / path), where=path)
            leaves = leaves_of(body, "config") if isinstance(body, dict) else ()
            named = (steps(name)[1:] for name, value in leaves if value == run.manifest.seed)
            found += [(path, keys) for keys in named if keys and is_seed_name(str(keys[-1]))]
    if len(found) != 1:
        return None
    path, keys = found[0]
    return Move(factor="seed", how=f"{path} says {seed}", leaf=(path, ((keys, seed),)))


def written_beyond(run: Run, command: Sequence[str]) -> set[str]:
    """The files that a run was seen to write outside its tree, in no folder that a word of its command names."""
    top, cwd = top_of(run), started_in(run)
    places = [
        Path(os.path.normpath(cwd / part)) for word in command[1:] for part in (word, word.partition("=")[2]) if part
    ]
    named = [place for place in places if len(place.parts) > 1]
    return {
        str(one) for one in written_by(run) if not one.is_relative_to(top) and not any(map(one.is_relative_to, named))
    }


def _dataset(factor: FactorChange, a: Run, b: Run, differing: Sequence[Choice]) -> Move | str:
    """A dataset by the words that name its path, or by the files of the tree that it consists of."""
    name = factor.factor
    key = str(steps(name)[1])
    if key.startswith("/"):
        return _read_there(name, key, factor, a, b, differing)
    old, new = (_path(run, key) for run in (a, b))
    if old is None or new is None:
        return "where it lay is not recorded on both sides"
    if old == new:
        inner = _under(a, old) | _under(b, new)
        if inner:
            return Move(factor=name, how=f"{len(inner)} files of the tree as B sealed them", files=tuple(sorted(inner)))
        return f"it lay at {old} both times, and only one content lies there now"
    words = tuple(one for one in differing if one.a and one.b and _inner(one.a, old, a) & _inner(one.b, new, b))
    if not words:
        return "no word of the command names its path"
    return Move(factor=name, how=f"the command says {_said(words)}", choices=words, data=key)


def _dataset_in_files(name: str, leaves: Sequence[Leaf], a: Run, b: Run) -> Move | None:
    """A dataset by the leaves of a config file that name its path, on each side that side's."""
    key = str(steps(name)[1])
    old, new = (_path(run, key) for run in (a, b))
    if old is None or new is None or old == new:
        return None
    named = [
        (path, before, after)
        for path, before, after in leaves
        if path.startswith("config.") and isinstance(before, str) and isinstance(after, str)
        and _inner((before,), old, a) & _inner((after,), new, b)
    ]  # fmt: skip
    move = _in_files(name, named, a, b) if named else ""
    return replace(move, data=key) if isinstance(move, Move) and move.leaf else None


def _read_there(name: str, path: str, factor: FactorChange, a: Run, b: Run, differing: Sequence[Choice]) -> Move | str:
    """A file that was seen to be read below a folder that the command names, on the side that named that folder."""
    before, after = not isinstance(factor.before, Absent), not isinstance(factor.after, Absent)
    if before and after:
        return f"it lay at {path} both times, and only one content lies there now"
    words = tuple(
        one for one in differing if one.a and one.b and (_inner(one.a, path, a) if before else _inner(one.b, path, b))
    )
    if not words:
        return "no word of the command names where it lay"
    return Move(factor=name, how=f"the command says {_said(words)}", choices=words)


def _variable(factor: FactorChange) -> Move | str:
    key = factor.factor.removeprefix(VARIABLES)
    levels = [_level(side) for side in (factor.before, factor.after)]
    if any(one is not None and "<redacted:" in one for one in levels):
        return "it held a secret, which was not recorded"
    said = f"{key}={levels[1]}" if levels[1] is not None else f"{key} unset"
    return Move(factor=factor.factor, how=said, variable=(key, levels[0], levels[1]))


def _level(side: Any) -> str | None:
    if side is None or isinstance(side, Absent):
        return None
    return side if isinstance(side, str) else json.dumps(side)


def _inner(words: Sequence[str], path: str, run: Run) -> set[str]:
    """What follows below a word that is this path, or a folder above it: "." for the path itself."""
    cwd = started_in(run)
    found = set()
    for value in [value for word in words for value in (word, word.partition("=")[2]) if value]:
        place = Path(os.path.normpath(cwd / value))
        if Path(path).is_relative_to(place) and place != cwd and len(place.parts) > 1:
            found.add(Path(path).relative_to(place).as_posix())
    return found


def _under(run: Run, path: str) -> set[str]:
    """The files of the run's tree at or below an absolute path."""
    top = top_of(run)
    try:
        inner = PurePosixPath(Path(path).relative_to(top).as_posix())
    except ValueError:
        return set()
    return {name for name in _files(run) if PurePosixPath(name).is_relative_to(inner)}


def _path(run: Run, key: str) -> str | None:
    entry = run.manifest.section("data").get(key)
    path = entry.get("path") if isinstance(entry, Mapping) else None
    return str(path) if path else None


def _digest(run: Run, path: str) -> str | None:
    entry = _files(run).get(path)
    return str(entry.get("digest")) if isinstance(entry, Mapping) else None


def _files(run: Run) -> Mapping[str, Any]:
    files = run.manifest.section("code").get("files")
    return files if isinstance(files, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()
