"""Run folders of Weights & Biases, as they lie on disk: no account, no network, nothing of theirs changed.

What W&B writes that cannot change a result keeps a visible place as a nuisance, under `launch` and `origin`: when and
where the run was started, its command line, the settings of W&B itself (`wandb_*`, `_wandb`). What the command line
says and the config does not is a setting that nobody logged: it is judged as `config.args`. What W&B does not record is
unknown, with the reason: the seed where no config names it, the data's content, the initial weights, the evaluation,
and whether an absent `diff.patch` means a clean tree. The account's e-mail address is left out.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import CanonicalError, RecordError
from runaudit.importers.base import Imported, Skipped
from runaudit.importers.commandline import arguments
from runaudit.importers.offline import OfflineLog, read_logs
from runaudit.importers.opened import foreign_bytes
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import Trajectory, number
from runaudit.records.yamlfile import parse_yaml
from runaudit.text.words import kind_of

FACTS = ("config.yaml", "wandb-metadata.json", "wandb-summary.json")
_OWN = re.compile(
    r"(?:use_)?wandb|wandb_(?:project|entity|run_name|name|group|tags|notes|mode|dir|id|run_id|job_type|version|api_key|host|"
    r"base_url|offline|online|disabled|resume|log\w*|watch\w*|init\w*)"
)
"""Settings of W&B itself. An artifact that is named beside them is read by the run, and counts."""
_OWN_KEYS = frozenset({"project", "entity", "name", "run_name", "group", "tags", "notes", "mode", "dir", "id",
                       "job_type", "enabled", "use", "offline", "log_model", "watch", "save_code"})  # fmt: skip
_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(?P<id>[^/]+)")

UNKNOWN = {
    "seed": "no config key names it",
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
        return os.path.lexists(self.path / "files" / "wandb-summary.json")

    @property
    def facts(self) -> Mapping[str, Any]:
        """What W&B says of machine and launch; an older config repeats some of it."""
        return self.metadata or {}


def read_runs(path: Path) -> tuple[tuple[Imported, ...], tuple[Skipped, ...]]:
    """Every W&B run at or under `path`. Raises RecordError where any of them is malformed: then none is read."""
    if not path.exists():
        raise RecordError(f"{path} does not exist", remedy="name a W&B run folder, or the folder that holds them")
    if path.name == "files" and _holds_facts(path):
        path = path.absolute().parent
    imported, skipped = [], []
    for folder in _folders(path):
        found = _read(folder, path)
        if found.config is None and not found.metadata and not found.has_summary:
            why = found.log.noted or f"it holds none of {', '.join(FACTS)}"
            skipped.append(Skipped(source=str(folder), reason=why))
        else:
            imported.append(Imported(run=_run(found), source=str(folder)))
    if not imported and not skipped:
        raise RecordError(f"{path} holds no W&B run", remedy="name a folder run-…, or the `wandb` folder above them")
    return tuple(imported), tuple(skipped)


def _folders(path: Path) -> Iterator[Path]:
    """Run folders in the order of their names. Links are not followed: `latest-run` is one of the others."""
    for root, names, _ in os.walk(path):
        here = Path(root)
        names.sort()
        if _FOLDER.fullmatch(here.name) or _holds_facts(here / "files"):
            names.clear()
            yield here


def _holds_facts(files: Path) -> bool:
    """Whether something lies in the place of a file of W&B's: what it is shows when it is opened."""
    return any(os.path.lexists(files / name) for name in FACTS)


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(folder: Path, within: Path) -> Folder:
    """The files of a folder; a run that was written offline has all it says in its `.wandb` file alone."""
    files = folder / "files"
    log = read_logs(folder, within)
    written = foreign_bytes(files / "config.yaml", within)
    config: Mapping[str, Any] | None = log.config
    if written is not None:
        config = _mapping(parse_yaml(written, where=str(files / "config.yaml")), files / "config.yaml")
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


