"""Run folders of Guild AI: flags, exit status and environment under `.guild/attrs`, and the source code that it kept.

A manifest lists every file that Guild copied, source or dependency, with its SHA-1: what lies there is taken along
where it still is what was copied, and counts by its digest where it is not. Guild keeps a hundred text files at most,
so the sources are not known to be all. Its `random_seed` draws values of flags in a search; the program never sees it.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.eventfolders import PARTS, is_events
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.pipeline import Command, command_of
from runaudit.importers.tables import texts, utc_word, words_of
from runaudit.importers.tensorboard import run_of
from runaudit.importers.wandb_run import requirements
from runaudit.records.canonical import JSON
from runaudit.records.manifest import UNLOGGED
from runaudit.records.yamlfile import parse_yaml

WHOLE = True
MOST_FILES = 5000
_VARIABLES = re.compile(r"(?:CUDA|CUBLAS|CUDNN|NCCL|NVIDIA|OMP|MKL|OPENBLAS|TORCH|PYTORCH|TF|XLA|JAX|HIP)_(?!CLI)\w+|"
                        r"PYTHONHASHSEED")  # fmt: skip
"""Variables that reach the numbers. Guild keeps all, those of the shell and of its own among them."""
_COMMIT = re.compile(r"(?:git:)?(?P<commit>[0-9a-f]{7,40})(?P<dirty>\*?)")

UNKNOWN = {
    "config": "Guild kept no flags of the run",
    "code": "Guild kept no source code of the run",
    "code.commit": "Guild found no repository",
    "data": "the operation requires no file",
    "init": "Guild does not record what the weights began from",
    "eval": "Guild does not record how the run was evaluated",
    "env.gpu": "not among what Guild records",
    "env.determinism": "not among what Guild records",
}
NO_FLAGS = "the operation has no flags"


def places(here: Path, folders: Sequence[str], _files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is."""
    known = ".guild" in folders and any(os.path.lexists(here / ".guild" / name) for name in ("opref", "attrs"))
    return (here,) if known else ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder. Raises RecordError for a malformed one."""
    attrs = _Attributes(place / ".guild" / "attrs", within)
    name = _operation(place / ".guild" / "opref", within)
    flags = attrs.table("flags")
    code, files, data, notes = _copied(place, within)
    command = _command(attrs.get("cmd"))
    status, exit_code = _ending(attrs.get("exit_status"))
    series, torn, unread = _series(place, within)
    started, stopped = _number(attrs.get("started")), _number(attrs.get("stopped"))
    run = str(attrs.get("id") or place.name)
    told = {key: value for key in ("label", "tags", "comments", "marked", "user") if (value := attrs.get(key))}
    yield Draft(
        kind="guild",
        source=str(place),
        run=run,
        identity=run,
        name=name or None,
        config=flags or None,
        program=command.program,
        argv=command.argv,
        code={**_commit(attrs.get("vcs_commit")), **code},
        files=files,
        env=_env(attrs),
        data=data,
        launch={"started": _moment(started), "hostname": attrs.get("host")},
        series=series,
        torn=torn,
        status=status,
        exit_code=exit_code,
        duration_s=None if started is None or stopped is None else (stopped - started) / 1e6,
        told=told,
        own={"random_seed": seed} if (seed := attrs.get("random_seed")) is not None else {},
        unknown=UNKNOWN if flags is None else {**UNKNOWN, "config": NO_FLAGS, UNLOGGED: NO_FLAGS},
        notes=[*notes, *unread],
    )


class _Attributes:
    """The attributes of a run, each a small YAML file."""

    def __init__(self, folder: Path, within: Path) -> None:
        self._folder, self._within = folder, within

    def get(self, name: str) -> JSON:
        """What an attribute says; None where there is none."""
        raw = foreign_bytes(self._folder / name, self._within)
        return None if raw is None else parse_yaml(raw, where=str(self._folder / name))

    def table(self, name: str) -> dict[str, Any] | None:
        """An attribute that is a table; None for an empty file, which was cut: Guild writes `{}` for an empty one.
        Raises RecordError for anything else."""
        found = self.get(name)
        if found is not None and not isinstance(found, Mapping):
            raise RecordError(f"{self._folder / name} is no table of keys", remedy="leave this run out")
        return None if found is None else dict(found)


def _operation(path: Path, within: Path) -> str:
    """The name of the operation, the last word of the reference to it: `guildfile:/w 5f1e model train`. Raises
    RecordError for what is none: the rest of the folder tells of no run then."""
    text = (foreign_bytes(path, within) or b"").decode("utf-8", "replace")
    words = words_of(text)
    if not words or not text.strip().isprintable() or "\ufffd" in text or ":" not in words[0]:
        raise RecordError(f"{path} names no operation of Guild's", remedy="leave this run out")
    return words[-1]


def _command(cmd: JSON) -> Command:
    """The program that Guild was told to run, and its words: `python -um guild.op_main train --lr 0.1` ran train."""
    words = texts(cmd)
    if "guild.op_main" in words:
        program, *rest = words[words.index("guild.op_main") + 1 :] or [""]
        return Command(program or None, [word for word in rest if word != "--"])
    return command_of(shlex.join(words)) if words else Command()


def _ending(value: JSON) -> tuple[str | None, int | None]:
    """How a run ended. A negative status is a signal, or Guild's own word for one: the run was terminated."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None, None
    return ("killed" if value < 0 else None), value


