"""Which words a shell is offered after Tab, by what a parameter takes: runs, metrics, rules. A failure offers nothing.

Where the words come from is named as text: a module is imported only when somebody presses the key.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

MOST = 400
"""Words that are handed to the shell at most."""
OF_STORE = {
    # a metavar or an option: module:function of (store, incomplete) -> the words that begin so
    "RUN": "runaudit.runs.completion:run_words",
    "A B": "runaudit.runs.completion:run_words",
    "FILTER": "runaudit.runs.completion:run_words",
    "--metric": "runaudit.runs.completion:metric_words",
    "--sort": "runaudit.runs.completion:column_words",
    "--columns": "runaudit.runs.completion:column_words",
}
FIXED = {
    # a metavar, or how it begins: module:function of () -> every word
    "RULE": "runaudit.guard.rulebook:rule_words",
    "KIND": "runaudit.importers.kinds:kind_words",
    "SECTION": "runaudit.settings:section_words",
}
Word = tuple[str, str]
"""A word and what it stands for."""


def called(source: str) -> Any:
    """The function behind `module:function`."""
    module, _, function = source.partition(":")
    return getattr(importlib.import_module(module), function)


def store_of(params: Mapping[str, Any]) -> Any:
    """The store that a command line names, or that lies here."""
    from runaudit.store.place import find_store
    from runaudit.store.store import Store

    return Store.open(find_store(Path.cwd(), named=params.get("store")))


def offered(words: Callable[[], Iterable[Word]]) -> list[Word]:
    """The first of these words as the shell takes them."""
    try:
        return [(_escaped(word), about) for word, about in islice(words(), MOST)]
    except Exception:
        # Whoever presses a key has asked for no message: a damaged store is told by the command itself.
        return []


def _escaped(word: str) -> str:
    """Bash puts a word on the line as it is; the other shells quote it."""
    if not os.environ.get("_RUNAUDIT_COMPLETE", "").endswith("bash"):
        return word
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", word)
