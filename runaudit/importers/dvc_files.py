"""The files of a DVC pipeline, in its folder or in a commit of an experiment: one way to read both.

A commit is read through git with nothing of the repository's configuration in force (`system.git`), and only where the
repository lies wholly in the imported folder: a `.git` that is a link, or takes its objects from elsewhere, is not
followed.
"""

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from runaudit.errors import RecordError
from runaudit.importers.draft import numbers, typed
from runaudit.importers.opened import MAX_FILE_BYTES, foreign_bytes
from runaudit.importers.tables import as_table, leaves, part
from runaudit.records.canonical import JSON, parse_strict
from runaudit.records.trajectory import number
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.git import Git
from runaudit.system.tomlfile import parse_toml

_REF = re.compile(r"refs/exps/(?P<base>[0-9a-f]{2}/[0-9a-f]{38})/(?P<name>[^/]+)")
_MOST_NAMES = 8 << 20
MOST_FILES = 20_000
"""Of a folder that are looked at: enough to find series and sources, and a data set may have a million."""
LIVE = "dvclive/metrics.json"
Points = list[tuple[int, float]]


class Files(Protocol):
    """The files around a `dvc.yaml`, by their paths from there."""

    def raw(self, path: str) -> bytes | None:
        """What a file holds; None where there is none, or it lies elsewhere."""

    def below(self, folder: str) -> Sequence[str]:
        """The paths of the files in a folder."""


@dataclass(frozen=True, slots=True)
class InFolder:
    """Files as they lie in a folder."""

    base: Path
    within: Path

    def raw(self, path: str) -> bytes | None:
        """What a file holds."""
        place = Path(os.path.normpath(self.base / path))
        return foreign_bytes(place, self.within) if place.is_relative_to(os.path.normpath(self.within)) else None

    def below(self, folder: str) -> Sequence[str]:
        """The paths of the files in a folder, none behind a link."""
        place = Path(os.path.normpath(self.base / folder))
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.within)):
            return ()
        named = (Path(root, name).as_posix() for root, _, names in os.walk(place) for name in names)
        return sorted(os.path.relpath(name, self.base) for name in islice(named, MOST_FILES))


@dataclass(frozen=True, slots=True)
class InCommit:
    """Files as a commit holds them. prefix: the folder of the pipeline in the repository, with a slash, or nothing."""

    git: Git
    commit: str
    prefix: str

    def raw(self, path: str) -> bytes | None:
        """What a file holds."""
        place = posixpath.normpath(self.prefix + path)
        if place.startswith(("/", "..")) or "\0" in place:
            return None
        answer = self.git.ask("cat-file", "blob", f"{self.commit}:{place}", most=MAX_FILE_BYTES)
        return answer.out if answer.code == 0 else None

    def below(self, folder: str) -> Sequence[str]:
        """The paths of the files in a folder."""
        place = posixpath.normpath(self.prefix + folder)
        words = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", self.commit, "--", f"{place}/")
        raw = self.git.ask(*words, most=_MOST_NAMES)
        names = os.fsdecode(raw.out).split("\0") if raw.code == 0 else []
        return [name.removeprefix(self.prefix) for name in names if name]


def table(files: Files, path: str) -> Mapping[str, Any] | None:
    """A file of settings or results as a table, by what its name ends in. Raises RecordError."""
    raw = files.raw(path)
    if raw is None or not raw.strip():
        return None
    if path.endswith(".json"):
        return as_table(parse_strict(raw, where=path), Path(path))
    if path.endswith(".toml"):
        return parse_toml(raw, where=path)
    return as_table(parse_yaml(raw, where=path), Path(path))


# ── experiments ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment: its commit, the one that it began from, the name that it was given, and its files."""

    commit: str
    base: str
    name: str
    ref: str
    files: InCommit

    def patch(self, beside: frozenset[str]) -> str:
        """What it changed in the code, as a patch to its base. beside: files that are compared by themselves."""
        git, prefix = self.files.git, self.files.prefix
        listed = git.run(
            "diff-tree", "-r", "-z", "--no-renames", "--name-only", self.base, self.commit, most=_MOST_NAMES
        )
        names = [name for name in os.fsdecode(listed).split("\0") if name and not _is_beside(name, prefix, beside)]
        if not names:
            return ""
        words = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--full-index", self.base,
                 self.commit, "--", *names)  # fmt: skip
        return git.run(*words, most=MAX_FILE_BYTES).decode("utf-8", "backslashreplace")


