"""What one run wrote for its trackers, in a folder of its own: as if no other run had ever written there.

The readers of `importers` know every tracker's layout, and take what lies in a folder for one run's. So they are given
a folder that holds nothing else: copies of what this run wrote, and of a file that it went on with only what it added.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from runaudit.errors import RunauditError
from runaudit.importers.kinds import AUTO, BY_NAME, KINDS, RECORD
from runaudit.importers.merging import HYDRA, TABLE
from runaudit.importers.opened import MAX_LOG_BYTES
from runaudit.importers.steptable import MAX_TABLE_BYTES
from runaudit.importers.walk import claims_of
from runaudit.launch.evidence import STATE, Written
from runaudit.records.canonical import parse_strict
from runaudit.system.files import open_ordinary, read_ordinary

READ = tuple(kind for kind in KINDS if kind not in (RECORD, AUTO, TABLE, "aim", "guild", *BY_NAME))
"""The kinds that are looked for. A stray table of numbers is no tracker's, but one in the folder that Hydra made for a
job is the job's; Guild and Aim run a program, and what they keep of it is not written by it."""
MOST_FILES = 20_000
_TABLE = "progress.txt"
"""What is a table by another suffix: rows are appended to it, below a line of names."""
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")


def laid_out(written: Written, target: Path) -> list[str]:
    """Copy below `target` what trackers read of these files, each at its whole path. Returns what has to be said."""
    notes: list[str] = []
    wanted = _read_of(written.files)
    for path in wanted[:MOST_FILES]:
        try:
            notes += _copied(path, written, target)
        except (OSError, RunauditError) as error:
            notes.append(f"{path} could not be read: {getattr(error, 'strerror', None) or error}")
    if len(wanted) > MOST_FILES:
        notes.append(f"{len(wanted)} files were written for trackers: {MOST_FILES} of them were looked at")
    both = {path.parent for path in _read_of(written.shared)}
    why = ("another run wrote to {} while this one ran: the files that both wrote were left out" if written.seen else
           "{} is new, other runs ran beside this one, and nobody saw who wrote it: it was left out")  # fmt: skip
    notes += [why.format(folder)
              for folder in sorted(both) if both.isdisjoint(folder.parents)]  # fmt: skip
    return notes + [f"{place} changed while this run ran, and nobody saw who wrote to it: nothing was taken from it"
                    for place in written.unclear]  # fmt: skip


# ── which files a tracker reads ──────────────────────────────────────────────────────────────────────────────────


def _read_of(files: Iterable[Path]) -> list[Path]:
    """Those that lie where a reader finds a run, by the names of what was written alone."""
    files = sorted(files)
    folders: dict[Path, tuple[set[str], set[str]]] = {}
    for path in files:
        folders.setdefault(path.parent, (set(), set()))[1].add(path.name)
        for inner in path.parents:
            known = folders.setdefault(inner.parent, (set(), set()))[0]
            if not inner.name or inner.name in known:
                break
            known.add(inner.name)
    places: set[Path] = set()
    for here, (inside, names) in folders.items():
        found = claims_of(here, sorted(inside), sorted(names), READ)
        # A folder is the run's itself, or a part of one that begins elsewhere: in `train/` the curves of `validation/`.
        places |= {here, *(place for place in found if place in folders)} if found else set()
    jobs = {
        here for here, (inside, names) in folders.items() if claims_of(here, sorted(inside), sorted(names), (HYDRA,))
    }
    return [path for path in files if not places.isdisjoint(path.parents)
            or (path.suffix.lower() == ".csv" and not jobs.isdisjoint(path.parents))]  # fmt: skip


# ── what of a file is this run's ─────────────────────────────────────────────────────────────────────────────────


def _copied(path: Path, written: Written, target: Path) -> Iterator[str]:
    """Copy a file, or what this run added to it; yields what has to be said of it."""
    if not path.is_file() or path.is_symlink():
        return  # a folder that it made, what it removed again, `latest-run`
    is_log = path.suffix == ".wandb" or "tfevents" in path.name
    with open_ordinary(path, within=path.parent) as file:
        if os.fstat(file.fileno()).st_size > (most := MAX_LOG_BYTES if is_log else MAX_TABLE_BYTES):
            yield f"{path} is larger than {most >> 20} MiB and was not read"
            return
        raw = file.read()
    before = written.files[path]
    is_table = path.suffix.lower() == ".csv" or path.name == _TABLE
    if path.name == STATE:
        raw, said = _after(path, raw, written.resumed)
        yield from said
    elif before != "" and (is_table or "metrics" in path.parts):
        added = None if before is None else after_digest(raw, before)
        if added is None:
            yield f"{path} held numbers before this run wrote to it, and which are this run's cannot be told: left out"
            return
        raw = raw.partition(b"\n")[0] + b"\n" + added if is_table else added
        yield f"{path} held numbers before this run wrote to it: only what it added was taken"
    place = target / path.relative_to(path.anchor)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(raw)


def after_digest(raw: bytes, before: str) -> bytes | None:
    """What follows the beginning of `raw` that has the digest `before`; None where no beginning has that ends a line.
    That a file begins with all it held is the evidence that it was appended to."""
    state = hashlib.sha256()
    lines = raw.splitlines(keepends=True)
    for line, end in zip(lines, accumulate(map(len, lines)), strict=True):
        state.update(line)
        if f"sha256:{state.hexdigest()}" == before:
            return raw[end:]
    return None


def _after(path: Path, raw: bytes, resumed: tuple[Path, ...]) -> tuple[bytes, list[str]]:
    """A state of the Trainer without the rows of the training that it went on from."""
    body = parse_strict(raw, where=str(path))
    if not isinstance(body, dict) or not isinstance(rows := body.get("log_history"), list):
        return raw, []
    for state in resumed:
        known = _history(state)
        step = _CHECKPOINT.fullmatch(state.parent.name)
        if known and rows[: len(known)] == known:
            rows = rows[len(known) :]
        elif known is None and step is not None and state.parent.parent in path.parents:
            rows = [row for row in rows if not (isinstance(row, dict) and _step(row) <= int(step[1]))]
        else:
            continue
        note = f"the training in {state.parents[1]} went on from {state.parent.name}: only what followed was taken"
        return json.dumps({**body, "log_history": rows}).encode(), [note]
    return raw, []


def _step(row: Mapping[str, Any]) -> int:
    step = row.get("step")
    return step if isinstance(step, int) else 0


def _history(path: Path) -> list[Any] | None:
    """What was logged before a state was written; None where it is gone."""
    try:
        body = parse_strict(read_ordinary(path), where=str(path))
    except (OSError, RunauditError):
        return None
    rows = body.get("log_history") if isinstance(body, dict) else None
    return rows if isinstance(rows, list) else None
