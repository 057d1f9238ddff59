"""How a dataset lies in a folder, and how a folder is understood.

    root/dataset.json                    optional for a foreign folder
    root/train/<burst>/LR000.png ...     frames, 16-bit (or 8-bit) grey; LR000 is the reference
    root/train/<burst>/QM000.png ...     clearance of each frame: white where the scene is seen
    root/train/<burst>/HR.png SM.png     the truth and its clearance
    root/test/<burst>/...                the same, for the sequences that judge

These are the names of the PROBA-V super-resolution challenge (ESA, 2018), so its folders and a user's own are
read alike. `dataset.json` says (schema `runaudit-dataset/1`):

    schema                 "runaudit-dataset/1"
    source                 where the images are from
    scale, frames          upscaling factor; frames per burst
    data_range             the count that stands for 1.0
    tile                   side of a training tile, low-res pixels
    preprocessing_version  changes when the same seed gives other bytes
    splits                 {"train": [names], "test": [names]}
    bursts                 {name: {"motion": [[dy, dx, theta], ...] or null, "altitude_m": number or null}}
    seed, simulator        how it was made, if it was simulated

A dataset may lie in several such folders, its shards: `root/<shard>/dataset.json` each, as several `data make` with
seeds of their own leave them. They are read as one dataset in the order of their names, and a burst is called
`<shard>/<burst>`. Scale, frames, data range, tile and preprocessing have to be the same in all.

A folder without any `dataset.json` is read as PROBA-V: every folder with an `HR.png` is a burst; the frames with
most clear pixels are taken, clearest first, the clearest as reference; `test` or `val` in the path makes
it a test sequence, and where there is none, every tenth burst (in the order of names) is held out as one.
Bursts without truth are left out. Masks may be absent altogether, not in part.

A `norm.csv` in the root holds the challenge's baseline cPSNR of each scene, in lines `imgset0594 45.8`: test sequences
that it names are judged by the challenge's own score, too (`trainer.challenge`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from runaudit.errors import UsageError
from trainer.data.png import read_counts
from trainer.data.scenes import DatasetMeta, Doubles

SCHEMA = "runaudit-dataset/1"
INDEX = "dataset.json"
NORMS = "norm.csv"
FOREIGN_FRAMES = 9  # PROBA-V promises at least nine low-res frames per scene
HOLD_OUT_EVERY = 10
FRAME_NAME = re.compile(r"LR(\d+)\.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one burst lies and what is known about it beside its pixels."""

    name: str
    split: str
    folder: Path
    motion: Doubles | None = None
    altitude_m: float | None = None
    norm_db: float | None = None

    def frame_files(self) -> tuple[Path, ...]:
        """Every low-res frame there is, by number; a burst may use fewer."""
        return tuple(self.folder / f"LR{number}.png" for number in frame_numbers(self.folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A folder, understood but not yet read. `ordered`: frame 0 is the reference, nothing is to be chosen. `assumed`:
    what nobody said and was settled by what lies there, in words."""

    root: Path
    meta: DatasetMeta
    places: tuple[Place, ...]
    ordered: bool
    assumed: tuple[str, ...] = ()


def find_layout(root: Path, *, frames: int | None = None) -> Layout:
    """What lies under `root`. frames: take this many instead of what the folder declares (foreign: nine).

    Raises UsageError if there is no such folder, no burst in it, or `dataset.json` cannot be understood.
    """
    if not root.is_dir():
        raise UsageError(
            f"dataset folder {root} does not exist",
            remedy=f"make one with 'python -m trainer data make {root}', or correct the path",
        )
    if (root / INDEX).exists():
        return _declared(root, frames)
    if shards := sorted(path.parent for path in root.glob(f"*/{INDEX}")):
        return _joined(root, [_declared(shard, frames) for shard in shards])
    return _discovered(root, FOREIGN_FRAMES if frames is None else frames)


def _declared(root: Path, frames: int | None) -> Layout:
    path = root / INDEX
    remedy = f"correct {path.name}, or make the dataset again"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not readable JSON: {error}", remedy=remedy) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{path} does not say schema {SCHEMA!r}", remedy=remedy)
    try:
        meta = _meta(document, frames)
        places = tuple(
            _place(root, split, name, document.get("bursts", {}).get(name, {}))
            for split in ("train", "test")
            for name in document["splits"][split]
        )
    except KeyError as error:
        raise UsageError(f"{path} has no {error.args[0]!r}", remedy=remedy) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} has a value of the wrong kind: {error}", remedy=remedy) from error
    return Layout(root=root, meta=meta, places=places, ordered=True)


def _joined(root: Path, shards: list[Layout]) -> Layout:
    """Several datasets as one. Raises UsageError, naming two of them, where they are not of one kind."""
    first = shards[0]
    for shard in shards[1:]:
        for name in ("scale", "frames", "data_range", "tile", "preprocessing_version"):
            there, here = getattr(first.meta, name), getattr(shard.meta, name)
            if there != here:
                raise UsageError(
                    f"{root}: {name} is {there} in {first.root.name} and {here} in {shard.root.name}",
                    remedy="make the shards alike, or train on one of them",
                )
    metas = [shard.meta for shard in shards]
    alike = all(meta.simulator == first.meta.simulator for meta in metas)
    meta = replace(
        first.meta,
        source=", ".join(dict.fromkeys(meta.source for meta in metas)),
        seed=first.meta.seed if len(shards) == 1 else None,
        simulator=first.meta.simulator if alike else {},
    )
    places = tuple(replace(place, name=f"{shard.root.name}/{place.name}") for shard in shards for place in shard.places)
    return Layout(root=root, meta=meta, places=places, ordered=True)


def _meta(document: Mapping[str, Any], frames: int | None) -> DatasetMeta:
    meta = DatasetMeta(
        scale=int(document["scale"]),
        frames=int(document["frames"]) if frames is None else frames,
        data_range=float(document["data_range"]),
        tile=int(document.get("tile", 32)),
        preprocessing_version=str(document["preprocessing_version"]),
        source=str(document.get("source", "declared")),
        seed=document.get("seed"),
        simulator=dict(document.get("simulator") or {}),
    )
    if meta.scale < 1 or meta.frames < 1 or meta.tile < 1 or not 0 < meta.data_range < float("inf"):
        raise ValueError("scale, frames, tile and data_range must be positive")
    return meta


def _place(root: Path, split: str, name: str, known: Mapping[str, Any]) -> Place:
    motion, altitude = known.get("motion"), known.get("altitude_m")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"burst name {name!r} leaves the dataset's folder")
    moved = None if motion is None else np.array(motion, dtype=np.float64).reshape(-1, 3)
    if moved is not None and not np.isfinite(moved).all():
        raise ValueError(f"the motion of {name} is not finite")
    height = None if altitude is None else float(altitude)
    if height is not None and not 0 < height < float("inf"):
        raise ValueError(f"the altitude of {name} is {height:g} m")
    return Place(
        name=name,
        split=split,
        folder=root / split / name,
        motion=moved,
        altitude_m=height,
    )


def _discovered(root: Path, frames: int) -> Layout:
    folders = sorted(path.parent for path in root.rglob("HR.png"))
    if not folders:
        raise UsageError(
            f"{root} holds no dataset.json and no folder with an HR.png",
            remedy="point at a folder of bursts (LR000.png, QM000.png, HR.png, SM.png each)",
        )
    names = [folder.relative_to(root).as_posix() for folder in folders]
    judging = [bool({"test", "val"} & set(name.split("/"))) for name in names]
    is_split = any(judging)
    if not is_split:
        judging = [i % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1 for i in range(len(names))]
    norms = read_norms(root)
    places = tuple(
        Place(name=name, split="test" if judges else "train", folder=folder, norm_db=norms.get(folder.name))
        for name, folder, judges in zip(names, folders, judging, strict=True)
    )
    meta = _inferred(folders[0], frames)
    return Layout(root=root, meta=meta, places=places, ordered=False, assumed=_settled(meta, is_split=is_split))


def _settled(meta: DatasetMeta, *, is_split: bool) -> tuple[str, ...]:
    """What a folder without `dataset.json` leaves open, and how it was taken."""
    return (
        f"x{meta.scale}, from the sizes of the first burst",
        f"a count of {meta.data_range:g} stands for 1, the highest its files can hold",
        f"the {meta.frames} clearest frames are taken, the clearest as reference",
        "'test' or 'val' in a path makes a burst judge"
        if is_split
        else f"every {HOLD_OUT_EVERY}th burst is held out to judge, since no path says 'test' or 'val'",
    )


def read_norms(root: Path) -> dict[str, float]:
    """Scene -> the challenge's baseline cPSNR in dB, as `norm.csv` says; empty without one.

    Raises UsageError, with its line, for one that is no name and a positive number.
    """
    path = root / NORMS
    if not path.exists():
        return {}
    norms: dict[str, float] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            name, norm = words[0], float(words[1])
        except (IndexError, ValueError):
            name, norm = "", 0.0
        if len(words) != 2 or not 0 < norm < float("inf"):
            raise UsageError(
                f"{path}, line {number} is {line[:40]!r}, not a scene and its cPSNR in dB",
                remedy="write lines such as 'imgset0594 45.8'",
            )
        norms[name] = norm
    return norms


def _inferred(folder: Path, frames: int) -> DatasetMeta:
    """Scale and range from the first burst; the others are held to them when they are read."""
    numbers = frame_numbers(folder)
    low = read_counts(folder / f"LR{numbers[0]}.png")
    high = read_counts(folder / "HR.png")
    return DatasetMeta(
        scale=max(1, round(high.shape[0] / low.shape[0])),
        frames=frames,
        data_range=float(np.iinfo(low.dtype).max) if low.dtype != bool else 1.0,
        tile=32,
        preprocessing_version="foreign",
        source="PROBA-V layout",
    )


def frame_numbers(folder: Path) -> tuple[str, ...]:
    """The digits of `LR*.png`, ascending. Raises UsageError if the folder is missing or has no frame."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is missing", remedy="restore the burst, or make the dataset again")
    found = (FRAME_NAME.fullmatch(path.name) for path in folder.iterdir())
    numbers = tuple(sorted((m[1] for m in found if m), key=lambda digits: (int(digits), digits)))
    if not numbers:
        raise UsageError(f"{folder} holds no LR000.png", remedy="name the frames LR000.png, LR001.png, ...")
    return numbers
