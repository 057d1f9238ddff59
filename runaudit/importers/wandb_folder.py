"""Run folders of Weights & Biases, as they lie on disk: no account, no network, nothing of theirs changed.

What W&B writes that cannot change a result keeps a visible place under `origin`: the settings of W&B itself (`wandb_*`,
`_wandb`). What W&B does not record is unknown, with the reason: the data's content, the initial weights, the
evaluation, and whether an absent `diff.patch` means a clean tree. The account's e-mail address is left out.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.commandline import arguments
from runaudit.importers.draft import Draft, numbers
from runaudit.importers.offline import OfflineLog, read_logs
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.tables import as_table
from runaudit.importers.wandb import add_row
from runaudit.records.canonical import parse_strict
from runaudit.records.trajectory import number
from runaudit.records.yamlfile import parse_yaml

WHOLE = True
FACTS = ("config.yaml", "wandb-metadata.json", "wandb-summary.json")
HISTORY = "wandb-history.jsonl"
_OWN = re.compile(
    r"(?:use_)?wandb|wandb_(?:project|entity|run_name|name|group|tags|notes|mode|dir|id|run_id|job_type|version|api_key|host|"
    r"base_url|offline|online|disabled|resume|log\w*|watch\w*|init\w*)"
)
"""Settings of W&B itself. An artifact that is named beside them is read by the run, and counts."""
_OWN_KEYS = frozenset({"project", "entity", "name", "run_name", "group", "tags", "notes", "mode", "dir", "id",
                       "job_type", "enabled", "use", "offline", "log_model", "watch", "save_code"})  # fmt: skip
_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(?P<id>[^/]+)")

UNKNOWN = {
    "data": "W&B records no digest of the data",
    "init": "W&B does not record what the weights began from",
    "eval": "W&B does not record how the run was evaluated",
    "env.cudnn": "not among what W&B records",
    "env.determinism": "not among what W&B records",
}
NO_PATCH = "there is no diff.patch: the tree was clean, or W&B did not save it"
NO_CONFIG = "nothing was given to wandb.config"


@dataclass(frozen=True, slots=True)
class Folder:
    """One run folder: what its files hold, None for a file that is not there."""

    path: Path
    config: Mapping[str, Any] | None
    metadata: Mapping[str, Any] | None
    summary: Mapping[str, Any]
    requirements: str | None
    patch: str | None
    log: OfflineLog

    @property
    def id(self) -> str:
        """W&B's own id of the run: the end of the folder's name."""
        match = _FOLDER.fullmatch(self.path.name)
        return match["id"] if match else self.path.name

    @property
    def has_summary(self) -> bool:
        """Whether a summary of W&B's own lies in the folder."""
        return os.path.lexists(_files(self.path) / "wandb-summary.json")

    @property
    def facts(self) -> Mapping[str, Any]:
        """What W&B says of machine and launch; an older config repeats some of it."""
        return self.metadata or {}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is, whether it or its `files` was named."""
    old = HISTORY in files and any(name in FACTS for name in files)
    if _FOLDER.fullmatch(here.name) or old or ("files" in folders and _holds_facts(here / "files")):
        return (here,)
    if here.name == "files" and any(name in FACTS for name in files):
        return (here.absolute().parent,)
    return ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder. Raises RecordError for a malformed one."""
    found = _read(place, place if within.name == "files" else within)
    if found.config is None and not found.metadata and not found.has_summary:
        why = f"it holds none of {', '.join(FACTS)}"
        yield Skipped(source=str(place), reason=why)
    else:
        yield _draft(found)


def _files(folder: Path) -> Path:
    """Where the facts of a run lie: in `files`, or, as W&B wrote them until 2020, in the run's folder itself."""
    files = folder / "files"
    return folder if not os.path.lexists(files) and _holds_facts(folder) else files


