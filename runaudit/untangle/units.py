"""What is moved as a whole: a factor by itself, or several that only run together.

A new `train.py` that imports a name which only the new `loss.py` has cannot be run beside the old one: the two are one
unit. Where the reverse mix runs, that mixed cell can later tell which of the two did it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.errors import NothingToJudgeError
from runaudit.factors.factor import Absent
from runaudit.untangle.cells import Cell
from runaudit.untangle.moves import Move
from runaudit.untangle.trees import Trees, mentions

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """moves: moved together, `why` where they are several; first: the one that runs at B's level while the others are
    at A's, so that a mixed cell can be run; None where no mix is known to run; is_one_word: one word of the command
    moves all of them: a folder, and what was read below it."""

    moves: tuple[Move, ...]
    why: str = ""
    first: str | None = None
    is_one_word: bool = False

    @property
    def factors(self) -> tuple[str, ...]:
        """Its factors, as `diff` names them."""
        return tuple(move.factor for move in self.moves)

    @property
    def name(self) -> str:
        """The factor, or all of them; of what one word moves the first, which the comparison tells first."""
        return self.factors[0] if self.is_one_word else " + ".join(self.factors)


def moved(units: Sequence[Unit], cell: Cell) -> tuple[Move, ...]:
    """The moves that are at B's level in a cell; of a mixed unit (0) the first part alone."""
    found: list[Move] = []
    for unit, level in zip(units, cell, strict=True):
        if level == 1:
            found += unit.moves
        elif level == 0:
            found += [move for move in unit.moves if move.factor == unit.first]
    return tuple(found)


def units_of(
    moves: Sequence[Move], trees: Trees, command: Sequence[str], environ: Environ = os.environ
) -> tuple[Unit, ...]:
    """The units of these moves, in their order. Every mix of files is imported here, before any run.

    Raises NothingToJudgeError where a tree does not import as it was sealed.
    """
    ties = _Ties(len(moves))
    for i, j, why in _by_file(moves):
        ties.join(i, j, why)
    for i, j, why in _by_name(moves, trees):
        ties.join(i, j, why)

    def fault(chosen: Sequence[int]) -> str | None:
        return trees.fault([moves[i] for i in chosen], command, environ)

    whole = list(range(len(moves)))
    for name, chosen in (("A", []), ("B", whole)):
        if (fails := fault(chosen)) is not None:
            raise NothingToJudgeError(
                f"{name}'s code does not import on this machine: {fails}",
                remedy="install what it needs, then ask again",
            )
    firsts = _by_import(moves, ties, fault)
    return tuple(_unit(moves, group, ties, firsts) for group in ties.groups())


def _unit(moves: Sequence[Move], group: Sequence[int], ties: "_Ties", firsts: Mapping[int, int]) -> Unit:
    mine = tuple(moves[i] for i in group)
    first = next((i for i in group if i in firsts and firsts[i] in group), None) if len(group) == 2 else None
    words = {move.choices for move in mine}
    return Unit(moves=mine, why=ties.why(group), first=None if first is None else moves[first].factor,
                is_one_word=len(words) == 1 and bool(words.pop()))  # fmt: skip


def _by_file(moves: Sequence[Move]) -> Iterator[tuple[int, int, str]]:
    """Two factors that stand in one file, or in one word of the command."""
    for j, later in enumerate(moves):
        for i, earlier in enumerate(moves[:j]):
            if shared := set(earlier.files) & set(later.files):
                yield i, j, f"both stand in {min(shared)}"
            elif earlier.leaf and later.leaf and _places(earlier) & _places(later):
                yield i, j, f"both stand in one line of {earlier.leaf[0]}"
            elif set(earlier.choices) & set(later.choices):
                yield i, j, "both stand in one word of the command"


def _places(move: Move) -> set[tuple[object, ...]]:
    """The leaves of a config file that a move sets."""
    return {(move.leaf[0], *keys) for keys, _ in move.leaf[1]} if move.leaf else set()


def _by_name(moves: Sequence[Move], trees: Trees) -> Iterator[tuple[int, int, str]]:
    """A setting that only one side has, and the changed file that knows its name on that side alone."""
    code = {path: j for j, move in enumerate(moves) for path in move.files}
    for i, move in enumerate(moves):
        for name, side in _one_sided(move):
            knows = mentions(trees.folder / side, code, name)
            other = mentions(trees.folder / ("a" if side == "b" else "b"), code, name)
            for path in sorted(knows - other):
                if code[path] != i:
                    yield i, code[path], f"only {side.upper()}'s {path} knows {name}"


def _one_sided(move: Move) -> Iterator[tuple[str, str]]:
    """(name, side) of what the command or a config file says on one side only."""
    for one in move.choices:
        if one.a is None or one.b is None:
            yield one.key[0].strip("-+~=").replace("-", "_").rpartition(".")[2], "a" if one.b is None else "b"
    for name, value in move.leaf[1] if move.leaf else ():
        if isinstance(value, Absent) or name in move.new:
            yield str(name[-1]), "a" if isinstance(value, Absent) else "b"


def _by_import(moves: Sequence[Move], ties: "_Ties", fault: Callable[[Sequence[int]], str | None]) -> dict[int, int]:
    """Tie files that do not import without each other. Returns, of each one that runs at B's level where another is
    still at A's, that other: what of a tied pair can be mixed."""
    code = [i for i, move in enumerate(moves) if move.files]
    alone = {i: fault([i]) for i in code}
    firsts: dict[int, int] = {}
    for i in code:
        if alone[i] is None:
            continue
        helper = next((j for j in code if j != i and fault([i, j]) is None), None)
        others = [helper] if helper is not None else [j for j in code if j != i]
        for j in others:
            ties.join(i, j, f"{moves[i].factor} at B's level does not import alone ({alone[i]})")
        if helper is not None and alone[helper] is None:
            firsts[helper] = i
    return firsts


class _Ties:
    """Groups of indices that grow together, with the first reason for each."""

    def __init__(self, size: int) -> None:
        self._root = list(range(size))
        self._why: dict[int, str] = {}

    def _find(self, i: int) -> int:
        while self._root[i] != i:
            i = self._root[i]
        return i

    def join(self, i: int, j: int, why: str) -> None:
        a, b = sorted((self._find(i), self._find(j)))
        if a != b:
            self._root[b] = a
            self._why.setdefault(a, why)

    def groups(self) -> tuple[tuple[int, ...], ...]:
        found: dict[int, list[int]] = {}
        for i in range(len(self._root)):
            found.setdefault(self._find(i), []).append(i)
        return tuple(tuple(group) for group in found.values())

    def why(self, group: Sequence[int]) -> str:
        return self._why.get(self._find(group[0]), "")
