"""Which held-out files are trained on, byte for byte. Files of one size are compared by their digests.

Masks and texts are left out: a clear sky is one mask for all scenes, and a licence lies in every folder.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from runaudit.guard.lint.files import BINARY, DataFile, spread
from runaudit.guard.lint.looks import Copy
from runaudit.guard.lint.pixels import NotRead, arrays
from runaudit.metrics.heldout import is_held_out
from runaudit.system.files import read_ordinary

MAX_HELD_OUT = 1000
"""Held-out files that are looked for; of more, so many from all over."""
MAX_BYTES = 512 << 20
"""Of what is read for it."""
START = 1 << 16
LEAST = 64
"""Bytes: what is smaller may be equal by chance."""


def copies(files: list[DataFile]) -> Iterator[Copy]:
    """Held-out files that are trained on."""
    data = [one for one in files if one.suffix in BINARY and one.size >= LEAST and one.role != "mask"]
    held_out = spread([one for one in data if is_held_out(one.part)], MAX_HELD_OUT)
    sizes = {one.size for one in held_out}
    others = [one for one in data if not is_held_out(one.part)]
    named = any("train" in one.part.lower() for one in others)
    trained = [one for one in others if one.size in sizes and (not named or "train" in one.part.lower())]
    left = MAX_BYTES
    starts: dict[tuple[int, bytes], list[DataFile]] = {}
    for one in trained:
        left -= min(one.size, START)
        if left > 0:
            starts.setdefault((one.size, _digest(one, START)), []).append(one)
    for one in held_out:
        for other in starts.get((one.size, _digest(one, START)), ()):
            left -= 2 * one.size
            if other.place == one.place or left < 0 or _digest(one, one.size) != _digest(other, other.size):
                continue
            if not _is_flat(one):
                yield Copy(one.part, one.path, other.part, other.path)
            break


def _digest(file: DataFile, size: int) -> bytes:
    return hashlib.sha256(read_ordinary(Path(file.place), most=size)).digest()


def _is_flat(file: DataFile) -> bool:
    """Whether it is one value everywhere: an empty tile equals every other."""
    try:
        return all(not array.size or bool((array == array.flat[0]).all()) for _, array in arrays(file.place))
    except NotRead:
        return False
