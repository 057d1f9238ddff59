"""Which of its parent's checkpoints a run began with: the best, the last, or that of a step."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from runaudit.errors import RunauditError
from runaudit.factors.levels import Levels
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest, FileEntry, digest_tree


def which_checkpoint(of: Levels) -> JSON:
    """Which of its parent's checkpoints a run began with: best, last, or the step; None where the parent lists none
    of this digest."""
    outcome = of.parent.run.outcome if of.parent else None
    rows = outcome.checkpoints if outcome else ()
    began = of.at("init.checkpoint")
    row = next((row for row in rows if began in (row.get("digest"), _as_tree(row))), None)
    if row is None:
        return None
    if row.get("kind") in ("best", "last"):
        return str(row["kind"])
    steps_kept = [other["step"] for other in rows if isinstance(other.get("step"), int)]
    step: JSON = row.get("step")
    return "last" if steps_kept and step == max(steps_kept) else step


def _as_tree(row: Mapping[str, JSON]) -> str | None:
    """A checkpoint's digest as that of a tree of one file, the other way a program may have named it."""
    try:
        name = PurePosixPath(str(row["path"])).name
        return str(digest_tree([FileEntry(path=name, size=int(row["size"]), digest=Digest.parse(str(row["digest"])))]))
    except (KeyError, TypeError, ValueError, RunauditError):
        return None
