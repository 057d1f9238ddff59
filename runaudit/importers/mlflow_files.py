"""MLflow's store of files: `mlruns/<experiment>/<run>` with `meta.yaml`, and a file for each parameter, metric and tag.

What else lies there looks alike: experiments, data sets, inputs, logged models and registered ones have a `meta.yaml`
of their own. A run has the folder that MLflow names by 32 hexadecimal digits, and what was logged in it.
"""

import contextlib
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.mlflow_run import DataInput, Looked, MlflowRun, Point, settings_above, text
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.tables import as_table
from runaudit.records.digest import digest_bytes
from runaudit.records.yamlfile import parse_yaml

META = "meta.yaml"
_ID = re.compile(r"[0-9a-f]{32}")
_LOGGED = frozenset({"params", "metrics", "tags", "inputs"})
_NO_RUNS = frozenset({"datasets", "inputs", "outputs", "traces", "models", "artifacts"})
"""Folders of an experiment, or of a run, whose own folders are no runs."""
_MOST = 100_000
"""Files of one kind in one run."""
_FAR = 2**53
"""No step: beyond it not every integer is a float."""


def is_run(here: Path, folders: Sequence[str], files: Sequence[str]) -> bool:
    """Whether a folder is that of a run. One without its `meta.yaml` is one that was damaged; artifacts alone belong to
    a run of a database."""
    logged, here = _LOGGED.intersection(folders), here.absolute()
    if here.parent.name in _NO_RUNS or not (META in files or len(logged) > 1):
        return False
    if _ID.fullmatch(here.name):
        return bool(logged) or "artifacts" in folders or META in files
    return META in files and {"params", "metrics"} <= logged


def read_folder(place: Path, within: Path) -> MlflowRun:
    """The run of a folder. Raises RecordError for a damaged one."""
    source, place, within = str(place), place.absolute(), within.absolute()
    # What an experiment says of its runs lies beside them: who names one run means it as it lies there.
    within = place.parent if within == place and _ID.fullmatch(place.name) else within
    meta = _table(place / META, within)
    if meta is None:
        raise RecordError(f"{place} has lost its {META}", remedy="leave this run out, or put the file back")
    if not meta:
        raise RecordError(f"{place / META} is empty", remedy="leave this run out, or put its content back")
    experiment, gone = _experiment(place.parent, within)
    tags = dict(_texts(place / "tags", within))
    run = text(meta.get("run_id") or meta.get("run_uuid")) or place.name
    series, torn = _series(place / "metrics", within)
    data, models = _inputs(place, within)
    other = [f"its folder is called {place.name}"] if run != place.name else []
    return MlflowRun(
        source=source,
        run=run,
        name=text(meta.get("run_name") or meta.get("name")),
        status=text(meta.get("status")),
        started=meta.get("start_time"),
        ended=meta.get("end_time"),
        user=text(meta.get("user_id")),
        experiment=experiment or {"id": text(meta.get("experiment_id"))},
        deleted=gone or text(meta.get("lifecycle_stage")) == "deleted" or place.parent.parent.name == ".trash",
        artifact_uri=text(meta.get("artifact_uri")),
        program=text(meta.get("source_name")),
        entry_point=text(meta.get("entry_point_name")),
        commit=text(meta.get("source_version")),
        params=dict(_texts(place / "params", within)),
        tags=tags,
        series=series,
        torn=torn,
        data=data,
        models=(models, _names(place / "outputs")),
        documents=dict(_documents(place / "artifacts", within)),
        above=settings_above(tags, lambda parent: _logged(place.parent, parent, within)),
        notes=other,
    )


