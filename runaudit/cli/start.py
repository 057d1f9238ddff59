"""Where a command line enters: a plain `list` is answered at once, every other line goes to the parser (`app`).

`list` is asked more often than all else, and loading the parser was half of what it cost (measured: 5 of 11 times an
empty Python). So a line whose every word is understood here, and whose answer lies in the index, never loads it. It
means what the parser would have it mean; any other word, a mistake, a failure, a store without an index: the parser.
"""

import contextlib
import os
import sys
from typing import Any

from runaudit.voice.plainlist import plain_list

COMPLETION = "_RUNAUDIT_COMPLETE"
"""Set where a shell asks for words: that is the parser's."""


def main(argv: list[str] | None = None) -> None:
    """Run a command line; ends the process with its exit code."""
    from runaudit.voice import streams

    streams.opened()
    args = list(sys.argv[1:] if argv is None else argv)
    given = plain_list(args) if COMPLETION not in os.environ else None
    answer = _answer(given) if given is not None else None
    if answer is None:
        from runaudit.cli.app import main as parsed

        parsed(args)
        return
    try:
        streams.write(answer)
        streams.flush()
    except streams.OutputError as error:
        sys.stderr.write(f"runaudit: {error}\n")
        sys.exit(2)
    sys.exit(0)


def _answer(given: dict[str, str]) -> str | None:
    """The answer from an index that holds, or nearly does; None where anything else is to be done."""
    from pathlib import Path

    from runaudit.runs.index import lines_at_once
    from runaudit.settings import load_settings
    from runaudit.store.place import find_store
    from runaudit.text.terminal import line_width, use_colour
    from runaudit.voice.glance import may_be_drawn
    from runaudit.voice.streams import speaks_unicode

    def path(name: str) -> Any:
        return Path(given[name]) if name in given else None

    # Whatever is wrong is said by the parser's way, in its words: nothing was printed yet.
    with contextlib.suppress(Exception):
        root = find_store(Path.cwd(), named=path("store"))
        settings = load_settings(root, named=path("policy"))
        lines = lines_at_once(root, settings, json_answer=given["format"] == "json", colour=use_colour(),
                           width=line_width(), newest=int(given["number"]) if "number" in given else None)  # fmt: skip
        text = None if lines is None else "".join(f"{line}\n" for line in lines)
        # Letters that not every stream carries are the parser's way to write, and so is what may be a secret: a bundle
        # brings labels of an older runaudit, and the gate they pass costs a third of what this way saves.
        if text is not None and not may_be_drawn(text):
            return text if text.isascii() or speaks_unicode() else None
    return None