def _holds_facts(files: Path) -> bool:
    """Whether something lies in the place of a file of W&B's: what it is shows when it is opened."""
    return any(os.path.lexists(files / name) for name in FACTS)


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(folder: Path, within: Path) -> Folder:
    """The files of a folder; a run that was written offline has all it says in its `.wandb` file alone."""
    files = _files(folder)
    log = read_logs(folder, within)
    if files == folder:
        log = replace(log, series={**_history(folder / HISTORY, within), **log.series})
    written = foreign_bytes(files / "config.yaml", within)
    config: Mapping[str, Any] | None = log.config
    if written is not None:
        config = as_table(parse_yaml(written, where=str(files / "config.yaml")), files / "config.yaml") or {}
    metadata, summary = (_json(files / name, within) for name in ("wandb-metadata.json", "wandb-summary.json"))
    return Folder(
        path=folder,
        config=config,
        metadata={**log.facts, **(metadata or {})} if log.facts or metadata is not None else None,
        summary={**log.summary, **(summary or {})},
        requirements=_text(files / "requirements.txt", within),
        patch=_text(files / "diff.patch", within),
        log=log,
    )


def _history(path: Path, within: Path) -> dict[str, list[tuple[int, float]]]:
    """The series of an old history, a line of JSON a step; a torn last line is left out."""
    series: dict[str, list[tuple[int, float]]] = {}
    raw = foreign_bytes(path, within, most=MAX_LOG_BYTES) or b""
    lines = raw.splitlines()
    for place, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if place == len(lines):
                break
            raise RecordError(f"{path} line {place} is not JSON", remedy="leave this run out") from None
        add_row(series, as_table(row, path) or {})
    return series


