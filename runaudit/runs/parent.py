"""The run that a launch descends from, by its whole id. Apart from the names, which most launches need not load."""

from collections.abc import Mapping

from runaudit.records.canonical import JSON
from runaudit.settings import Settings, load_settings
from runaudit.store.catalogue import writer_of
from runaudit.store.store import Store

Init = str | Mapping[str, JSON] | None


def known_init(init: Init, store: Store, settings: Settings | None = None) -> Init:
    """What a launch begins with, its parent by the whole id. Raises UsageError where that is no run of the store.

    A checkpoint whose parent nobody names is that of the newest run of the store that wrote its bytes: seeds that each
    go on from their own checkpoint are then one design, as their parents are. settings: the policy; by default the one
    beside the store.
    """
    if not isinstance(init, Mapping):
        return init
    if init.get("parent") is None:
        writer = writer_of(store, init.get("checkpoint"))
        return init if writer is None else {**init, "parent": writer}
    from runaudit.runs.names import one_named

    return {**init, "parent": one_named(store, settings or load_settings(store.root), str(init["parent"]))}
