"""What Hydra writes of a job into the job's own folder: an output that is called like a source, and is none.

Whoever used Hydra before has `outputs/…/.hydra/config.yaml` lying in the work tree, of runs that no store knows. No
Python can import it, and a run that reads it is seen to read it. That Hydra wrote it is not believed for its name: the
`hydra.yaml` beside it must say that it is of the job whose folder this is, and the file be no younger than that one
but for a moment. One that was edited since, or laid there by hand, counts as any other file does.
"""

import os
import posixpath
import re
from pathlib import Path

from runaudit.system.files import HEAD_BYTES, open_ordinary

_OF_A_JOB = frozenset({"config.yaml", "hydra.yaml", "overrides.yaml"})
_OF_A_SWEEP = "multirun.yaml"
_FOLDER = re.compile(rb"^    output_dir: ['\"]?(.+?)['\"]?$", re.MULTILINE)
"""The line of `hydra.runtime`: two tables deep, as Hydra writes it."""
_MOMENT_NS = 2_000_000_000
"""Hydra writes the three one after another."""


def is_hydras(top: Path, path: str) -> bool:
    """Whether Hydra wrote `path` (posix, relative to the work tree at `top`) of a job, or of the sweep of jobs."""
    folder, name = os.path.split(path)
    try:
        if name in _OF_A_JOB:
            return _is_as_left(top / path, by=top / folder / "hydra.yaml", job=posixpath.dirname(folder))
        if name == _OF_A_SWEEP:
            jobs = (entry.name for entry in os.scandir(top / folder) if entry.is_dir(follow_symlinks=False))
            return any(_is_as_left(top / path, by=top / folder / job / ".hydra" / "hydra.yaml", job=f"{folder}/{job}")
                       for job in sorted(jobs)[:9])  # fmt: skip
    except OSError:
        pass
    return False


def _is_as_left(file: Path, *, by: Path, job: str) -> bool:
    """Whether `by` is what Hydra says of the job in this folder, and `file` as old. Raises OSError where there is no
    such file."""
    with open_ordinary(by, within=by.parent) as told:
        found = _FOLDER.search(told.read(HEAD_BYTES) or b"")
        written = os.fstat(told.fileno()).st_mtime_ns
    if not found or not job:
        return False
    place = os.fsdecode(found[1]).replace("\\", "/")
    return f"/{place}".endswith(f"/{job}") and os.lstat(file).st_mtime_ns <= written + _MOMENT_NS
