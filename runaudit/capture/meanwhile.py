"""What changed under a run while it ran: its datasets, its sealed sources, its configuration.

Which of two contents a program read cannot be told afterwards. So a change is no remark alone: it is named where a
judge finds it, and spoils every later verdict that rests on it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.capture.config import plain_config
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.redact import Redactor
from runaudit.capture.source import Basket, Limits
from runaudit.errors import CaptureError, RunauditError
from runaudit.factors.path import joined
from runaudit.records.canonical import JSON, canonical_equal, thawed
from runaudit.records.filenames import on_disk
from runaudit.records.manifest import Manifest
from runaudit.store.store import Store


def changed_data(store: Store, manifest: Manifest) -> tuple[list[JSON], list[str]]:
    """Each dataset that is not what it was when the run started, and a remark on it. Unchanged files are not read
    again; one that cannot be read any more may have been anything."""
    changed: list[JSON] = []
    notes: list[str] = []
    # An entry that the program made itself, of a part of a folder, cannot be made again from its path.
    given = manifest.section("launch").get("data_given") or ()
    for name, entry in manifest.section("data").items():
        path = entry.get("path") if isinstance(entry, Mapping) else None
        if name in given or not path or not entry.get("digest") or not Path(str(path)).is_absolute():
            continue
        try:
            now = capture_dataset(Path(str(path)), cache=store.root / "cache")["digest"]
        except CaptureError as error:
            notes.append(f"the dataset {name} could not be read again at the end: {error.message}")
            now = None
        else:
            if now != entry["digest"]:
                notes.append(f"the dataset {name} changed while the run ran: {path}")
        if now != entry["digest"]:
            changed.append({"name": str(name), "path": str(path)})
    return changed, notes


def changed_files(
    code: Mapping[str, JSON], root: Path, redactor: Redactor | None, *, since_ns: int = 0
) -> list[dict[str, JSON]]:
    """Every sealed file of the work tree that is another one now. A file whose inode has not changed since `since_ns`
    is not read again."""
    basket = Basket(limits=Limits(), redactor=redactor)
    found: list[dict[str, JSON]] = []
    for path, sealed in sealed_entries(code):
        if _calm(f"{root}{os.sep}{on_disk(path)}", since_ns):
            continue
        try:
            entry = basket.entry(root / on_disk(path), path, tracked=True, sealed=sealed)
        except (CaptureError, OSError):
            entry = None
        before, after = sealed["digest"], entry["digest"] if entry else None
        if before != after:
            found.append({"path": path, "before": before, "after": after})
    return found


def _calm(path: str, since_ns: int) -> bool:
    try:
        return os.lstat(path).st_ctime_ns < since_ns
    except OSError:
        return False


def sealed_entries(code: Mapping[str, JSON], prefix: str = "") -> list[tuple[str, JSON]]:
    """Path and entry of the files of a code section, submodules included."""
    found = [(prefix + path, entry) for path, entry in (code.get("files") or {}).items()]
    for path, inner in (code.get("submodules") or {}).items():
        found += sealed_entries(inner, f"{prefix}{path}/")
    return found


def changed_config(sealed: Mapping[str, JSON], source: Any, redactor: Redactor) -> dict[str, JSON]:
    """Leaf -> [before, after] of a configuration object that the program changed after it was sealed."""
    try:
        now = redactor.tree(plain_config(source))
    except RunauditError:
        return {"config": [None, "it cannot be recorded any more"]}
    before, after = dict(_leaves(sealed, "config")), dict(_leaves(now, "config"))
    return {
        path: [before.get(path), after.get(path)]
        for path in sorted(before.keys() | after.keys())
        if path not in before or path not in after or not canonical_equal(before[path], after[path])
    }


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, joined(path, str(key)))]
    return [(path, thawed(value))]
