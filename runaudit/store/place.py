"""Where the store of a project lies. Apart from the store, so that a listing need not load what keeps bytes."""

import os
from collections.abc import Mapping
from pathlib import Path

from runaudit.errors import IntegrityError

NAME = ".runaudit"
"""Of a store whose folder nobody named."""
TYPED, CALLED = "name it with --store DIR", "name its folder: runaudit.open_store(path)"
"""How a store is named where none lies: as it is typed, and as a program calls."""


def find_store(start: Path, *, environ: Mapping[str, str] = os.environ, named: Path | None = None) -> Path:
    """Where the store is: named, else $RUNAUDIT_STORE, else `.runaudit` at the root of the git work tree or here."""
    if named is not None:
        return named.expanduser()
    if environ.get("RUNAUDIT_STORE"):
        return Path(environ["RUNAUDIT_STORE"]).expanduser()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder / NAME
    return start / NAME


def instead_of(root: Path) -> str:
    """What to do where no store lies: its project's folder may have been named."""
    below = root / NAME
    if os.path.lexists(below / "store.json"):
        return f"name the one in it: {below}"
    return f"start a run first, or {TYPED}"


def without_marker(marker: Path, what: str) -> IntegrityError:
    """A store whose marker is gone keeps its id in the sealed end of its log: a new one would disown its anchors."""
    return IntegrityError(
        f"{marker} {what}, and the log of a store lies beside it",
        remedy=f"`runaudit doctor --repair --store {marker.parent}` writes it again",
    )
