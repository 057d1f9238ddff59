"""The sign of life of a run: a file that says which process lives, touched again and again while it does.

Its age tells a run that goes on from one that is lost, on another machine too, where no process can be asked for.
"""

import contextlib
import json
import os
import socket
from pathlib import Path

from runaudit.store.catalogue import HEARTBEAT, process_start
from runaudit.system.files import replace_file


def beat(live: Path) -> None:
    """Say that this process lives; the first beat names it. Raises OSError where the disk does not take it."""
    place = live / HEARTBEAT
    try:
        os.utime(place)
    except FileNotFoundError:
        begin(live)


def end(live: Path) -> None:
    """Say that nobody works on the run any more, though this process may go on: it can be sealed later."""
    with contextlib.suppress(OSError):
        (live / HEARTBEAT).unlink()


def begin(live: Path) -> None:
    """Name this process as the one that lives, whoever did before."""
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "pid_start": process_start(os.getpid())}
    replace_file(live / HEARTBEAT, json.dumps(facts).encode(), durable=False)
