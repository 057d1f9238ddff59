"""One line of the log, as it is written and as it is read: one that cannot be read is an integrity failure."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest, digest_bytes
from runaudit.store.end import MARK, End


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of the log. `kind` is one of `store.kinds`; `subject` the manifest it concerns, of a look the
    comparison, of a remark what was said (`store.remarks`)."""

    seq: int
    prev: str
    kind: str
    digest: Digest
    subject: str
    time: str
    line: bytes

    @property
    def chain(self) -> str:
        """The digest the next line must name."""
        return str(digest_bytes(self.line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a line of the log is to say."""

    kind: str
    digest: Digest
    subject: Digest
    time: str

    def raw(self, before: End) -> bytes:
        """The line that follows this end of the log, without its newline."""
        told = {"kind": self.kind, "digest": str(self.digest), "subject": str(self.subject), "time": self.time}
        return canonical_bytes({**told, "seq": before.lines + 1, "prev": before.head, MARK: 1})


def parsed_lines(raw: bytes) -> Iterator[tuple[int, LogEntry]]:
    """Number and content of every whole line of a log. Raises IntegrityError at one that is damaged."""
    for number, line in enumerate(raw[: raw.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
        yield number, entry_of(line, number)


def entry_of(line: bytes, number: int | Callable[[], int]) -> LogEntry:
    """What line `number` of a log says. Raises IntegrityError where it is damaged: only then is a number counted."""
    try:
        row: dict[str, Any] = json.loads(line.decode())  # Of bytes it would ask in which of five encodings they are.
        return LogEntry(
            seq=int(row["seq"]),
            prev=str(row["prev"]),
            kind=str(row["kind"]),
            digest=Digest.parse(row["digest"]),
            subject=str(row["subject"]),
            time=str(row["time"]),
            line=line,
        )
    except (ValueError, KeyError, TypeError, RunauditError) as error:
        at = number if isinstance(number, int) else number()
        raise IntegrityError(
            f"line {at} of the store's log is damaged", remedy="restore log.jsonl from a backup"
        ) from error