def _commit(value: JSON) -> dict[str, Any]:
    match = _COMMIT.fullmatch(value) if isinstance(value, str) else None
    return {"commit": match["commit"], "dirty": bool(match["dirty"])} if match else {}


def _env(attrs: _Attributes) -> dict[str, Any]:
    platform, variables = attrs.table("platform") or {}, attrs.table("env") or {}
    env: dict[str, Any] = {
        "cpu_count": platform.get("cpus"),
        "platform": str(platform.get("uname") or "").strip() or None,
    }
    if python := str(platform.get("python_version") or "").split():
        env["python"] = python[0]
    if packages := dict(requirements("\n".join(texts(attrs.get("pip_freeze"))))):
        env |= {"packages": packages, "torch": packages.get("torch")}
    if kept := {name: str(value) for name, value in variables.items() if _VARIABLES.fullmatch(name)}:
        env["variables"] = kept
    return env


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moment(microseconds: float | None) -> str | None:
    try:
        return None if microseconds is None else utc_word(datetime.fromtimestamp(microseconds / 1e6, UTC))
    except (ValueError, OverflowError, OSError):
        return None


# ── what was copied ──────────────────────────────────────────────────────────────────────────────────────────────


def _copied(place: Path, within: Path) -> tuple[dict[str, Any], dict[str, bytes], dict[str, dict[str, Any]], list[str]]:
    """Digests of the sources, the text of all of them or of none, the dependencies, and what is no longer as it was."""
    raw = foreign_bytes(place / ".guild" / "manifest", within)
    if raw is None:
        return {}, _kept(place / ".guild" / "sourcecode", within), {}, []
    digests: dict[str, str] = {}
    found: dict[str, bytes] = {}
    data: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for kind, path, digest, source in _rows(raw):
        if kind == "d":
            data[path] = {"path": source, **({"digest": f"sha1:{digest}"} if digest else {})}
        elif kind == "s" and digest:
            digests[source] = f"sha1:{digest}"
            text = _file(place, path, within)
            if text is not None and hashlib.sha1(text, usedforsecurity=False).hexdigest() == digest:
                found[source] = text
            elif text is not None:
                notes.append(f"{path} is not what Guild copied: it was changed since")
    whole = found if len(found) == len(digests) <= MOST_FILES else {}
    return ({"sources": digests} if digests else {}), whole, data, notes


def _rows(raw: bytes) -> Iterator[tuple[str, str, str, str]]:
    """The rows of a manifest: kind, place in the run, SHA-1 or nothing, place in the project."""
    for line in raw.decode("utf-8", "replace").splitlines():
        words = words_of(line)
        if words is not None and len(words) >= 4:
            digest = words[2] if re.fullmatch(r"[0-9a-f]{40}", words[2]) else ""
            yield words[0], words[1], digest, words[3].removeprefix("file:")


def _file(place: Path, path: str, within: Path) -> bytes | None:
    """A file of the run; None where it is gone or is no file of the run."""
    inside = Path(os.path.normpath(place / path))
    return foreign_bytes(inside, within) if inside.is_relative_to(os.path.normpath(place)) else None


def _kept(folder: Path, within: Path) -> dict[str, bytes]:
    """The source files that older versions kept in a folder of their own."""
    named = (Path(root, name) for root, _, names in os.walk(folder) for name in names)
    found = {path: foreign_bytes(path, within) for path in sorted(islice(named, MOST_FILES))}
    return {path.relative_to(folder).as_posix(): text for path, text in found.items() if text is not None}


# ── what it logged ───────────────────────────────────────────────────────────────────────────────────────────────


def _series(place: Path, within: Path) -> tuple[dict[str, Sequence[tuple[int, float]]], int, list[str]]:
    """What Guild read from the output, and what the program wrote for TensorBoard itself; how many messages were cut,
    and which file cannot be read."""
    found: dict[str, Sequence[tuple[int, float]]] = {}
    torn, notes = 0, []
    for root, folders, names in islice(os.walk(place), MOST_FILES):
        folders[:] = sorted(name for name in folders if name != "sourcecode")
        inside = Path(root).relative_to(place).as_posix()
        if not any(map(is_events, names)) or (Path(root).name in PARTS and inside.count("/")):
            continue
        prefix = "" if inside in (".", ".guild") else f"{inside}/"
        try:
            drafts = [draft for draft in run_of(Path(root), within, kind="guild") if isinstance(draft, Draft)]
        except RecordError as error:
            notes.append(error.message)
            continue
        for draft in drafts:
            torn += draft.torn
            for name, points in draft.series.items():
                found.setdefault(f"{prefix}{name}", points)
    return found, torn, notes
