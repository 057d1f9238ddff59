"""What a command said last on its standard error, without the command noticing that anybody listens.

A terminal stays the command's own terminal. A file is read after the end. Only a pipe that is not that of standard
output too (their order would be lost) is led through a process of its own, which outlives a wrapper that is killed and
ends when the last writer does. What it hears stays in memory: secrets are replaced before anything is kept.
"""

import contextlib
import mmap
import os
import signal
import stat
import time
from dataclasses import dataclass

TAIL_BYTES = 8_192
DRAIN_S = 0.5
"""How long the end of a command's words is waited for: a daemon it left may hold the pipe open for ever."""
_HEAD = 4
_IGNORED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGPIPE,
)
STDOUT, STDERR = 1, 2


@dataclass(slots=True, kw_only=True)
class Ear:
    """Listens to one command. `fd` is what the command gets as its standard error; None leaves it where it is."""

    fd: int | None = None
    start: int | None = None
    memory: mmap.mmap | None = None
    relay: int | None = None

    def begun(self) -> None:
        """The command has started, and has its own end of the pipe."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def heard(self) -> str:
        """The end of what was said."""
        if self.start is not None:
            return _end_of_file(self.start)
        if self.memory is None or self.relay is None:
            return ""
        waited, pause = 0.0, 0.001
        while not _is_gone(self.relay) and waited < DRAIN_S:
            time.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, 0.05)
        size = min(int.from_bytes(self.memory[:_HEAD], "big"), TAIL_BYTES)
        return _whole_lines(self.memory[_HEAD : _HEAD + size])


def listen(stdout: int | None) -> Ear:
    """An ear on the standard error that a command will inherit; `stdout` is where its output goes, None: ours."""
    try:
        err, out = os.fstat(STDERR), os.fstat(STDOUT if stdout is None else stdout)
    except OSError:
        return Ear()
    if stat.S_ISREG(err.st_mode):
        return Ear(start=err.st_size)
    if not stat.S_ISFIFO(err.st_mode) or (err.st_dev, err.st_ino) == (out.st_dev, out.st_ino):
        return Ear()
    try:
        memory = mmap.mmap(-1, _HEAD + TAIL_BYTES)
        reading, writing = os.pipe()
        relay = os.fork()
    except OSError:
        return Ear()
    if relay == 0:
        try:
            os.close(writing)
            _relay(reading, memory)
        finally:
            os._exit(0)
    os.close(reading)
    return Ear(fd=writing, memory=memory, relay=relay)


def _relay(reading: int, memory: mmap.mmap) -> None:
    """Hand on what comes, at once, and keep its end. Signals are for the command; this ends with the last writer."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.close(STDOUT)
    tail = b""
    while data := os.read(reading, 65_536):
        tail = (tail + data)[-TAIL_BYTES:]
        memory[_HEAD : _HEAD + len(tail)] = tail
        memory[:_HEAD] = len(tail).to_bytes(_HEAD, "big")
        while data:
            data = data[os.write(STDERR, data) :]


def _is_gone(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _end_of_file(start: int) -> str:
    """What was added to the file that standard error is."""
    try:
        with open(f"/proc/self/fd/{STDERR}", "rb") as file:  # noqa: PTH123  (the name of a descriptor)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(start, size - TAIL_BYTES))
            return _whole_lines(file.read(TAIL_BYTES))
    except OSError:
        return ""


def _whole_lines(data: bytes) -> str:
    """Without a first line that may have been cut: half a secret is known to nobody who replaces it."""
    if len(data) >= TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace")
