"""From a folder to a burst in memory: one reader for made datasets, PROBA-V and a user's own images."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runaudit.errors import UsageError
from trainer.data.layout import Layout, Place, frame_numbers
from trainer.data.png import read_counts, read_mask
from trainer.data.scenes import Burst, DatasetMeta, Floats, Mask


def read_burst(place: Place, layout: Layout) -> Burst:
    """One burst of the layout, its frames in order with the reference first."""
    meta, folder = layout.meta, place.folder
    numbers = frame_numbers(folder)
    if len(numbers) < meta.frames:
        raise UsageError(
            f"{folder} has {len(numbers)} frames, {meta.frames} are declared",
            remedy="restore the missing frames, or ask for fewer",
        )
    clear = _frame_masks(folder, numbers)
    numbers, clear = _chosen(numbers, clear, layout)
    frames = [_fraction(folder / f"LR{n}.png", meta) for n in numbers]
    hr = _fraction(folder / "HR.png", meta)
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        raise UsageError(f"{folder}: frames have different sizes: {_listed(shapes)}", remedy="crop them to one size")
    h, w = frames[0].shape
    if hr.shape[0] % meta.scale or hr.shape[1] % meta.scale:
        raise UsageError(
            f"{folder / 'HR.png'} is {hr.shape[0]}x{hr.shape[1]}, not a multiple of the scale {meta.scale}",
            remedy="crop it, or correct the scale",
        )
    truth_mask = folder / "SM.png"
    return Burst(
        name=place.name,
        lr=np.stack(frames),
        hr=hr,
        clear_lr=np.ones((len(frames), h, w), dtype=bool) if clear is None else _stacked(clear, folder),
        clear_hr=read_mask(truth_mask) if truth_mask.exists() else np.ones(hr.shape, dtype=bool),
        scale=meta.scale,
        motion=None if place.motion is None else place.motion[: len(frames)],
        altitude_m=place.altitude_m,
        data_range=meta.data_range,
        norm_db=place.norm_db,
    )


def _frame_masks(folder: Path, numbers: tuple[str, ...]) -> tuple[Mask, ...] | None:
    """All masks, or None where the folder has none. A mask missing among others is an error."""
    paths = [folder / f"QM{n}.png" for n in numbers]
    if not any(path.exists() for path in paths):
        return None
    return tuple(read_mask(path) for path in paths)


def _chosen(
    numbers: tuple[str, ...], clear: tuple[Mask, ...] | None, layout: Layout
) -> tuple[tuple[str, ...], tuple[Mask, ...] | None]:
    """The first frames, or the clearest ones with the clearest as reference."""
    order = list(range(len(numbers)))
    if not layout.ordered and clear is not None:
        order.sort(key=lambda i: -int(clear[i].sum()))  # stable: equally clear frames keep their order
    order = order[: layout.meta.frames]
    return tuple(numbers[i] for i in order), None if clear is None else tuple(clear[i] for i in order)


def _stacked(clear: tuple[Mask, ...], folder: Path) -> Mask:
    shapes = {mask.shape for mask in clear}
    if len(shapes) > 1:
        raise UsageError(f"{folder}: masks have different sizes: {_listed(shapes)}", remedy="write one mask per frame")
    return np.stack(clear)


def _fraction(path: Path, meta: DatasetMeta) -> Floats:
    """Counts over the declared range, float32."""
    counts: NDArray[Any] = read_counts(path)
    if counts.size and counts.max() > meta.data_range:
        raise UsageError(
            f"{path} holds the count {int(counts.max())}, above the declared data range {meta.data_range:g}",
            remedy="declare the range the images are stored in",
        )
    return counts.astype(np.float32) / np.float32(meta.data_range)


def _listed(shapes: set[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in sorted(shapes))
