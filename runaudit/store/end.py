"""The sealed end of the log: how many lines were acknowledged, and the digest of the last of them.

A hash chain shows every change but one: nothing follows the last line, so a flipped bit in it, or a cut behind an
earlier one, leaves a chain that holds. So before a line is acknowledged, `log.end` says durably where the log ends:

    {"head":"sha256:…","last":331,"lines":12,"since":1,"size":3972,"store":"…","sum":"…"}      twice, 256 bytes each

`head` is the digest of the last line, `last` its length and `size` that of the log in bytes, `since` the first line
that was written with a sealed end, `store` the id of the store, `sum` a check of the row itself. The two rows are
written in turn and in place, so that a torn write leaves the other, and an append costs one small write more.

The line comes first, then its end. A writer that dies in between leaves a log that is *longer* than its end: whole
lines that follow the chain are adopted, half a line was never acknowledged and is cut. A log that is *shorter* than its
end, or another, is damage, and nothing is ever cut from it. Whoever can write the log can write its end, too: only an
anchor elsewhere shows a change that was meant.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runaudit.errors import IntegrityError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.store.kept import read_kept
from runaudit.system.files import open_ordinary, replace_file
from runaudit.system.locks import lock

FILE = "log.end"
MARK = "end"
"""The key of a line that was written with a sealed end."""
MARKED = b'"end":1,'
"""How it reads there: where one line has it, a `log.end` that is gone is missed."""
ROW = 256
GENESIS = "sha256:" + "0" * 64
"""What the first line of the log names as its predecessor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where the log ends, in lines and in bytes; `last` is the length of its last line, newline included."""

    lines: int
    size: int
    last: int
    head: str
    since: int
    store: str

    def after(self, line: bytes) -> "End":
        """The end once `line`, newline included, stands behind it."""
        return replace(
            self,
            lines=self.lines + 1,
            size=self.size + len(line),
            last=len(line),
            head=str(digest_bytes(line.rstrip(b"\n"))),
        )

    def row(self) -> bytes:
        """The bytes that say so."""
        body = asdict(self)
        checked = canonical_bytes({**body, "sum": digest_bytes(canonical_bytes(body)).hex[:16]})
        return checked.ljust(ROW - 1) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What `log.end` holds: the newest whole row, and whether each row is what was written."""

    newest: End | None = None
    is_there: bool = False
    is_whole: bool = True


def start_of(raw: bytes, *, store: str) -> End:
    """The end of a log that was written without one: all its whole lines."""
    size = raw.rfind(b"\n") + 1
    lines = _lines(raw[:size])
    last = lines[-1] if lines else b""
    head = str(digest_bytes(last[:-1])) if lines else GENESIS
    return End(lines=len(lines), size=size, last=len(last), head=head, since=len(lines) + 1, store=store)


def _lines(raw: bytes) -> list[bytes]:
    """The lines of a log, newlines included: a newline ends one, and nothing else does."""
    *whole, rest = raw.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def chains_of(raw: bytes) -> tuple[str, ...]:
    """The digest of every whole line of a log, as the line behind it must name it, whatever the lines say."""
    return tuple(str(digest_bytes(line)) for line in raw[: raw.rfind(b"\n") + 1].split(b"\n")[:-1])


