"""A dataset looked over before any training time is spent on it: every problem at once, each in one line."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import ConfigError, UsageError
from trainer.data.content import REGISTERED, Facts, facts_of, problems_of, remarks_of
from trainer.data.layout import INDEX, Layout, find_layout
from trainer.data.reader import read_burst
from trainer.data.scenes import Burst, Dataset, DatasetMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What is there, what was assumed of it, what is wrong with it. No problem means that it can be trained on; a
    remark is of what may be meant so."""

    root: Path
    meta: DatasetMeta
    train: int
    test: int
    tiles: int
    problems: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The report in words: one line of what is there, then one per assumption, remark and problem."""
        m = self.meta
        known = (
            f"{self.root}: {self.train} training bursts ({self.tiles} tiles of {m.tile}x{m.tile}),"
            f" {self.test} test sequences, {m.frames} frames, x{m.scale}, data range {m.data_range:g}"
        )
        assumed = (f"assumed: {line}" for line in self.assumed)
        remarks = (f"mind: {line}" for line in self.remarks)
        return (known, *assumed, *remarks, *self.problems)


def check_dataset(root: Path | str, *, frames: int | None = None) -> DatasetReport:
    """Read every burst, look at its pixels, and say all that is wrong, doubtful or assumed.

    Raises UsageError only where the folder as a whole cannot be understood (see `find_layout`).
    """
    return _looked_over(Path(root), frames=frames, is_registered=True)[1]


def read_checked(root: Path | str, *, tile: int) -> Dataset:
    """Read every burst, once, as `read_dataset` does, and hold each to what `check_dataset` asks of it.

    tile: side of a training tile in low-res pixels. Raises ConfigError, which names the first problem and counts the
    others.
    """
    dataset, report = _looked_over(Path(root), tile=tile)
    if report.problems:
        others = len(report.problems) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
        raise ConfigError(
            f"{root}: {report.problems[0].partition('; ')[0]}{more}",
            remedy=f"fix the files or {INDEX}; 'python -m trainer data check {root}' lists all",
        )
    return dataset


def _looked_over(
    root: Path, *, frames: int | None = None, tile: int | None = None, is_registered: bool = False
) -> tuple[Dataset, DatasetReport]:
    layout = find_layout(root, frames=frames)
    tile = layout.meta.tile if tile is None else tile
    problems = [f"{name} is listed twice in {split}" for split, name in _twice(layout)]
    read: dict[str, list[Burst]] = {"train": [], "test": []}
    facts: list[Facts] = []
    looked_at = _some(layout) if is_registered else frozenset()
    for place in layout.places:
        try:
            burst = read_burst(place, layout)
        except UsageError as error:
            problems.append(str(error))
            continue
        read[place.split].append(burst)
        facts.append(facts_of(burst, place, is_registered=(place.split, place.name) in looked_at))
        problems += _doubts(burst, facts[-1], tile)
    problems += problems_of(facts)
    problems += [f"{layout.root} has no {split} burst" for split, bursts in read.items() if not bursts]
    train, test = tuple(read["train"]), tuple(read["test"])
    dataset = Dataset(root=layout.root, meta=layout.meta, train=train, test=test)
    return dataset, DatasetReport(
        root=layout.root,
        meta=layout.meta,
        train=len(train),
        test=len(test),
        tiles=sum(_tiles(burst, tile) for burst in train),
        problems=tuple(problems),
        assumed=(*layout.assumed, *_unmasked(layout)),
        remarks=tuple(remarks_of(facts, layout.meta)) if is_registered else (),
    )


def _some(layout: Layout) -> frozenset[tuple[str, str]]:
    """The bursts that are registered, by split and name, evenly over each split."""
    found: list[tuple[str, str]] = []
    for split in ("train", "test"):
        named = [(place.split, place.name) for place in layout.places if place.split == split]
        found += named[:: max(1, -(-len(named) // REGISTERED))]
    return frozenset(found)


def _unmasked(layout: Layout) -> tuple[str, ...]:
    """Bursts without masks are taken as clear."""
    bare = sum(not any(place.folder.glob("QM*.png")) for place in layout.places)
    whole = "every pixel counts as clear: no burst has a mask of its frames"
    return ((whole if bare == len(layout.places) else f"{bare} bursts without masks count as clear"),) if bare else ()


def _twice(layout: Layout) -> list[tuple[str, str]]:
    listed = Counter((place.split, place.name) for place in layout.places)
    return [place for place, count in listed.items() if count > 1]


def _tiles(burst: Burst, tile: int) -> int:
    _, h, w = burst.lr.shape
    return int(h // tile) * int(w // tile)


def _doubts(burst: Burst, seen: Facts, tile: int) -> list[str]:
    """What can be read but not used."""
    found = []
    if seen.split == "train" and not _tiles(burst, tile):
        found.append(f"{burst.name} is smaller than one tile of {tile} low-res pixels")
    if not burst.clear_lr[0].any() or not burst.clear_hr.any():
        found.append(f"{burst.name} has no clear pixel in its reference or its truth")
    flat = [k for k, digest in enumerate(seen.frames) if not digest]
    if flat:
        found.append(f"{burst.name}: frame {flat[0]} is one flat value")
    return found
