"""The newest runs of a remote in one small file, so that a hundred thousand that were pushed need not be read to list
fifty. It is derived: its name says of which pushes it was made and what its bytes are, and where none fits, all pushes
are read and it is made again.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runaudit.records.digest import digest_bytes

if TYPE_CHECKING:
    from runaudit.remote.layout import Pushed, Told
    from runaudit.remote.place import Place

SCHEMA = "runaudit.remote-index/1"
FOLDER, PUSHES = "index", "pushes"
PUSH = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{16})\.jsonl")
"""A file by which runs were told: when, and the beginning of its digest."""
KEPT = 1000
"""Rows that the index holds: more are asked for so seldom that all pushes may be read for it."""
_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.json")
FIELDS = ("label", "seed", "status", "launched", "cohort", "archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What a remote holds: how many runs, how many of them put away, and the rows of the newest, newest first."""

    runs: int
    archived: int
    rows: Sequence[Mapping[str, Any]]

    @property
    def is_all(self) -> bool:
        """Whether every run has a row here."""
        return len(self.rows) == self.runs


def push_names(place: "Place") -> tuple[str, ...]:
    """The files by which runs were told, oldest first. Raises OSError."""
    return tuple(name for name in place.names(PUSHES) if PUSH.fullmatch(name))


def newest_of(told: Iterable["Told"], most: int | None = None) -> Newest:
    """The rows of what was told, newest first; of them at most so many."""
    rows = sorted((row_of(one) for one in told), key=lambda row: (row["launched"], row["id"]), reverse=True)
    return Newest(runs=len(rows), archived=sum(row["archived"] for row in rows), rows=rows[:most])


def row_of(told: "Told") -> dict[str, Any]:
    """What is listed of a run. What another program told may be of any form."""
    row = {name: told.row.get(name) for name in FIELDS}
    texts = {name: str(row[name] or "") for name in ("label", "status", "launched", "cohort")}
    seed = row["seed"] if isinstance(row["seed"], int | str) else None
    return {"id": told.run, **texts, "seed": seed, "archived": row["archived"] is True}


def read_index(place: "Place", pushes: Sequence[str]) -> Newest | None:
    """The newest runs, where the index was made of these pushes; else None. Raises OSError."""
    wanted = _digest_of(pushes)
    for name in place.names(FOLDER):
        parts = _NAME.fullmatch(name)
        if parts is None or parts[1] != wanted:
            continue
        raw = place.read(f"{FOLDER}/{name}")
        if digest_bytes(raw).hex[:16] != parts[2]:
            continue
        try:
            body = json.loads(raw)
            if body["schema"] == SCHEMA:
                return Newest(runs=int(body["runs"]), archived=int(body["archived"]), rows=list(body["rows"]))
        except (ValueError, KeyError, TypeError):
            continue
    return None


def keep_index(place: "Place", pushes: Sequence[str], newest: Newest) -> None:
    """Write the index of these pushes, and take older ones away. A place that takes nothing costs time, no answer."""
    body = {"schema": SCHEMA, "runs": newest.runs, "archived": newest.archived, "rows": list(newest.rows[:KEPT])}
    raw = json.dumps(body, separators=(",", ":")).encode()
    name = f"{_digest_of(pushes)}-{digest_bytes(raw).hex[:16]}.json"
    try:
        for old in place.names(FOLDER):  # One of this very name is damaged, or need not have been asked for.
            if _NAME.fullmatch(old):
                place.remove(f"{FOLDER}/{old}")
        place.put(f"{FOLDER}/{name}", raw)
    except OSError:
        return


def write_index(place: "Place", before: "Pushed", told: Sequence["Told"], files: Sequence[str]) -> None:
    """Bring the index along with what was just told in these files. Where others pushed meanwhile, or something there
    is damaged, it is left for who lists next."""
    try:
        names = push_names(place)
    except OSError:
        return
    if before.problems or set(names) != {*before.files, *files}:
        return
    runs = dict(before.runs)
    for one in told:
        runs[one.run] = one if one.run not in runs else runs[one.run].joined(one)
    keep_index(place, names, newest_of(runs.values(), KEPT))


def _digest_of(pushes: Sequence[str]) -> str:
    return digest_bytes("\n".join(pushes).encode()).hex[:16]
