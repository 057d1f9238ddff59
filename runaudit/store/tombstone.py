"""What stands in the place of bytes that were forgotten on purpose, and how it is known from damage.

A tombstone is written from the sealed event of the log alone, letter for letter: one that the log does not know, or
that says something else, is a changed object like any.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runaudit.errors import IntegrityError, NothingToJudgeError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.run import SHORT

SCHEMA, EVENT_SCHEMA = "runaudit.tombstone/1", "runaudit.forget/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """One object that was forgotten: its digest and size in bytes, what it was to which run, why and when it went."""

    digest: str
    size: int
    what: str
    run: str | None
    reason: str
    time: str

    @property
    def said(self) -> str:
        """When and why, within a sentence."""
        return f"forgotten on {self.time[:10]} ({self.reason})"

    @property
    def subject(self) -> str:
        """What it was, within a sentence."""
        return f"{self.what} of run {self.run[:SHORT]}" if self.run else self.what


class ForgottenError(NothingToJudgeError):
    """What is asked for was taken out of the store on purpose: it is not known any more."""

    def __init__(self, row: Forgotten) -> None:
        super().__init__(f"the {row.subject} was {row.said}", remedy="ask for what the store still holds")
        self.row = row


def tombstone(row: Forgotten) -> bytes:
    """The bytes that stand for a forgotten object."""
    said = {"digest": row.digest, "size": row.size, "what": row.what, "run": row.run}
    return canonical_bytes({"schema": SCHEMA, **said, "reason": row.reason, "time": row.time})


def event(rows: tuple[Forgotten, ...], reason: str, time: str) -> bytes:
    """The sealed account of one `forget`."""
    listed = [{"digest": row.digest, "size": row.size, "what": row.what, "run": row.run} for row in rows]
    return canonical_bytes({"schema": EVENT_SCHEMA, "objects": listed, "reason": reason, "time": time})


def rows_of(raw: bytes) -> Iterator[Forgotten]:
    """What an event says was forgotten. Raises IntegrityError where it is none."""
    try:
        body: dict[str, Any] = json.loads(raw)
        for one in body["objects"]:
            yield Forgotten(
                digest=str(one["digest"]), size=int(one["size"]), what=str(one["what"]), run=one["run"],
                reason=str(body["reason"]), time=str(body["time"]),
            )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "a line of the log names something that is no account of what was forgotten",
            remedy="restore the store from a backup",
        ) from error
