"""The two kinds of line that `list` prints. Apart from all else, so that a listing from the index loads no judge."""

from collections.abc import Iterable, Iterator, Sequence

from runaudit.text.narrow import GAP, cut_to, cut_word, folded, no_room
from runaudit.text.terminal import BOLD, GREEN, RED, Paint

NUMBER = 11
"""Characters of a number of five digits at most, as `-1.2346e-05`."""
LABEL = 6
"""Characters of a cohort's head that are kept for its label beside the counts; with fewer they stand below."""
FINISHED = ("completed", "early_stopped")
"""Statuses that are shown as good."""


def head_lines(
    name: str, label: str, n: int, effective_n: int, metric: str, *, shown: int, paint: Paint, width: int | None
) -> Iterator[str]:
    """A cohort: its name and counts, then its metric; `label` and `metric` are printable. shown: of its runs."""
    runs = "1 run" if n == 1 else f"{n} runs"
    counts = f"  ({runs if shown == n else f'{shown} of {runs} shown'}, effective n {effective_n})"
    room = None if width is None else width - len(counts)
    if room is None or room >= len(name) + LABEL:
        yield paint(cut_to(f"{name}  {label}", room), BOLD) + counts
    else:
        yield paint(cut_to(f"{name}  {label}", width), BOLD)
        yield from folded(counts, width)
    if metric:
        yield from folded(f"  {metric}", width)


def json_lines(groups: Iterable[str]) -> Iterator[str]:
    """The JSON answer, a cohort a line; each is JSON already."""
    yield '{"schema": "runaudit.list/1", "cohorts": ['
    for number, text in enumerate(groups):
        yield f"{',' if number else ''}{text}"
    yield "]}"


Field = tuple[str, int, str]
"""Name, width and title of a column of a run's line."""


def row_line(cells: Sequence[str], columns: Sequence[Field], *, paint: Paint, width: int | None = None) -> str:
    """A run in one line: the columns that have room, then its metric, which has room where it is a number."""
    parts, kept = [], placed(columns, width)
    taken = sum(GAP + len(title) + wide for _, wide, title in kept) + GAP
    last = cells[-1] if width is None else cut_word(cells[-1], width - taken)
    for cell, (name, wide, title) in zip(cells, kept, strict=False):
        part = f"{title}{cell:<{wide}}"
        parts.append(paint(part, GREEN if cell in FINISHED else RED) if name == "status" else part)
    return "  ".join(("", *parts, last)).rstrip()


def placed(columns: Sequence[Field], width: int | None) -> Sequence[Field]:
    """The columns that have room beside a number; the last goes first. The first, by which a run is known, stays."""
    kept = list(columns)
    while width is not None and len(kept) > 1 and sum(GAP + len(t) + w for _, w, t in kept) + GAP + NUMBER > width:
        kept.pop()
    return kept


def unplaced(columns: Sequence[Field], width: int | None) -> Sequence[str]:
    """What is told, in lines, of the columns that have no room; none where all have."""
    gone = [name for name, _, _ in columns[len(placed(columns, width)) :]]
    return no_room(gone, width) if gone and width is not None else ()
