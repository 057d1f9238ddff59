"""What stands in the place of bytes that were forgotten on purpose, and how it is known from damage.

A tombstone is written from the sealed event of the log alone, letter for letter: one that the log does not know, or
that says something else, is a changed object like any.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, NothingToJudgeError
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import Digest
from runaudit.records.run import SHORT
from runaudit.system.files import read_ordinary

SCHEMA, EVENT_SCHEMA = "runaudit.tombstone/1", "runaudit.forget/1"
RUN_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """One object that was forgotten: its digest and size in bytes, what it was to which run, why and when it went.

    `about`, of a manifest: what keeps its run in the count, without a word of the user's: `cohort` and `peers` (the ids
    of its cohort and of runs in it), `seed` where it is a whole number, `status`. None where an older runaudit forgot.
    `elsewhere`: another store forgot it, and a bundle said so: it holds for as long as nobody here has the bytes again.
    """

    digest: str
    size: int
    what: str
    run: str | None
    reason: str
    time: str
    about: Mapping[str, JSON] | None = None
    elsewhere: bool = False

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


def in_force(rows: Iterable[Forgotten], place: Callable[[Digest], Path]) -> Mapping[str, Forgotten]:
    """By digest text, what is forgotten still: of what another store forgot, where nobody has put the bytes back."""
    return {row.digest: row for row in rows if not row.elsewhere or _is_away(place(Digest.parse(row.digest)), row)}


def _is_away(path: Path, row: Forgotten) -> bool:
    """Whether nothing lies where a forgotten object lay, or its tombstone. Other bytes are whole, or damage."""
    try:
        return read_ordinary(path) == tombstone(row)
    except OSError:
        return True


def event(rows: tuple[Forgotten, ...], reason: str, time: str) -> bytes:
    """The sealed account of one `forget`."""
    listed = [{"digest": row.digest, "size": row.size, "what": row.what, "run": row.run,
               **({"about": row.about} if row.about else {})} for row in rows]  # fmt: skip
    place = {"elsewhere": True} if any(row.elsewhere for row in rows) else {}
    return canonical_bytes({"schema": EVENT_SCHEMA, "objects": listed, "reason": reason, "time": time, **place})


def told_elsewhere(row: Forgotten) -> dict[str, Any]:
    """A row as a bundle holds it: where it was forgotten is for the store that takes it in to say."""
    return {name: value for name, value in asdict(row).items() if name != "elsewhere"}


def told_about(value: JSON) -> Mapping[str, JSON] | None:
    """What is told of a forgotten run, as far as it is well formed; None where nothing is."""
    if not isinstance(value, Mapping) or not isinstance(value.get("peers"), list):
        return None
    peers: list[JSON] = [run for run in value["peers"] if isinstance(run, str) and RUN_ID.fullmatch(run)]
    seed, told = value.get("seed"), {name: value[name] for name in ("cohort", "status") if _is_word(value.get(name))}
    known = {} if isinstance(seed, bool) or not isinstance(seed, int) else {"seed": seed}
    return {**told, **known, "peers": peers}


def _is_word(value: JSON) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-z_]{1,64}", value) is not None


def rows_of(raw: bytes) -> Iterator[Forgotten]:
    """What an event says was forgotten. Raises IntegrityError where it is none."""
    try:
        body: dict[str, Any] = json.loads(raw)
        for one in body["objects"]:
            yield Forgotten(
                digest=str(one["digest"]), size=int(one["size"]), what=str(one["what"]), run=one["run"],
                reason=str(body["reason"]), time=str(body["time"]), about=told_about(one.get("about")),
                elsewhere=body.get("elsewhere") is True,
            )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "a line of the log names something that is no account of what was forgotten",
            remedy="restore the store from a backup",
        ) from error
