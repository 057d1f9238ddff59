"""`results.txt` of YOLOv5 before its sixth release, of YOLOv3 and of YOLOv7: a row for each epoch, without a header.

    0/29  1.86G  0.09854  0.09318  0  0.1917  24  416  0  0  0.004895  0.0009547  0.09176  0.05526  0

Epoch of the last one, memory, mean losses with their sum, labels and image size of the last batch; then what the
validation came to. The names are those of the columns of `results.csv`, which came after it. A training that is started
in the same folder writes its rows below the others. Source: train.py of these repositories (`results_file`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from runaudit.importers.opened import foreign_bytes
from runaudit.importers.steptable import MAX_TABLE_BYTES, Table, as_number
from runaudit.system.files import HEAD_BYTES, open_ordinary

NAME = "results.txt"
_LOSSES = ("train/box_loss", "train/obj_loss", "train/cls_loss")
_TOTAL = "train/loss"
_VALIDATED = ("metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95",
              "val/box_loss", "val/obj_loss", "val/cls_loss")  # fmt: skip
_FINE, _COARSE = "metrics/mAP_0.5:0.95", "metrics/mAP_0.5"
_OF_BATCH = 2
"""Columns of the last batch alone: its labels and the size of its images."""
_COLUMNS = 2 + len(_LOSSES) + 1 + _OF_BATCH + len(_VALIDATED)
_DIGITS = 2e-3
"""Four digits of each of some numbers are kept: so far may their sum be from that of the table."""


@dataclass(frozen=True, slots=True)
class _Row:
    epoch: int
    last: int
    cells: tuple[float | None, ...]


def is_results(path: Path) -> bool:
    """Whether a file begins as such a table."""
    try:
        with open_ordinary(path, within=path.parent) as file:
            head = file.read(HEAD_BYTES) or b""
    except OSError:
        return False
    return any(_row(line) is not None for line in head.decode("utf-8", "replace").splitlines())


def read_results(place: Path, within: Path, settings: Mapping[str, Any]) -> tuple[Table | None, tuple[str, ...]]:
    """The table of a run folder, None where there is none that can be read, and what is to be said of it."""
    raw = foreign_bytes(place / NAME, within, most=MAX_TABLE_BYTES)
    lines = (raw or b"").decode("utf-8", "replace").splitlines()
    rows: Sequence[_Row] = [row for line in lines if (row := _row(line)) is not None]
    torn = sum(bool(line.strip()) for line in lines) - len(rows)
    if not rows:
        return None, ((f"no line of its {NAME} is one of YOLO's (epoch/epochs, memory, losses …)",) if torn else ())
    rows, notes = _last_training(rows)
    names, why = _names(rows)
    rows = [row for row in rows if len(row.cells) == len(rows[0].cells)]
    series: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        cells = dict(zip(names, row.cells, strict=True)) if names else {}
        # Where it was not to validate, the zeros that it began with stand in every row but the last.
        is_validated = row.epoch == row.last or not (settings.get("notest") or settings.get("noval"))
        for name, value in cells.items():
            if name and value is not None and (is_validated or name not in _VALIDATED):
                series.setdefault(name, []).append((row.epoch, value))
    steps = tuple(row.epoch for row in rows)
    table = Table(names=tuple(filter(None, names)), clock="epoch", steps=steps, series=series, texts=(), torn=torn)
    return table, (*notes, *why)


def _row(line: str) -> _Row | None:
    """A line as a row; None for what is none, and for one that breaks off."""
    words = line.split()
    count = re.fullmatch(r"(\d{1,9})/(\d{1,9})", words[0]) if words else None
    if count is None or len(words) < _COLUMNS:
        return None
    return _Row(int(count[1]), int(count[2]), tuple(as_number(word) for word in words[2:]))


def _last_training(rows: Sequence[_Row]) -> tuple[Sequence[_Row], tuple[str, ...]]:
    """The rows since the epochs last began anew, to which the settings in the folder belong."""
    starts = [0, *(number for number in range(1, len(rows)) if rows[number].epoch <= rows[number - 1].epoch)]
    if len(starts) == 1:
        return rows, ()
    told = f"its {NAME} holds the rows of {len(starts)} starts in one folder"
    why = f"{told}: the settings are the last one's, and so are the numbers that are read"
    return rows[starts[-1] :], (why,)


def _names(rows: Sequence[_Row]) -> tuple[Sequence[str], tuple[str, ...]]:
    """What the columns behind epoch and memory are called, those that measure nothing by an empty name; and why some
    are not known."""
    width = len(rows[0].cells)
    more = width + 2 - _COLUMNS
    if more and not _adds_up(rows, len(_LOSSES) + more):
        return (), (f"its {NAME} has {width + 2} columns, not {_COLUMNS}: which is which is not known",)
    others = [f"train/loss_{number}" for number in range(len(_LOSSES) + 1, len(_LOSSES) + 1 + more)]
    names = [*_LOSSES, *others, _TOTAL, *[""] * _OF_BATCH, *_VALIDATED]
    coarse, fine = names.index(_COARSE), names.index(_FINE)
    if any((row.cells[fine] or 0) > (row.cells[coarse] or 0) for row in rows if len(row.cells) == width):
        # YOLOv3 had the F1 score there once; nothing is right at stricter thresholds alone.
        names[coarse] = names[fine] = ""
        return names, (f"its {NAME} has two columns that are not mAP at 0.5 and at 0.5 to 0.95: neither counts",)
    return names, ()


def _adds_up(rows: Sequence[_Row], losses: int) -> bool:
    """Whether the number behind so many losses is their sum, in every row: so the columns of a fork that has one more
    of them are known."""
    for row in rows:
        parts, total = row.cells[:losses], row.cells[losses]
        numbers = [part for part in parts if part is not None]
        if total is None or len(numbers) < losses or not isclose(sum(numbers), total, rel_tol=_DIGITS, abs_tol=1e-6):
            return False
    return True
