"""A good copy of a damaged object: in the work tree, in git, or in the folder of the run that left it.

An object is known by its digest, so a copy is either the very bytes or none; where it comes from does not matter.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, RunauditError
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.trajectory import whole_lines
from runaudit.store.catalogue import SERIES
from runaudit.store.kinds import RECORDS
from runaudit.store.line import LogEntry
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary
from runaudit.system.git import Git, is_whole_id


def good_copy(store: Store, digest: Digest) -> bytes | None:
    """The bytes of this digest from elsewhere, or None. Reads only."""
    try:
        entries = store.entries()
    except IntegrityError:
        return None
    found = (data for entry in entries for data in _candidates(store, entry, str(digest)))
    return next((data for data in found if digest_bytes(data) == digest), None)


def _candidates(store: Store, entry: LogEntry, digest: str) -> Iterator[bytes]:
    if entry.kind not in RECORDS:
        return
    try:
        body = _table(json.loads(store.read(entry.digest)))
    except (RunauditError, ValueError):
        return  # Damaged itself: it is a problem of its own.
    if entry.kind == "manifest":
        top = Path(str(_table(body.get("launch")).get("top") or "."))
        yield from _sources(body.get("code"), top, digest)
    if _table(body.get("trajectory")).get("digest") == digest:
        raw = _read(store.live_dir(entry.subject.removeprefix("sha256:")) / SERIES)
        yield from () if raw is None else (raw, whole_lines(raw))


def _table(value: Any) -> Mapping[str, Any]:
    """A part of a record that is a table; nothing of one that somebody made another thing of, which `verify` tells."""
    return value if isinstance(value, Mapping) else {}


def _sources(code: Any, top: Path, digest: str) -> Iterator[bytes]:
    code = _table(code)
    for path, file in _table(code.get("files")).items():
        if isinstance(file, Mapping) and file.get("digest") == digest:
            if (raw := _read(top / path)) is not None:
                yield raw
            yield from _committed(top, str(code.get("commit")), str(path))
    for name, inner in _table(code.get("submodules")).items():
        yield from _sources(inner, top / name, digest)


def _committed(top: Path, commit: str, path: str) -> Iterator[bytes]:
    """The file as it was committed, where the repository is still there."""
    if is_whole_id(commit):
        with contextlib.suppress(RunauditError, OSError):
            yield Git(top).run("cat-file", "blob", f"{commit}:{path}")


def _read(path: Path) -> bytes | None:
    try:
        return read_ordinary(path)
    except OSError:
        return None
