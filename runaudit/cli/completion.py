"""What the shell offers after Tab for the words of a command: runs, metrics, rules. Any failure offers nothing."""

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


def completed(info: ParameterInfo) -> None:
    """Let the shell complete this parameter, where its metavar or its option says what it takes."""
    metavar = (info.metavar or "").strip("[].… ")
    # Within `Annotated` the first name of an option stands where a default would.
    options = (info.default, *(info.param_decls or ()))
    if metavar in ("RUN", "A B", "FILTER"):
        info.autocompletion = _runs
    elif "--metric" in options:
        info.autocompletion = _metrics
    elif "--sort" in options or "--columns" in options:
        info.autocompletion = _columns
    elif metavar.startswith("RULE"):
        info.autocompletion = _rules
    elif metavar == "KIND":
        info.autocompletion = _kinds
    elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", metavar):
        info.autocompletion = _one_of(metavar.split("|"))


def _runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from runaudit.runs.completion import run_words

    return _offered(lambda: run_words(_store(ctx), incomplete))


def _metrics(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from runaudit.runs.completion import metric_words

    return _offered(lambda: metric_words(_store(ctx), incomplete))


def _columns(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from runaudit.runs.completion import column_words

    return _offered(lambda: column_words(_store(ctx), incomplete))


def _kinds(incomplete: str) -> list[tuple[str, str]]:
    from runaudit.importers.kinds import BUNDLE, KINDS

    return _one_of((*KINDS, BUNDLE))(incomplete)


def _one_of(words: Iterable[str]) -> Callable[[str], list[tuple[str, str]]]:
    def offered(incomplete: str) -> list[tuple[str, str]]:
        return [(word, "") for word in words if word.startswith(incomplete)]

    return offered


def _rules(incomplete: str) -> list[tuple[str, str]]:
    def words() -> Iterable[tuple[str, str]]:
        from runaudit.guard.answer import RULES

        both = ((word, rule.title) for rule in RULES for word in (rule.name, rule.code))
        return (pair for pair in both if pair[0].startswith(incomplete))

    return _offered(words)


def _store(ctx: typer.Context) -> Any:
    from runaudit.store.place import find_store
    from runaudit.store.store import Store

    return Store.open(find_store(Path.cwd(), named=ctx.params.get("store")))


def _offered(words: Callable[[], Iterable[tuple[str, str]]]) -> list[tuple[str, str]]:
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
