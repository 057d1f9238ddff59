"""The numbers of a file, where they can be read without running anything: no pickle, no plug-in, bounded in size."""

import json
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from runaudit.system.files import open_ordinary, read_ordinary

MAX_BYTES = 64 << 20
"""Of one file. What is larger is looked at in part where its format allows it, else not."""
MAX_PIXELS = 1 << 25
MAX_MEMBERS = 8
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM", "WEBP")


class NotRead(Exception):  # noqa: N818  (not an error: it says why a file is not looked at)
    """Why a file is not looked at."""


def arrays(place: str) -> Iterator[tuple[str, Any]]:
    """(name within the file, array) of what a file holds. Raises NotRead."""
    suffix = PurePosixPath(place).suffix.lower()
    try:
        if suffix == ".npy":
            yield "", _npy(place)
        elif suffix == ".npz":
            yield from _npz(place)
        elif suffix == ".safetensors":
            yield from _safetensors(place)
        else:
            yield "", _image(place)
    except NotRead:
        raise
    except Exception as error:
        # Whatever a damaged or a hostile file makes of its reader: it is not looked at, and that is said.
        raise NotRead(f"{PurePosixPath(place).name} cannot be read ({type(error).__name__})") from error


def _npy(place: str) -> Any:
    import numpy as np

    found = np.load(place, mmap_mode="r", allow_pickle=False)
    return _few(found)


def _few(found: Any) -> Any:
    """Some of an array, spread over its first axis, where it is large."""
    import numpy as np

    if found.ndim >= 3 and found.shape[0] > 16:
        at = np.unique(np.linspace(0, found.shape[0] - 1, MAX_MEMBERS).round().astype(int))
        found = found[at]
    if found.nbytes > MAX_BYTES:
        raise NotRead("an array in it is too large")
    return np.asarray(found)


def _npz(place: str) -> Iterator[tuple[str, Any]]:
    import numpy as np

    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist()[:MAX_MEMBERS]:
            if info.filename.endswith(".npy") and info.file_size <= MAX_BYTES:
                with archive.open(info) as file:
                    yield info.filename.removesuffix(".npy"), _few(np.lib.format.read_array(file, allow_pickle=False))


_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "I32": "<i4"}


def _safetensors(place: str) -> Iterator[tuple[str, Any]]:
    import numpy as np

    with open_ordinary(Path(place)) as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= 1 << 24:
            raise NotRead("its header is not that of the format")
        header = json.loads(file.read(size))
        for name, about in list(header.items())[: MAX_MEMBERS + 1]:
            kind = _DTYPES.get(about.get("dtype", "")) if name != "__metadata__" else None
            if kind is None or about["data_offsets"][1] - about["data_offsets"][0] > MAX_BYTES:
                continue
            file.seek(8 + size + about["data_offsets"][0])
            raw = file.read(about["data_offsets"][1] - about["data_offsets"][0])
            yield name, np.frombuffer(raw, kind).reshape(about["shape"])


def _image(place: str) -> Any:
    import numpy as np

    try:
        from PIL import Image
    except ImportError:
        raise NotRead("images are not read here: there is no pillow") from None
    depth = _png_depth(place)
    # By these decoders alone: a file that calls itself PNG and is PostScript would be run.
    with warnings.catch_warnings(action="ignore"), Image.open(place, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise NotRead("the image is too large")
        if depth == 16 and len(image.getbands()) > 1:
            raise NotRead("pillow reads colour images of 16 bits as 8")
        if image.mode == "P":
            return np.asarray(image.convert("RGB"))
        found = np.asarray(image)
    return found.astype(np.uint16) if depth == 16 and found.dtype == np.int32 else found


def _png_depth(place: str) -> int | None:
    """Bits of a sample, from a PNG's header."""
    head = read_ordinary(place, most=26)
    return head[24] if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 26 else None
