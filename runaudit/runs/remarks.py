"""What a person does with a run after its end, its record untouched: find its files, note something, put it away.

Notes are held to what records are held to: a secret in one is replaced before it is kept.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runaudit.capture.draft import redactor_of
from runaudit.errors import UsageError
from runaudit.records.run import SHORT
from runaudit.runs.names import ids_named, one_named
from runaudit.settings import Settings
from runaudit.store.catalogue import manifest_of
from runaudit.store.remarks import Note, add_note, set_archived
from runaudit.store.store import Store
from runaudit.text.markdown import bullets, code, escaped
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.words import head, plural, quoted

MAX_NOTE = 4096
"""Characters of a note: longer texts belong into a file of the run's folder."""


def annotate(
    store: Store, settings: Settings, word: str, text: str, *, time: str, environ: Mapping[str, str] = os.environ
) -> "NoteAnswer":
    """Append a note to a run. Raises UsageError for an empty or endless one."""
    run = one_named(store, settings, word)
    if not text.strip():
        raise UsageError("the note is empty", remedy='runaudit annotate RUN "what you want to remember"')
    if len(text) > MAX_NOTE:
        raise UsageError(f"the note has {len(text)} characters, at most {MAX_NOTE} are kept", remedy="shorten it")
    redactor = redactor_of(store, environ=environ, manifest=manifest_of(store, run))
    note = add_note(store, run, redactor.said(text.strip()), time=time)
    return NoteAnswer(run=run, label=manifest_of(store, run).label or "", note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAnswer:
    """What `annotate` answers with: the note as it was kept."""

    run: str
    label: str
    note: Note

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.annotate/1", "run": self.run, "note": self.note.text, "time": self.note.time}

    @property
    def headline(self) -> str:
        """To which run the note was added."""
        return f"noted on {self.run[:SHORT]}  {self.label}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield printable(self.headline)
        yield printable(f"  {self.note.text}")

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"{escaped(self.headline)}: {escaped(self.note.text)}"


def archive(store: Store, settings: Settings, words: Sequence[str], *, away: bool, time: str) -> "ArchiveAnswer":
    """Hide runs from lists, or show them again. Raises UsageError before anything is written."""
    ids = ids_named(store, settings, *words)
    changed = tuple(run for run in ids if set_archived(store, run, away, time=time))
    return ArchiveAnswer(away=away, ids=ids, changed=changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAnswer:
    """What `archive` answers with: the runs that were meant, and those of them that were not so before."""

    away: bool
    ids: tuple[str, ...]
    changed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.archive/1", "archived": self.away, "runs": list(self.ids),
                "changed": list(self.changed)}  # fmt: skip

    @property
    def headline(self) -> str:
        """What happened, on one line."""
        done = "archived: hidden from lists, counted as launched" if self.away else "back in lists"
        same = len(self.ids) - len(self.changed)
        if not self.changed:
            where = "archived" if self.away else "in lists"
            return f"nothing changed: {plural(same, 'run')} {'was' if same == 1 else 'were'} {where} before"
        before = f" ({same} {'was' if same == 1 else 'were'} so before)" if same else ""
        return f"{plural(len(self.changed), 'run')} {done}{before}"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield self.headline
        yield from (f"  {run[:SHORT]}" for run in (self.changed if verbose else ()))

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield escaped(self.headline)
        if self.changed:
            yield from ("", *bullets(run[:SHORT] for run in self.changed))


def place_of(store: Store, settings: Settings, word: str, file: str | None) -> "PathAnswer":
    """A run's folder, or one of its files: by its path in the folder, or by an end of it that no other has.

    Raises UsageError where there is none.
    """
    run = one_named(store, settings, word)
    folder = store.run_dir(run).absolute()
    if not folder.is_dir():
        raise UsageError(
            f"run {run[:SHORT]} has no folder: it was imported, and no file came with it", remedy="see `runaudit show`"
        )
    if file is None:
        return PathAnswer(run=run, path=folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    wanted = PurePosixPath(file).parts
    hits = [name for name in files if name == file] or [
        name for name in files if wanted and PurePosixPath(name).parts[-len(wanted) :] == wanted
    ]
    if len(hits) == 1:
        return PathAnswer(run=run, path=folder / hits[0])
    holds = f"it holds {head([quoted(name) for name in files])}" if files else "its folder is empty"
    if hits:
        fits = head([quoted(name) for name in hits])
        raise UsageError(f"{quoted(file)} fits {plural(len(hits), 'file')} of run {run[:SHORT]}: {fits}",
                         remedy="give more of its path")  # fmt: skip
    raise UsageError(f"run {run[:SHORT]} holds no file {quoted(file)}", remedy=holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathAnswer:
    """What `path` answers with: where it is, and nothing else, so that a shell can use it."""

    run: str
    path: Path

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.path/1", "run": self.run, "path": str(self.path)}

    @property
    def headline(self) -> str:
        """The path alone."""
        return str(self.path)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield printable(self.headline)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"run {self.run[:SHORT]}: {code(self.headline)}"
