"""Real photographs that lie inside the scikit-image wheel, opened by path so that nothing is downloaded.

The functions of `skimage.data` may reach for the network; the files below ship with the wheel of 0.26.
`horse` is a silhouette and `color` a colour wheel; the other fifteen training scenes and the three
test scenes are photographs or scans.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from runaudit.errors import UsageError
from trainer.data.scenes import Doubles

TRAIN_SCENES = (
    "brick.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "color.png",
    "grass.png",
    "gravel.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
TEST_SCENES = ("astronaut.png", "camera.png", "ihc.png")

LUMA_BT601 = (0.299, 0.587, 0.114)


def photograph_folder() -> Path:
    """Where scikit-image keeps its images, found without importing it. Raises UsageError without it."""
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "scikit-image is not installed, and the photographs ship inside it",
            remedy="run 'pip install scikit-image'",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def photograph(file_name: str) -> Doubles:
    """(H, W) float64 in [0, 1]: luma of BT.601 for colour, the values themselves for grey.

    Raises UsageError if the file is missing or is no image.
    """
    path = photograph_folder() / file_name
    try:
        with Image.open(path) as image:
            # A palette or an alpha channel carries no scene of its own.
            grey = image.mode in ("L", "1")
            pixels = np.asarray(image.convert("L" if grey else "RGB"), dtype=np.float64) / 255.0
    except FileNotFoundError as error:
        raise UsageError(
            f"photograph {file_name} is not in {path.parent}",
            remedy="use a scikit-image that ships it (0.26 does), or name another scene",
        ) from error
    except (UnidentifiedImageError, OSError) as error:
        raise UsageError(f"photograph {path} cannot be read: {error}", remedy="reinstall scikit-image") from error
    return pixels if grey else pixels @ np.array(LUMA_BT601)
