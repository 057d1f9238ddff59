"""A checkpoint of a framework, laid into the run's folder under a name that its kind has.

A framework deletes the checkpoint before the last, so the run keeps one of each kind and not one of each epoch.
"""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from runaudit.errors import CaptureError
from runaudit.system.files import is_below

FOLDER = "checkpoints"


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files in a folder. Raises OSError where there is none."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def kept_copy(source: Path, run_dir: Path, place: str, *, twin: Path | None = None) -> Path:
    """A checkpoint in the run's folder: itself if it lies there, else a copy as `checkpoints/PLACE`, put there as a
    whole. twin: the copy of the same content under another place, which nobody writes into. Raises OSError."""
    if is_below(source.absolute(), run_dir.absolute()):
        return source
    if not (source.is_file() or source.is_dir()):
        raise CaptureError(f"{source} is no file and no folder", remedy="record it after it is written")
    suffix = "" if source.is_dir() else source.suffix
    target = run_dir / FOLDER / f"{place}{suffix}"
    fresh = target.with_name(f".{target.name}.new")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if twin is None or not _laid(twin, fresh, os.link):
            _remove(fresh)
            _copy(source, fresh, shutil.copyfile)
        if target.is_dir() or fresh.is_dir():
            _remove(target)
        fresh.replace(target)
    except BaseException:
        _remove(fresh)
        raise
    return target


def _laid(twin: Path, fresh: Path, link: Callable[..., object]) -> bool:
    with contextlib.suppress(OSError):
        _copy(twin, fresh, link)
        return True
    return False


def _copy(source: Path, fresh: Path, by: Callable[..., object]) -> None:
    if source.is_dir():
        shutil.copytree(source, fresh, copy_function=by)
    else:
        by(source, fresh)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
