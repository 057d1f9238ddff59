"""`log.txt` of OpenAI baselines' logger: the tables that it prints for a reader, a row for each number.

    -----------------------------
    | rollout/          |       |
    |    ep_rew_mean    | 21.5  |
    | time/             |       |
    |    total_timesteps| 2048  |
    -----------------------------

It is what is left of a run whose caller asked for no other form. Long names are cut in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runaudit.importers.steptable import as_number
from runaudit.system.files import open_ordinary

NAME = "log.txt"
_HEAD_BYTES = 1 << 16
_RULE = re.compile(r"-{5,}")
_ROW = re.compile(r"\|( *)([^|]*?) *\| *([^|]*?) *\|")
_BEGINS = re.compile(rb"(?m)^-{5,}\r?\n\|[^|\n]{1,200}\|[^|\n]{0,200}\|\r?$")
"""A log of any other program may be called so; the first table comes soon."""


def is_log_of_tables(path: Path) -> bool:
    """Whether the beginning of a file holds such a table. What cannot be opened holds none."""
    try:
        with open_ordinary(path, within=path.parent) as file:
            return _BEGINS.search(file.read(_HEAD_BYTES) or b"") is not None
    except OSError:
        return False


def rows_of(text: str) -> tuple[list[Mapping[str, float]], int]:
    """The numbers of each whole table, and how many tables were cut."""
    tables = list(_tables(text.splitlines()))
    return [rows for rows, is_whole in tables if is_whole and rows], sum(not is_whole for _, is_whole in tables)


def _tables(lines: Sequence[str]) -> Iterator[tuple[dict[str, float], bool]]:
    rows: dict[str, float] | None = None
    above = ""
    for line in lines:
        if _RULE.fullmatch(line.strip()):
            if rows:
                yield rows, True
                rows = None  # It closed a table; the next one begins with a line of its own.
            else:
                rows, above = {}, ""
        elif rows is not None and (match := _ROW.fullmatch(line.strip())) is not None:
            indent, name, cell = match.groups()
            if not cell and name.endswith("/"):
                above = name
            elif (value := as_number(cell)) is not None:
                rows[f"{above}{name}" if len(indent) > 1 else name] = value
        elif rows is not None:
            if rows:
                yield rows, False
            rows = None
    if rows:
        yield rows, False
