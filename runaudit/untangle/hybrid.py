"""One hybrid, sealed and run: in this process, or in one of its own where several run at once.

A launch waits for the signals of its process, so that two at once need two. What comes back is the run's id: all else
is read from its record.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from runaudit import errors
from runaudit.campaign.executors import Local
from runaudit.campaign.job import STOP, hear_to_stop  # and how frozen tables are pickled
from runaudit.capture.draft import LaunchRequest
from runaudit.capture.environment import devices
from runaudit.errors import NothingToJudgeError, RunauditError
from runaudit.launch.rerun import run_restored, sealed_as_it_is
from runaudit.settings import Settings
from runaudit.store import Store

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A hybrid that is built: what is to be sealed, and how it is started. to: its restored tree; root: of the store;
    reason: why the guard is waived; waived: the rules that refused such a launch before."""

    request: LaunchRequest
    root: Path
    settings: Settings
    command: tuple[str, ...]
    cwd: Path
    to: Path
    environ: Mapping[str, str]
    reason: str
    baseline: str
    waived: frozenset[str] = frozenset()


def carried_out(order: Order, store: Store, waived: set[str]) -> tuple[str, bool]:
    """Seal and run a hybrid here: its run's id, and whether it was asked to stop meanwhile. waived: is added to."""
    manifest = sealed_as_it_is(
        order.request, store, reason=order.reason, waived=waived, settings=order.settings, environ=order.environ,
        baseline=order.baseline,
    )  # fmt: skip
    with Path(os.devnull).open("wb") as silent:
        run, ended = run_restored(store, manifest, order.command, order.cwd, order.to, settings=order.settings,
                                  environ=order.environ, stdout=silent.fileno())  # fmt: skip
    return run.id, bool(ended.forwarded)


@dataclass(kw_only=True)
class Apart:
    """Hybrids in processes of their own, so many at once; where CUDA devices are visible each has one for itself."""

    jobs: int
    environ: Mapping[str, str]
    _alive: set["subprocess.Popen[bytes]"] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _local(self) -> Local:
        return Local.of(self.jobs, devices(self.environ))

    def go(self, next_order: Callable[[], tuple[_T, Order] | None], take: Callable[[_T, str, bool], None]) -> None:
        """Run what `next_order` gives until it gives none and all have ended; `take` hears of each that has. Ctrl-C
        asks each once to end, and is raised when they have."""
        running: dict[Future[tuple[str, bool]], _T] = {}
        at_once = min(self.jobs, self._local.at_once or self.jobs)
        with ThreadPoolExecutor(at_once, thread_name_prefix="runaudit-hybrid") as pool:
            try:
                while True:
                    while len(running) < at_once and (one := next_order()) is not None:
                        running[pool.submit(self._run, one[1])] = one[0]
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        take(running.pop(future), *future.result())
            except BaseException:
                self._stop()
                raise

    def _stop(self) -> None:
        with self._lock:
            for process in self._alive:
                process.send_signal(STOP)

    def _run(self, order: Order) -> tuple[str, bool]:
        with self._local.device() as more:
            return self._wait(order, more)

    def _wait(self, order: Order, more: Mapping[str, str]) -> tuple[str, bool]:
        """A process of its own session, so that Ctrl-C at a terminal reaches this one alone, which asks it to end."""
        words = [sys.executable, "-P", "-m", "runaudit.untangle.hybrid"]
        with self._lock:
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**self.environ, **more},
                start_new_session=True,
            )  # fmt: skip
            self._alive.add(process)
        try:
            said, _ = process.communicate(pickle.dumps((order, dict(more))))
        finally:
            with self._lock:
                self._alive.discard(process)
        if not said:
            raise NothingToJudgeError(f"a hybrid's process ended with exit code {process.returncode}",
                                      remedy="the same command goes on from what is sealed")  # fmt: skip
        run, stopped, kind, message, remedy = pickle.loads(said)
        if run is None:
            raise getattr(errors, kind, NothingToJudgeError)(message, remedy=remedy)
        return run, stopped


def main() -> int:
    """The process of a hybrid: its order on standard input, its run on standard output."""
    answer = os.dup(1)
    os.dup2(2, 1)
    hear_to_stop()
    order, more = pickle.load(sys.stdin.buffer)
    told: tuple[str | None, bool, str, str, str]
    try:
        order = replace(order, environ={**order.environ, **more})
        run, stopped = carried_out(order, Store.open(order.root), set(order.waived))
        told = (run, stopped, "", "", "")
    except RunauditError as error:
        told = (None, False, type(error).__name__, error.message, error.remedy)
    except KeyboardInterrupt:
        told = (None, True, "NothingToJudgeError", "a hybrid was stopped before it began", "")
    with os.fdopen(answer, "wb") as out:
        out.write(pickle.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
