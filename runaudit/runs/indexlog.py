"""How far the index of a store has come in its log, and what is new there: a log of a hundred thousand runs is hashed
once for the next line, and only what is new of it is parsed and held against the line before.

An index that was left as it is was made of a log whose chain was whole. Where the log begins with the same bytes, which
their digest tells, that much of the chain is whole still.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runaudit.store.kinds import CARRIED, GC, REPAIR, SUPERSEDED

if TYPE_CHECKING:
    from runaudit.store.line import LogEntry
    from runaudit.store.store import Store

TAIL_BYTES = 64 << 10
"""New lines of the log up to which each run's ending is looked for by itself: some 200."""
KNOWN_KINDS = tuple(kind for kind in (*CARRIED, REPAIR, GC) if kind != SUPERSEDED)
"""Of a line of another kind the index does not know what it changes, and is made anew; and where a run stands in the
place of another one, which is seldom."""
NOTHING: Mapping[str, Any] = {"size": 0, "entries": 0}
"""What an index that is made anew has of the log."""


class News:
    """What the log says beyond an index whose state was `left`, NOTHING where there was none. old: that state, or
    NOTHING where the log is not one that has grown from there; entries: what it says beyond; size, digest: of all of
    its whole lines. Raises IntegrityError where the log is damaged, as `Store.whole_log`."""

    def __init__(self, store: "Store", left: Mapping[str, Any]) -> None:
        self.old, self.digest = left, ""
        raw = store.whole_log(self._known)
        self.size = len(raw)
        self.entries = self._new(store, raw)
        if self.old["size"] and any(entry.kind not in KNOWN_KINDS for entry in self.entries):
            # Something was said of which this version cannot tell what it touches.
            self.old, self.entries = NOTHING, list(store.entries()[: raw.count(b"\n")])

    def _known(self, raw: bytes) -> int:
        """Of how many of its first bytes a log is the one that the index was made of."""
        beginning, self.digest = log_digest(raw, min(self.old["size"], len(raw)))
        if not 0 < self.old["size"] <= len(raw) or beginning != self.old["log"]:
            self.old = NOTHING
        return int(self.old["size"])

    def _new(self, store: "Store", raw: bytes) -> "Sequence[LogEntry]":
        from runaudit.store.line import parsed_lines

        if len(raw) - self.old["size"] > TAIL_BYTES:
            # Parsed once, for each of many runs.
            return list(store.entries()[self.old["entries"] : raw.count(b"\n")])
        return [entry for _, entry in parsed_lines(raw[self.old["size"] :])]


def log_digest(raw: bytes, size: int) -> tuple[str, str]:
    """The digest of the beginning of a log, and that of all of it."""
    import hashlib  # A library of 15 ms, which an untouched log does not need.

    state = hashlib.sha256(memoryview(raw)[:size])
    beginning = state.hexdigest()
    state.update(memoryview(raw)[size:])
    return beginning, state.hexdigest()
