"""The recorded data, looked at: a few files of each kind, as numbers; what is no data at all; what was held out and is
trained on. Remembered by the digests of the data, so that the next launch on the same data does not look again.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from runaudit.capture.memory import keep, recall
from runaudit.records.manifest import Unknown

VERSION = 4
"""Of what is looked for. A memory of another one is none."""


class Look(NamedTuple):
    """One file, or one array of it. `bits` of an integer, 0 for floats. `constant`: channels that have one value
    everywhere, by their place; of `samples` images."""

    part: str
    path: str
    role: str
    bits: int
    low: float
    high: float
    channels: int
    samples: int
    constant: tuple[int, ...] = ()
    nonfinite: int = 0
    family: str = ""
    """The dataset without the word that says whether it is of inputs or of truths."""


CONSTANT = Look._fields.index("constant")


class Stub(NamedTuple):
    """A file that is not what its name says. `kind`: `pointer` of Git LFS, or `text`."""

    part: str
    path: str
    kind: str


class Shift(NamedTuple):
    """How far an input lies from its truth, in pixels of the truth, and how sure that is."""

    part: str
    truth: str
    given: str
    down: float
    right: float
    sure: float


class Copy(NamedTuple):
    """A held-out file and the training file that equals it, byte for byte."""

    part: str
    path: str
    trained: str
    trained_path: str


@dataclass(frozen=True, slots=True)
class DataLook:
    """All that was seen. `unread`: why files were not looked at. `sampled`: of how many files how many were."""

    looks: tuple[Look, ...] = ()
    stubs: tuple[Stub, ...] = ()
    shifts: tuple[Shift, ...] = ()
    copies: tuple[Copy, ...] = ()
    unread: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "DataLook":
        """From a memory. Raises what a broken one makes of it: TypeError, KeyError, ValueError."""
        return cls(
            looks=tuple(Look(*row)._replace(constant=tuple(row[CONSTANT])) for row in value["looks"]),
            stubs=tuple(Stub(*row) for row in value["stubs"]),
            shifts=tuple(Shift(*row) for row in value["shifts"]),
            copies=tuple(Copy(*row) for row in value["copies"]),
            unread=tuple(map(str, value["unread"])),
            sampled=tuple(map(str, value["sampled"])),
        )


def look_at(datasets: Mapping[str, Any], cache: Path | None) -> DataLook | Unknown:
    """What the data of a draft looks like; Unknown where none of it lies here."""
    here = {name: one for name, one in datasets.items() if one.get("path") and os.path.lexists(str(one["path"]))}
    if not here:
        return Unknown("no recorded data lies here")
    digests = {name: one.get("digest") for name, one in sorted(here.items())}
    places = {name: Path(str(one["path"])).name for name, one in sorted(here.items())}
    key = sha256(json.dumps([VERSION, digests, places]).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    memory = cache / f"looks-{key}.json" if cache is not None and all(digests.values()) else None
    if memory is not None and (known := _remembered(memory)) is not None:
        return known
    from runaudit.guard.lint.looking import looked_at  # numpy and pillow: only where the data is new

    try:
        found = looked_at(here)
    except OSError as error:
        return Unknown(f"the data cannot be read: {error.strerror or error}")
    if memory is not None:
        keep(memory, json.dumps(asdict(found)).encode())
    return found


def _remembered(memory: Path) -> DataLook | None:
    try:
        return DataLook.from_json(json.loads(recall(memory) or b"null"))
    except (TypeError, KeyError, ValueError):
        return None
