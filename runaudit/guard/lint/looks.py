"""The recorded data, looked at: a few files of each kind, as numbers; what is no data at all; what was held out and is
trained on. Remembered by the digests of the data, so that the next launch on the same data does not look again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from runaudit.capture.memory import keep, recall
from runaudit.guard.lint.copies import Copy, copies
from runaudit.guard.lint.files import BINARY, DataFile, chosen, listed, pairs, role_of, spread
from runaudit.guard.lint.pixels import NotRead, arrays
from runaudit.records.manifest import Unknown
from runaudit.system.files import read_ordinary

VERSION = 1
"""Of what is looked for. A memory of another one is none."""
MAX_TOTAL = 256 << 20
"""Bytes of files that are read."""
LFS = b"version https://git-lfs.github.com/spec/"
MAX_STUBS = 200
"""Bytes of the largest pointer of Git LFS."""
MAX_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Look:
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


@dataclass(frozen=True, slots=True)
class Stub:
    """A file that is not what its name says. `kind`: `pointer` of Git LFS, or `text`."""

    part: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Shift:
    """How far an input lies from its truth, in pixels of the truth, and how sure that is."""

    part: str
    truth: str
    given: str
    down: float
    right: float
    sure: float


@dataclass(frozen=True, slots=True)
class DataLook:
    """All that was seen. `unread`: why files were not looked at."""

    looks: tuple[Look, ...] = ()
    stubs: tuple[Stub, ...] = ()
    shifts: tuple[Shift, ...] = ()
    copies: tuple[Copy, ...] = ()
    unread: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "DataLook":
        """From a memory. Raises what a broken one makes of it: TypeError, KeyError, ValueError."""
        return cls(
            looks=tuple(Look(**(row | {"constant": tuple(row["constant"])})) for row in value["looks"]),
            stubs=tuple(Stub(**row) for row in value["stubs"]),
            shifts=tuple(Shift(**row) for row in value["shifts"]),
            copies=tuple(Copy(**row) for row in value["copies"]),
            unread=tuple(map(str, value["unread"])),
        )


def look_at(datasets: Mapping[str, Any], cache: Path | None) -> DataLook | Unknown:
    """What the data of a draft looks like; Unknown where none of it lies here."""
    here = {name: one for name, one in datasets.items() if one.get("path") and Path(str(one["path"])).exists()}
    if not here:
        return Unknown("no recorded data lies here")
    digests = {name: one.get("digest") for name, one in sorted(here.items())}
    places = {name: Path(str(one["path"])).name for name, one in sorted(here.items())}
    key = sha256(json.dumps([VERSION, digests, places]).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    memory = cache / f"looks-{key}.json" if cache is not None and all(digests.values()) else None
    if memory is not None and (known := _remembered(memory)) is not None:
        return known
    found = looked_at(list(listed(here)))
    if memory is not None:
        keep(memory, json.dumps(asdict(found)).encode())
    return found


def _remembered(memory: Path) -> DataLook | None:
    try:
        return DataLook.from_json(json.loads(recall(memory) or b"null"))
    except (TypeError, KeyError, ValueError):
        return None


def looked_at(files: list[DataFile]) -> DataLook:
    """What these files look like."""
    stubs = tuple(_stubs(files))
    known = {(one.part, one.path) for one in stubs}
    whole = [file for file in files if (file.part, file.path) not in known and file.size]
    read = _Reader()
    looks = tuple(look for file in chosen(whole) for look in read.looks(file))
    shifts = tuple(_shifts(whole, read))
    return DataLook(
        looks=looks, stubs=stubs, shifts=shifts, copies=tuple(copies(whole)), unread=tuple(dict.fromkeys(read.unread))
    )


def _stubs(files: list[DataFile]) -> Iterator[Stub]:
    binary = [file for file in files if file.suffix in BINARY]
    small = [file for file in binary if file.size <= MAX_STUBS]
    for file in dict.fromkeys([*spread(small, 64), *spread(binary, 16)]):
        start = read_ordinary(Path(file.place), most=512)
        if start.startswith(LFS):
            yield Stub(file.part, file.path, "pointer")
        elif start.lstrip()[:5].lower() in (b"<html", b"<!doc", b"<?xml"):
            yield Stub(file.part, file.path, "text")


class _Reader:
    """Reads each file once, as long as there is room for it."""

    def __init__(self) -> None:
        self.unread: list[str] = []
        self._left = MAX_TOTAL
        self._kept: dict[str, list[tuple[str, Any]]] = {}

    def of(self, file: DataFile) -> list[tuple[str, Any]]:
        """(name within the file, array); empty where it is not read."""
        if file.place not in self._kept:
            self._kept[file.place] = self._read(file)
        return self._kept[file.place]

    def _read(self, file: DataFile) -> list[tuple[str, Any]]:
        if file.suffix != ".npy" and file.size > self._left:
            self.unread.append("the files are too large to look at all that were chosen")
            return []
        try:
            found = list(arrays(file.place))
        except NotRead as why:
            self.unread.append(str(why))
            return []
        self._left -= sum(int(array.nbytes) for _, array in found)
        return found

    def looks(self, file: DataFile) -> Iterator[Look]:
        """What each array of a file looks like."""
        for inner, array in self.of(file):
            if (found := _look(file, inner, array)) is not None:
                yield found


def _look(file: DataFile, inner: str, array: Any) -> Look | None:
    import numpy as np

    if array.dtype.kind not in "uif" or not array.size:
        return None
    images = _images(array)
    finite = array if array.dtype.kind != "f" else array[np.isfinite(array)]
    if not finite.size:
        return Look(file.part, _path(file, inner), _role(file, inner), 0, 0.0, 0.0, 0, 0, (), int(array.size))
    channels, constant, samples = 0, (), 0  # type: tuple[int, tuple[int, ...], int]
    if images is not None:
        samples, channels = images.shape[0], images.shape[1]
        flat = images.min(axis=(0, 2, 3)) == images.max(axis=(0, 2, 3))
        constant = tuple(int(at) for at in np.flatnonzero(flat))
    return Look(
        file.part, _path(file, inner), _role(file, inner),
        bits=array.dtype.itemsize * 8 if array.dtype.kind in "ui" else 0,
        low=float(finite.min()), high=float(finite.max()), channels=channels, samples=samples, constant=constant,
        nonfinite=int(array.size - finite.size),
    )  # fmt: skip


def _path(file: DataFile, inner: str) -> str:
    return f"{file.path}:{inner}" if inner else file.path


def _role(file: DataFile, inner: str) -> str:
    return role_of([*file.words, *inner.lower().replace("-", "_").split("_")]) if inner else file.role


def _images(array: Any) -> Any:
    """(samples, channels, height, width) where an array can be read as such."""
    if array.ndim == 5:
        array = array.reshape(-1, *array.shape[2:])
    if array.ndim == 2 and min(array.shape) >= 8:
        return array[None, None]
    if array.ndim == 3:
        if array.shape[2] <= MAX_CHANNELS and min(array.shape[:2]) >= 8:
            return array.transpose(2, 0, 1)[None]
        return array[None] if array.shape[0] <= MAX_CHANNELS and min(array.shape[1:]) >= 8 else None
    if array.ndim == 4:
        if array.shape[3] <= MAX_CHANNELS and min(array.shape[1:3]) >= 8:
            return array.transpose(0, 3, 1, 2)
        return array if array.shape[1] <= MAX_CHANNELS and min(array.shape[2:]) >= 8 else None
    return None


def _shifts(files: Iterable[DataFile], read: _Reader) -> Iterator[Shift]:
    from runaudit.guard.lint.shift import shift_of

    for truth, inputs in pairs(files):
        large = _grey(read.of(truth))
        for one in inputs:
            small = _grey(read.of(one))
            if large is not None and small is not None and (found := shift_of(small, large)) is not None:
                yield Shift(truth.part, truth.path, one.path, *found)


def _grey(found: list[tuple[str, Any]]) -> Any:
    """A plain image of a file: the mean of the channels of its only array."""
    if len(found) != 1 or found[0][1].dtype.kind not in "uif":
        return None
    images = _images(found[0][1])
    return None if images is None or images.shape[0] != 1 else images[0].mean(axis=0)
