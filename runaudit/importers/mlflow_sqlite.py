"""MLflow's database of sqlite (`mlflow.db`), of any age: what a table or a column of a later version would say is
unknown where there is none. Read in place and never written to.

All runs are read in one pass: four tables in the order of the runs' ids, side by side. An old database has no index by
which the rows of one run could be asked for.
"""

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.mlflow_run import (
    PARENT,
    DataInput,
    Looked,
    MlflowRun,
    Point,
    settings_above,
    text,
    unbounded,
)
from runaudit.importers.opened import MAX_FILE_BYTES, MAX_LOG_BYTES
from runaudit.system.files import open_ordinary, read_within

_HEAD = b"SQLite format 3\0"
_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3", ".db3"})
_TABLES = ("runs", "experiments", "params", "tags", "metrics", "inputs", "input_tags", "datasets")
_SIDE_FILES = ("-wal", "-journal")
_STEPS = 1_000_000
"""Steps of sqlite's machine between two looks at how many there were."""
LOCKED_S = 30.0
"""How long a writer is waited for."""
Row = Sequence[Any]


def may_be_database(path: Path, within: Path) -> bool:
    """Whether a file is one of MLflow's databases: called so, or one of sqlite with MLflow's tables in it."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    if re.match(r"ml(?:flow|runs)", path.name, re.IGNORECASE):
        return True
    with contextlib.suppress(RecordError, sqlite3.Error, OSError), _opened(path, within) as db:
        return {"runs", "experiments", "metrics"} <= _columns(db).keys()
    return False


def is_live(path: Path) -> bool:
    """Whether a database that programs may be writing to is one of MLflow's."""
    with contextlib.suppress(sqlite3.Error, OSError), _live(path) as db:
        return "runs" in _columns(db)
    return False


def read_live(path: Path, runs: frozenset[str]) -> Iterator[MlflowRun]:
    """These runs of a database that other programs may be writing to. Raises RecordError for what is damaged."""
    try:
        with _live(path) as db:
            tables = _columns(db)
            if "run_uuid" in tables.get("runs", ()):
                yield from _runs(db, tables, path, only=runs)
    except (sqlite3.Error, OverflowError) as error:
        raise RecordError(f"{path} cannot be read: {error}", remedy=f"runaudit import mlflow {path}") from error


def read_database(path: Path, within: Path) -> Iterator[MlflowRun | Skipped]:
    """Every run of a database, by its id. Raises RecordError for what is none."""
    if path.is_file() and not path.stat().st_size and not _side_files(path):
        yield Skipped(source=str(path), reason="it is empty: MLflow wrote no run to it")
        return
    try:
        with _opened(path, within) as db:
            tables = _columns(db)
            if "runs" not in tables or "run_uuid" not in tables["runs"]:
                yield Skipped(source=str(path), reason="it is a database without MLflow's table of runs")
                return
            found = None
            for found in _runs(db, tables, path):
                yield found
            if found is None:
                yield Skipped(source=str(path), reason="MLflow wrote no run to it")
    except (sqlite3.Error, OverflowError) as error:
        raise RecordError(
            f"{path} is damaged or no database of sqlite: {error}",
            remedy="leave it out, or import what `sqlite3 FILE .recover` saves of it",
        ) from error


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _opened(path: Path, within: Path) -> Iterator[sqlite3.Connection]:
    """A database, opened so that nothing is written. Where sqlite must mend it first, a copy is mended."""
    _check(path, within)
    with contextlib.ExitStack() as stack:
        how, place = "mode=ro&immutable=1", Path(os.path.realpath(path))
        if _side_files(path):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="runaudit-"))
            how, place = "mode=rw", _copied(path, within, Path(folder))
        db = sqlite3.connect(f"file:{quote(str(place))}?{how}", uri=True)
        stack.callback(db.close)
        db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_FILE_BYTES)
        db.execute("PRAGMA trusted_schema = OFF")
        db.set_progress_handler(_Patience(place.stat().st_size).ends, _STEPS)
        yield db


@contextlib.contextmanager
def _live(path: Path) -> Iterator[sqlite3.Connection]:
    """A database opened beside those who write to it: under sqlite's own locks, and only to read."""
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=LOCKED_S)
    ) as db:
        db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        db.execute("PRAGMA trusted_schema = OFF")
        yield db


