"""Folders of Sacred's FileStorageObserver: `run.json`, `config.json`, `metrics.json`, and the sources beside them.

Sacred draws a seed where none is given and writes it into the config, so every run has one. Its sources are the files
that were imported, each under the MD5 of its content in `_sources`: equal digests are equal code as far as MD5 goes,
and the text is taken along where all of them lie in the imported folder. A commit is known only where Sacred found a
repository. Values that JSON has no word for are written as jsonpickle does (`py/tuple`, `py/object`): they are read as
data, and nothing that they name is ever made.
"""

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, numbers
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.tables import (
    as_table,
    foreign_json,
    json_table,
    part,
    seconds_between,
    texts,
    utc_time,
    utc_word,
)
from runaudit.importers.wandb_run import requirements
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import number

WHOLE = True
STATUS = {"COMPLETED": "completed", "FAILED": "crashed", "INTERRUPTED": "killed", "TIMEOUT": "killed"}
"""A run that is RUNNING or QUEUED may have ended long ago: nobody came to say so."""
_OPEN = frozenset({"RUNNING", "QUEUED"})
_STORED = re.compile(r"_([0-9a-f]{32})(?:\.[^.]*)?")
"""The end of the name under which Sacred stores a file: the MD5 of its content, and its suffix."""
_OWN = frozenset({"beat_interval", "capture", "comment", "debug", "enforce_clean", "file_storage", "force", "help",
                  "id", "loglevel", "mongo_db", "name", "pdb", "print_config", "priority", "queue", "s3", "sql",
                  "tiny_db", "unobserved", "with", "command", "update"})  # fmt: skip
"""Options of Sacred's own. Any other is one that the program added."""

UNKNOWN = {
    "config": "there is no config.json",
    "data": "Sacred knows only of data that was opened as a resource",
    "init": "Sacred does not record what the weights began from",
    "eval": "Sacred does not record how the run was evaluated",
    "env.determinism": "not among what Sacred records",
}
NO_COMMIT = "Sacred found no repository"


