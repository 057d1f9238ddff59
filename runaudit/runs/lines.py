"""The two kinds of line that `list` prints. Apart from all else, so that a listing from the index loads no judge."""

from collections.abc import Iterable, Iterator, Sequence

from runaudit.text.terminal import BOLD, GREEN, RED, Paint

FINISHED = ("completed", "early_stopped")
"""Statuses that are shown as good."""


def head_lines(
    name: str, label: str, n: int, effective_n: int, metric: str, *, shown: int, paint: Paint, width: int | None
) -> Iterator[str]:
    """A cohort: its name and counts, then its metric; `label` and `metric` are printable. shown: of its runs."""
    runs = "1 run" if n == 1 else f"{n} runs"
    counts = f"  ({runs if shown == n else f'{shown} of {runs} shown'}, effective n {effective_n})"
    room = None if width is None else max(width - len(counts), len(name) + 3)
    yield paint(fitted(f"{name}  {label}", room), BOLD) + counts
    if metric:
        yield fitted(f"  {metric}", width)


def json_lines(groups: Iterable[str]) -> Iterator[str]:
    """The JSON answer, a cohort a line; each is JSON already."""
    yield '{"schema": "runaudit.list/1", "cohorts": ['
    for number, text in enumerate(groups):
        yield f"{',' if number else ''}{text}"
    yield "]}"


def row_line(cells: Sequence[str], columns: Sequence[tuple[str, int, str]], *, paint: Paint) -> str:
    """A run in one line: its columns, then its metric."""
    parts = []
    for cell, (name, width, title) in zip(cells, columns, strict=False):
        part = f"{title}{cell:<{width}}"
        parts.append(paint(part, GREEN if cell in FINISHED else RED) if name == "status" else part)
    return "  ".join(("", *parts, cells[-1])).rstrip()


def fitted(line: str, width: int | None) -> str:
    """A line cut to the terminal's width."""
    return line if width is None or len(line) <= width else line[: max(width - 1, 0)] + "…"
