"""Observing the process one is in: for programs that call `record()` themselves, without `runaudit run` around them.

`runaudit.observe()` as the first thing a program does sees all that follows. Without it `record()` begins to look when
it is called, and what the program did before is unknown: such a run is observed in part.
"""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.observe.trace import Read, Trace

POINTER = "observe.at"
"""The file in a run's live folder that names where the logs of its program lie."""
_folder: Path | None = None
_seeds_from = 0
"""When the last run of this process ended, in nanoseconds of the monotonic clock."""
_OF_THE_START = ("_distutils_hack", "_virtualenv")
"""What a `.pth` file loads into every Python of an environment: no program has imported it."""
_QUIET = ("runaudit", "__main__", "sitecustomize", "usercustomize", "_distutils_hack", "_virtualenv", "distutils")


def observe() -> bool:
    """Begin to observe this process and those it starts; the first thing a program should do. Under `runaudit run`,
    which observes already, and a second time it does nothing. Returns whether the process is observed.

    >>> import runaudit
    >>> runaudit.observe()
    True
    """
    return _begin(late=_something_ran())


def attached(live: Path) -> bool:
    """Observe this process for the run whose live folder this is, from now on if nobody began before.

    Returns whether this process holds the trace: under `runaudit run` the wrapper does.
    """
    _begin(late=True)
    if _folder is None:
        return False
    with contextlib.suppress(OSError):
        (live / POINTER).write_text(str(_folder), encoding="utf-8", errors="surrogateescape")
    return True


def own_trace() -> Trace:
    """What was seen of this process and of those it started; and what it had loaded before anybody looked. Of the calls
    that seed a generator those since the run before this one ended: that one's drew for that one."""
    from runaudit.observe.log import read_trace

    if _folder is None:
        return Trace()
    try:
        seen = read_trace(_folder, root_pid=os.getpid(), seeds_from=_seeds_from)
    except (OSError, ValueError) as error:
        return Trace(partial=(f"what was observed could not be read: {error}",))
    return replace(seen, reads=MappingProxyType({**_loaded(), **seen.reads}))


def run_ended() -> None:
    """A run of this process has ended; what is seeded from now on, with the same values too, is the next one's. In a
    loop over arms and seeds every run would else have seeded with the values of all before it."""
    global _seeds_from
    _seeds_from = time.monotonic_ns()
    noted = getattr(getattr(sys, "_runaudit_observer", None), "__globals__", {}).get("noted")
    if isinstance(noted, set):
        noted -= {key for key in tuple(noted) if isinstance(key, tuple) and key[:1] == ("seed",)}


def _loaded() -> dict[str, Read]:
    """The files of the modules in memory, the program's own among them: it began before it could ask to be seen."""
    found: dict[str, Read] = {}
    for name, module in sys.modules.copy().items():  # another thread may import meanwhile
        if name.partition(".")[0] in _OF_THE_START:
            continue
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file:
            path = os.path.abspath(file)  # noqa: PTH100  (links are not followed)
            found[path] = Read(path=path, executed=True)
    return found


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """What this process does inside is not noted: what runaudit reads to seal a run is no reading of the program's."""
    table = _acts()
    kept = dict(table)
    table.clear()
    try:
        yield
    finally:
        table.update(kept)


def _acts() -> dict[str, Any]:
    """What the hook of this process, laid or installed, does at which event: its first default looks it up."""
    hook = getattr(sys, "_runaudit_observer", None)
    table = getattr((getattr(hook, "__defaults__", None) or (None,))[0], "__self__", None)
    return table if isinstance(table, dict) else {}


def _begin(*, late: bool) -> bool:
    global _folder
    if is_observed():
        return True
    from runaudit.observe.lay import install

    folder = Path(tempfile.mkdtemp(prefix="runaudit-observe-"))
    begun = False
    with contextlib.suppress(OSError):
        begun = install(folder, late=late)
    if not begun:
        _tidy(folder, os.getpid())
        return False
    _folder = folder
    atexit.register(_tidy, folder, os.getpid())
    return True


def is_observed() -> bool:
    """Whether a hook runs in this process, ours or the one that `runaudit run` laid."""
    return getattr(sys, "_runaudit_observer", None) is not None


def _something_ran() -> bool:
    """Whether code of the program or of a library ran before: a module is loaded that the start of Python did not."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    packages = (main.name if main is not None else "").split(".")[0]
    standard = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120  (a text of the interpreter)
    for name, module in sys.modules.copy().items():  # another thread may import meanwhile
        top = name.partition(".")[0]
        if top in _QUIET or top == packages or top.startswith("__editable__"):
            continue
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and (not file.startswith(standard) or "-packages" in file):
            return True
    return False


def _tidy(folder: Path, pid: int) -> None:
    """At the end of the program; a forked child that ends is not the program."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