def _check(path: Path, within: Path) -> None:
    """Raises RecordError for what is no ordinary file of sqlite, or lies elsewhere."""
    sizes = [place.stat().st_size for place in (path, *map(path.with_name, _side_files(path))) if place.is_file()]
    if sum(sizes) > MAX_LOG_BYTES:
        raise RecordError(
            f"{path} is larger than {MAX_LOG_BYTES >> 30} GiB", remedy="ask the server that it belongs to"
        )
    try:
        head = read_within(path, within, most=len(_HEAD))
    except OSError as error:
        raise RecordError(
            f"{path} cannot be read: {error.strerror or error}",
            remedy="leave it out, or put a copy of the file that is meant in its place",
        ) from error
    if head != _HEAD and not (not head and _side_files(path)):
        raise RecordError(f"{path} is no database of sqlite", remedy="leave it out")


def _side_files(path: Path) -> list[str]:
    """What sqlite has not put into the database yet, or would take back out of it."""
    names = (f"{path.name}{suffix}" for suffix in _SIDE_FILES)
    return [name for name in names if path.with_name(name).is_file() and path.with_name(name).stat().st_size]


def _copied(path: Path, within: Path, folder: Path) -> Path:
    for name in (path.name, *_side_files(path)):
        real = Path(os.path.realpath(path.with_name(name)))
        if not real.is_relative_to(os.path.realpath(within)):
            raise RecordError(f"{path.with_name(name)} leads out of {within}", remedy="leave it out")
        with open_ordinary(real, within=real.parent) as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)
    return folder / path.name


class _Patience:
    """How long a database may take: a doctored one, whose pages lead to each other, is read without end."""

    def __init__(self, size: int) -> None:
        self._left = 200 + size * 20 // _STEPS

    def ends(self) -> bool:
        """Whether it took longer than any honest one of this size."""
        self._left -= 1
        return self._left < 0


def _columns(db: sqlite3.Connection) -> Mapping[str, frozenset[str]]:
    """MLflow's tables that are there, with their columns. A view, or a column that is computed, is none of MLflow's."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    plain = {name for name, sql in rows if re.match(r"\s*CREATE\s+TABLE\b", text(sql), re.IGNORECASE)}
    return {table: frozenset(row[1] for row in db.execute(f"PRAGMA table_info({table})"))
            for table in _TABLES if table in plain}  # fmt: skip


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Beside:
    """The rows of a table that belong to a run, asked for in the order of the runs' ids."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, run: str) -> list[Row]:
        """The rows of one run, without its id."""
        while self._next is not None and self._next[0] < run:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != run:
            return []
        rows = [row[1:] for row in self._next[1]]
        self._next = next(self._groups, None)
        return rows


def _rows(
    db: sqlite3.Connection,
    tables: Mapping[str, frozenset[str]],
    only: frozenset[str] | None,
    table: str,
    *columns: str,
) -> Iterator[Row]:
    """The rows of a table by run, as they were written: the run's id, then these columns, None for one it lacks.
    `only`: of these runs."""
    there = tables.get(table, frozenset())
    if "run_uuid" not in there:
        return iter(())
    wanted = ", ".join(column if column in there else "NULL" for column in columns)
    ids = sorted(only or ())
    among = "" if only is None else f" AND run_uuid IN ({', '.join('?' for _ in ids)})"
    rows = f"SELECT run_uuid, {wanted} FROM {table} WHERE {_plain('run_uuid')}{among} ORDER BY run_uuid, rowid"
    return db.execute(rows, ids)


def _plain(column: str) -> str:
    """That an id is one of MLflow's: of any other the order would be another here than there."""
    return f"typeof({column}) = 'text' AND {column} NOT GLOB '*[^0-9A-Za-z_-]*'"


_INPUTS = f"""
SELECT i.destination_id, d.name, d.digest, t.value, d.dataset_source_type, d.dataset_source, d.dataset_schema,
       d.dataset_profile
FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context'
WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND {_plain("i.destination_id")}
ORDER BY i.destination_id, i.rowid
"""
_MODELS = f"""
SELECT source_id, source_type, destination_id FROM inputs
WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND {_plain("source_id")}
ORDER BY source_id, rowid
"""
_OF_INPUTS = {"inputs": {"source_id", "source_type", "destination_id", "destination_type", "input_uuid"},
              "datasets": {"dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema",
                           "dataset_profile"},
              "input_tags": {"input_uuid", "name", "value"}}  # fmt: skip
_OF_A_RUN = ("name", "status", "start_time", "end_time", "user_id", "lifecycle_stage", "artifact_uri", "source_name",
             "entry_point_name", "source_version", "experiment_id")  # fmt: skip


