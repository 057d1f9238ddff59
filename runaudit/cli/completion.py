"""What the shell offers after Tab for the words of a command: runs, metrics, rules. Any failure offers nothing."""

import importlib
import os
import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import typer
from typer.models import ParameterInfo

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
    "RULE": "runaudit.guard.answer:rule_words",
    "KIND": "runaudit.importers.kinds:kind_words",
    "SECTION": "runaudit.settings:section_words",
}
Word = tuple[str, str]
"""A word and what it stands for."""


def completed(info: ParameterInfo) -> None:
    """Let the shell complete this parameter, where its metavar or its option says what it takes."""
    metavar = (info.metavar or "").strip("[].… ")
    # Within `Annotated` the first name of an option stands where a default would.
    for name in (metavar, info.default, *(info.param_decls or ())):
        if isinstance(name, str) and name in OF_STORE:
            info.autocompletion = _of_store(OF_STORE[name])
            return
    if (source := FIXED.get(metavar.partition("=")[0])) is not None:
        info.autocompletion = _beginning(lambda: _called(source)())
    elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", metavar):
        info.autocompletion = _beginning(lambda: [(word, "") for word in metavar.split("|")])


def _of_store(source: str) -> Callable[[typer.Context, str], list[Word]]:
    def offered(ctx: typer.Context, incomplete: str) -> list[Word]:
        return _offered(lambda: _called(source)(_store(ctx), incomplete))

    return offered


def _beginning(words: Callable[[], Iterable[Word]]) -> Callable[[str], list[Word]]:
    def offered(incomplete: str) -> list[Word]:
        return _offered(lambda: (word for word in words() if word[0].startswith(incomplete)))

    return offered


def _called(source: str) -> Any:
    module, _, function = source.partition(":")
    return getattr(importlib.import_module(module), function)


def _store(ctx: typer.Context) -> Any:
    from runaudit.store.place import find_store
    from runaudit.store.store import Store

    return Store.open(find_store(Path.cwd(), named=ctx.params.get("store")))


def _offered(words: Callable[[], Iterable[Word]]) -> list[Word]:
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
