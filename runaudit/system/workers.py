"""Work that several processes share, with the answers in the order of the tasks, as if one had done all of it.

What a worker cannot do is done here: one that was killed, or an answer that cannot be sent, costs time and nothing
else. None outlives this process, and of Ctrl-C, which reaches the whole group, only this one speaks.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")
AHEAD = 2
"""Tasks a worker that are begun before their turn: enough that none waits, and few enough for the memory."""


def cpus() -> int:
    """The processors that this process may use: on a shared machine, or in a container, not all there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def shared_out(function: Callable[[Task], Answer], tasks: Sequence[Task], jobs: int) -> Iterator[Answer]:
    """The answer to each task, in their order. function: one of a module, for tasks and answers that can be pickled.

    jobs: how many processes work; 1, or a single task: this one alone. Raises what `function` raises.
    """
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(function, tasks)
        return
    others = {*multiprocessing.active_children()}
    # A fork is up in no time, and does not run the user's own program once more, as a fresh interpreter does.
    start = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(min(jobs, len(tasks), cpus()), mp_context=start, initializer=_begin)
    begun: deque[tuple[Task, Future[Answer] | None]] = deque()
    try:
        for number, task in enumerate(tasks):
            begun.append((task, _handed(pool, function, task)))
            if number >= AHEAD * jobs:
                yield _answer(function, *begun.popleft())
        while begun:
            yield _answer(function, *begun.popleft())
    except BaseException:
        for child in {*multiprocessing.active_children()} - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _handed(pool: ProcessPoolExecutor, function: Callable[[Task], Answer], task: Task) -> "Future[Answer] | None":
    try:
        return pool.submit(function, task)
    except BrokenProcessPool:
        return None


def _answer(function: Callable[[Task], Answer], task: Task, future: "Future[Answer] | None") -> Answer:
    if future is not None:
        # Whatever it is: done here, it either works or says what is wrong.
        with contextlib.suppress(Exception):
            return future.result()
    return function(task)


def _begin() -> None:
    """A worker starts: it is ended by its parent, or when that is gone, and by no Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
