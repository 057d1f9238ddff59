"""A key of this user that lies outside of every store, so that nothing that comes along with a store can have it."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from runaudit.system.files import make_random, read_ordinary

KEY_BYTES = 32


def user_key(*, make: bool, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """The key of this user; None where there is none and none can be made, or it is not what was made. OSError."""
    if (folder := _state(environ)) is None:
        return None
    with contextlib.suppress(FileNotFoundError):
        return found if len(found := read_ordinary(folder / "key", most=KEY_BYTES + 1)) == KEY_BYTES else None
    return _made_key(folder) if make else None


def _made_key(folder: Path) -> bytes:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # In a container the home may be the work tree itself, whose untracked files would be taken for code.
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x") as ignore:
        ignore.write("*\n")
    make_random(folder / "key", KEY_BYTES, by=folder)
    return read_ordinary(folder / "key", most=KEY_BYTES)


def _state(environ: Mapping[str, str]) -> Path | None:
    """Where programs of this user keep what is no setting; None where nobody says where that is."""
    given = environ.get("XDG_STATE_HOME", "")
    if Path(given).is_absolute():
        return Path(given) / "runaudit"
    try:
        return Path.home() / ".local" / "state" / "runaudit"
    except RuntimeError:
        return None
