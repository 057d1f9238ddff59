"""Anchors: the head of the log, kept where whoever can change the store cannot change it unseen.

    runaudit-head/2 <store> <lines> <digest of the last of them> <when>

One such line stands in a git note (`refs/notes/runaudit`; a witness once somebody else has fetched it), in a file
elsewhere, or where another room keeps it (`integrations.wandb_anchor`). It names the store it speaks of, so that
several stores share a repository or a file. Lines of version 1, which name none, are held against every store.

That today's log *extends* the anchored one needs no tree: every line names the digest of the line before it, so where
line n has the anchored digest, lines 1 to n are the anchored ones. A Merkle tree, as transparency logs have it
(RFC 9162, 2.1.4), proves the same to somebody who does not hold the log, with few hashes instead of n; whoever verifies
a store holds it, reads it anyway, and can check a chain with `sha256sum`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.store.end import chains_of
from runaudit.store.rehash import Problem
from runaudit.store.signature import Head, head_fault, head_of
from runaudit.store.store import Store
from runaudit.system.files import check_no_twin, check_output, read_ordinary, refuse_special, write_output
from runaudit.text.words import plural

NOTES_REF = "runaudit"
NAMED, UNNAMED = "runaudit-head/2", "runaudit-head/1"
MAX_BYTES = 64 << 20

Git = Callable[[list[str]], str]
"""Runs git with these arguments in the right repository and returns its output."""


class Place(Protocol):
    """Where anchors are kept."""

    @property
    def name(self) -> str:
        """How it is called in an answer."""

    @property
    def kept(self) -> str:
        """Where a new anchor lies, and what is left to do with it."""

    def lines(self) -> Iterator[str]:
        """Every line that stands there."""

    def add(self, line: str) -> None:
        """Keep one line more."""


@dataclass(frozen=True, slots=True)
class GitNotes:
    """The notes of a repository, under a name of their own. A new anchor is a note on HEAD."""

    git: Git

    @property
    def name(self) -> str:
        """The notes' reference."""
        return f"refs/notes/{NOTES_REF}"

    @property
    def kept(self) -> str:
        """A note is a witness only once somebody else has it."""
        return f"share it with: git push REMOTE {self.name}"

    def lines(self) -> Iterator[str]:
        """Every line of every note."""
        for row in self.git(["notes", f"--ref={NOTES_REF}", "list"]).splitlines():
            yield from self.git(["cat-file", "blob", row.split()[0]]).splitlines()

    def add(self, line: str) -> None:
        """Append to the note on HEAD."""
        self.git(["notes", f"--ref={NOTES_REF}", "append", "-m", line, "HEAD"])


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """A file elsewhere: on another disk, in another repository, on paper once it is printed."""

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def kept(self) -> str:
        """In it."""
        return f"in {self.path}"

    def lines(self) -> Iterator[str]:
        """Every line; none where there is no file yet. Raises UsageError where it is no text file."""
        refuse_special(self.path, "the file of anchors")
        try:
            yield from read_ordinary(self.path, most=MAX_BYTES).decode("utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} cannot be read as text", remedy="name another file of anchors") from error

    def add(self, line: str) -> None:
        """Append, whole or not at all. Raises UsageError where it cannot be written or holds something else."""
        check_output(self.path, "the anchor")
        before = list(self.lines())
        if any(row.strip() and not row.startswith((NAMED, UNNAMED)) for row in before):
            raise UsageError(f"{self.path} holds something else than anchors", remedy="name another file")
        write_output(self.path, "".join(f"{row}\n" for row in (*before, line)).encode(), "the anchor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """The heads that a place holds: of this store, of any store (version 1), and how many of other stores."""

    own: tuple[Head, ...]
    unnamed: tuple[Head, ...]
    others: int


def store_name(store: Store, chains: tuple[str, ...]) -> str:
    """The name under which anchors speak of a store: its id; the first line of one from before stores had ids."""
    return store.identity or (f"line1-{chains[0][7:39]}" if chains else "")


def anchor(store: Store, place: Place, *, time: str) -> Head:
    """Keep the present head in `place`, on an explicit request only. Raises NothingToJudgeError for an empty log."""
    head = head_of(store.entries())
    if head.seq == 0:
        raise NothingToJudgeError("the log is empty, so there is nothing to anchor", remedy="record a run first")
    if isinstance(place, AnchorFile):
        check_no_twin(place.path, store.root, "the anchor")
    place.add(f"{NAMED} {store_name(store, chains_of(store.log_bytes()))} {head.seq} {head.chain} {time}")
    return head


def anchored(store: Store, place: Place) -> Anchored:
    """What stands in `place`, sorted by whom it speaks of. Lines that are no anchors are passed over."""
    name = store_name(store, chains_of(store.log_bytes()))
    own, unnamed, others = [], [], 0
    for line in place.lines():
        match line.split():
            case [kind, who, seq, chain, _] if kind == NAMED and seq.isdecimal():
                if who == name:
                    own.append(Head(seq=int(seq), chain=chain))
                else:
                    others += 1
            case [kind, seq, chain] if kind == UNNAMED and seq.isdecimal():
                unnamed.append(Head(seq=int(seq), chain=chain))
    return Anchored(own=tuple(own), unnamed=tuple(unnamed), others=others)


def check_anchor(store: Store, place: Place) -> tuple[tuple[Problem, ...], Head | None]:
    """(what contradicts the anchors in `place`, the newest of them that the log extends).

    No anchor of this store at all is a problem, never a pass.
    """
    found, chains = anchored(store, place), chains_of(store.log_bytes())
    faults = [fault for head in found.own if (fault := head_fault(head, chains))]
    faults += [
        f"{fault} (an anchor of an earlier runaudit, which does not say of which store it speaks)"
        for head in found.unnamed
        if (fault := head_fault(head, chains))
    ]
    kept = [head for head in (*found.own, *found.unnamed) if head_fault(head, chains) is None]
    if not kept and not faults:
        others = f", but {plural(found.others, 'anchor')} of other stores" if found.others else ""
        missing = isinstance(place, AnchorFile) and not place.path.exists()
        faults = ["there is no such file of anchors"] if missing else [f"holds no anchor of this log{others}"]
    problems = tuple(Problem(run=None, file=place.name, problem=fault) for fault in dict.fromkeys(faults))
    return problems, max(kept, key=lambda head: head.seq, default=None)
