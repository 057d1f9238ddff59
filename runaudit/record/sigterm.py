"""SIGTERM as an exit that unwinds, so that the outcome of a run is sealed before its process ends.

The program's own handler stays, where it has one. A forked worker inherits ours, and must die of the signal as it would
have without; a signal that comes while the outcome is sealed has its way when the seal is done.
"""

import os
import signal
import threading
from types import FrameType
from typing import Any


class SigtermUnwinds:
    """Watches for SIGTERM in the process that made it. `stopped_by`: the signal that ended the run, None before."""

    def __init__(self) -> None:
        self.stopped_by: str | None = None
        self.is_sealing = False
        self._pid = os.getpid()
        self._late: int | None = None
        self._old: Any = None
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            self._old = signal.signal(signal.SIGTERM, self._terminated)

    def release(self) -> None:
        """Give the signal back to whom it belonged."""
        if self._old is not None and threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGTERM) == self._terminated:
                signal.signal(signal.SIGTERM, self._old)
            self._old = None

    def obey_late(self) -> None:
        """Die of the signal that came while the outcome was sealed, if one did."""
        if self._late is not None:
            signal.signal(self._late, signal.SIG_DFL)
            os.kill(self._pid, self._late)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self.is_sealing:
            self._late = number
            return
        self.stopped_by = signal.Signals(number).name
        raise SystemExit(128 + number)