def _documents(folder: Path, within: Path) -> Iterator[tuple[str, str]]:
    """The files among the artifacts that are called as settings are, as `log_dict(…, "config.yaml")` leaves them, each
    with its digest: what they say is not read, and that they differ is seen. Folders of models have files of their own
    of such names."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for root, folders, files in os.walk(folder):
        if "MLmodel" in files or len(Path(root).relative_to(folder).parts) > _DEEP:
            folders.clear()
            continue
        folders.sort()
        for path in (Path(root, name) for name in sorted(files) if _CALLED_SETTINGS.fullmatch(name)):
            with contextlib.suppress(RecordError):
                if (raw := foreign_bytes(path, within)) is not None:
                    yield path.relative_to(folder).as_posix(), str(digest_bytes(raw))


_CALLED_SETTINGS = re.compile(
    r"(?:(?:h|hyper)?param(?:s|eters)?|configs?|cfg|conf|settings|options|args|arguments)\.(?:ya?ml|json|toml|ini|txt)",
    re.IGNORECASE,
)
_DEEP = 2


def _logged(experiment: Path, run: str, within: Path) -> Looked | None:
    """The parameters and tags of a run of the same store, most likely of the same experiment."""
    if not _ID.fullmatch(run):
        return None
    folders = [experiment, *sorted(islice(experiment.parent.iterdir(), _MOST))]
    for folder in (one / run for one in folders if one.is_relative_to(within)):
        if (folder / META).is_file() and not folder.is_symlink():
            return dict(_texts(folder / "params", within)), dict(_texts(folder / "tags", within))
    return None


def _experiment(folder: Path, within: Path) -> tuple[dict[str, str], bool]:
    """Id and name of an experiment, and whether it was deleted; nothing where it was not named, too."""
    if folder != within and not folder.is_relative_to(within):
        return {}, False
    meta = _table(folder / META, within) or {}
    found = {"id": text(meta.get("experiment_id")), "name": text(meta.get("name"))}
    return {key: value for key, value in found.items() if value}, text(meta.get("lifecycle_stage")) == "deleted"


# ── parameters, tags, metrics ────────────────────────────────────────────────────────────────────────────────────


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name -> file of what was logged: a name with slashes lies in folders."""
    count = 0
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            count += 1
            if count > _MOST:
                raise RecordError(f"{folder} holds more than {_MOST} files", remedy="leave this run out")
            path = Path(root, name)
            yield path.relative_to(folder).as_posix(), path


def _texts(folder: Path, within: Path) -> Iterator[tuple[str, str]]:
    for name, path in _files(folder):
        raw = foreign_bytes(path, within) or b""
        # MLflow ends a value with its last character; what cleans a repository ends a file with a newline.
        yield name, re.sub(r"\r?\n\Z", "", raw.decode("utf-8", "backslashreplace"))


def _series(folder: Path, within: Path) -> tuple[dict[str, list[Point]], int]:
    """Name -> points of every metric, and how many lines could not be read."""
    series: dict[str, list[Point]] = {}
    torn = 0
    for name, path in _files(folder):
        lines = (foreign_bytes(path, within, most=MAX_LOG_BYTES) or b"").splitlines()
        points = [_point(line) for line in lines if line.strip()]
        series[name] = [point for point in points if point is not None]
        torn += len(points) - len(series[name])
    return series, torn


def _point(line: bytes) -> Point | None:
    """`milliseconds value step`, without the step in old stores, with a data set behind it in new ones."""
    parts = line.split(None, 3)
    try:
        step = int(parts[2]) if len(parts) > 2 else None
        found = (step if step is None or abs(step) < _FAR else None), float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        return None
    return found if math.isfinite(found[1]) else None


# ── inputs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _inputs(place: Path, within: Path) -> tuple[list[DataInput], list[str]]:
    """The data sets and the logged models that a run read."""
    data, models = [], []
    for name in _names(place / "inputs"):
        link = _table(place / "inputs" / name / META, within) or {}
        of = text(link.get("source_id"))
        if text(link.get("source_type")).upper() == "MODEL":
            models.append(of)
        elif re.fullmatch(r"[\w-]+", of):
            data.append(_data(place.parent / "datasets" / of / META, within, link))
    return data, models


def _data(path: Path, within: Path, link: Mapping[str, Any]) -> DataInput:
    meta = (_table(path, within) if path.is_relative_to(within) else None) or {}
    tags = link.get("tags")
    context = tags.get("mlflow.data.context") if isinstance(tags, Mapping) else None
    return DataInput(
        name=text(meta.get("name")) or path.parent.name,
        digest=text(meta.get("digest")),
        context=text(context),
        source_type=text(meta.get("source_type")),
        source=text(meta.get("source")),
        schema=text(meta.get("schema")),
        profile=text(meta.get("profile")),
    )


def _names(folder: Path) -> list[str]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(entry.name for entry in islice(folder.iterdir(), _MOST))


def _table(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    return None if raw is None else as_table(parse_yaml(raw, where=str(path)), path) or {}
