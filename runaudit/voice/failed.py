"""How a command that failed ends: in one line that says what happened and what to do, and in the exit code of its kind.

Whatever goes wrong, nobody sees a traceback unasked, and a script never has to read prose.
"""

import contextlib
import errno
import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import FrameType

from runaudit.errors import RunauditError, StoppedError, UsageError
from runaudit.text.verdicts import CANNOT_JUDGE, NEGATIVE
from runaudit.voice import saying, streams

UNEXPECTED = 70
STOPPED = 130
"""What a shell says of a program that Ctrl-C ended."""
FORGIVEN = (NEGATIVE, CANNOT_JUDGE)
"""What `--exit-zero` turns into 0."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What a disk answers, wherever it is asked: no fault of runaudit, and the remedy is the user's."""


def tell_failure(error: BaseException, args: Sequence[str]) -> int:
    """Say why a command ended, while the exception is handled. args: its line, which says how failures are told
    (`--json`, `--debug`) and whether a judgement is forgiven. Returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return STOPPED
    if isinstance(error.__context__ if isinstance(error, SystemExit) else error, BrokenPipeError):
        streams.silence("stdout")  # The reader of a help text went away, where the parser alone would exit with 1.
        return 0
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, RunauditError):
        code = tell(error, args)
        return 0 if "--exit-zero" in args and code in FORGIVEN and not _is_of_nothing(error) else code
    if isinstance(error, FileNotFoundError) and (gone := nowhere()):
        return tell(gone, args)
    if "--debug" in args:
        saying.hint(traceback.format_exc())
    if isinstance(error, OSError) and (known := _within_a_store(error) or _of_the_disk(error)):
        return tell(known, args)
    saying.hint(f"runaudit: unexpected failure: {type(error).__name__}: {saying.printable(str(error))}; "
                "--debug shows where")  # fmt: skip
    return UNEXPECTED


def tell(error: RunauditError, args: Sequence[str]) -> int:
    """An error in one line, and as an object where the line of the command asks for JSON. Returns the exit code."""
    as_json = "--json" in args or "--format=json" in args or ("--format", "json") in pairwise(args)
    return saying.report_error(error, as_json=as_json)


def here() -> Path:
    """The current folder. Raises UsageError where it was deleted under the shell."""
    if gone := nowhere():
        raise gone
    return Path.cwd()


def nowhere() -> UsageError | None:
    """What to tell where the current folder was deleted under the shell."""
    try:
        Path.cwd()
    except OSError:
        return UsageError("the current folder does not exist any more", remedy="cd to one that does")
    return None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C is one, whatever a library makes of it that is loaded just then: numpy's own start turns it into an
    ImportError that says nothing of it."""
    seen: list[int] = []

    def noticed(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    # Another handler is somebody's own, or none by will: `nohup`, a notebook. Beside the main thread none is called.
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    is_ours = is_ours and threading.current_thread() is threading.main_thread()
    if is_ours:
        signal.signal(signal.SIGINT, noticed)
    try:
        yield
    except StoppedError:
        raise  # What was under way says how far it came, and how to go on.
    except Exception as error:
        if seen:
            raise KeyboardInterrupt from error
        raise
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _of_the_disk(error: OSError) -> RunauditError | None:
    if error.errno not in DISK:
        return None
    return RunauditError(f"the disk does not take or give it: {error}", remedy="free space, check the disk")


def _within_a_store(error: OSError) -> RunauditError | None:
    """What the system refused because something else lies in the place of a file of a store."""
    from runaudit.store.kept import damage_of
    from runaudit.system.files import store_around

    name = error.filename
    is_ours = isinstance(name, str | bytes | os.PathLike) and store_around(Path(os.fsdecode(name)))
    return damage_of(error) if is_ours else None


def _is_of_nothing(error: RunauditError) -> bool:
    """Whether there is no store: nothing was judged then, and a mistyped path is no green tick."""
    from runaudit.store import EmptyStoreError

    return isinstance(error, EmptyStoreError)
