"""One run as MLflow tells of it, whichever of its stores it lies in, and the draft that becomes of it.

MLflow keeps every setting as text, names the script and the commit in tags, and knows nothing of uncommitted changes,
of the software around the run and of its seed. Its digest of a data set is eight digits over the first 10,000 rows:
where it differs the data differ, and where it is equal nobody knows.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from runaudit.importers.draft import Draft, typed
from runaudit.importers.launchers import stands_in
from runaudit.records.canonical import JSON
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import INHERITED
from runaudit.records.seednames import names_the_seed
from runaudit.system.clock import utc_text

STATUS: Mapping[str, str] = {"FINISHED": "completed", "FAILED": "crashed", "KILLED": "killed"}
"""What is not here, RUNNING and SCHEDULED, says nothing: a process that was shot dead is RUNNING for ever."""
NUMBERED: Mapping[str, str] = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
CUT = frozenset({250, 500, 6000})
"""Lengths at which MLflow cuts a value, one after another in its history."""
ESTIMATOR = ("estimator_class", "estimator_name")
"""Tags in which autologging says what was trained; the parameters beside them say how."""
UNKNOWN: Mapping[str, str] = {
    "config": "no parameter was logged",
    "code.commit": "MLflow found no git repository around the script",
    "code.patch": "MLflow does not record uncommitted changes",
    "data": "no data set was logged",
    "env": "MLflow does not record the software around a run",
}
PARENT = "mlflow.parentRunId"
_DEEP = 16
"""Runs within runs; what goes deeper goes in a circle."""
Point = tuple[int | None, float, float]
"""Step, or None where there is none; when it was logged, in milliseconds; the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInput:
    """A data set that was logged as an input. source, profile: JSON in text, as MLflow keeps them."""

    name: str
    digest: str = ""
    context: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowRun:
    """One run in MLflow's own words, empty where a store does not say. status: by name or number. started, ended:
    milliseconds since 1970. models: the logged models that it read, and those that it made. above: what was logged
    for the runs that it is nested in; None where one of them is not there to be read. documents: the files
    among the artifacts that are called as settings are, by their digests."""

    source: str
    run: str
    name: str = ""
    status: str = ""
    started: Any = None
    ended: Any = None
    user: str = ""
    experiment: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    artifact_uri: str = ""
    program: str = ""
    entry_point: str = ""
    commit: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    torn: int = 0
    data: Sequence[DataInput] = ()
    models: tuple[Sequence[str], Sequence[str]] = ((), ())
    above: Mapping[str, str] | None = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def settings(self) -> Mapping[str, str]:
        """The parameters, those of the runs it is nested in among them: a fold is trained with what its whole says."""
        return {**(self.above or {}), **self.params}


Looked = tuple[Mapping[str, str], Mapping[str, str]]
"""The parameters and the tags of a run that was looked up."""


def settings_above(tags: Mapping[str, str], look_up: Callable[[str], Looked | None]) -> Mapping[str, str] | None:
    """The parameters of the runs above one, the nearest before the others; None where one of them is not found."""
    found: dict[str, str] = {}
    for _ in range(_DEEP):
        parent = tags.get(PARENT)
        if not parent:
            return found
        looked = look_up(parent)
        if looked is None:
            return None
        params, tags = looked
        found = {**params, **found}
    return None


def draft_of(run: MlflowRun) -> Draft:
    """The draft of a run. One that was deleted was launched all the same: it counts, and its label says so."""
    name = run.name or run.tags.get("mlflow.runName", "")
    program, unknown = _program(run)
    code, patch = _code(run), run.tags.get("mlflow.source.git.diff") or None
    known = {"code.commit": code.get("commit"), "code.patch": patch}
    unknown |= {path: why for path, why in UNKNOWN.items() if not known.get(path)}
    config = {key: typed(value) for key, value in {**_estimator(run.tags), **run.settings}.items()}
    if config and (tags := dict(_tagged(run, name))):
        config["tags"] = {**(config["tags"] if isinstance(config.get("tags"), Mapping) else {}), **tags}
    if config and run.documents:
        config["artifacts"] = dict(run.documents)
    if run.above is None:
        unknown[INHERITED] = f"it is a part of the run {run.tags.get(PARENT)}, whose parameters are not in the record"
    started, ended = _seconds(run.started), _seconds(run.ended)
    folder = local_folder(run.artifact_uri)
    return Draft(
        kind="mlflow",
        source=run.source,
        run=run.run,
        identity=run.run,
        name=f"{name or run.run} (deleted)" if run.deleted else name or None,
        config=config or None,
        program=program,
        seed=_tagged_seed(run),
        code={**code, "root": _root(folder)},
        patch=patch,
        env={"image": run.tags.get("mlflow.docker.image.id") or run.tags.get("mlflow.docker.image.uri")},
        data=dict(_data(run.data)),
        init={"model": ", ".join(sorted(run.models[0]))} if run.models[0] else {},
        launch={"started": _moment(started), "run_dir": folder},
        series={key: _steps(points) for key, points in run.series.items()},
        torn=run.torn,
        metrics={key: _latest(points) for key, points in run.series.items() if points},
        status=STATUS.get(_status(run)),
        duration_s=ended - started if started is not None and ended is not None and ended >= started else None,
        told=_told(run, name),
        unknown={**unknown, **dict(_cut(run.settings))},
        notes=run.notes,
    )


