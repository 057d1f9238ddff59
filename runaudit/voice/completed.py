"""What the shell offers after Tab for the words of a command (`voice.offered`), as the parser asks for it."""

import re
from collections.abc import Callable, Iterable

import typer
from typer.models import ParameterInfo

from runaudit.voice.offered import FIXED, OF_STORE, Word, called, offered, store_of


def completed(info: ParameterInfo) -> None:
    """Let the shell complete this parameter, where its metavar or its option says what it takes."""
    metavar = (info.metavar or "").strip("[].… ")
    # Within `Annotated` the first name of an option stands where a default would.
    for name in (metavar, info.default, *(info.param_decls or ())):
        if isinstance(name, str) and name in OF_STORE:
            info.autocompletion = _of_store(OF_STORE[name])
            return
    if (source := FIXED.get(metavar.partition("=")[0])) is not None:
        info.autocompletion = _beginning(lambda: called(source)())
    elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", metavar):
        info.autocompletion = _beginning(lambda: [(word, "") for word in metavar.split("|")])


def _of_store(source: str) -> Callable[[typer.Context, str], list[Word]]:
    def words(ctx: typer.Context, incomplete: str) -> list[Word]:
        return offered(lambda: called(source)(store_of(ctx.params), incomplete))

    return words


def _beginning(words: Callable[[], Iterable[Word]]) -> Callable[[str], list[Word]]:
    def begun(incomplete: str) -> list[Word]:
        return offered(lambda: (word for word in words() if word[0].startswith(incomplete)))

    return begun
