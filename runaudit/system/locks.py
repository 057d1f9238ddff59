"""A lock that is waited for says for whom: nobody sits before a command that hangs without a word.

The locks are the kernel's (`flock`): one that a dead process held is none. So there is nothing to clean up, and no
option that takes a lock away from somebody who is still writing.
"""

import fcntl
import os
import sys
import time
from itertools import takewhile
from pathlib import Path

from runaudit.system.clock import utc_text
from runaudit.text.terminal import printable

QUIET_S = 1.0
"""How long a lock is waited for without a word."""
POLL_S = 0.02


def lock(file: int, path: Path, *, is_shared: bool = False, patience_s: float = QUIET_S) -> None:
    """Hold the lock of an open file, alone or with other readers, until it is closed. Who waits longer than
    `patience_s` is told for whom, on standard error; then it waits on. Raises OSError where a file system has no locks.

    path: the file, for the words.
    """
    how, waited = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX, 0.0
    while not _taken(file, how):
        if waited >= patience_s:
            _say(f"runaudit: waiting for {path}, which {holder(file)} holds; this goes on when that is done")
            fcntl.flock(file, how)
            return
        time.sleep(POLL_S)
        waited += POLL_S


def _taken(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(text: str) -> None:
    try:
        print(printable(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return  # Nobody is there to be told; the lock is waited for all the same.


def holder(file: int) -> str:
    """Who holds the lock of an open file, as far as this machine tells: process, command, since when it runs."""
    facts = os.fstat(file)
    try:
        rows = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return "another process"
    for row in rows:
        words = row.split()
        # `1: FLOCK  ADVISORY  WRITE 1234 00:2f:5678 0 EOF`; a line with `->` is one that waits.
        if len(words) >= 6 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(facts.st_ino):
            return _process(words[4])
    return "another process (of another machine or container)"


def _process(pid: str) -> str:
    """A process in words: what it runs, without the options, which may hold what is nobody's business."""
    folder = Path("/proc") / pid
    try:
        words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        ticks = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
        booted = next(int(row[6:]) for row in Path("/proc/stat").read_text().splitlines() if row.startswith("btime "))
    except (OSError, ValueError, IndexError, StopIteration):
        return f"process {pid}"
    shown = " ".join(takewhile(lambda word: word and not word.startswith("-"), words[:3]))
    return f"process {pid} ({shown}, running since {utc_text(booted + ticks // os.sysconf('SC_CLK_TCK'))[:19]}Z)"
