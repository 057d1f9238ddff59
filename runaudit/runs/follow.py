"""The index of `list` brought along by who seals a run, so that the next listing has nothing left to read.

A sealed launch has the rooms loaded that put a run into its cohort, which a listing would load for one run alone. It
does so only where an index lies there that lacks this run and little more, never waits for another process, and never
makes an index anew. Whatever fails, the run is sealed and `list` does it: the index is derived (`indexfile`).
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runaudit.store.store import Store

INDEX_SEAL = Path("cache", "list.seal")
"""Where a store has an index, there is its seal."""


def bring_index_along(store: "Store") -> None:
    """Put what was just sealed into the store's index, under the policy beside the store; raises nothing."""
    # A full disk, a policy that cannot be read, a record that is damaged: whoever lists next says so.
    with contextlib.suppress(Exception):
        if not (store.root / INDEX_SEAL).exists():
            return
        from runaudit.runs.indexfile import follow
        from runaudit.settings import load_settings

        follow(store, load_settings(store.root))
