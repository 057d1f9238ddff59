"""Files a run leaves, brought into its folder: what is sealed by digest must lie where nobody writes it again."""

import shutil
from pathlib import Path

from runaudit.errors import CaptureError
from runaudit.records.manifest import Manifest
from runaudit.system.files import is_below, replacing

SLACK_S = 60.0
"""Seconds by which the clock of a server that keeps files may be behind."""


def refuse_foreign(base: Path, path: Path, root: Path, manifest: Manifest) -> None:
    """Raises CaptureError for a checkpoint that this run cannot have written: it lies neither in the run's folder
    nor in the project's, and has lain there, untouched, since before the run began. A folder elsewhere, as on a scratch
    disk, is none the worse: what is written, copied or linked there has the time of that, which no program sets."""
    given = path.absolute()
    began = manifest.began
    if began is None or is_below(given, base) or is_below(given, root) or not given.is_file():
        return
    if given.stat().st_ctime < began - SLACK_S:
        raise CaptureError(
            f"the checkpoint {path} lies outside the project and was there before the run began: it is not its",
            remedy="name what this run wrote; a file it began from is named by `init`, any other by `run.artifact`",
        )


def brought_in(base: Path, group: str, path: Path, step: int | None) -> Path:
    """The file inside the run's folder: itself, or a copy. Never a link: `last.pt` is written again in place. What lies
    behind a link to another folder is copied, too: a record holds no file of elsewhere."""
    given = path.absolute()
    if given.is_symlink() or not given.is_file():
        raise CaptureError(f"the {group} {path} is not a file", remedy="record it after it is written, and no link")
    if is_below(given, base):
        return given
    target = base / f"{group}s" / (given.name if step is None else f"{step:08d}-{given.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(target) as new:
            shutil.copyfile(given, new)
    except OSError as error:
        raise CaptureError(
            f"the {group} {path} cannot be copied into the run's folder: {error.strerror}",
            remedy="free space on the store's disk, or write it into run_dir",
        ) from error
    return target
