"""Links within a store that lead out of it.

A store may itself be reached through a link: where it lies is its owner's affair. A link *inside* is another matter. A
store that was cloned or unpacked may hold `cache -> /somewhere`, and whatever writes to the cache would write there. No
link out of a store is written through: with one in a place that runaudit writes to the store is not opened, and
`verify` and `doctor`, which only read, name each.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from runaudit.errors import StoreError
from runaudit.system.files import is_below
from runaudit.text.typed import typed_word

FOLDERS = ("tmp", "objects/sha256", "live", "runs", "cache")
"""What a store is made with; no empty one comes along with a clone. `tmp` first: by it another run that starts this
moment sees that the folder is a store in the making."""
_WRITTEN = (".", "objects", "cache")
"""Where a launch or a listing opens a file by its name; what lies deeper is looked at when it is written."""
_ALL = (".", "objects", "objects/sha256", "objects/sha256/*", "live", "live/*", "runs", "cache", "tmp", "aside",
        "signatures", "lanes", "lanes/*")  # fmt: skip
MADE_AGAIN = ("cache", "tmp")
"""Where nothing lies that the records do not give again, and nothing of the user's is to be moved to."""
LEADS_OUT = "leads out of the store"


def make_folders(root: Path) -> None:
    """Make what a store is made with and is not there. Raises OSError."""
    for path in (root / name for name in FOLDERS):
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)


def links_out(root: Path, *, everywhere: bool = False) -> Iterator[tuple[str, str]]:
    """(name within the store, where it leads) of each link out of it. `everywhere`: also where only a reader comes.

    What a run wrote into its own folder is the run's: the links there are told by whoever reads them.
    """
    inside = os.path.realpath(root)
    for pattern in _ALL if everywhere else _WRITTEN:
        for folder in sorted(root.glob(pattern)) if "*" in pattern else (root / pattern,):
            yield from ((os.path.relpath(path, root), to) for path, to in _of_folder(folder, inside))


def _of_folder(folder: Path, inside: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as found:
            links = sorted(entry.path for entry in found if entry.is_symlink())
    except OSError:
        return
    for path in links:
        if not Path(to := os.path.realpath(path)).is_relative_to(inside):
            yield path, to


def refuse_links(root: Path) -> None:
    """Raises StoreError for the first link that leads whoever writes out of the store at `root`."""
    for name, to in links_out(root):
        raise StoreError(f"{root / name} is a link that {LEADS_OUT}, to {to}", remedy=remedy_of(root, name, to))


def refuse_behind(path: Path, root: Path) -> None:
    """Raises StoreError where what is to be written at `path` would lie out of the store at `root`."""
    if not is_below(path, root):
        raise StoreError(
            f"{path} lies behind a link that {LEADS_OUT}", remedy="take away the link that `runaudit verify` names"
        )


def remedy_of(root: Path, name: str, to: str) -> str:
    """What to do about such a link, as it is typed: away with it where runaudit makes what lies there again, or where
    it leads nowhere; else bring what it leads to into the store, or move all of the store."""
    place, there = typed_word(str(root / name)), typed_word(to)
    if name.split("/")[0] in MADE_AGAIN:
        return f"`rm {place}`: what lies there is made again"
    if not os.path.lexists(to):
        return (
            f"nothing lies there: `rm {place}` takes the link away, and `runaudit verify` then says what is missing; "
            "if it was moved, or its disk is not mounted, bring it back first"
        )
    return (
        f"if it is yours: `rm {place} && mv {there} {place}`, or move the whole store there and link to that; "
        "if it is not, take the link away"
    )