def _is_beside(name: str, prefix: str, beside: frozenset[str]) -> bool:
    if name.endswith((".dvc", ".gitignore")):
        return True
    inner = name.removeprefix(prefix)
    return any(inner == path or inner.startswith(f"{path}/") for path in beside)


def experiments(base: Path, within: Path) -> Iterator[Experiment]:
    """The experiments of the repository around a pipeline, in the order of their names. Raises CaptureError where git
    cannot be asked."""
    top = _repository(base, within)
    if top is None:
        return
    git = Git(top.absolute())
    prefix = Path(os.path.normpath(base.absolute())).relative_to(os.path.normpath(top.absolute())).as_posix()
    listed = git.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", most=_MOST_NAMES)
    for line in os.fsdecode(listed).splitlines():
        commit, _, ref = line.partition(" ")
        if match := _REF.fullmatch(ref):
            files = InCommit(git, commit, "" if prefix == "." else f"{prefix}/")
            yield Experiment(commit, match["base"].replace("/", ""), match["name"], ref, files)


def _repository(base: Path, within: Path) -> Path | None:
    """The folder of the repository that holds experiments and lies wholly in the imported folder."""
    edge = within.absolute()
    for folder in (base.absolute(), *base.absolute().parents):
        if not folder.is_relative_to(edge):
            return None
        git = folder / ".git"
        if os.path.lexists(git):
            return folder if _is_at_home(git, edge) and _has_experiments(git, within) else None
    return None


def _is_at_home(git: Path, edge: Path) -> bool:
    """Whether nothing in a git directory leads out of the imported folder."""
    if git.is_symlink() or not git.is_dir() or os.path.lexists(git / "objects" / "info" / "alternates"):
        return False
    real = Path(os.path.realpath(edge))
    parts = ("objects", "objects/pack", "refs", "refs/exps", "packed-refs", "commondir", "index", "HEAD")
    return all(Path(os.path.realpath(git / name)).is_relative_to(real) for name in parts) and not os.path.lexists(
        git / "commondir"
    )


def _has_experiments(git: Path, within: Path) -> bool:
    if (git / "refs" / "exps").is_dir():
        return True
    return b" refs/exps/" in (foreign_bytes(git / "packed-refs", within) or b"")


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def config_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a stage: those of the one usual file at the top, those of any other under its name."""
    config: dict[str, Any] = {}
    for name, entries in params.items():
        if not isinstance(entries, Mapping):
            continue
        found: dict[str, Any] = {}
        for key, value in entries.items():
            _put(found, str(key), value)
        config |= found if name == "params.yaml" else {name: found}
    return config


def _put(config: dict[str, Any], key: str, value: JSON) -> None:
    """A parameter at its place: a stage that tracks `train.lr` and one that tracks `train` speak of one table."""
    *above, last = key.split(".")
    for name in above:
        inner = config.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        config = inner
    if isinstance(value, Mapping) and isinstance(config.get(last), dict):
        config[last] |= value
    else:
        config[last] = dict(value) if isinstance(value, Mapping) else value


def params_beside(files: Files, config: Mapping[str, Any]) -> tuple[str, list[str]]:
    """How the settings file differs from what ran, in words, and which of it no stage tracks."""
    try:
        now = table(files, "params.yaml") or {}
    except RecordError:
        return "it cannot be read", []
    ran, written = dict(leaves(config, empty=True)), dict(leaves(now, empty=True))
    stale = [f"{name} is {written[name]!r}, was {ran[name]!r}" for name in written
             if name in ran and written[name] != ran[name]]  # fmt: skip
    return "; ".join(stale), [name for name in written if name not in ran]


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────


def results(files: Files, pipeline: Mapping[str, Any], made: Mapping[str, str]) -> tuple[dict[str, float], list[str]]:
    """The numbers of the metrics files, and what is wrong with any. A file that is no longer what the run made is left
    out. A name that two files give another value is told with its file."""
    found: dict[str, float] = {}
    notes: list[str] = []
    for path in _metric_files(pipeline, made):
        raw = files.raw(path)
        if raw is None:
            continue
        if not _is_what_was_made(raw, made.get(path, "")):
            notes.append(f"{path} is not what the run made: it was changed since, and is left out")
            continue
        try:
            values = dict(numbers(table(files, path) or {}))
        except RecordError as error:
            notes.append(error.message)
            continue
        names = {name.replace("/", "."): name for name in _series_at(files, path)}
        for name, value in values.items():
            ours = names.get(name, name)
            if not (names and name == "step"):
                found[ours if found.get(ours, value) == value else f"{path}:{ours}"] = value
    return found, notes


def _metric_files(pipeline: Mapping[str, Any], made: Mapping[str, str]) -> list[str]:
    """The files of results that a pipeline names, and DVCLive's own where it lies in its usual place."""
    named = [*_named(pipeline.get("metrics"))]
    stages = part(pipeline, "stages")
    for stage in stages.values():
        named += _named(stage.get("metrics")) if isinstance(stage, Mapping) else []
    guessed = [path for path in made if re.search(r"(?:metric|score|result)\w*\.(?:json|ya?ml)$", path)]
    paths = (posixpath.normpath(path) for path in (*named, *guessed, LIVE) if "${" not in path)
    return [path for path in dict.fromkeys(paths) if path.endswith((".json", ".yaml", ".yml", ".toml"))]


