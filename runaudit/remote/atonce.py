"""A plain `list --remote` of a folder, from the index that lies there: for the way that loads no parser."""

import contextlib
from pathlib import Path
from typing import Any

from runaudit.remote.address import address_of
from runaudit.remote.listing import here_in, remote_list
from runaudit.remote.place import Folder
from runaudit.settings import load_settings
from runaudit.store.place import find_store
from runaudit.text.terminal import Paint, harmless, use_colour
from runaudit.voice.glance import may_be_drawn
from runaudit.voice.streams import speaks_unicode


def remote_at_once(given: dict[str, str]) -> tuple[str, str] | None:
    """What goes to stdout and to stderr; None where anything else is to be done."""

    def path(name: str) -> Any:
        return Path(given[name]) if name in given else None

    # Whatever is wrong is said by the parser's way, in its words: nothing was printed yet.
    with contextlib.suppress(Exception):
        if given["format"] != "text":
            return None
        root = find_store(Path.cwd(), named=path("store"))
        address = address_of(given["remote"], load_settings(root, named=path("policy")).remotes)
        if address.local is None:
            return None
        number = int(given["number"]) if "number" in given else None
        found = remote_list(Folder(address.local, address.shown), here_in(root), newest=number, everything=False)
        paint = Paint(use_colour())
        text = "".join(f"{harmless(line, paint)}\n" for line in found.text_lines(paint=paint))
        notes = "".join(f"{note}\n" for note in found.notes)
        if found.fault is None and not may_be_drawn(text) and (text.isascii() or speaks_unicode()):
            return text, notes
    return None
