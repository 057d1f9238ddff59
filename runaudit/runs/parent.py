"""The run that a launch descends from, by its whole id. Apart from the names, which most launches need not load."""

from collections.abc import Mapping

from runaudit.records.canonical import JSON
from runaudit.settings import Settings, load_settings
from runaudit.store.store import Store

Init = str | Mapping[str, JSON] | None


def known_init(init: Init, store: Store, settings: Settings | None = None) -> Init:
    """What a launch begins with, its parent by the whole id. Raises UsageError where that is no run of the store.

    settings: the policy; by default the one beside the store.
    """
    if not isinstance(init, Mapping) or init.get("parent") is None:
        return init
    from runaudit.runs.names import one_named

    return {**init, "parent": one_named(store, settings or load_settings(store.root), str(init["parent"]))}
