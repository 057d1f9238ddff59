"""One-channel PNG files, exact to the count. The home of Pillow, together with `sources`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from runaudit.errors import UsageError
from trainer.data.scenes import Mask

GREY = {"1", "L", "I;16", "I;16B", "I"}


def write_counts(path: Path, counts: NDArray[np.uint16]) -> None:
    """(H, W) as a 16-bit PNG. Level 1: a third of the time of the default for a tenth more bytes."""
    Image.fromarray(counts).save(path, compress_level=1)


def write_mask(path: Path, clear: Mask) -> None:
    """(H, W) as a one-bit PNG, white where the scene is seen."""
    Image.fromarray(clear).save(path, compress_level=1)


def read_counts(path: Path) -> NDArray[Any]:
    """(H, W) uint8 or uint16 (bool for one-bit files), the numbers of the file.

    Raises UsageError, in one line, if the file is missing, cut short, no image, or has colours.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing", remedy="restore the file, or make the dataset again") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as an image ({type(error).__name__})",
            remedy="restore the file, or make the dataset again",
        ) from error
    if mode not in GREY:
        raise UsageError(f"{path} has colour mode {mode}", remedy="store one channel (grey, 8 or 16 bit)")
    if mode == "I":  # Pillow's older spelling of 16-bit grey: int32 that never leaves 0..65535
        pixels = pixels.astype(np.uint16)
    return pixels


def stored_bits(path: Path) -> int:
    """How many bits a pixel of a readable file has: 1, 8 or 16. Only its head is read."""
    with Image.open(path) as image:
        return {"1": 1, "L": 8}.get(image.mode, 16)


def read_mask(path: Path) -> Mask:
    """(H, W) true where the file is not black."""
    return np.asarray(read_counts(path) > 0)


def write_grey(path: Path, pixels: NDArray[np.uint8]) -> None:
    """(H, W) as an 8-bit PNG, for looking at."""
    Image.fromarray(pixels).save(path, optimize=True)
