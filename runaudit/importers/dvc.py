"""DVC's pipelines: what `dvc.lock` says ran, and every experiment that the repository keeps under `refs/exps`.

`dvc.lock` is what ran; `params.yaml` is what would run next and may have been edited since, so where the two differ the
lock has the word and the difference is told. A dependency is data or code by its MD5: equal digests are equal bytes as
far as MD5 goes. An experiment is a commit on another one: that one is its code, and what it changed beside settings,
lock and results is its patch. The work tree itself is of no commit that anybody wrote down.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runaudit.errors import CaptureError, RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.dvc_files import (
    LIVE,
    Experiment,
    Files,
    InFolder,
    config_of,
    experiments,
    params_beside,
    results,
    series_beside,
    table,
    without_bytecode,
)
from runaudit.importers.pipeline import Command, command_of
from runaudit.importers.tables import part
from runaudit.records.canonical import JSON
from runaudit.records.manifest import UNLOGGED

WHOLE = True
LOCK, PIPELINE = "dvc.lock", "dvc.yaml"
_CODE = (".py", ".ipynb", ".sh", ".r", ".jl", ".c", ".cc", ".cpp", ".cu", ".h", ".hpp", ".go", ".rs", ".java", ".m",
         ".lua", ".pl")  # fmt: skip
"""A dependency of such a name is code; any other is data."""

UNKNOWN = {
    "seed": "no parameter names it",
    "env": "DVC does not record the environment",
    "init": "DVC does not record what the weights began from",
    "eval": "DVC does not record how the run was evaluated",
    "data": "no stage of the pipeline depends on data",
    "code.commit": "dvc.lock names no commit: the work tree may have moved on since",
}
NO_PARAMS = "no stage tracks a parameter"


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The lock of a pipeline in a folder; or a folder of DVCLive's, which no pipeline around it tells of."""
    if LOCK in files:
        return (here / LOCK,)
    lives = "metrics.json" in files and "plots" in folders and not (here.parent / LOCK).exists()
    return (here,) if lives else ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run that a lock tells of, and the repository's experiments. Raises RecordError for a malformed lock."""
    if place.name != LOCK:
        yield from _live(place, within)
        return
    files = InFolder(place.parent, within)
    lock, twin, others = files.raw(LOCK), "", 0
    try:
        for found in experiments(place.parent, within):
            if (ran := found.files.raw(LOCK)) is None:
                continue
            twin = found.name if ran == lock else twin
            others += 1
            yield _experiment(found, f"{place} {found.ref}")
    except CaptureError as error:
        source = f"{place.parent / '.git'} refs/exps"
        yield Skipped(source=source, reason=f"its experiments were not read: {error.message}")
    if twin:  # `dvc exp run` leaves what it ran in the work tree: one launch is one run.
        yield Skipped(source=str(place), reason=f"its lock is that of the experiment {twin}, which is imported")
        return
    try:
        yield _draft(files, place.parent.absolute().name, str(place))
    except RecordError as error:
        if not others:
            raise
        yield Skipped(source=str(place), reason=error.message, broken=True)


def _experiment(found: Experiment, source: str) -> Draft | Skipped:
    """The run of an experiment; why there is none, where it is damaged."""
    try:
        return _of_experiment(_draft(found.files, found.name, source), found)
    except RecordError as error:
        return Skipped(source=source, reason=error.message, broken=True)


