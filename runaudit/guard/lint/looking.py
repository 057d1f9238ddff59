"""A few files of each kind, read as numbers; what is no data at all; what was held out and is trained on."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.guard.lint.copies import copies
from runaudit.guard.lint.files import BINARY, DataFile, chosen, listed, pairs, role_of, spread, without_role
from runaudit.guard.lint.looks import DataLook, Look, Shift, Stub
from runaudit.guard.lint.pixels import NotRead, arrays
from runaudit.guard.lint.shift import shift_of
from runaudit.system.files import read_ordinary

MAX_TOTAL = 256 << 20
"""Bytes of files that are read."""
LFS = b"version https://git-lfs.github.com/spec/"
MAX_STUBS = 200
"""Bytes of the largest pointer of Git LFS."""
MAX_CHANNELS = 16
BESIDE = ("", ".txt", ".md", ".rst", ".json", ".toml", ".yaml", ".yml", ".html", ".xml", ".pdf", ".py", ".sh")
"""Endings of what lies beside the data: words on it."""


def looked_at(datasets: Mapping[str, Any]) -> DataLook:
    """What the files of these datasets look like."""
    files = list(listed(datasets))
    stubs = tuple(_stubs(files))
    known = {(one.part, one.path) for one in stubs}
    whole = [file for file in files if (file.part, file.path) not in known and file.size]
    read = _Reader()
    picked = chosen(whole)
    looks = tuple(look for file in picked for look in read.looks(file))
    shifts = tuple(_shifts(whole, read))
    return DataLook(
        looks=looks, stubs=stubs, shifts=shifts, copies=tuple(copies(whole)), unread=tuple(dict.fromkeys(read.unread)),
        sampled=tuple(_left_out(whole, picked)),
    )  # fmt: skip


def _left_out(files: list[DataFile], picked: list[DataFile]) -> Iterator[str]:
    """Of each dataset and ending: how many of its files were looked at, where it was some of the dataset, not all."""
    there = Counter((file.part, file.suffix) for file in files if file.suffix not in BESIDE)
    seen = Counter((file.part, file.suffix) for file in picked)
    parts = {file.part for file in picked}
    for (part, suffix), count in sorted(there.items()):
        if seen[part, suffix] < count and part in parts:
            own = f"{count:,} {suffix} file{'s' if count > 1 else ''} of {part}"
            yield f"{seen[part, suffix] or 'none'} of {own}"


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
        return Look(
            file.part, _path(file, inner), _role(file, inner), bits=0, low=0.0, high=0.0, channels=0, samples=0,
            nonfinite=int(array.size), family=without_role(file.part),
        )  # fmt: skip
    channels, constant, samples = 0, (), 0  # type: tuple[int, tuple[int, ...], int]
    if images is not None:
        samples, channels = images.shape[0], images.shape[1]
        flat = images.min(axis=(0, 2, 3)) == images.max(axis=(0, 2, 3))
        constant = tuple(int(at) for at in np.flatnonzero(flat))
    return Look(
        file.part, _path(file, inner), _role(file, inner),
        bits=array.dtype.itemsize * 8 if array.dtype.kind in "ui" else 0,
        low=float(finite.min()), high=float(finite.max()), channels=channels, samples=samples, constant=constant,
        nonfinite=int(array.size - finite.size), family=without_role(file.part),
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
