"""The folders that a run listed: which names it found there, without those that runs left themselves.

A program that takes what lies in a folder depends on its names, even where it opens none of the files. What this run
and earlier ones of the store wrote is no input: seeds that list their outputs are replicates all the same.
"""

import hashlib
import os
from collections.abc import Callable

from runaudit.capture.outputs import Outputs
from runaudit.capture.reads import Places
from runaudit.observe.trace import Trace
from runaudit.records.canonical import JSON
from runaudit.records.filenames import legible

NO_INPUT = ("__pycache__", ".git", ".runaudit")


def listings(
    trace: Trace, places: Places, outputs: Outputs, *, declared: Callable[[str], str | None]
) -> dict[str, JSON]:
    """`listed`: the folders with the digest of their names; `folders_made`: those that the run made itself."""
    found: dict[str, JSON] = {}
    paths = [path for path in sorted(trace.written) if not places.ignored(path)]
    made = [path for path in paths if os.path.isdir(path)]  # noqa: PTH112  (thousands of texts)
    if made:
        found["folders_made"] = [legible(places.name(path)) for path in made]
    rows: dict[str, JSON] = {}
    left = outputs.all_touched() if trace.listed else frozenset()
    written = left.union(map(places.name, trace.written), map(places.name, trace.removed))
    for path in sorted(trace.listed):
        if places.ignored(f"{path}{os.sep}") or places.is_library(f"{path}{os.sep}") or declared(path) is not None:
            continue
        if (names := _names(path, trace, places, written, left)) is not None:
            place = "." if places.inside(f"{path}{os.sep}") and not _inner(path, places) else _inner(path, places)
            digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
            rows[place] = {"path": legible(place), "digest": f"sha256:{digest}", "names": len(names)}
    if rows:
        found["listed"] = list(rows.values())
    return found


def _inner(path: str, places: Places) -> str:
    return places.name(f"{path}{os.sep}").rstrip(os.sep)


def _names(path: str, trace: Trace, places: Places, written: frozenset[str], left: frozenset[str]) -> list[str] | None:
    """What lies in a folder and no run put there; None where the folder is the run's own, or gone.

    `written`: what this run and earlier ones wrote, `left`: what earlier ones did.
    """
    if path in trace.written or trace.lies_in_made(path):
        return None
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208  (thousands of texts)
    except OSError:
        return None
    if places.name(path) in left:
        return None
    inner = places.name(f"{path}{os.sep}")
    return [name for name in names if name not in NO_INPUT and f"{inner}{name}" not in written
            and not _is_left(f"{path}{os.sep}{name}", f"{inner}{name}", written)]  # fmt: skip


def _is_left(path: str, name: str, written: frozenset[str]) -> bool:
    """Whether a folder holds nothing but what runs wrote."""
    if not os.path.isdir(path) or not any(one.startswith(f"{name}/") for one in written):  # noqa: PTH112  (a text)
        return False
    inside = (f"{top}{os.sep}{one}" for top, _, files in os.walk(path) for one in files)
    return all(f"{name}{one[len(path) :]}" in written for one in inside)
