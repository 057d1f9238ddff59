"""How `list` is answered: with lines that lie ready in the index where nothing is asked that it does not hold, else
from the records. The quick way loads nothing of the other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runaudit.errors import IntegrityError, UsageError
from runaudit.text.terminal import line_width, use_colour
from runaudit.voice.saying import Format, Manner

if TYPE_CHECKING:
    from runaudit.settings import Settings
    from runaudit.store.store import Store

_BETWEEN_COMMAS = re.compile(r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^,])+""")
MOST = (1 << 63) - 1
"""As many runs as a store can hold: what is asked beyond it is all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of `list`, in the words of its options. everything: the archived runs, too."""

    filters: tuple[str, ...] = ()
    where: str | None = None
    sort: str | None = None
    columns: str | None = None
    newest: int | None = None
    csv: bool = False
    everything: bool = False

    def lies_ready(self, manner: Manner) -> bool:
        """Whether the index can hold the answer: all columns, in their order, for a terminal or a program."""
        said = (self.where, self.sort, self.columns)
        asked = self.filters or self.csv or self.everything or any(word is not None for word in said)
        is_shaped = manner.quiet or manner.verbose or manner.format is Format.md
        return not (asked or is_shaped) and (self.newest is None or self.newest >= 1)

    def titles(self) -> tuple[str, ...]:
        """The chosen columns as they stand between commas, but those within quotes and brackets; a name may hold a
        comma all the same, which only the names there are can tell. Raises UsageError where there are none."""
        names = tuple(word for word in _BETWEEN_COMMAS.findall(self.columns or "") if word.strip())
        if self.columns is not None and not names:
            raise UsageError("--columns names no column", remedy="write, for example, --columns id,label,config.lr")
        return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The lines of the answer. shows: whether a run is in them; hidden: how many are put away; nearest: what to say
    where there is none; fault: why it may not be all of the store; away: of the runs in them those that are put
    away."""

    lines: Iterable[str]
    shows: bool
    hidden: int
    nearest: str = "the store holds no run yet"
    fault: IntegrityError | None = None
    away: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not seen in the answer: that there is nothing, and what is hidden."""
        if self.hidden:
            return (f"{self.hidden} archived, --all shows {'it' if self.hidden == 1 else 'them'}",)
        if self.away:
            from runaudit.text.words import listed  # Few lists are of what is put away.

            return (f"archived among them: {listed(self.away, limit=8)}",)
        return () if self.shows else (self.nearest,)


def reply(store: "Store", settings: "Settings", wish: Wish, manner: Manner) -> Reply:
    """The answer to a wish. Raises UsageError for a name that no run knows, EmptyStoreError where there is no store."""
    titles, store = wish.titles(), store.existing()
    try:
        return (_ready(store, settings, wish, manner) if wish.lies_ready(manner) else None) or _read(
            store, settings, wish, titles, manner
        )
    except IntegrityError as error:
        # A list is what one looks at to see what is left, so a damaged log does not stop it.
        from runaudit.store.salvage import SalvagedStore

        return replace(_read(SalvagedStore(store.root), settings, wish, titles, manner), fault=error)


def _newest(wish: Wish) -> int | None:
    return None if wish.newest is None else min(wish.newest, MOST)


def _ready(store: "Store", settings: "Settings", wish: Wish, manner: Manner) -> Reply | None:
    from runaudit.runs.index import hidden_runs, listed

    lines = listed(store, settings, json_answer=manner.json, colour=use_colour(), width=line_width(),
                   newest=_newest(wish))  # fmt: skip
    return None if lines is None else Reply(lines=lines, shows=bool(lines), hidden=hidden_runs(store))


def _read(store: "Store", settings: "Settings", wish: Wish, titles: tuple[str, ...], manner: Manner) -> Reply:
    from runaudit.runs.listing import ListAnswer, csv_lines
    from runaudit.runs.query import Query, listed_runs
    from runaudit.store.remarks import archived

    query = Query(filters=wish.filters, where=wish.where, sort=wish.sort, newest=_newest(wish), columns=titles)
    found = listed_runs(store, settings, query, everything=wish.everything)
    answer = ListAnswer(sections=found.sections, columns=found.columns, width=line_width())
    lines: Iterable[str]
    if wish.csv:
        lines = csv_lines(found.sections, found.columns)
    else:
        lines = answer.json_lines() if manner.json else manner.lines(answer)
    put_away = archived(store) if wish.everything else ()
    away = tuple(one.run.short for section in found.sections for one in section.entries if one.run.id in put_away)
    return Reply(lines=lines, shows=bool(found.sections), hidden=found.hidden, nearest=found.nearest, away=away)