def _json(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    return None if raw is None or not raw.strip() else as_table(parse_strict(raw, where=str(path)), path) or {}


def _text(path: Path, within: Path) -> str | None:
    raw = foreign_bytes(path, within)
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(folder: Folder) -> Draft:
    facts, log = folder.facts, folder.log
    step = number(folder.summary.get("_step"))
    metrics = dict(_results(folder.summary))
    given = facts.get("args")
    argv = [str(word) for word in given] if isinstance(given, list) else []
    return Draft(
        kind="wandb",
        source=str(folder.path),
        run=folder.id,
        # A folder's name has the start and W&B's own id: a copy of it elsewhere is the same launch.
        identity=folder.path.name.removeprefix("offline-") if _FOLDER.fullmatch(folder.path.name) else "",
        name=_name(folder),
        config=_config(folder),
        program=_program(facts),
        argv=argv,
        code=_code(facts),
        patch=folder.patch,
        env=_env(folder),
        launch={"started": facts.get("startedAt"), "hostname": facts.get("host"), "cwd": facts.get("root"),
                "executable": facts.get("executable")},
        series={**{name: ((int(step or 0), value),) for name, value in metrics.items()}, **log.series},
        torn=log.torn,
        metrics=metrics,
        exit_code=log.exit_code if log.exit_code is not None else _exit_code(facts),
        duration_s=number(folder.summary.get("_runtime")),
        told=_told(folder),
        own={key: value for key, value in {**arguments(argv), **_settings(folder)}.items() if _is_own(key, value)},
        unknown={**UNKNOWN, "config": NO_CONFIG, **({} if folder.patch is not None else {"code.patch": NO_PATCH})},
    )  # fmt: skip


def _name(folder: Folder) -> str | None:
    """What the user called the run, where W&B kept it, or the config says it."""
    settings = _settings(folder)
    names = (folder.log.names.get("name"), settings.get("wandb_run_name"), settings.get("wandb_name"))
    return next((name for name in names if isinstance(name, str) and name.strip()), None)


def _program(facts: Mapping[str, Any]) -> str | None:
    program = facts.get("program")
    return program if isinstance(program, str) and program and not program.startswith("<") else None


def _exit_code(facts: Mapping[str, Any]) -> int | None:
    """What older releases noted of the end. Their `state: running` was seldom brought up to date, and says nothing."""
    code = facts.get("exitcode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _settings(folder: Folder) -> dict[str, Any]:
    config = folder.config or {}
    return {key: _value(entry) for key, entry in config.items() if key not in ("_wandb", "wandb_version")}


def _config(folder: Folder) -> dict[str, Any] | None:
    """The logged config without the settings of W&B itself; None where nothing was logged."""
    return {key: value for key, value in _settings(folder).items() if not _is_own(key, value)} or None


def _is_own(key: str, value: Any) -> bool:
    """Whether a key configures W&B, not the run."""
    if isinstance(value, Mapping):
        return key == "_wandb" or (key == "wandb" and {str(inner).lower() for inner in value} <= _OWN_KEYS)
    return _OWN.fullmatch(key) is not None or key == "_wandb"


def _value(entry: Any) -> Any:
    return entry["value"] if isinstance(entry, Mapping) and "value" in entry else entry


def _code(facts: Mapping[str, Any]) -> dict[str, Any]:
    git = facts.get("git")
    git = git if isinstance(git, Mapping) else {}
    code: dict[str, Any] = {key: git[key] for key in ("commit", "branch") if git.get(key)}
    if isinstance(git.get("remote"), str):
        # A remote may carry a token; who may read the store need not push.
        code["remote"] = re.sub(r"://[^/@]*@", "://", git["remote"])
    return code | ({"codePath": facts["codePath"]} if facts.get("codePath") else {})


def _env(folder: Folder) -> dict[str, Any]:
    facts = folder.facts
    env: dict[str, Any] = {}
    if isinstance(facts.get("python"), str):
        env["python"] = facts["python"].split()[-1]
    # The CUDA version is the driver's or the toolkit's: the one on the machine, which is what W&B looks at.
    for ours, theirs in (("platform", "os"), ("gpu", "gpu"), ("gpu_count", "gpu_count"), ("cpu_count", "cpu_count"),
                         ("cuda", "cudaVersion"), ("cuda", "cuda"), ("docker", "docker")):  # fmt: skip
        if facts.get(theirs) is not None:
            env.setdefault(ours, facts[theirs])
    for apple in (facts.get("apple"), facts.get("gpuapple"), facts.get("gpu_apple")):
        if isinstance(apple, Mapping) and (name := apple.get("name") or apple.get("gpuType") or apple.get("gpu_type")):
            env.setdefault("gpu", str(name))
    if folder.requirements is not None:
        packages = dict(requirements(folder.requirements))
        env["packages"] = packages
        if "torch" in packages:
            env["torch"] = packages["torch"]
    return env


def requirements(text: str) -> Iterator[tuple[str, str]]:
    """Package -> version of a frozen requirements file; a package from elsewhere has its place as version."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, pin, version = line.partition("==")
        if not pin:
            name, at, version = line.partition(" @ ")
            version = version if at else "unpinned"
        if line.startswith("-e "):
            name, version = line[3:].rpartition("egg=")[2] or line[3:], line[3:]
        yield name.strip().lower().replace("_", "-"), version.strip()


def _told(folder: Folder) -> dict[str, Any]:
    told: dict[str, Any] = {"folder": folder.path.name}
    telemetry = _value((folder.config or {}).get("_wandb"))
    if isinstance(telemetry, Mapping):
        # `e` repeats the metadata with the account's address; the rest says which features of W&B were in use.
        told["telemetry"] = {str(key): value for key, value in telemetry.items() if key != "e"}
    return told | ({"called": dict(folder.log.names)} if folder.log.names else {})


def _results(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a summary; nested ones by dots, W&B's own keys and media left out."""
    yield from numbers(_plain(summary))


def _plain(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _plain(value) if isinstance(value, Mapping) else value
        for key, value in summary.items()
        if not key.startswith("_") and not (isinstance(value, Mapping) and "_type" in value)
    }
