"""Which words a shell is offered after Tab, by what a parameter takes: runs, metrics, rules. A failure offers nothing.

Where the words come from is named as text: a module is imported only when somebody presses the key.
"""

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import islice
from pathlib import Path
from typing import Any

from runaudit.voice.plainlist import ASKED

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
WORDS, PLACE = "COMP_WORDS", "COMP_CWORD"
"""What bash tells of the line: its words, and the place of the one that is begun."""
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


@contextlib.contextmanager
def words_as_typed(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Bash hands `label:x` over as three words, since it parts them at colons, and puts in the place of the last one
    what is offered. Within the block they are one word, and what stands before its colon is taken off what is printed.
    """
    if ASKED not in environ:
        yield
        return
    before = _join(environ)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            yield
        finally:
            words = printed.getvalue().splitlines(keepends=True)
            sys.__stdout__.write("".join(word.removeprefix(before) for word in words))  # type: ignore[union-attr]


def _join(environ: MutableMapping[str, str]) -> str:
    """Join the words of a line that were parted at a colon; returns what the last one has before its colon."""
    words, at = environ.get(WORDS, "").split("\n"), environ.get(PLACE, "")
    if not at.isdecimal() or int(at) >= len(words):
        return ""
    joined: list[str] = []
    for place, word in enumerate(words[: int(at) + 1]):
        goes_on = place > 1 and len(joined) > 1 and ":" in (word, words[place - 1])
        before = (joined.pop() if goes_on else "") + (word if word == ":" else "")
        joined.append(before + (word if word != ":" else ""))
    environ[WORDS], environ[PLACE] = "\n".join(joined), str(len(joined) - 1)
    return before


def _escaped(word: str) -> str:
    """Bash puts a word on the line as it is, within the quotes that were begun; the other shells quote it."""
    if not os.environ.get(ASKED, "").endswith("bash"):
        return word
    words, at = os.environ.get(WORDS, "").split("\n"), os.environ.get(PLACE, "")
    is_quoted = at.isdecimal() and int(at) < len(words) and words[int(at)][:1] in ("'", '"')
    return word if is_quoted else re.sub(r"([^\w@%+=:,./-])", r"\\\1", word)
