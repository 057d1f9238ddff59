"""A dataset of which no more lies in memory than there is room for.

A burst is read when it is asked for, and held while there is room; which bursts come next is known (the order of
samples is computed, not drawn as it goes), so threads can read them while the network computes. What a burst holds does
not depend on when or by whom it was read, so neither room nor threads can change a bit of what is trained.

A burst that is read again has to be what it was: the run's seal says what lay there when it began.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from statistics import fmean, pstdev
from typing import overload

import numpy as np

from runaudit.errors import IntegrityError
from trainer.data.layout import Layout, Place, find_layout
from trainer.data.reader import read_burst
from trainer.data.scenes import Burst, DatasetMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is known of a training burst without its pixels. h, w in low-res pixels; corners: (y, x) of each of its
    tiles of `tile` pixels, and clear: the smaller of the clear shares of their truth and their reference."""

    name: str
    h: int
    w: int
    tile: int
    corners: tuple[tuple[int, int], ...]
    clear: tuple[float, ...]


def outline_of(burst: Burst, tile: int) -> Outline:
    """Whole tiles side by side, the remainder left out evenly on both sides."""
    _, h, w = burst.lr.shape
    s = burst.scale
    ys, xs = (range((side % tile) // 2, side - tile + 1, tile) for side in (h, w))
    corners = tuple((y, x) for y in ys for x in xs)
    clear = tuple(
        float(
            min(
                burst.clear_hr[s * y : s * (y + tile), s * x : s * (x + tile)].mean(),
                burst.clear_lr[0, y : y + tile, x : x + tile].mean(),
            )
        )
        for y, x in corners
    )
    return Outline(name=burst.name, h=h, w=w, tile=tile, corners=corners, clear=clear)


class BurstPool:
    """The bursts of a layout, by their place in it, of which at most `room` bytes of pixels are held.

    The one that is asked for is always handed out, also where it is larger than the room. readers: threads that read
    ahead; what they read counts as held. Only one thread may ask.
    """

    def __init__(self, layout: Layout, *, room: float = inf, readers: int = 0) -> None:
        self.layout, self.room, self.readers = layout, room, readers
        self._held: OrderedDict[int, Burst] = OrderedDict()  # the one asked for last is the last
        self._coming: dict[int, Future[Burst]] = {}
        self._wanted: frozenset[int] = frozenset()
        self._seen: dict[int, tuple[bytes, int]] = {}  # digest of the pixels and their bytes, from the first reading
        self._threads: ThreadPoolExecutor | None = None

    def burst(self, at: int) -> Burst:
        """The burst at a place. Raises UsageError as `read_burst` does, IntegrityError if it has changed since."""
        if at in self._held:
            self._held.move_to_end(at)
            return self._held[at]
        coming = self._coming.pop(at, None)
        found = self._read(at) if coming is None else coming.result()
        self._seen[at] = (pixels_digest(found), found.nbytes) if at not in self._seen else self._seen[at]
        if self._make_room(found.nbytes):
            self._held[at] = found
        return found

    def ahead(self, wanted: Iterable[int]) -> None:
        """Begin to read what will be asked for, the soonest first, as far as there is room beside what is asked for
        sooner."""
        order = list(dict.fromkeys(wanted))
        self._wanted = frozenset(order)
        if not self.readers:
            return
        for at in [at for at in self._coming if at not in self._wanted]:
            self._coming.pop(at).cancel()
        for at in order:
            if at in self._held or at in self._coming:
                continue
            if at not in self._seen or not self._make_room(self._seen[at][1]):
                return
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.readers, thread_name_prefix="reader")
            self._coming[at] = self._threads.submit(self._read, at)

    def release(self, places: Iterable[int]) -> None:
        """Hold these no longer."""
        for at in places:
            self._held.pop(at, None)

    def _read(self, at: int) -> Burst:
        place = self.layout.places[at]
        found = read_burst(place, self.layout)
        known = self._seen.get(at)
        if known is not None and pixels_digest(found) != known[0]:
            raise IntegrityError(
                f"{place.folder}: its files have changed since this run first read them",
                remedy="restore them, or start a new run on what lies there now",
            )
        return found

    def _make_room(self, needed: int) -> bool:
        """Let go of what is not wanted soon, the one that was asked for longest ago first. Is there room then?"""
        held = sum(burst.nbytes for burst in self._held.values()) + sum(self._seen[at][1] for at in self._coming)
        for at in [at for at in self._held if at not in self._wanted]:
            if held + needed <= self.room:
                break
            held -= self._held.pop(at).nbytes
        return held + needed <= self.room


class Bursts(Sequence[Burst]):
    """The bursts of one split, read when they are asked for."""

    def __init__(self, pool: BurstPool, places: Sequence[int]) -> None:
        self._pool, self._places = pool, tuple(places)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Burst: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Burst, ...]: ...
    def __getitem__(self, at: int | slice) -> Burst | tuple[Burst, ...]:
        if isinstance(at, slice):
            return tuple(self._pool.burst(place) for place in self._places[at])
        return self._pool.burst(self._places[at])

    def ahead(self, positions: Iterable[int]) -> None:
        """Begin to read the bursts at these positions of the split, the soonest first."""
        self._pool.ahead(self._places[at] for at in positions)

    def release(self) -> None:
        """Hold none of them: they will not be asked for again, or seldom."""
        self._pool.release(self._places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A folder of bursts, split into those that train and those that judge.

    places: where each of them lies, both splits. outlines: of the training bursts, where they were looked at.
    """

    root: Path
    meta: DatasetMeta
    train: Bursts
    test: Bursts
    places: tuple[Place, ...]
    outlines: tuple[Outline, ...] = ()

    def members(self, split: str) -> tuple[Place, ...]:
        """The places of one split, in order; nothing is read."""
        return tuple(place for place in self.places if place.split == split)

    @property
    def knows_motion(self) -> bool:
        """Is it known of every training burst how its frames were moved?"""
        return all(place.motion is not None for place in self.members("train"))

    def altitudes(self, split: str) -> tuple[float, ...]:
        """The altitude in metres of each burst of a split, in order; nothing unless it is known of all."""
        known = [place.altitude_m for place in self.members(split) if place.altitude_m is not None]
        return tuple(known) if len(known) == len(self.members(split)) else ()

    def altitude_units(self) -> dict[str, float]:
        """`mean` and `deviation` of the training bursts' altitudes, in metres. Raises ValueError where they are not
        known."""
        altitudes = self.altitudes("train")
        if not altitudes:
            raise ValueError(f"{self.root}: the altitudes are not known")
        return {"mean": fmean(altitudes), "deviation": pstdev(altitudes)}

    def outlined(self, tile: int) -> tuple[Outline, ...]:
        """The outlines of the training bursts for tiles of this size; they are read where it is not known yet."""
        if self.outlines and self.outlines[0].tile == tile:
            return self.outlines
        return tuple(outline_of(burst, tile) for burst in self.train)


def read_dataset(root: Path | str, *, frames: int | None = None, room: float = inf) -> Dataset:
    """The dataset under `root`, every burst of it read once; the layouts are told in `trainer.data.layout`.

    room: bytes of pixels that may be held. Raises UsageError, in one line, for the first file that is missing,
    unreadable or of the wrong shape.
    """
    pool = BurstPool(find_layout(Path(root), frames=frames), room=room)
    for at in range(len(pool.layout.places)):
        pool.burst(at)
    return dataset_in(pool)


def dataset_in(pool: BurstPool, *, outlines: tuple[Outline, ...] = ()) -> Dataset:
    """The dataset whose bursts a pool reads."""
    layout = pool.layout
    splits = {
        split: [i for i, place in enumerate(layout.places) if place.split == split] for split in ("train", "test")
    }
    return Dataset(
        root=layout.root,
        meta=layout.meta,
        train=Bursts(pool, splits["train"]),
        test=Bursts(pool, splits["test"]),
        places=layout.places,
        outlines=outlines,
    )


def pixels_digest(burst: Burst) -> bytes:
    """Of all that a burst shows: pixels, and what is clear."""
    h = sha256()
    for array in (burst.lr, burst.hr, burst.clear_lr, burst.clear_hr):
        h.update(repr((array.dtype.str, array.shape)).encode())
        h.update(np.ascontiguousarray(array).data)
    return h.digest()
