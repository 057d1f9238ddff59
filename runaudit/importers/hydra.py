"""Job folders of Hydra: `.hydra/config.yaml`, what was overridden, and Hydra's own settings of the job.

Hydra records a config and nothing of how the run went; what other trackers left in the job's folder is told of the
same job (`merging`). Its number in a sweep, its id and its folders are Hydra's bookkeeping and no settings of the
program, so the seeds of one sweep are one cohort.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, typed
from runaudit.importers.merging import SHARED_FOLDER
from runaudit.importers.omegaconf import Resolved, resolved
from runaudit.importers.tables import as_table, foreign_yaml
from runaudit.records.canonical import JSON
from runaudit.records.manifest import UNTYPED

WHOLE = False
FOLDER = ".hydra"
CONFIG, OF_A_JOB = "config.yaml", ("config.yaml", "hydra.yaml", "overrides.yaml")
_CUT = "config.yaml is empty, where Hydra writes {} for a job without settings: it was cut"
_GONE = "there is no config.yaml, which Hydra writes for every job"
_SET = re.compile(r"\+{0,2}([\w.]+)=(.*)", re.DOTALL)
"""An override that gives a setting its value; `~a` takes one out, and `a@b=c` places a group."""
_OF_THE_CLOCK = re.compile(
    r"(?:\w*_)?(?:time|timestamp|date|datetime|now|started)|(?:run|exp|experiment|job|wandb)?_?(?:name|id)|version|"
    r"(?:out|output|log|logging|save|run|work|results?|tensorboard|wandb)_?(?:dir|path|folder)",
    re.IGNORECASE,
)
"""Names under which the time only names, dates or places a run."""
_READS = re.compile(
    r"data|datasets?|train|val|valid|test|split|inputs?|load|resume|from|init|pretrained|checkpoint|ckpt|weights?|"
    r"source|cache|root|corpus|index|day|date|since|until|begin|start|end|seed|rng"
)
"""Words in the path of a setting whose time may be an input: data as of a day, what is read, a seed."""
_NOW = re.compile(r"\$\{now:([^{}]*)\}")
_TIME_OF_DAY = re.compile(r"%[HI].*%M|%[cRTX]")

_DATED = re.compile(r"\d{2}-\d{2}-\d{2}")
"""How Hydra writes the time of a job into the name of its folder."""


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The job folder that `here` is, whether it or its `.hydra` was named."""
    if FOLDER in folders and any(os.path.lexists(here / FOLDER / name) for name in OF_A_JOB):
        return (here,)
    if here.name == FOLDER and not {"hydra.yaml", "overrides.yaml"}.isdisjoint(files):
        return (here.parent,)
    return ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The job of a folder. Raises RecordError for a malformed one."""
    within = place if within.name == FOLDER else within
    config, why = _table(place / FOLDER / CONFIG, within), _CUT
    if config is None and not os.path.lexists(place / FOLDER / CONFIG):
        why = _GONE
    whole = _table(place / FOLDER / "hydra.yaml", within) or {}
    overrides = foreign_yaml(place / FOLDER / "overrides.yaml", within) or []
    if config is None and not whole and not overrides:
        yield Skipped(source=str(place), reason=f"the files in its {FOLDER} are empty", broken=True)
        return
    job = whole.get("hydra")
    yield _draft(place, config, job if isinstance(job, Mapping) else {}, overrides, why)


def _table(path: Path, within: Path) -> Mapping[str, Any] | None:
    """The table in a file; None for a file that is not there, or that is empty."""
    return as_table(foreign_yaml(path, within), path)


# ── the job ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(place: Path, config: Mapping[str, Any] | None, job: Mapping[str, Any], overrides: JSON, why: str) -> Draft:
    """The draft of a job. why: what is wrong with its config, should there be none."""
    variables = _inner(job, "job", "env_set")
    typed_in = [str(word) for word in overrides] if isinstance(overrides, list) else []
    config, lost = _composed(config, typed_in, _inner(job, "runtime", "choices"), why)
    found = resolved(config or {}, {"hydra": job}, variables)
    cwd, folder = _text(job, "runtime", "cwd"), _text(job, "runtime", "output_dir")
    is_own = not folder or folder != cwd
    return Draft(
        kind="hydra",
        source=str(place),
        run=_name(place, folder, cwd),
        # The second at which a job began is in the path that Hydra made for it: a copy of it elsewhere is the same job.
        identity=folder if folder and is_own and _DATED.search(folder) else "",
        config=None if config is None else found.tree,
        program=_program(job),
        overrides=typed_in,
        env={"variables": dict(variables) or None},
        launch={"cwd": cwd, "run_dir": folder if is_own else None},
        told=_told(job, found),
        notes=() if is_own else (SHARED_FOLDER,),
        unknown={
            "code": "Hydra does not record it",
            **lost,
            **{path: why for path, why in found.gaps.items() if not names_the_time(path, found)},
        },
    )


def _composed(
    config: Mapping[str, Any] | None, overrides: Sequence[str], choices: Mapping[str, Any], missing: str
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The config, and why it is not known whole: of one that was cut what was typed is known all the same. What picks
    a group is no setting; of a Hydra that does not tell its groups nobody knows the one from the other."""
    given = [match for word in overrides if (match := _SET.fullmatch(word)) and not match[1].startswith("hydra.")]
    if config is not None and not choices:
        return dict(config), {}
    found = {} if config is None else dict(config)
    lost = [match for match in given if match[1] not in choices and not _holds(found, match[1].split("."))]
    for match in lost:
        _put(found, match[1].split("."), typed(match[2]))
    if config is None:
        return found or None, dict.fromkeys(("config", *([UNTYPED] if found else [])), missing)
    why = f"{lost[0][0]} was typed and is not in config.yaml: it was cut" if lost else ""
    return found, {UNTYPED: why} if lost else {}


