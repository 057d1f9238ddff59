"""What a command left behind: series in the files of other trackers, checkpoints and figures in the run's folder."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.observe.trace import Trace
from runaudit.record.ledger import claim, claims
from runaudit.record.outcome import SERIES
from runaudit.records.columns import read_series
from runaudit.records.digest import digest_file
from runaudit.records.trajectory import Trajectory, write_lines
from runaudit.store.kept import open_kept, read_kept

CHECKPOINTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".h5", ".keras", ".npz", ".pkl", ".msgpack", ".onnx")
FIGURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".gif", ".webp", ".tif", ".tiff", ".html")
LOG_FOLDERS = ("wandb", "runs", "lightning_logs", "tb_logs", "logs", "tensorboard")
"""Where trackers write when they are told nothing, beside the command's working folder."""
_STEP = re.compile(r"(?:step|iter|epoch|global_step)[-_=]?(\d{1,12})")


def foreign_files(folder: Path, *, shallow: bool = False) -> Iterator[Path]:
    """Event files of TensorBoard and offline files of W&B below `folder`, links not followed. `shallow`: only in the
    folders that trackers use by themselves."""
    starts = [folder / name for name in LOG_FOLDERS] if shallow else [folder]
    for start in starts:
        for path in _files(start):
            if _is_foreign(path.name):
                yield path


def own_files(trace: Trace, folder: Path) -> frozenset[Path]:
    """The files of other trackers that the processes of this run wrote, wherever they lie: runs side by side write into
    one folder, and only who wrote a file says whose it is.

    W&B's file is written by a helper that nobody observes, beside files that the program writes itself; TensorFlow's
    native writer puts the number of its process into the name.
    """
    written = {Path(path) for path in trace.written}
    folders = {
        parent for path in written for parent in path.parents if parent.name.startswith(("offline-run-", "run-"))
    }
    pids = {process.pid for process in trace.processes}
    found = {path for path in written if _is_foreign(path.name) and path.is_file()}
    for path in foreign_files(folder, shallow=True):
        beside = path.suffix == ".wandb" and path.parent in folders
        named = _EVENTS.fullmatch(path.name)
        if beside or (named is not None and int(named[1]) in pids):
            found.add(path)
    return frozenset(found)


_EVENTS = re.compile(r"events\.out\.tfevents\.\d+\..+\.(\d+)\.\d+(?:\.\w+)?")


def _is_foreign(name: str) -> bool:
    return name.startswith("events.out.tfevents.") or name.endswith(".wandb")


def gather_series(
    live: Path,
    folders: tuple[Path, Path],
    *,
    before: frozenset[Path],
    names: Mapping[str, str],
    clean: Callable[[str], str],
    written: frozenset[Path] | None = None,
) -> None:
    """Add what other trackers recorded to the run's series; a series the run logged itself is not taken twice.

    `folders`: the run's own, and the one the command ran in. `names`: foreign name -> ours. `clean`: a text without its
    secrets, for a tracker keeps whatever name it was given. `written`: the tracker files that the run is known to have
    written; None where nobody saw, and what was not there `before` is taken for its own. What cannot be read becomes a
    note: the run is over, and nothing may be lost for a log file.
    """
    own, cwd = folders
    if written is None:
        written = frozenset(path for path in foreign_files(cwd, shallow=True) if path not in before)
    logs = sorted({*foreign_files(own), *written})
    known = set(_live(live).series) if logs else set()
    for path in logs:
        try:
            trajectory = _reader(path)(path)
        except (RunauditError, OSError) as error:
            claim(live, "note", text=clean(str(error)))
            continue
        where = clean(path.name)
        fresh = {ours: points for name, points in trajectory.series.items()
                 if (ours := clean(names.get(name, name))) not in known}  # fmt: skip
        known |= set(fresh)
        if not trajectory.series:
            claim(live, "note", text=f"{where} holds no numbers that could be read")
        if trajectory.torn:
            claim(live, "note", text=f"{where} ends in the middle of a record")
        if fresh:
            with os.fdopen(open_kept(live / SERIES, os.O_WRONLY | os.O_APPEND), "ab") as file:
                file.write(write_lines(Trajectory(series=fresh)))
            claim(live, "note", text=f"{len(fresh)} series come from {where}")


def _live(live: Path) -> Trajectory:
    try:
        return read_series(read_kept(live / SERIES))
    except FileNotFoundError:
        return Trajectory()


def _reader(path: Path) -> Callable[[Path], Trajectory]:
    if path.suffix == ".wandb":
        from runaudit.importers.wandb import read_history

        return read_history
    from runaudit.importers.tensorboard import read_events

    return read_events


def announce_files(live: Path, folder: Path) -> None:
    """Record by digest what lies in the run's folder and was not announced; checkpoints by their suffix."""
    announced = {row["path"] for row in claims(live) if row["k"] in ("checkpoint", "artifact")}
    for path in sorted(_files(folder)):
        name = path.relative_to(folder).as_posix()
        if name in announced:
            continue
        try:
            facts, digest = path.stat(), digest_file(path)
        except OSError as error:
            claim(live, "note", text=f"{name} could not be read: {error.strerror}")
            continue
        stamp = [facts.st_size, facts.st_mtime_ns]
        if path.suffix.lower() in CHECKPOINTS:
            claim(live, "checkpoint", path=name, digest=str(digest), kind="found", step=_step_of(name), stamp=stamp)
        else:
            kind = "figure" if path.suffix.lower() in FIGURES else "file"
            claim(live, "artifact", path=name, digest=str(digest), kind=kind, stamp=stamp)


def _step_of(name: str) -> int | None:
    match = _STEP.search(name.lower())
    return int(match[1]) if match else None


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below `folder`; a link could lead anywhere, a pipe could wait for ever."""
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here) / name
            try:
                regular = stat.S_ISREG(path.lstat().st_mode)
                path.as_posix().encode("utf-8")
            except (OSError, UnicodeEncodeError):
                continue
            if regular:
                yield path