def _runs(
    db: sqlite3.Connection, tables: Mapping[str, frozenset[str]], path: Path, *, only: frozenset[str] | None = None
) -> Iterator[MlflowRun]:
    experiments = _experiments(db, tables)
    has_inputs = all(columns <= tables.get(table, frozenset()) for table, columns in _OF_INPUTS.items())
    data = _Beside(db.execute(_INPUTS) if has_inputs else iter(()))
    models = _Beside(db.execute(_MODELS) if has_inputs else iter(()))
    params, tags = (_Beside(_rows(db, tables, only, table, "key", "value")) for table in ("params", "tags"))
    above = _parents(db, tables)
    metrics = _Beside(_rows(db, tables, only, "metrics", "key", "step", "timestamp", "value", "is_nan"))
    for run, *cells in _rows(db, tables, only, "runs", *_OF_A_RUN):
        row = dict(zip(_OF_A_RUN, cells, strict=True))
        experiment, gone = experiments.get(text(row["experiment_id"]), ({"id": text(row["experiment_id"])}, False))
        links = models.of(run)
        tagged = _table(tags.of(run))
        yield MlflowRun(
            source=f"{path} run {run}",
            run=run,
            name=text(row["name"]),
            status=text(row["status"]),
            started=row["start_time"],
            ended=row["end_time"],
            user=text(row["user_id"]),
            experiment=experiment,
            deleted=gone or row["lifecycle_stage"] == "deleted",
            artifact_uri=text(row["artifact_uri"]),
            program=text(row["source_name"]),
            entry_point=text(row["entry_point_name"]),
            commit=text(row["source_version"]),
            params=_table(params.of(run)),
            tags=tagged,
            above=settings_above(tagged, above.get),
            series=_series(metrics.of(run)),
            data=[DataInput(**dict(zip(_OF_DATA, map(text, one), strict=True))) for one in data.of(run)],
            models=(_linked(links, "RUN_INPUT"), _linked(links, "RUN_OUTPUT")),
        )


def _parents(db: sqlite3.Connection, tables: Mapping[str, frozenset[str]]) -> Mapping[str, Looked]:
    """What was logged for every run that others are nested in, by its id."""
    if not {"run_uuid", "key", "value"} <= tables.get("tags", frozenset()):
        return {}
    rows = db.execute("SELECT DISTINCT value FROM tags WHERE key = ? LIMIT ?", (PARENT, _MOST_PARENTS)).fetchall()
    ids = frozenset(text(row[0]) for row in rows)
    found: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for at in range(0, len(ids), _AT_ONCE):
        some = frozenset(sorted(ids)[at : at + _AT_ONCE])
        found |= {text(run): ({}, {}) for run, _ in _rows(db, tables, some, "runs", "status")}
        for place, table in enumerate(("params", "tags")):
            for run, key, value in _rows(db, tables, some, table, "key", "value"):
                if run in found:
                    found[run][place][text(key)] = text(value)
    return found


_AT_ONCE = 500
"""Ids in one question: sqlite takes some thousands."""
_MOST_PARENTS = 100_000
_OF_DATA = ("name", "digest", "context", "source_type", "source", "schema", "profile")


def _experiments(
    db: sqlite3.Connection, tables: Mapping[str, frozenset[str]]
) -> dict[str, tuple[dict[str, str], bool]]:
    """Id -> what an experiment is called, and whether it was deleted."""
    if not {"experiment_id", "name"} <= tables.get("experiments", frozenset()):
        return {}
    stage = "lifecycle_stage" if "lifecycle_stage" in tables["experiments"] else "NULL"
    rows = db.execute(f"SELECT experiment_id, name, {stage} FROM experiments")
    return {text(one): ({"id": text(one), "name": text(name)}, state == "deleted") for one, name, state in rows}


def _linked(links: Sequence[Row], kind: str) -> list[str]:
    return [text(model) for of, model in links if of == kind]


def _table(rows: Sequence[Row]) -> dict[str, str]:
    return {text(key): text(value) for key, value in rows}


def _series(rows: Sequence[Row]) -> dict[str, list[Point]]:
    """Name -> points. NaN has a column of its own."""
    series: dict[str, list[Point]] = {}
    for key, step, time, value, is_nan in rows:
        point = float("nan") if is_nan in (1, "1", True) else _value(value)
        if point is not None:
            at = step if isinstance(step, int) else None
            series.setdefault(text(key), []).append((at, time if isinstance(time, int | float) else 0.0, point))
    return series


def _value(cell: Any) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return unbounded(float(cell))
