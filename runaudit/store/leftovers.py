"""What lies in a store although no line of its log names it: told apart by what could have left it.

A launch is counted in the log before its command starts, and only then are its folders made. So a folder of a launch
that the log does not name is the trace of a line that was taken away, together with the end that sealed it: a problem.
Objects without a folder are what a launch leaves that died before it was counted, was refused, or is being made this
moment; they are named, and nothing is held against them. An outcome that no line names was sealed by a process that
died before it could say so, or its line was taken away: nobody can tell which, so it is named, too.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.records.digest import Digest
from runaudit.records.manifest import MANIFEST_SCHEMA
from runaudit.records.outcome import OUTCOME_SCHEMA
from runaudit.records.run import SHORT
from runaudit.store.rehash import Hashed, Problem, relative
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary
from runaudit.text.words import head, plural

_RUN = re.compile(r"[0-9a-f]{64}")
TAKEN_AWAY = "ran, and no line of the log names it: its lines were taken away, from the end of the log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What lay in the store at one moment: the objects, and the launches that have a folder."""

    objects: tuple[Path, ...]
    folders: tuple[tuple[str, str], ...]
    """(run id, folder relative to the store), of live/ and runs/."""


def inventory(store: Store) -> Inventory:
    """What lies there now. Taken before the log is read, every folder in it has its line already."""
    folders = (
        (path.name, f"{kind}/{path.name}") for kind in ("live", "runs") for path in (store.root / kind).glob("*")
    )
    return Inventory(
        folders=tuple(sorted(pair for pair in folders if _RUN.fullmatch(pair[0]))),
        objects=tuple(sorted((store.root / "objects" / "sha256").glob("??/*"))),
    )


def leftovers(
    store: Store, found: Inventory, launched: frozenset[str], named: frozenset[str], hashed: Hashed
) -> tuple[list[Problem], list[str]]:
    """(problems, remarks) of all that no line of the log leads to. named: the digests that lines or records name."""
    problems = []
    unnamed: dict[str, list[str]] = {"manifest": [], "outcome": [], "object": []}
    for path in found.objects:
        if path in hashed.files:
            continue
        file = str(path.relative_to(store.root))
        fault = hashed.object_fault(store, Digest("sha256", path.name))
        if fault is not None:
            problems.append(Problem(run=None, file=file, problem=fault))
        elif path.name not in named and f"sha256:{path.name}" not in store.forgotten():
            unnamed[kind_of(path)].append(path.name)
    ran = _ran(store, found, launched, unnamed["manifest"])
    problems += ran.values()
    died = [run for run in unnamed["manifest"] if run not in ran]
    return problems, list(_remarks(died, unnamed["outcome"], unnamed["object"]))


def _ran(store: Store, found: Inventory, launched: frozenset[str], manifests: Sequence[str]) -> dict[str, Problem]:
    """The launches that ran and are not in the log. A folder of files alone may be of an import that was cut short."""
    traces = {run: folder for run, folder in found.folders if run not in launched}
    live = {run for run, folder in found.folders if folder.startswith("live/")}
    return {
        run: Problem(
            run=run, file=relative(store, Digest("sha256", run)) if run in manifests else folder, problem=TAKEN_AWAY
        )
        for run, folder in traces.items()
        if run in live or run not in manifests
    }


def kind_of(path: Path) -> str:
    """What an object of the store is: manifest, outcome, or object for all else. Raises OSError."""
    raw = read_ordinary(path)
    for kind, schema in (("manifest", MANIFEST_SCHEMA), ("outcome", OUTCOME_SCHEMA)):
        if raw.startswith(b"{") and schema.encode() in raw and _schema(raw) == schema:
            return kind
    return "object"


def _schema(raw: bytes) -> object:
    try:
        return json.loads(raw).get("schema")
    except ValueError:
        return None


def _remarks(died: Sequence[str], outcomes: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    what = (
        (died, "launch", "sealed, never counted and never started, or this moment being started"),
        (outcomes, "outcome", "sealed by a process that died before it was counted, or its line was taken away"),
        (others, "object", "left by launches that were refused or died, or of a launch that is being made"),
    )
    for names, word, why in what:
        if names:
            shown = head([name[:SHORT] for name in names])
            yield f"{plural(len(names), word)} that no line of the log names: {shown} ({why})"
