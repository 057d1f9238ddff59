"""What befell a store and cannot be mended, only told: for as long as its log is read.

The end of the log is sealed (`store.end`). Where that seal was lost or taken away, the next launch goes on behind what
is left, and nobody can say any more whether launches were cut off before it. So that launch writes it down, as a line
of the log itself, and `verify` and `doctor` repeat it to whoever asks.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence

from runaudit.errors import RunauditError
from runaudit.records.canonical import JSON
from runaudit.store.kinds import REPAIR
from runaudit.store.line import LogEntry
from runaudit.store.store import END_LOST, Store


def incidents(store: Store, entries: Sequence[LogEntry]) -> Iterator[str]:
    """One sentence for each time that the sealed end of the log was gone."""
    for entry in entries:
        if entry.kind == REPAIR and any(row.get("what") == END_LOST for row in _rows(store, entry)):
            yield (
                f"when line {entry.seq} of the log was written ({entry.time}), its sealed end was missing: launches "
                "may have been cut off before that line, which only an anchor from before it can show"
            )


def _rows(store: Store, entry: LogEntry) -> Sequence[Mapping[str, JSON]]:
    """What a line of that kind says was done; nothing where its object is damaged, which `verify` tells by itself."""
    with contextlib.suppress(RunauditError, ValueError, AttributeError, TypeError):
        rows = json.loads(store.read(entry.digest)).get("done")
        return [row for row in rows if isinstance(row, dict)]
    return ()
