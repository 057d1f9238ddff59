"""Two processes that train together, forked from the test: torch is loaded already, so they cost a moment."""

import os
import pickle
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.ranks import Ranks, joined


def together(folder: Path, work: Callable[[Ranks], Any], *, size: int = 2) -> list[Any]:
    """What `work` returned, or raised, on each rank; None of one that died."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(size):
        if (child := os.fork()) == 0:
            _live(folder / f"rank{rank}", rank, size, port, work)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    places = [folder / f"rank{rank}" for rank in range(size)]
    return [pickle.loads(place.read_bytes()) if place.exists() else None for place in places]


def _live(place: Path, rank: int, size: int, port: int, work: Callable[[Ranks], Any]) -> None:
    """The whole life of a child: nothing of pytest may run in it."""
    try:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        with joined() as ranks:
            try:
                found = work(ranks)
            except Exception as error:
                found = error
        part = place.with_suffix(".part")
        part.write_bytes(pickle.dumps(found))
        part.rename(place)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