def _tagged(run: MlflowRun, name: str) -> Iterator[tuple[str, JSON]]:
    """The tags that a user set: where many keep which variant a run is of. A tag that only says which run it is, or
    when it was made, is none of its settings."""
    is_trial = any(f"{key}_distribution" in run.tags for key in run.params)
    for key, value in run.tags.items():
        if key.startswith("mlflow.") or key in ESTIMATOR or names_the_seed(key) or (is_trial and key in _OF_A_TRIAL):
            continue
        if run.run in value or value == name or _MOMENT.fullmatch(value.strip()):
            continue
        yield key, typed(value)


_MOMENT = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}|\d{8})(?:[T _-]?\d{2}[:_-]?\d{2}(?:[:_-]?\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?"
)
_OF_A_TRIAL = frozenset({"number", "state", "direction"})
"""Tags of Optuna's, beside one `…_distribution` for each parameter: which trial of a search it was."""


# ── code ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _program(run: MlflowRun) -> tuple[str | None, dict[str, str]]:
    """The script, or the project of an entry point; and why it is unknown, where what is named is none."""
    named = run.tags.get("mlflow.source.name") or run.program
    if not named:
        return None, {"code.program": "the record does not name the script"}
    if why := stands_in(named):
        return None, {"code.program": why}
    return named, {} if _is_placed(named) else {"code.program": f"MLflow names {named}, and not the folder it ran in"}


def _is_placed(program: str) -> bool:
    """Whether a script is named with the folder that it lay in: two folders may each hold a `train.py`."""
    return PurePosixPath(program).is_absolute() or PureWindowsPath(program).is_absolute() or "://" in program


def _code(run: MlflowRun) -> dict[str, Any]:
    tags = run.tags
    remote = tags.get("mlflow.source.git.repoURL") or tags.get("mlflow.databricks.gitRepoUrl")
    code = {
        "commit": tags.get("mlflow.source.git.commit") or tags.get("mlflow.databricks.gitRepoCommit") or run.commit,
        "branch": tags.get("mlflow.source.git.branch"),
        # A remote may carry a token; who may read the store need not push.
        "remote": re.sub(r"://[^/@]*@", "://", remote) if remote else None,
        "entry_point": tags.get("mlflow.project.entryPoint") or run.entry_point,
        # That tracked files are as committed says nothing of the others, so only the contrary is taken over.
        "dirty": True if tags.get("mlflow.source.git.dirty", "").lower() == "true" else None,
    }
    return {key: value for key, value in code.items() if value}


def local_folder(uri: str) -> str | None:
    """The folder of a run from the place of its artifacts: a path, or the address where it lies elsewhere; None where a
    server keeps it to itself."""
    if not uri or uri.startswith(("mlflow-artifacts:", "http:", "https:")):
        return None
    if re.match(r"(?i)file:", uri):
        uri = re.sub(r"(?i)^file:(?://(?:localhost)?(?=/|[A-Za-z]:))?", "", unquote(uri)).replace("\\", "/")
        uri = re.sub(r"^/+(?=[A-Za-z]:)", "", uri)
    return re.sub(r"[/\\]artifacts[/\\]?$", "", uri) or None


def _root(folder: str | None) -> str | None:
    """The folder in which a store of files was made: the one that a program ran in, by default, and below which it is
    the same script wherever that lies."""
    parts = PurePosixPath((folder or "").replace("\\", "/")).parents
    is_store = len(parts) > 2 and parts[1].name == "mlruns" and ":/" not in parts[1].as_posix()[2:]
    return parts[2].as_posix() if is_store else None


def _estimator(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: tags[key] for key in ESTIMATOR if tags.get(key)}


def _cut(params: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Parameters that are as long as MLflow lets one be."""
    for key, value in params.items():
        if len(value) in CUT and re.fullmatch(r"[\w-]+", key):
            yield f"config.{key}", f"its value has {len(value)} characters, where MLflow cuts one off"


def _tagged_seed(run: MlflowRun) -> int | None:
    """A seed that was logged as a tag, where no parameter names one."""
    if any(names_the_seed(key) for key in run.settings):
        return None
    values = {value for key, value in run.tags.items() if names_the_seed(key) and re.fullmatch(r"\d{1,20}", value)}
    return int(values.pop()) if len(values) == 1 else None


# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _data(inputs: Sequence[DataInput]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each data set under its name, and what it was for where several have one name. Its digest is under a name that
    nothing takes for a digest of the whole."""
    names = [one.name for one in inputs]
    taken: set[str] = set()
    for one in inputs:
        name = one.name if names.count(one.name) == 1 or not one.context else f"{one.name} ({one.context})"
        if name in taken:
            name = f"{name} {one.digest}"
        taken.add(name)
        facts = {"mlflow_digest": one.digest, "context": one.context, "source_type": one.source_type,
                 "profile": _parsed(one.profile), **_source(one),
                 "schema": str(digest_bytes(one.schema.encode())) if one.schema else None}  # fmt: skip
        yield name, {key: value for key, value in facts.items() if value}


def _source(one: DataInput) -> dict[str, Any]:
    """Where data came from. Of data made by code MLflow says who ran which script, and it says that elsewhere."""
    if one.source_type == "code":
        return {}
    source = _parsed(one.source)
    if isinstance(source, Mapping) and len(source) == 1:
        (place,) = source.values()
        return {"path": place} if isinstance(place, str) else {"source": source}
    return {"source": source}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _steps(points: Sequence[Point]) -> list[tuple[int, float]]:
    """The points over their steps, as they were logged. Who gives no step gets 0 for every one, and then the row's
    number tells them apart."""
    if any(step is None for step, _, _ in points) or (len(points) > 1 and not any(step for step, _, _ in points)):
        return [(row, value) for row, (_, _, value) in enumerate(points)]
    return [(step or 0, value) for step, _, value in points]


def _latest(points: Sequence[Point]) -> float:
    """The value that MLflow shows: that of the last step, and of several there the one that was logged last."""
    return max(enumerate(points), key=lambda row: (row[1][0] or 0, row[1][1], row[0]))[1][2]


# ── what else ────────────────────────────────────────────────────────────────────────────────────────────────────


def _status(run: MlflowRun) -> str:
    return NUMBERED.get(run.status, run.status.upper())


def _told(run: MlflowRun, name: str) -> dict[str, Any]:
    tags = run.tags
    told = {
        "name": name,
        "status": _status(run),
        "lifecycle": "deleted" if run.deleted else "",
        "experiment": run.experiment,
        "user": tags.get("mlflow.user") or run.user,
        "parent": tags.get(PARENT),
        "from_parent": sorted(set(run.above or ()) - set(run.params)),
        "note": tags.get("mlflow.note.content"),
        "artifacts": run.artifact_uri,
        "models": list(run.models[1]),
        "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        "mlflow": {key.removeprefix("mlflow."): value for key, value in tags.items() if key in _KEPT},
    }
    return {key: value for key, value in told.items() if value}


_KEPT = frozenset({"mlflow.source.type", "mlflow.project.env", "mlflow.project.backend", "mlflow.autologging",
                   "mlflow.runType", "mlflow.docker.image.uri", "mlflow.databricks.notebookPath"})  # fmt: skip


def _seconds(milliseconds: Any) -> float | None:
    if isinstance(milliseconds, str) and re.fullmatch(r"\d{1,15}", milliseconds):
        milliseconds = int(milliseconds)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 < milliseconds < 1e14 else None  # A run that was never started has 0, or nothing.


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else utc_text(seconds)


def unbounded(value: float) -> float:
    """A value out of a database of MLflow's, which keeps infinity as the largest float."""
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else value


def text(value: Any) -> str:
    """A cell or a field as text; empty where there is nothing."""
    return "" if value is None else str(value)
