"""Which files of the recorded data are looked at: few, spread over all of them, pairs of input and truth first.

What a file is for is told by whole words of its path: `LR003.png`, `train/hr/0001.png`. A name says what to compare
with what; whether something is wrong, only the content says.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from runaudit.metrics.heldout import is_held_out

T = TypeVar("T")
MAX_LISTED = 20_000
"""Files of a dataset that are listed; of more, the first are."""
MAX_LOOKED_AT = 8
"""Files of one kind and role whose content is looked at."""
MAX_PAIRS = 4
READABLE = frozenset({".npy", ".npz", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm", ".ppm", ".webp",
                      ".safetensors"})  # fmt: skip
BINARY = READABLE | frozenset({".pt", ".pth", ".h5", ".hdf5", ".mat", ".wav", ".flac", ".mp3", ".mp4", ".avi", ".mkv",
                               ".parquet", ".arrow", ".tfrecord", ".exr", ".dcm", ".nii", ".gz", ".zip", ".tar", ".bin",
                               ".lmdb", ".pkl", ".zst", ".feather"})  # fmt: skip
"""Endings behind which no text is expected."""
_TRUTH = frozenset({"hr", "hires", "highres", "gt", "truth", "groundtruth", "target", "targets", "sharp"})
_INPUT = frozenset({"lr", "lores", "lowres", "lq", "input", "inputs", "frame", "frames"})
_MASK = frozenset({"mask", "masks", "qm", "sm", "cloud", "clouds", "label", "labels", "seg", "clear", "status", "valid",
                   "annotation", "annotations", "trimap", "weight", "weights",
                   "depth", "disparity", "instance", "instances", "panoptic", "ids"})  # fmt: skip
_MUTE = re.compile(r"x\d|bicubic|unknown|mild|wild|difficult|\d{0,4}x\d")
"""Parts of a path that say how an input was made."""


@dataclass(frozen=True)
class DataFile:
    """A file of a dataset. `name`: of the dataset; `path`: within it."""

    name: str
    path: str
    place: str
    size: int

    def __str__(self) -> str:
        return f"{self.name}/{self.path}"

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name."""
        stem = f"{self.name}/{os.path.splitext(self.path)[0]}"  # noqa: PTH122  (twenty thousand paths are slow to make)
        return tuple(word for word in re.split(r"[/_.\-\s]+", stem.lower()) if word)

    @cached_property
    def suffix(self) -> str:
        """Its ending, in small letters."""
        return os.path.splitext(self.path)[1].lower()  # noqa: PTH122  (a path on record is a text)

    @cached_property
    def role(self) -> str:
        """`truth`, `input`, `mask`, or empty."""
        return role_of(self.words)

    @property
    def scene(self) -> tuple[str, ...]:
        """What an input and its truth have in common."""
        plain = [word.rstrip("0123456789") for word in self.words]
        return tuple(
            re.sub(r"x\d$", "", word)
            for word, stem in zip(self.words, plain, strict=True)
            if stem not in _TRUTH | _INPUT and not _MUTE.fullmatch(word)
        )

    @property
    def part(self) -> str:
        """The dataset, or the part of it that a folder at its top is: `all.train`."""
        top = self.path.partition("/")[0] if "/" in self.path else ""
        return f"{self.name}.{top}" if top and (is_held_out(top) or "train" in top.lower()) else self.name


def role_of(words: Iterable[str]) -> str:
    """What a file is for, by the words of its name."""
    plain = {word.rstrip("0123456789") for word in words}
    if plain & _MASK:
        return "mask"
    truth, given = bool(plain & _TRUTH), bool(plain & _INPUT)
    return "" if truth == given else "truth" if truth else "input"


def without_role(part: str) -> str:
    """What the datasets of inputs and of truths have in common: `train` of `train_lr` and `train_hr`."""
    words = [word for word in re.split(r"[_\-]", part) if word.lower() not in _TRUTH | _INPUT]
    return "_".join(words) or part


def listed(datasets: Mapping[str, Any]) -> Iterator[DataFile]:
    """The files of the recorded data that lie here, in the order of their names."""
    for name, entry in sorted(datasets.items()):
        place = Path(str(entry.get("path") or ""))
        if entry.get("path") and place.is_file():
            yield DataFile(name, place.name, str(place), place.stat().st_size)
        elif entry.get("path") and place.is_dir():
            yield from _below(name, place)


def _below(name: str, root: Path) -> Iterator[DataFile]:
    seen = 0
    for here, folders, names in os.walk(root):
        folders.sort()
        inner = os.path.relpath(here, root)
        for file in sorted(names):
            place = f"{here}/{file}"
            path = file if inner == "." else f"{inner}/{file}"
            try:
                size = os.lstat(place).st_size
            except OSError:
                continue
            yield DataFile(name, path, place, size)
            if (seen := seen + 1) >= MAX_LISTED:
                return


def spread(items: list[T], most: int) -> list[T]:
    """At most so many of them, from all over."""
    if len(items) <= most:
        return items
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def pairs(files: Iterable[DataFile]) -> list[tuple[DataFile, tuple[DataFile, ...]]]:
    """(truth, its inputs), of scenes from all over."""
    scenes: dict[tuple[str, ...], dict[str, list[DataFile]]] = {}
    for file in files:
        if file.suffix in READABLE and (role := file.role) in ("truth", "input"):
            scenes.setdefault(file.scene, {}).setdefault(role, []).append(file)
    whole = [one for one in scenes.values() if len(one.get("truth", ())) == 1 and one.get("input")]
    return [(one["truth"][0], tuple(spread(one["input"], 3))) for one in spread(whole, MAX_PAIRS)]


def chosen(files: list[DataFile]) -> list[DataFile]:
    """The files to look at: those of pairs, and some of each dataset, ending and role."""
    kinds: dict[tuple[str, str, str], list[DataFile]] = {}
    for file in files:
        if file.suffix in READABLE:
            kinds.setdefault((file.part, file.suffix, file.role), []).append(file)
    paired = [one for truth, inputs in pairs(files) for one in (truth, *inputs[:2])]
    return list(dict.fromkeys([*paired, *(one for group in kinds.values() for one in spread(group, MAX_LOOKED_AT))]))
