"""What is wrong with a store, each thing with what to do about it: `runaudit doctor`.

Two kinds are told apart. *Damage* is a sealed byte, a line or a file that is not what it was or is gone. *Leavings* are
what a process leaves that died between two steps: half-written files, a record that no line of the log counts, an
import that was cut short. The next command works past leavings, so a store that holds nothing else is whole.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runaudit.records.run import SHORT
from runaudit.store.store import Store
from runaudit.store.verify import verify
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural

LEFT_S = 3600.0
"""A half-written file this old has no writer any more; a younger one may be written this moment."""
DAMAGE, LEAVING, SECRET = "damage", "leaving", "secret"
BACKUP = "restore it from a backup, or import the run again from a bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """One thing that is not as it should be. `kind`: damage, leaving or secret; `run` None: the store itself."""

    kind: str
    name: str
    run: str | None
    file: str
    problem: str
    remedy: str


def examine(store: Store, *, now: float | None = None) -> tuple[Ailment, ...]:
    """Everything that is wrong with a store, damage first. Writes nothing. `now`: seconds since the epoch."""
    return (*_damage(store), *_half_written(store, time.time() if now is None else now))


def _damage(store: Store) -> Iterator[Ailment]:
    for problem in verify(store).problems:
        yield Ailment(
            kind=DAMAGE, name="damaged", run=problem.run, file=problem.file, problem=problem.problem, remedy=BACKUP
        )


def _half_written(store: Store, now: float) -> Iterator[Ailment]:
    for path in half_written(store, now):
        yield Ailment(
            kind=LEAVING, name="half_written", run=None, file=str(path.relative_to(store.root)),
            problem="was being written by a process that died", remedy="runaudit doctor --repair",
        )  # fmt: skip


def half_written(store: Store, now: float) -> tuple[Path, ...]:
    """The temporary files and folders that nobody is writing any more."""
    patterns = ("tmp/*", ".*.tmp", "live/*/.*.tmp", "cache/.*.tmp")
    found = (path for pattern in patterns for path in sorted(store.root.glob(pattern)))
    return tuple(path for path in found if now - _changed(path) > LEFT_S)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")  # Gone meanwhile: its writer lives.


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorAnswer:
    """What `doctor` answers with: what is wrong now, and what was done about it."""

    found: tuple[Ailment, ...]
    done: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the store is whole, in the word of the table of verdicts."""
        kinds = {one.kind for one in self.found}
        return "damaged" if DAMAGE in kinds else "exposed" if SECRET in kinds else "whole"

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.doctor/1", "verdict": self.verdict, "found": [asdict(one) for one in self.found],
                "done": list(self.done)}  # fmt: skip

    @property
    def headline(self) -> str:
        """Whether the store is whole, and what lies about."""
        damage = sum(one.kind == DAMAGE for one in self.found)
        left = sum(one.kind == LEAVING for one in self.found)
        said = f"{plural(damage, 'problem')}" if damage else "the store is whole"
        if secrets := len(self.found) - damage - left:
            said += f"; a secret can be read in {plural(secrets, 'file')}"
        return said + (f"; {plural(left, 'leaving')} of processes that died" if left else "")

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: what was done, each thing that is wrong with its remedy, then the whole of it."""
        yield from (printable(text) for text in self.done)
        for one in self.found:
            yield printable(f"{_place(one)}  {one.file}: {one.problem}; {one.remedy}")
        yield paint(self.headline, BOLD + verdict_words("doctor", self.verdict).tone.colour)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.done:
            yield from ("", *(f"- {escaped(text)}" for text in self.done))
        if self.found:
            rows = ((_place(one), one.file, one.problem, one.remedy) for one in self.found)
            yield from ("", *table(("run", "file", "problem", "remedy"), rows))


def _place(one: Ailment) -> str:
    return one.run[:SHORT] if one.run else "store"