def _named(rows: JSON) -> list[str]:
    """Paths of a list of outputs: a path, or a path with its options."""
    found = []
    for row in rows if isinstance(rows, list) else ():
        found += [str(path) for path in row] if isinstance(row, Mapping) else [str(row)]
    return found


def _is_what_was_made(raw: bytes, digest: str) -> bool:
    """Whether a file is what the lock says. Older versions hashed text with the line ends of Unix."""
    if not digest.startswith("md5:") or digest.endswith(".dir"):
        return True
    seen = {hashlib.md5(text, usedforsecurity=False).hexdigest() for text in (raw, raw.replace(b"\r\n", b"\n"))}
    return digest.removeprefix("md5:") in seen


def without_bytecode(files: Files, folder: str, digest: str) -> str:
    """The digest that DVC would have given a folder without what Python compiled of the sources in it; empty where none
    was compiled, and where the files that lie there are not those of its digest. DVC hashes the list of them."""
    names = files.below(folder)
    if not digest.startswith("md5:") or not digest.endswith(".dir") or not any(map(_is_bytecode, names)):
        return ""
    raw = {posixpath.relpath(name, folder): files.raw(name) for name in names}
    for text in (raw, {name: (data or b"").replace(b"\r\n", b"\n") for name, data in raw.items()}):
        if None not in raw.values() and _folder_digest(text) == digest:
            return _folder_digest({name: data for name, data in text.items() if not _is_bytecode(name)})
    return ""


def _is_bytecode(name: str) -> bool:
    """Whether a file is what Python compiled of a source, which it reads no longer than that source is there."""
    return name.endswith(".pyc") and posixpath.basename(posixpath.dirname(name)) == "__pycache__"


def _folder_digest(raw: Mapping[str, bytes | None]) -> str:
    rows = [{"md5": hashlib.md5(raw[name] or b"", usedforsecurity=False).hexdigest(), "relpath": name}
            for name in sorted(raw)]  # fmt: skip
    listed = json.dumps(rows, sort_keys=True).encode()
    return f"md5:{hashlib.md5(listed, usedforsecurity=False).hexdigest()}.dir"


def series_beside(files: Files, pipeline: Mapping[str, Any]) -> dict[str, Points]:
    """The series that DVCLive wrote beside the metrics files."""
    found: dict[str, Points] = {}
    for path in _metric_files(pipeline, {}):
        for name, place in _series_at(files, path).items():
            if (points := _points(files.raw(place) or b"")) and name not in found:
                found[name] = points
    return found


def _series_at(files: Files, path: str) -> dict[str, str]:
    """Name -> file of DVCLive's series beside a metrics file."""
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), "plots/metrics"))
    return {posixpath.relpath(place, folder).removesuffix(".tsv"): place
            for place in files.below(folder) if place.endswith(".tsv")}  # fmt: skip


def _points(raw: bytes) -> Points:
    """The steps and the last column of a table of DVCLive's; a step that is none is the row's number."""
    head, *rows = [line.split("\t") for line in raw.decode("utf-8", "replace").splitlines() if line.strip()] or [[]]
    at = head.index("step") if "step" in head else None
    points: Points = []
    for row, cells in enumerate(rows):
        if len(cells) != len(head) or (value := number(typed(cells[-1]))) is None:
            continue
        step = number(typed(cells[at])) if at is not None else None
        points.append((int(step) if step is not None and step == int(step) else row, value))
    return points
