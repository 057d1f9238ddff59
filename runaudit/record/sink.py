"""Other trackers that want to hear what is recorded. The local record is the truth; a sink is a mirror of it.

A sink works on a thread of its own behind a bounded queue, so that a slow or dead service costs the training thread one
`put`. It fails once, is named once on stderr and in the outcome's notes, and is not called again.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from runaudit.capture.rng import reseeded, rng_digests
from runaudit.errors import RunauditError
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome

QUEUE_LENGTH = 10_000
FINISH_S = 60.0
"""How long the end of a run waits for a mirror to catch up."""
_LOG = logging.getLogger("runaudit")


class Sink(Protocol):
    """What a mirror implements. Any method may raise; none may change what it is given."""

    name: str

    def start(self, manifest: Manifest, run_dir: Path) -> None:
        """Called once, on the training thread, after the manifest is sealed."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One step."""

    def file(self, path: Path, entry: Mapping[str, Any]) -> None:
        """A checkpoint or artifact that was recorded: where it lies, and its path, digest, size, kind and step."""

    def finish(self, status: str, outcome: Outcome | None) -> None:
        """The run has ended; `outcome` is None where a wrapper will seal it. Raises where the mirror is not whole."""


class Mirror:
    """One sink behind its queue."""

    def __init__(self, sink: Sink) -> None:
        self.name = str(getattr(sink, "name", type(sink).__name__))
        self._sink = sink
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._work, name=f"runaudit-{self.name}", daemon=True)
        self.fault: str | None = None
        self.missed = 0
        self._is_noted = False

    def start(self, manifest: Manifest, run_dir: Path) -> tuple[str, ...]:
        """Start the sink. Returns the random generators it moved: some trackers reseed behind the program's back."""
        before = rng_digests()
        self._guarded(lambda: self._sink.start(manifest, run_dir))
        if self.fault is None:
            self._thread.start()
        return reseeded(before, rng_digests())

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Pass a step on; when the queue is full it is counted as missed, since training must not wait."""
        if self.fault is None:
            copy = dict(values)
            self._offer(lambda: self._sink.log(step, copy))

    def file(self, path: Path, entry: Mapping[str, Any]) -> None:
        """Pass a file on."""
        if self.fault is None:
            self._offer(lambda: self._sink.file(path, entry))

    def finish(self, status: str, outcome: Outcome | None) -> None:
        """Let the sink catch up and end, for at most FINISH_S in all."""
        if self.fault is not None or not self._thread.is_alive():
            return
        until = time.monotonic() + FINISH_S
        try:
            self._queue.put(lambda: self._sink.finish(status, outcome), timeout=FINISH_S)
            self._queue.put(None, timeout=max(0.0, until - time.monotonic()))
        except queue.Full:
            self._fail("did not answer")
            return
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._fail(f"did not finish within {FINISH_S:.0f} s")

    def remark(self) -> str | None:
        """What the mirror lacks, in words for the outcome, once; None where nothing new is known to be missing."""
        if self._is_noted or not (self.fault or self.missed):
            return None
        self._is_noted = True
        return f"{self.name} did not mirror everything ({self.fault or f'{self.missed} steps'})"

    def _offer(self, call: Callable[[], None]) -> None:
        try:
            self._queue.put_nowait(call)
        except queue.Full:
            self.missed += 1

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            self._guarded(call)
            if self.fault is not None:
                return

    def _guarded(self, call: Callable[[], None]) -> None:
        # Whatever a foreign library raises, SystemExit included, ends the mirror and not the run.
        try:
            call()
        except KeyboardInterrupt:
            raise
        except RunauditError as error:
            self._fail(str(error))
        except BaseException as error:
            self._fail(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")

    def _fail(self, reason: str) -> None:
        self.fault = reason
        _LOG.warning("runaudit: %s stopped mirroring (%s); the local record goes on", self.name, reason)


def remarks(mirrors: Sequence[Mirror]) -> tuple[str, ...]:
    """What is not yet told of what these mirrors lack."""
    return tuple(filter(None, [mirror.remark() for mirror in mirrors]))
