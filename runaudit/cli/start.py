"""Where a command line enters: a plain `list` is answered at once, every other line goes to the parser (`app`).

`list` is asked more often than all else, and loading the parser was half of what it cost (measured: 5 of 11 times an
empty Python). So a line whose every word is understood here, and whose answer lies in the index, never loads it. It
means what the parser would have it mean; any other word, a mistake, a failure, a store without an index: the parser.
"""

import os
import sys

from runaudit.voice.plainlist import ASKED, plain_list


def main(argv: list[str] | None = None) -> None:
    """Run a command line; ends the process with its exit code."""
    from runaudit.voice import streams

    streams.opened()
    args = list(sys.argv[1:] if argv is None else argv)
    given = plain_list(args) if ASKED not in os.environ else None
    answer = None
    if given is not None and "remote" in given:
        from runaudit.remote.atonce import remote_at_once

        answer, notes = remote_at_once(given) or (None, "")
        sys.stderr.write(notes)
    elif given is not None:
        from runaudit.runs.atonce import answer_at_once

        answer = answer_at_once(given)
    if answer is None:
        from runaudit.cli.app import main as parsed
        from runaudit.voice.offered import words_as_typed

        with words_as_typed(os.environ):
            parsed(args)
        return
    try:
        streams.write(answer)
        streams.flush()
    except streams.OutputError as error:
        sys.stderr.write(f"runaudit: {error}\n")
        sys.exit(2)
    sys.exit(0)