def chain_fault(raw: bytes, known: int = 0) -> str | None:
    """Where the chain of a log's whole lines breaks first; None where each line names the digest of the one before. Of
    its first `known` bytes, whole lines, that was found before.

    One changed byte of any line but the last shows here. Nothing is parsed: 20,000 lines take 30 ms, which is what an
    answer costs that a removed launch has not made better.
    """
    import hashlib  # A library of 15 ms, which a listing from the index does not need.

    before = GENESIS.encode()
    if known:
        before = str(digest_bytes(raw[raw.rfind(b"\n", 0, known - 1) + 1 : known - 1])).encode()
    for at, line in enumerate(raw[known : raw.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
        if b'"prev":"%b"' % before not in line:
            number = raw.count(b"\n", 0, known) + at
            return f"has a line {number} that does not follow the line before it: one of the two was changed"
        before = b"sha256:" + hashlib.sha256(line).hexdigest().encode()
    return None


def read_ends(root: Path, *, is_locked: bool = False) -> Ends:
    """What `log.end` says. A row that is being written this moment is waited for; not by who holds the log's lock.

    Raises IntegrityError where it is no file.
    """
    found = _read(root)
    if found.is_there and not (found.is_whole or is_locked):
        with contextlib.suppress(OSError), open_ordinary(root / "log.jsonl") as log:
            lock(log.fileno(), root / "log.jsonl", is_shared=True)
            found = _read(root)
    return found


def _read(root: Path) -> Ends:
    try:
        raw = read_kept(root / FILE)
    except FileNotFoundError:
        return Ends()
    rows = [_row(raw[at : at + ROW]) for at in (0, ROW)]
    whole = [row for row in rows if row is not None]
    newest = max(whole, key=lambda row: row.lines, default=None)
    return Ends(newest=newest, is_there=True, is_whole=len(whole) == len(rows) and len(raw) == len(rows) * ROW)


def _row(raw: bytes) -> End | None:
    try:
        body = json.loads(raw)
        del body["sum"]
        found = End(**body)
        return found if found.row() == raw else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def write_end(root: Path, end: End, *, over: Ends) -> None:
    """Make an end durable: one row in place, or both in a new file where there was no whole one. Raises OSError."""
    if not (over.is_there and over.is_whole):
        replace_file(root / FILE, end.row() * 2)
        return
    file = os.open(root / FILE, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.pwrite(file, end.row(), ROW * (end.lines % 2))
        # The size stays, so the data is all there is to wait for; not every system can tell the two apart.
        getattr(os, "fdatasync", os.fsync)(file)
    finally:
        os.close(file)


def write_lines(root: Path, log: int, lines: bytes, *, start: End, end: End, over: Ends) -> None:
    """Put whole lines behind the locked log and seal its new end. Raises OSError; then the log is as it was, as far as
    the disk still lets it: a line that could not be taken back follows the chain, and the next writer adopts it."""
    try:
        if os.write(log, lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(log)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(log, start.size)
        raise
    try:
        write_end(root, end, over=over)
    except OSError:
        # The new end may stand or not. Only where the old one stands for certain may the lines be cut.
        with contextlib.suppress(OSError):
            replace_file(root / FILE, start.row() * 2)
            os.ftruncate(log, start.size)
        raise


# ── the log against its end ──────────────────────────────────────────────────────────────────────────────────────


def end_fault(raw: bytes, end: End | None, *, offset: int = 0) -> str | None:
    """What is wrong at the end of the log whose bytes from `offset` on are `raw`; None where it is as it was sealed."""
    if end is None or end.lines == 0:
        return None
    size = offset + len(raw)
    if size < end.size:
        return f"has {size} of the {end.size} bytes that were sealed: its end was cut off"
    line = raw[end.size - end.last - offset : end.size - offset]
    if line[-1:] != b"\n" or str(digest_bytes(line[:-1])) != end.head:
        return f"has another line {end.lines} than the one that was sealed as its end"
    return None


def lacks_newline(raw: bytes, end: End | None) -> bool:
    """Whether of a log whose bytes are `raw` only the last newline is gone, or another byte: that the line before
    it is whole its digest says, so that there is one thing only that can stand there."""
    if end is None or end.lines == 0 or len(raw) not in (end.size - 1, end.size) or raw[end.size - 1 :] == b"\n":
        return False
    return str(digest_bytes(raw[end.size - end.last : end.size - 1])) == end.head


def settled(log: int, ends: Ends, root: Path, *, store: str) -> End:
    """The end of the locked log behind which a line may be added: whole lines beyond it are adopted, half a one is cut.

    Raises IntegrityError where the log is not the one that was sealed; nothing is then written.
    """
    size = os.fstat(log).st_size
    end = ends.newest
    if end is None:
        # A store from before there was an end has one from here on. One that lost it gets it back with the line that
        # tells of the loss: were it written first, a crash in between would leave nobody to tell.
        raw = _pread(log, 0, size)
        end = start_of(raw, store=store)
        if MARKED not in raw:
            write_end(root, end, over=ends)
    offset = end.size - end.last
    tail = _pread(log, offset, size)
    if fault := end_fault(tail, end, offset=offset):
        raise damaged(root, fault)
    for line in _lines(tail[end.last :]):
        if not line.endswith(b"\n"):
            os.ftruncate(log, end.size)
        elif _follows(line, end):
            end = end.after(line)
        else:
            raise damaged(root, f"has a line {end.lines + 1} that does not follow the sealed end")
    return end


def end_was_lost(log: int, ends: Ends) -> bool:
    """Whether the locked log was written with a sealed end, of which nothing is left."""
    return ends.newest is None and MARKED in _pread(log, 0, os.fstat(log).st_size)


def _pread(log: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(log, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _follows(line: bytes, end: End) -> bool:
    try:
        row = json.loads(line)
        return bool(row["seq"] == end.lines + 1 and row["prev"] == end.head)
    except (ValueError, TypeError, KeyError):
        return False


def damaged(root: Path, fault: str) -> IntegrityError:
    """The log is not the one that was sealed."""
    return IntegrityError(
        f"{root / 'log.jsonl'} {fault}",
        remedy=f"restore it from a backup; to go on with what is left, move {root / FILE} away: `verify` tells of it",
    )


def broken(root: Path, fault: str) -> IntegrityError:
    """A line of the log is not the one that was written."""
    return IntegrityError(
        f"{root / 'log.jsonl'} {fault}",
        remedy="restore it from a backup; `runaudit list` shows what can still be read; or go on in another store",
    )


def end_remarks(ends: Ends, lines: int) -> Iterator[str]:
    """What the sealed end does not vouch for, in a log of so many lines; said beside the answer, not against it."""
    if lines == 0:
        return
    if ends.newest is None:
        yield (
            f"the end of the log is not sealed yet (the next launch seals it): only an anchor shows a change of line "
            f"{lines} or a cut behind an earlier one"
        )
        return
    if ends.newest.since > 1:
        yield (
            f"the end of the log is sealed from line {ends.newest.since} on: that nothing was cut off before it, only "
            "an anchor from then can show"
        )
    if lines > ends.newest.lines:
        first, last = ends.newest.lines + 1, lines
        which = f"line {last}" if first == last else f"lines {first} to {last}"
        yield f"{which} of the log follow the chain and are not sealed as its end yet: the next launch does it"