def _of_experiment(draft: Draft, found: Experiment) -> Draft:
    """The run of an experiment, with its base as the commit and what it changed there as the patch. A source that git
    holds is told by these two, and not by its digest as well."""
    sources = {path: digest for path, digest in draft.code.get("sources", {}).items()
               if found.files.raw(path) is None and not found.files.below(path)}  # fmt: skip
    code = {name: value for name, value in draft.code.items() if name != "sources"}
    return replace(
        draft,
        run=found.commit,
        identity=found.commit,
        code={**code, "commit": found.base, **({"sources": sources} if sources else {})},
        patch=found.patch(frozenset({*_beside_the_code(found.files), *draft.data})),
        told={**draft.told, "experiment": found.name, "ref": found.ref, "base": found.base},
        unknown={path: why for path, why in draft.unknown.items() if path != "code.commit"},
    )


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that ran: what it was called with, what it read, and what it made."""

    name: str
    command: Command
    params: Mapping[str, Any]
    deps: Mapping[str, str]
    outs: Mapping[str, str]


def stages_of(lock: Mapping[str, Any]) -> list[Stage]:
    """The stages of a lock, in its order. The first schema has them at the top."""
    listed = part(lock, "stages") if "schema" in lock or isinstance(lock.get("stages"), Mapping) else lock
    return [
        Stage(name, command_of(entry.get("cmd")), config_of(part(entry, "params")), dict(_digests(entry.get("deps"))),
              dict(_digests(entry.get("outs"))))
        for name, entry in listed.items()
        if isinstance(entry, Mapping)
    ]  # fmt: skip


def _digests(rows: JSON) -> Iterator[tuple[str, str]]:
    """Path -> digest of what a stage read or made. Of a place elsewhere its tag stands for the content."""
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, Mapping) or not row.get("path"):
            continue
        for algorithm in ("md5", "etag", "checksum", "sha256"):
            if row.get(algorithm):
                yield posixpath.normpath(str(row["path"])), f"{algorithm}:{row[algorithm]}"
                break
        else:
            yield posixpath.normpath(str(row["path"])), ""


def _draft(files: Files, name: str, source: str) -> Draft:
    lock = table(files, LOCK)
    stages = stages_of(lock or {})
    if not stages:
        raise RecordError(f"{source} holds no stage that ran", remedy="dvc repro writes it")
    made = {path: digest for stage in stages for path, digest in stage.outs.items()}
    read_in = {path: digest for stage in stages for path, digest in stage.deps.items() if path not in made}
    code = {path: digest for path, digest in read_in.items() if _is_code(path, files)}
    data = {path: digest for path, digest in read_in.items() if path not in code}
    config, stale, untracked = _config(stages, files)
    metrics, notes = results(files, table(files, PIPELINE) or {}, made)
    torn = _torn(stages, made)
    single = stages[0].command if len(stages) == 1 else Command()
    return Draft(
        kind="dvc",
        source=source,
        run=name,
        name=name,
        config=config,
        program=single.program,
        argv=single.argv,
        code=_code(stages, code),
        data={path: {"digest": digest, "path": path} if digest else {"path": path} for path, digest in data.items()},
        series=series_beside(files, table(files, PIPELINE) or {}),
        metrics=metrics,
        status=None if torn else "completed",  # A stage comes into the lock when its command has ended with 0.
        told={"outputs": made}
        | ({"params_not_tracked": untracked} if untracked else {})
        | ({"sources_alone": alone} if (alone := _alone(code, files)) else {}),
        unknown={**UNKNOWN, "config": NO_PARAMS, **({} if any(s.params for s in stages) else {UNLOGGED: NO_PARAMS})},
        notes=[*([f"params.yaml was edited since: {stale}; dvc.lock says what ran"] if stale else []), *torn, *notes],
    )


def _is_code(path: str, files: Files) -> bool:
    """Whether a dependency is code: a file of such a name, or a folder with one in it."""
    inside = () if posixpath.splitext(path)[1] else files.below(path)
    return any(name.lower().endswith(_CODE) for name in (path, *inside))


def _alone(code: Mapping[str, str], files: Files) -> dict[str, str]:
    """Folders of sources by the digest that they have without what Python compiled of them."""
    return {path: found for path, digest in code.items() if (found := without_bytecode(files, path, digest))}


def _torn(stages: Sequence[Stage], made: Mapping[str, str]) -> list[str]:
    """Where one stage ran on something else than another made: the pipeline broke off between the two."""
    return [f"{stage.name} ran on another {path} than the lock says was made: the pipeline was not run to its end"
            for stage in stages for path, digest in stage.deps.items()
            if digest and made.get(path, digest) != digest]  # fmt: skip


def _code(stages: Sequence[Stage], digests: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if known := {path: digest for path, digest in digests.items() if digest}:
        found["sources"] = known
    if len(stages) > 1:
        found["stages"] = {stage.name: stage.command.program for stage in stages if stage.command.program}
    return found


def _config(stages: Sequence[Stage], files: Files) -> tuple[dict[str, Any] | None, str, list[str]]:
    """The parameters that ran, and of several stages their arguments; how params.yaml differs from them by now, and
    which of it no stage tracks. A parameter that two stages ran with at two values is told stage by stage."""
    config: dict[str, Any] = {}
    for stage in stages:
        for key, value in stage.params.items():
            if key in config and config[key] != value:
                config = {**config, stage.name: dict(stage.params)} if key != stage.name else config
            else:
                config.setdefault(key, value)
    if len(stages) > 1:
        given = {stage.name: found for stage in stages if (found := stage.command.beyond(stage.params))}
        config |= {"args": given} if given else {}
    stale, untracked = params_beside(files, config)
    return config or None, stale, untracked


def _beside_the_code(files: Files) -> frozenset[str]:
    """Files of a commit that are compared by themselves: settings, lock, and what the run made."""
    stages = stages_of(table(files, LOCK) or {})
    live = posixpath.dirname(LIVE)
    return frozenset({LOCK, "params.yaml", live, *(path for stage in stages for path in stage.outs)})


# ── DVCLive alone ────────────────────────────────────────────────────────────────────────────────────────────────


def _live(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a DVCLive folder without a pipeline."""
    files = InFolder(place, within)
    if not (series := series_beside(files, {"metrics": ["metrics.json"]})):
        yield Skipped(source=str(place), reason="it holds no series of DVCLive's")
        return
    metrics, notes = results(files, {"metrics": ["metrics.json"]}, {})
    parent = place.absolute().parent.name
    yield Draft(
        kind="dvc", source=str(place), run=f"{parent}/{place.name}", name=f"{parent}/{place.name}",
        config=table(files, "params.yaml"), series=series, metrics=metrics, notes=notes,
        unknown={**UNKNOWN, "config": "nothing was given to log_params", "data": "DVCLive knows of no data",
                 "code.commit": "DVCLive alone names no commit", "code": "DVCLive alone names no code"},
    )  # fmt: skip
