"""Plain numbers from a file: a paper's table, another tracker's export. Columns arm, seed, value, and perhaps sequence.

One row is one run, or one sequence of one run; sequences are averaged inside the run before anything is
tested. Every cell is either understood or refused with its line; an empty value is a run without a number,
not no run.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import fsum, isfinite
from pathlib import Path

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.stats.values import ArmValues
from runaudit.system.files import read_ordinary

LARGEST_FILE_BYTES = 16 * 2**20
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf(inity)?|nan)", re.IGNORECASE)
_REQUIRED = ("arm", "seed", "value")
_EXAMPLE = "write columns arm,seed,value (and optionally sequence,status), one row per run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `place` names it in errors."""

    place: str
    arm: str
    seed: str
    value: float | None
    sequence: str
    status: str


def read_values(path: Path) -> tuple[ArmValues, ...]:
    """The arms of a CSV file, or of a JSON list of objects with the same keys, in the order they appear.

    Raises UsageError for a file that cannot be read or understood, NothingToJudgeError for one without rows.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise UsageError(f"{path} is larger than {LARGEST_FILE_BYTES} bytes", remedy="give one row per run")
        text = read_ordinary(path).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})", remedy="check the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", remedy="save it as UTF-8") from error
    return parse_values(text, name=str(path), is_json=path.suffix.lower() == ".json")


def parse_values(text: str, *, name: str, is_json: bool = False) -> tuple[ArmValues, ...]:
    """As `read_values`, on text; `name` is what errors call it."""
    rows = list(_json_rows(text, name) if is_json else _csv_rows(text, name))
    if not rows:
        raise NothingToJudgeError(f"{name} holds no values", remedy=_EXAMPLE)
    labels = dict.fromkeys(row.arm for row in rows)
    arms = tuple(_arm(label, [row for row in rows if row.arm == label]) for label in labels)
    if len({tuple(sequence for sequence, _ in arm.by_sequence) for arm in arms}) > 1:
        raise UsageError(
            f"{name}: the arms were not measured on the same sequences", remedy="give the same ones for all"
        )
    return arms


def _arm(label: str, rows: list[Row]) -> ArmValues:
    if all(not row.sequence for row in rows):
        return ArmValues(
            label=label,
            seeds=tuple(row.seed or None for row in rows),
            values=tuple(row.value for row in rows),
            statuses=tuple(row.status for row in rows),
        )
    return _arm_of_sequences(label, rows)


def _arm_of_sequences(label: str, rows: list[Row]) -> ArmValues:
    """Runs whose rows are sequences: every run must have every sequence exactly once."""
    runs: dict[str, dict[str, Row]] = {}
    for row in rows:
        if not row.sequence or not row.seed:
            raise UsageError(
                f"{row.place}: a sequence or seed is missing",
                remedy="name both in every row, or no sequence at all",
            )
        if row.sequence in runs.setdefault(row.seed, {}):
            raise UsageError(
                f"{row.place}: {label}, seed {row.seed} has sequence {row.sequence} twice",
                remedy="keep one row per seed and sequence",
            )
        runs[row.seed][row.sequence] = row
    names = sorted({row.sequence for row in rows})
    for seed, found in runs.items():
        absent = [name for name in names if name not in found]
        if absent:
            # Averaging what is there would compare different test sets.
            raise UsageError(
                f"{label}, seed {seed} lacks sequence {absent[0]}",
                remedy="add the row; leave its value empty if it failed",
            )
    return ArmValues(
        label=label,
        seeds=tuple(runs),
        values=tuple(_mean([found[name].value for name in names]) for found in runs.values()),
        statuses=tuple(_status(found) for found in runs.values()),
        by_sequence=tuple((name, tuple(found[name].value for found in runs.values())) for name in names),
    )


def _mean(values: list[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None
    if not all(isfinite(number) for number in numbers):
        return float("nan")
    return fsum(numbers) / len(numbers)


def _status(found: Mapping[str, Row]) -> str:
    named = sorted({row.status for row in found.values() if row.status})
    failed = [status for status in named if status not in ("completed", "early_stopped")]
    return (failed or named or [""])[0]


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, name)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{name}, line {reader.line_num}"
            if len(cells) != len(header):
                raise UsageError(f"{place} has {len(cells)} cells, the header {len(header)}", remedy=_EXAMPLE)
            yield _row(dict(zip(header, cells, strict=True)), place)
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: {error}", remedy=_EXAMPLE) from error


def _json_rows(text: str, name: str) -> Iterator[Row]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON ({error})", remedy="give a list of {arm, seed, value} objects") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UsageError(f"{name} is no list of objects", remedy="give a list of {arm, seed, value} objects")
    for index, item in enumerate(items):
        _check_header([key.lower() for key in item], f"{name}, item {index}")
        cells = {key.lower(): "" if cell is None else cell for key, cell in item.items()}
        nested = [key for key, cell in cells.items() if isinstance(cell, bool | list | dict)]
        if nested:
            raise UsageError(f"{name}, item {index}: '{nested[0]}' is neither text nor a number", remedy=_EXAMPLE)
        yield _row({key: str(cell) for key, cell in cells.items()}, f"{name}, item {index}")


def _check_header(header: list[str], name: str) -> None:
    absent = [column for column in _REQUIRED if column not in header]
    if absent:
        raise UsageError(f"{name} has no column '{absent[0]}'", remedy=_EXAMPLE)
    if len(set(header)) < len(header):
        raise UsageError(f"{name} names a column twice", remedy=_EXAMPLE)


def _row(cells: Mapping[str, str], place: str) -> Row:
    label, value = cells["arm"].strip(), cells["value"].strip()
    if not label:
        raise UsageError(f"{place}: the arm has no name", remedy=_EXAMPLE)
    if value and not _NUMBER.fullmatch(value):
        raise UsageError(
            f"{place}: '{value}' is no number",
            remedy="write 30.12, nan for a diverged run, or leave it empty",
        )
    return Row(
        place=place,
        arm=label,
        seed=cells["seed"].strip(),
        value=float(value) if value else None,
        sequence=cells.get("sequence", "").strip(),
        status=cells.get("status", "").strip().lower(),
    )