def _holds(table: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True


def _put(table: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = table.get(key)
        table[key] = table = dict(inner) if isinstance(inner, Mapping) else {}
    table[keys[-1]] = value


def names_the_time(path: str, found: Resolved) -> bool:
    """Whether a setting that Hydra took from the clock only names, dates or places the run: by its own name, or because
    it is the time of day, and no word of its path says that it is read. A date alone may be an input, of every day
    another."""
    written = found.clock.get(path)
    if written is None:
        return False
    if _OF_THE_CLOCK.fullmatch(path.rpartition(".")[2]):
        return True
    is_timed = any(map(_TIME_OF_DAY.search, _NOW.findall(written))) and "${" not in _NOW.sub("", written)
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path).lower())
    return is_timed and not any(map(_READS.fullmatch, words))


def _name(place: Path, folder: str | None, cwd: str | None) -> str:
    """Where the job lies among its siblings: `2026-01-31/12-00-05`, `12-00-05/3`."""
    recorded = folder if folder and folder != cwd else place.absolute().as_posix()
    return posixpath.join(*posixpath.normpath(recorded.replace("\\", "/")).split("/")[-2:])


def _program(job: Mapping[str, Any]) -> str | None:
    """The script, after which Hydra calls a job unless it is told otherwise."""
    name = _text(job, "job", "name")
    told = _inner(job, "overrides").get("hydra")
    renamed = any(str(word).lstrip("+").startswith("hydra.job.name=") for word in told) if told else False
    return f"{name}.py" if name and not renamed else None


def _beside(job: Mapping[str, Any]) -> str | None:
    """The folder of the config that the script brings along, else the one it was started in: Hydra tells a script by
    its bare name, and two folders may each hold a `train.py`."""
    sources = _inner(job, "runtime").get("config_sources")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, Mapping) and source.get("provider") == "main" and isinstance(source.get("path"), str):
            return f"{source.get('schema')}:{source['path']}"
    return _text(job, "runtime", "cwd")


def _told(job: Mapping[str, Any], found: Resolved) -> dict[str, Any]:
    """Hydra's bookkeeping: which job of which sweep it was, and where it was told to write."""
    kept = {
        "version": _text(job, "runtime", "version"),
        "program_in": _beside(job),
        "mode": _text(job, "mode"),
        "job": {key: value for key, value in _inner(job, "job").items()
                if key in ("name", "id", "num", "override_dirname", "config_name") and value not in ("???", "")},
        "sweep": {key: value for key, value in _inner(job, "sweep").items() if key in ("dir", "subdir")},
        "choices": dict(_inner(job, "runtime", "choices")),
        "launcher": _text(job, "launcher", "_target_"),
        "interpolated": dict(found.written),
        "clock": dict(found.clock),
    }  # fmt: skip
    return {key: value for key, value in kept.items() if value}


def _inner(table: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(table: Mapping[str, Any], *keys: str) -> str | None:
    value = _inner(table, *keys[:-1]).get(keys[-1])
    return value if isinstance(value, str) and value and value != "???" and "${" not in value else None
