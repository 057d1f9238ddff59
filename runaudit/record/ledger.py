"""What a run says about itself while it runs, besides its series: checkpoints, seed proof, how it thinks it ended.

One line a claim in `live/<run>/ledger.jsonl`, durable when the call returns. So a killed run keeps the checkpoints it
had announced, and a wrapper can seal the outcome of a child it saw die.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import StoreError
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import whole_lines
from runaudit.store.kept import open_kept, read_kept
from runaudit.system.files import replace_file

FILE = "ledger.jsonl"


def claim(live: Path, kind: str, /, **facts: JSON) -> None:
    """Add one line: one write, then fsync, for claims are rare and must outlive the process. Raises StoreError."""
    # A leading newline ends whatever a killed writer left half-written; empty lines are nothing to a reader.
    line = b"\n" + json.dumps({"k": kind, **facts}, separators=(",", ":"), default=str).encode() + b"\n"
    try:
        fd = open_kept(live / FILE, os.O_WRONLY | os.O_APPEND)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise StoreError(
            f"the {kind} of a run cannot be recorded in {live}: {error.strerror}",
            remedy="free space on the store's disk or fix its permissions",
        ) from error


def rewrite(live: Path, rows: tuple[Mapping[str, Any], ...]) -> None:
    """Put these rows in the place of the file's, as a whole. Raises OSError."""
    lines = (json.dumps(dict(row), separators=(",", ":"), default=str).encode() + b"\n" for row in rows)
    replace_file(live / FILE, b"".join(lines))


def claims(live: Path) -> tuple[Mapping[str, Any], ...]:
    """Every whole line, in order; torn ones are left out."""
    try:
        raw = read_kept(live / FILE)
    except FileNotFoundError:
        return ()
    return tuple(_rows(whole_lines(raw)))


def _rows(raw: bytes) -> Iterator[Mapping[str, Any]]:
    for line in filter(None, raw.split(b"\n")):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("k"), str):
            yield row
