"""One step, one line, one `write`: what was logged is in the kernel's hands before `log` returns.

The kernel keeps it when the process is killed, O_APPEND keeps the lines of several processes apart, and a background
`fdatasync` bounds what a power cut can take to one second. `json.dumps` would be most of the cost of a step (8 of 9 µs,
measured), so the names of a step are formatted once and kept as a template.
"""

import contextlib
import json
import math
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.errors import StoreError
from runaudit.record.heartbeat import beat, begin
from runaudit.record.unwritten import Count
from runaudit.records.outcome import unwritten_words
from runaudit.records.run import SHORT
from runaudit.records.trajectory import event_line, line_of
from runaudit.store.catalogue import HEARTBEAT, HEARTBEAT_S
from runaudit.store.kept import open_kept
from runaudit.system.files import open_ordinary

SYNC_S = 1.0
BACKLOG_BYTES = 16 << 20
"""Lines kept in memory while the disk is full. When they are more, training stops: nothing could be proven any more."""


class Series:
    """The live series of one run, open for appending. Any number of processes may hold one on the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = _open(path)
        self._templates: dict[tuple[str, ...], str] = {}
        self._backlog = bytearray()
        self._steps = self._before = 0
        self._count = Count(path.parent)
        self.fresh = False
        self._fix()

    def _fix(self) -> None:
        """End a half line that a killed writer left, so that the next line stands alone."""
        size = os.fstat(self._fd).st_size
        if size:
            with open_ordinary(self.path) as file:
                file.seek(size - 1)
                torn = file.read(1) != b"\n"
            if torn:
                os.write(self._fd, b"\n")

    def log(self, step: int, values: Mapping[str, Any], moment: float) -> None:
        """Append one step. Values are numbers or have `__float__`; raises StoreError when the disk stays full."""
        names = tuple(values)
        numbers = tuple(map(float, values.values()))
        # A sum is finite only if all are; a sum that overflows takes the slow way, which is right for it too.
        if math.isfinite(sum(numbers)):
            template = self._templates.get(names)
            if template is None:
                template = self._template(names)
            line = (template % (step, moment, *numbers)).encode()
        else:
            line = line_of(step, dict(zip(names, numbers, strict=True)), time_s=moment)
        self._write(line)

    def _template(self, names: tuple[str, ...]) -> str:
        body = ",".join(f"{json.dumps(name)}:".replace("%", "%%") + "%r" for name in names)
        template = f'{{"s":%d,"t":%.3f,"v":{{{body}}}}}\n'
        self._templates[names] = template
        return template

    def event(self, step: int, kind: str, detail: Mapping[str, Any], moment: float) -> None:
        """Append one event."""
        line = event_line(step, kind, detail, time_s=moment)
        self._write(line)

    def _write(self, line: bytes) -> None:
        self.fresh = True
        written = 0
        try:
            if not self._backlog and (written := os.write(self._fd, line)) == len(line):
                return
        except OSError:
            pass
        self._again(line, written)

    def _again(self, line: bytes, written: int) -> None:
        """After a short or failed write: end what may be torn, keep the line, and try again at every next step."""
        if self._backlog:
            self._backlog += line
        elif written == len(line) - 1:
            self._backlog += b"\n"  # All of it but its end is there: the whole again would be a second one.
        else:
            self._backlog += b"\n" + line
            self._before = 1  # The first line end is no step's.
        self._steps += 1
        self.flush()
        if len(self._backlog) > BACKLOG_BYTES:
            raise StoreError(
                f"{self.path} cannot be written and {BACKLOG_BYTES >> 20} MiB of steps wait in memory",
                remedy="free space on the store's disk",
            )

    def flush(self) -> None:
        """Write what waits in memory, as far as the disk lets it."""
        if not self._backlog:
            return
        with contextlib.suppress(OSError):
            while self._backlog and (written := os.write(self._fd, self._backlog)):
                self._steps -= self._backlog.count(b"\n", 0, written) - self._before
                self._before = 0
                del self._backlog[:written]
        if self._fd >= 0:
            self._count.keep(len(self._backlog), self._steps)

    def sync(self) -> None:
        """Make durable what was written. Called off the training thread."""
        if self.fresh:
            self.fresh = False
            os.fdatasync(self._fd)

    def leave(self) -> None:
        """Write what waits, at the end of the program, and say what the disk would not take."""
        self.flush()
        if self._backlog:
            from runaudit.voice.saying import hint, printable  # A program has nothing else to say at its end.

            lost = unwritten_words(bytes=len(self._backlog), steps=self._steps)
            hint(printable(f"runaudit: {lost}; they are missing in run {self.path.parent.name[:SHORT]}"))

    def close(self) -> int:
        """Write, sync and close. Returns how many bytes the disk would not take."""
        self.leave()
        try:
            os.fdatasync(self._fd)
        finally:
            # Its number may be that of a file of the program's next; who logs on writes into none.
            fd, self._fd = self._fd, -1
            os.close(fd)
        return len(self._backlog)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open_kept(path, os.O_WRONLY | os.O_APPEND)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}", remedy="fix the store's permissions") from error


class Keeper:
    """The one background thread of a run: makes its series durable, and beats so that lost can be told from running."""

    def __init__(self, live: Path, series: Series | None, *, beats: bool = True) -> None:
        self._beats = beats
        self._live = live
        self._series = series
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="runaudit-keeper", daemon=True)

    def start(self) -> None:
        """Write the first beat, then keep on. Raises StoreError where even the first cannot be written."""
        try:
            if self._beats:
                begin(self._live)
        except OSError as error:
            raise StoreError(
                f"{self._live / HEARTBEAT} cannot be written: {error.strerror}",
                remedy="free space or fix the permissions",
            ) from error
        self._thread.start()

    def _work(self) -> None:
        # A signal sent to the process goes to any thread that lets it in; the main thread may be holding it back.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        turn = 0.0
        while not self._stop.wait(SYNC_S):
            turn += SYNC_S
            try:
                if self._series is not None:
                    self._series.sync()
                if self._beats and turn >= HEARTBEAT_S:
                    turn = 0.0
                    beat(self._live)
            except OSError:
                # A full or vanished disk shows on the calling thread, at the next step; here nobody would see it.
                continue

    def stop(self) -> None:
        """End the thread; the heartbeat file stays and ages."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)
