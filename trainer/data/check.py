"""A dataset looked over before any training time is spent on it: every problem at once, each in one line."""

from collections import Counter
from dataclasses import dataclass
from math import inf
from pathlib import Path

from runaudit.errors import ConfigError, UsageError
from trainer.data.content import REGISTERED, Facts, facts_of, problems_of, remarks_of
from trainer.data.dataset import BurstPool, Dataset, Outline, dataset_in, outline_of
from trainer.data.layout import INDEX, Layout, find_layout
from trainer.data.scenes import Burst, DatasetMeta


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
    pool = BurstPool(find_layout(Path(root), frames=frames), room=0)
    return _looked_over(pool, tile=pool.layout.meta.tile, is_registered=True)[1]


def read_checked(root: Path | str, *, tile: int, room: float = inf, readers: int = 0) -> Dataset:
    """Read every burst, once, as `read_dataset` does, and hold each to what `check_dataset` asks of it.

    tile: side of a training tile in low-res pixels. room, readers: see `BurstPool`. Raises ConfigError, which names the
    first problem and counts the others.
    """
    pool = BurstPool(find_layout(Path(root)), room=room, readers=readers)
    outlines, report = _looked_over(pool, tile=tile)
    if report.problems:
        others = len(report.problems) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
        raise ConfigError(
            f"{root}: {report.problems[0].partition('; ')[0]}{more}",
            remedy=f"fix the files or {INDEX}; 'python -m trainer data check {root}' lists all",
        )
    return dataset_in(pool, outlines=outlines)


def _looked_over(
    pool: BurstPool, *, tile: int, is_registered: bool = False
) -> tuple[tuple[Outline, ...], DatasetReport]:
    """The outlines of the training bursts, and what is to be said of all. One burst after the other is looked at."""
    layout = pool.layout
    problems = [f"{name} is listed twice in {split}" for split, name in _twice(layout)]
    outlines: list[Outline] = []
    facts: list[Facts] = []
    looked_at = _some(layout) if is_registered else frozenset()
    for at, place in enumerate(layout.places):
        try:
            burst = pool.burst(at)
        except UsageError as error:
            problems.append(str(error))
            continue
        outline = outline_of(burst, tile)
        if place.split == "train":
            outlines.append(outline)
        facts.append(facts_of(burst, place, is_registered=(place.split, place.name) in looked_at))
        problems += _doubts(burst, facts[-1], outline)
    problems += problems_of(facts)
    read = {split: sum(one.split == split for one in facts) for split in ("train", "test")}
    problems += [f"{layout.root} has no {split} burst" for split, count in read.items() if not count]
    return tuple(outlines), DatasetReport(
        root=layout.root,
        meta=layout.meta,
        train=read["train"],
        test=read["test"],
        tiles=sum(len(outline.corners) for outline in outlines),
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


def _doubts(burst: Burst, seen: Facts, outline: Outline) -> list[str]:
    """What can be read but not used."""
    found = []
    if seen.split == "train" and not outline.corners:
        found.append(f"{burst.name} is smaller than one tile of {outline.tile} low-res pixels")
    if not burst.clear_lr[0].any() or not burst.clear_hr.any():
        found.append(f"{burst.name} has no clear pixel in its reference or its truth")
    flat = [k for k, digest in enumerate(seen.frames) if not digest]
    if flat:
        found.append(f"{burst.name}: frame {flat[0]} is one flat value")
    return found