def _json(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    if raw is None or not raw.strip():
        return None
    return _mapping(parse_strict(raw, where=str(path)), path)


def _mapping(value: JSON, path: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RecordError(f"{path} is {kind_of(value)}, not a table of keys", remedy="leave this run out")
    return value


def _text(path: Path, within: Path) -> str | None:
    raw = foreign_bytes(path, within)
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _run(folder: Folder) -> Run:
    blobs: dict[str, bytes] = {}
    trajectory, ending = _logged(folder)
    noted = folder.log.noted
    sections: dict[str, JSON] = {
        "label": str(folder.log.names.get("name") or folder.id),
        "code": _code(folder, blobs),
        "launch": _launch(folder.facts),
        "unknown": dict(UNKNOWN),
        "origin": _origin(folder) | ({"note": noted} if noted else {}),
    }
    if (config := _config(folder)) is not None:
        sections["config"] = config
        seed = config.get("seed")
        if isinstance(seed, int) and not isinstance(seed, bool):
            sections["seed"] = seed
            del sections["unknown"]["seed"]
    else:
        sections["unknown"]["config"] = NO_CONFIG
    if env := _env(folder):
        sections["env"] = env
    if folder.patch is None:
        sections["unknown"]["code.patch"] = NO_PATCH
    manifest = Manifest.of(sections)
    try:
        manifest.raw  # noqa: B018  (what has no canonical form is refused here, with its place)
    except CanonicalError as error:
        raise RecordError(f"{folder.path}: {error.message}", remedy=error.remedy) from error
    return Run(
        manifest=manifest,
        outcome=_outcome(folder, manifest, ending),
        trajectory=trajectory,
        blobs=MappingProxyType(blobs),
        liveness="unknown",
    )


def _config(folder: Folder) -> dict[str, Any] | None:
    """The logged config, and beside it what the command line says and the config does not."""
    logged = {
        key: _value(entry) for key, entry in (folder.config or {}).items() if key not in ("_wandb", "wandb_version")
    }
    own = {key: value for key, value in logged.items() if not _is_own(key, value)}
    typed = arguments(_argv(folder.facts))
    extra = {key: value for key, value in typed.items() if not _is_own(key, value) and not _repeats(key, value, logged)}
    if not own and not extra:
        return None
    return {**own, **({"args": extra} if extra else {})}


def _is_own(key: str, value: Any) -> bool:
    """Whether a key configures W&B, not the run."""
    if isinstance(value, Mapping):
        return key == "_wandb" or (key == "wandb" and {str(inner).lower() for inner in value} <= _OWN_KEYS)
    return _OWN.fullmatch(key) is not None or key == "_wandb"


def _repeats(name: str, value: Any, logged: Mapping[str, Any]) -> bool:
    """Whether the config holds what an option of the command line says, under its name or one it abbreviates."""
    names = {key.replace("-", "_").lower(): key for key in logged}
    if name in names:
        return _alike(value, logged[names[name]])
    # argparse takes `--dataset` for `--dataset_name`; that it did shows in the value.
    longer = [key for alike, key in names.items() if alike.startswith(name)]
    return len(longer) == 1 and logged[longer[0]] == value


def _alike(typed: Any, logged: Any) -> bool:
    """Whether a word of the command line and a logged value are the same setting, written as text or not."""
    if isinstance(typed, list) and isinstance(logged, list | tuple):
        return len(typed) == len(logged) and all(map(_alike, typed, logged))
    return typed == logged or str(typed).lower() == str(logged).lower()


def _value(entry: Any) -> Any:
    return entry["value"] if isinstance(entry, Mapping) and "value" in entry else entry


def _argv(facts: Mapping[str, Any]) -> list[str]:
    args = facts.get("args")
    return [str(arg) for arg in args] if isinstance(args, list) else []


def _code(folder: Folder, blobs: dict[str, bytes]) -> dict[str, Any]:
    git = folder.facts.get("git")
    git = git if isinstance(git, Mapping) else {}
    code: dict[str, Any] = {key: git[key] for key in ("commit", "branch") if git.get(key)}
    if isinstance(git.get("remote"), str):
        # A remote may carry a token; who may read the store need not push.
        code["remote"] = re.sub(r"://[^/@]*@", "://", git["remote"])
    for key in ("program", "codePath"):
        if folder.facts.get(key):
            code[key] = folder.facts[key]
    if folder.patch is not None:
        raw = folder.patch.encode("utf-8")
        code |= {"dirty": bool(raw.strip()), "patch": None}
        if raw.strip():
            digest = str(digest_bytes(raw))
            blobs[digest] = raw
            code["patch"] = {"digest": digest, "size": len(raw)}
    return code


def _env(folder: Folder) -> dict[str, Any]:
    facts = folder.facts
    env: dict[str, Any] = {}
    if isinstance(facts.get("python"), str):
        env["python"] = facts["python"].split()[-1]
    # The CUDA version is the driver's or the toolkit's: the one on the machine, which is what W&B looks at.
    for ours, theirs in (("platform", "os"), ("gpu", "gpu"), ("gpu_count", "gpu_count"), ("cpu_count", "cpu_count"),
                         ("cuda", "cudaVersion"), ("cuda", "cuda")):  # fmt: skip
        if facts.get(theirs) is not None:
            env.setdefault(ours, facts[theirs])
    if folder.requirements is not None:
        packages = dict(_requirements(folder.requirements))
        env["packages"] = packages
        env["torch"] = packages.get("torch")
    return env


def _requirements(text: str) -> Iterator[tuple[str, str]]:
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


def _launch(facts: Mapping[str, Any]) -> dict[str, Any]:
    launch = {"started": facts.get("startedAt"), "hostname": facts.get("host"), "cwd": facts.get("root"),
              "executable": facts.get("executable")}  # fmt: skip
    argv = [str(facts["program"])] if facts.get("program") else []
    return {key: value for key, value in {**launch, "argv": argv + _argv(facts)}.items() if value}


def _origin(folder: Folder) -> dict[str, Any]:
    config = folder.config or {}
    telemetry = _value(config.get("_wandb"))
    settings = {key: _value(entry) for key, entry in config.items()
                if key not in ("_wandb", "wandb_version") and _is_own(key, _value(entry))}  # fmt: skip
    origin: dict[str, Any] = {"kind": "wandb", "run": folder.id, "folder": folder.path.name}
    if isinstance(telemetry, Mapping):
        # `e` repeats the metadata with the account's address; the rest says which features of W&B were in use.
        origin["telemetry"] = {str(key): value for key, value in telemetry.items() if key != "e"}
    origin |= {"called": dict(folder.log.names)} if folder.log.names else {}
    return origin | ({"settings": settings} if settings else {})


# ── what it logged and how it ended ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Ending:
    exit_code: int | None
    runtime_s: float | None


def _logged(folder: Folder) -> tuple[Trajectory, _Ending]:
    """The series of the `.wandb` file where there is one and it can be read, and the summary's numbers beside them."""
    series = dict(folder.log.series)
    step = number(folder.summary.get("_step"))
    for name, value in _numbers(folder.summary):
        series.setdefault(name, ((int(step or 0), value),))
    ending = _Ending(folder.log.exit_code, number(folder.summary.get("_runtime")))
    return Trajectory(series=MappingProxyType(series), torn=folder.log.torn), ending


def _numbers(summary: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a summary; nested ones by dots, W&B's own keys and media left out."""
    if "_type" in summary:
        return
    for key, value in summary.items():
        if key.startswith("_"):
            continue
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
        elif (point := number(value)) is not None:
            yield f"{prefix}{key}", point


def _outcome(folder: Folder, manifest: Manifest, ending: _Ending) -> Outcome | None:
    """Only an exit code says how a run ended; a summary is written all the time."""
    if ending.exit_code is None:
        return None
    body: dict[str, Any] = {
        "manifest": str(manifest.digest),
        "status": "completed" if ending.exit_code == 0 else "crashed",
        "exit_code": ending.exit_code,
        "metrics": dict(_numbers(folder.summary)),
    }
    if ending.runtime_s is not None:
        body["duration_s"] = ending.runtime_s
    return Outcome.of(json.loads(json.dumps(body)))
