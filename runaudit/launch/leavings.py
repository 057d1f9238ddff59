"""What a command left in its run's folder: checkpoints, figures, files, each recorded by its digest."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from runaudit.record.ledger import claim, claims
from runaudit.records.digest import digest_file

CHECKPOINTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".h5", ".keras", ".npz", ".pkl", ".msgpack", ".onnx")
FIGURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".gif", ".webp", ".tif", ".tiff", ".html")
_STEP = re.compile(r"(?:step|iter|epoch|global_step)[-_=]?(\d{1,12})")


def announce_files(live: Path, folder: Path) -> None:
    """Record by digest what lies in the run's folder and was not announced; checkpoints by their suffix."""
    announced = {row["path"] for row in claims(live) if row["k"] in ("checkpoint", "artifact")}
    for path in sorted(files_below(folder)):
        name = path.relative_to(folder).as_posix()
        if name in announced:
            continue
        try:
            facts, digest = path.stat(), digest_file(path)
        except OSError as error:
            claim(live, "note", text=f"{name} could not be read: {error.strerror}")
            continue
        stamp = [facts.st_size, facts.st_mtime_ns]
        if path.suffix.lower() in CHECKPOINTS:
            claim(live, "checkpoint", path=name, digest=str(digest), kind="found", step=_step_of(name), stamp=stamp)
        else:
            kind = "figure" if path.suffix.lower() in FIGURES else "file"
            claim(live, "artifact", path=name, digest=str(digest), kind=kind, stamp=stamp)


def _step_of(name: str) -> int | None:
    match = _STEP.search(name.lower())
    return int(match[1]) if match else None


def files_below(folder: Path) -> Iterator[Path]:
    """Regular files below `folder`; a link could lead anywhere, a pipe could wait for ever."""
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here) / name
            try:
                regular = stat.S_ISREG(path.lstat().st_mode)
                path.as_posix().encode("utf-8")
            except (OSError, UnicodeEncodeError):
                continue
            if regular:
                yield path