def places(here: Path, _folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The folder of a run, which `here` is."""
    beside = {"config.json", "cout.txt", "metrics.json"}
    if "run.json" not in files:
        return (here,) if {"config.json", "cout.txt"} <= {*files} else ()
    return (here,) if not beside.isdisjoint(files) or _tells_of_an_experiment(here) else ()


def _tells_of_an_experiment(here: Path) -> bool:
    """Whether a `run.json` that lies alone is Sacred's: other programs write one, too."""
    try:
        raw = foreign_bytes(here / "run.json", here) or b""
    except RecordError:
        return False
    return b'"experiment"' in raw and b'"start_time"' in raw


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder. Raises RecordError for a malformed one."""
    entry = json_table(place / "run.json", within)
    if not os.path.lexists(place / "run.json"):
        yield Skipped(
            source=str(place), reason="its run.json is gone, which says what ran and how it ended", broken=True
        )
        return
    if entry is None or not isinstance(entry.get("experiment"), Mapping):
        yield Skipped(source=str(place), reason="its run.json tells of no experiment of Sacred's")
        return
    config = as_table(_plain(foreign_json(place / "config.json", within)), place / "config.json")
    yield _draft(place, within, entry, config)


def _draft(place: Path, within: Path, entry: Mapping[str, Any], config: Mapping[str, Any] | None) -> Draft:
    told, options = part(entry, "experiment"), part(entry, "meta", "options")
    start, stop = utc_time(entry.get("start_time")), utc_time(entry.get("stop_time"))
    code, files, notes = _sources(told, place.parent, within)
    logged, info = _series(place / "metrics.json", within), _plain(foreign_json(place / "info.json", within))
    data, status = dict(_resources(entry)), str(entry.get("status"))
    if status not in STATUS and status not in _OPEN:
        notes = [*notes, f"Sacred says {status!r} of how it ended, which is the program's own word"]
    return Draft(
        kind="sacred",
        source=str(place),
        run=place.name,
        identity=_launch(place, entry, told),
        name=f"{told.get('name')}/{place.name}" if told.get("name") else None,
        config=config,
        program=str(told["mainfile"]) if told.get("mainfile") else None,
        argv=[*([str(entry["command"])] if entry.get("command") else []), *_own_options(options)],
        overrides=texts(options.get("UPDATE")),
        code={**_commit(told), **code},
        files=files,
        env=_env(entry, told),
        data=data,
        launch={"started": utc_word(start), "hostname": part(entry, "host").get("hostname")},
        series={**_lists(info), **logged},
        metrics={**dict(_numbers(info, "info.")), **dict(_result(_plain(entry.get("result"))))},
        status=STATUS.get(status),
        duration_s=seconds_between(start, stop),
        told=_told(entry, told),
        own={name: value for name, value in options.items() if _is_own(name) and value and name not in _SAID},
        unknown={**UNKNOWN, "code.commit": NO_COMMIT, **({"data.others": UNKNOWN["data"]} if data else {})},
        notes=notes,
    )


def _launch(place: Path, entry: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """What tells a launch from all others: every folder of runs counts from 1, so its number alone does not."""
    words = (told.get("name"), place.name, entry.get("start_time"), part(entry, "host").get("hostname"))
    return " ".join(map(str, words)) if entry.get("start_time") else ""


_SAID = frozenset({"COMMAND", "UPDATE", "with", "help", "--help"})
"""Options that are told elsewhere, and those that merely say how the command line was read."""


# ── the code ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _sources(
    told: Mapping[str, Any], base: Path, within: Path
) -> tuple[dict[str, Any], dict[str, bytes], Sequence[str]]:
    """Facts of the code: the digest of each source; the text of all of them, or of none; what is wrong with any."""
    digests: dict[str, str] = {}
    found: dict[str, bytes] = {}
    notes: list[str] = []
    rows = told.get("sources")
    for row in rows if isinstance(rows, list) else ():
        if not (isinstance(row, list) and len(row) == 2 and all(isinstance(word, str) for word in row)):
            continue
        path, stored = posixpath.normpath(row[0].replace("\\", "/")), row[1].replace("\\", "/")
        if (digest := _digest_in(stored)) is None:
            continue
        digests[path] = f"md5:{digest}"
        raw = _kept(stored, base, within)
        if raw is not None and hashlib.md5(raw, usedforsecurity=False).hexdigest() != digest:
            notes.append(f"{stored} is not what its name says: it was changed after the run")
        elif raw is not None and _is_inside(path):
            found[path] = raw
    whole = found if len(found) == len(digests) else {}
    return ({"sources": digests} if digests else {}), whole, notes


def _digest_in(stored: str) -> str | None:
    """The MD5 of a source, which the name of its copy ends in, or which stands there where none was made yet."""
    if re.fullmatch(r"[0-9a-f]{32}", stored):
        return stored
    match = re.search(_STORED.pattern + "$", posixpath.basename(stored))
    return match[1] if match else None


def _kept(stored: str, base: Path, within: Path) -> bytes | None:
    """The copy of a source; None where it lies in no place of the imported folder."""
    path = Path(os.path.normpath(base / stored))
    return foreign_bytes(path, within) if path.is_relative_to(os.path.normpath(within)) else None


def _is_inside(path: str) -> bool:
    """Whether a source is one of the program's folder: from `../lib/a.py` no tree can be laid out."""
    return not path.startswith(("/", "../")) and path != ".." and ":" not in path


def _commit(told: Mapping[str, Any]) -> dict[str, Any]:
    """Where the code came from, and the commits of its repositories: the first that is named counts as the run's."""
    found: dict[str, Any] = {"root": told.get("base_dir")}
    rows = told.get("repositories")
    rows = [row for row in rows if isinstance(row, Mapping) and row.get("commit")] if isinstance(rows, list) else []
    if rows:
        first = rows[0]
        # A row is of a file, not of a repository: that of the script stands there again for each file beside it.
        same = [row for row in rows if (row["commit"], _remote(row)) == (first["commit"], _remote(first))]
        dirty = [row.get("dirty") for row in same]
        found |= {"commit": first["commit"], "remote": _remote(first),
                  "dirty": True if any(dirty) else None if None in dirty else first.get("dirty")}  # fmt: skip
        others: dict[str, set[str]] = {}
        for row in (row for row in rows if row not in same):
            others.setdefault(str(_remote(row)), set()).add(f"{row['commit']}{'+' if row.get('dirty') else ''}")
        if others:
            found["repositories"] = {remote: ", ".join(sorted(commits)) for remote, commits in others.items()}
    return found


def _remote(row: Mapping[str, Any]) -> str | None:
    """Where a repository comes from, without the token that an address may carry."""
    url = row.get("url")
    return re.sub(r"://[^/@]*@", "://", url) if isinstance(url, str) else None


# ── machine, data and command line ───────────────────────────────────────────────────────────────────────────────


def _env(entry: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    host = part(entry, "host")
    system = texts(host.get("os"))
    # Older versions wrote the system and the version of Python under other names.
    env: dict[str, Any] = {
        "python": host.get("python_version"),
        "platform": system[-1] if system else host.get("os_info") or host.get("os"),
        "cpu": host.get("cpu"),
    }
    gpus = part(host, "gpus").get("gpus")
    if isinstance(gpus, list):
        models = [str(row.get("model")) for row in gpus if isinstance(row, Mapping)]
        env |= {"gpu": models or None, "gpu_count": len(models), "driver": part(host, "gpus").get("driver_version")}
    if isinstance(host.get("ENV"), Mapping) and host["ENV"]:
        env["variables"] = dict(host["ENV"])
    packages = dict(requirements("\n".join(texts(told.get("dependencies")))))
    if packages:
        env |= {"packages": packages, "torch": packages.get("torch")}
    return env


def _resources(entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What was opened as a resource, under its path in the program's folder: two folders may hold one name."""
    rows, base = entry.get("resources"), str(part(entry, "experiment").get("base_dir") or "").rstrip("/")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 2 and (digest := _digest_in(str(row[1]).replace("\\", "/"))):
            path = str(row[0])
            yield path.removeprefix(f"{base}/") if base else path, {"digest": f"md5:{digest}", "path": path}


def _is_own(option: str) -> bool:
    return option.lstrip("-").replace("-", "_").lower() in _OWN


def _own_options(options: Mapping[str, Any]) -> Iterator[str]:
    """Options that the program added to Sacred's, as they are typed."""
    for name, value in options.items():
        if name.startswith("--") and not _is_own(name) and value not in (None, False):
            yield name if value is True else f"{name}={value}"


def _told(entry: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    trace = texts(entry.get("fail_trace"))
    found = {
        "experiment": told.get("name"), "status": entry.get("status"), "heartbeat": entry.get("heartbeat"),
        "comment": part(entry, "meta").get("comment"), "artifacts": entry.get("artifacts"),
        "error": trace[-1].strip() if trace else None,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


# ── what it logged ───────────────────────────────────────────────────────────────────────────────────────────────


def _series(path: Path, within: Path) -> dict[str, list[tuple[int, float]]]:
    """Series of the metrics file. A step that is no number is the row's."""
    found: dict[str, list[tuple[int, float]]] = {}
    for name, entry in (json_table(path, within) or {}).items():
        table = entry if isinstance(entry, Mapping) else {}
        values, steps = _plain(table.get("values")), _plain(table.get("steps"))
        steps = steps if isinstance(steps, list) else []
        for row, value in enumerate(values if isinstance(values, list) else []):
            if (point := number(value)) is not None:
                step = number(steps[row]) if row < len(steps) else None
                found.setdefault(name, []).append((row if step is None or not isfinite(step) else int(step), point))
    return _by_clock(found, {name: len(points) for name, points in found.items()})


def _lists(info: JSON) -> dict[str, list[tuple[int, float]]]:
    """Lists of numbers that the program kept in `info`, as it did before Sacred knew of metrics."""
    found: dict[str, list[tuple[int, float]]] = {}
    lists = {f"info.{name}": values for name, values in info.items() if isinstance(values, list)
             } if isinstance(info, Mapping) else {}  # fmt: skip
    for name, values in lists.items():
        points = [number(value) for value in values]
        if points and None not in points:
            found[name] = [(row, point) for row, point in enumerate(points) if point is not None]
    return _by_clock(found, {name: len(values) for name, values in lists.items()})


_CLOCK = "_T"
"""The end of the name under which PyMARL and its like keep the steps of the environment at which a list grew: `loss`
and `loss_T` get an item each at a time, the clock first."""


def _by_clock(
    found: Mapping[str, list[tuple[int, float]]], lengths: Mapping[str, int]
) -> dict[str, list[tuple[int, float]]]:
    """Series over their own clocks, where such are among them; a clock is no measure, also of a list that is no series.
    lengths: of every list there is. What is called like a clock and falls, or is no whole number, is a measure."""
    clocks = {
        name.removesuffix(_CLOCK): [int(value) for _, value in points]
        for name, points in found.items()
        if name.endswith(_CLOCK)
        and len(points) - lengths.get(name.removesuffix(_CLOCK), -1) in (0, 1)
        and all(value >= 0 and value.is_integer() for _, value in points)
        and all(before <= after for (_, before), (_, after) in pairwise(points))
    }
    return {
        name: [(step, value) for step, (_, value) in zip(clocks[name], points, strict=False)]
        if name in clocks
        else points
        for name, points in found.items()
        if not (name.endswith(_CLOCK) and name.removesuffix(_CLOCK) in clocks)
    }


def _numbers(info: JSON, prefix: str) -> Iterator[tuple[str, float]]:
    yield from numbers(info, prefix) if isinstance(info, Mapping) else ()


def _result(result: JSON) -> Iterator[tuple[str, float]]:
    """What the main function gave back, where it is a number or a table of them."""
    if (point := number(result)) is not None:
        yield "result", point
    yield from _numbers(result, "result.")


# ── jsonpickle ───────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(value: JSON) -> JSON:
    """Values of jsonpickle's as JSON: a tuple and a set are lists, a number of NumPy's is a number. Any other object
    stays what it is written as."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    for tag in ("py/tuple", "py/set"):
        if set(value) == {tag} and isinstance(value[tag], list):
            items = [_plain(item) for item in value[tag]]
            return items if tag == "py/tuple" else sorted(items, key=repr)  # a set has no order
    if str(value.get("py/object", "")).startswith("numpy.") and isinstance(value.get("value"), int | float | bool):
        return value["value"]
    return {key: _plain(item) for key, item in value.items()}
