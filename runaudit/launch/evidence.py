"""Which files of other trackers a run wrote, by who wrote them: questions to the trace of its processes.

Runs side by side write into one `mlruns/`, one `lightning_logs/`, one `wandb/`, and only who wrote a file says whose it
is. What a run read and went on with, and what another wrote beside it, is told apart or left out.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from types import MappingProxyType

from runaudit.launch.leavings import CHECKPOINTS, FIGURES, files_below
from runaudit.observe.trace import Trace

LOG_FOLDERS = ("wandb", "runs", "lightning_logs", "tb_logs", "logs", "tensorboard")
"""Where trackers write when they are told nothing, beside the command's working folder."""
LEDGERS = ("mlruns", "outputs", "multirun")
"""Where they keep all that was ever run: too much to look through before a command that will be observed."""
DATABASES = (".db", ".sqlite", ".sqlite3", ".db3")
STATE = "trainer_state.json"
_EVENTS = re.compile(r"events\.out\.tfevents\.(?P<time>\d+)\..+\.(?P<pid>\d+)\.\d+(?:\.\w+)?")
_WANDB = re.compile(r"(?:offline-)?run-.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a run is known to have written that a tracker may have said something in.

    files: with what each held before: "" where all of it is this run's, None where that is not known. databases: of
    sqlite that it opened. begun: id of a run in one of them, of which it wrote -> whether it began it. resumed: states
    of the Hugging Face Trainer that it went on from. shared: files that another run wrote beside it, or may have, where
    it was not `seen` who wrote what. unclear: places that changed, and nobody saw by whom.
    """

    files: Mapping[Path, str | None] = field(default_factory=lambda: MappingProxyType({}))
    databases: tuple[Path, ...] = ()
    begun: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    resumed: tuple[Path, ...] = ()
    shared: frozenset[Path] = frozenset()
    seen: bool = True
    unclear: tuple[Path, ...] = ()

    def beside(self, others: Iterable[str]) -> "Written":
        """Without what another run wrote while this one ran: whose a line in it is, nobody can tell."""
        shared = frozenset(self.files).intersection(map(Path, others))
        return replace(self, files={path: was for path, was in self.files.items() if path not in shared}, shared=shared)


def written_by(trace: Trace, cwd: Path, folder: Path, *, since: float) -> Written:
    """What the processes of a run wrote, wherever it lies. folder: the run's own, in which all is its. since: when the
    run began, in seconds since 1970."""
    files = {path: trace.grown.get(name, "") for name in trace.written if _may_tell(path := Path(name))}
    files |= dict.fromkeys(_by_helpers(trace, cwd, since), "")
    files |= {path: files.get(path, "") for path in files_below(folder) if _may_tell(path)}
    opened = (Path(name) for name, read in sorted(trace.reads.items()) if read.via == "sqlite3.connect")
    states = (Path(name) for name, read in sorted(trace.reads.items()) if not read.own)
    return Written(
        files=files,
        databases=tuple(path for path in opened if path.suffix.lower() in DATABASES),
        begun=trace.begun,
        resumed=tuple(path for path in states if path.name == STATE),
    )


def new_since(before: frozenset[Path], cwd: Path, folder: Path, *, since: float, alone: bool) -> Written:
    """Of a run whose processes nobody saw: what was not there before it, in its own folder and, where no other run ran
    beside it, where trackers write."""
    places = (Path(cwd, name, inner) for name in LEDGERS for inner in ("", *_listed(str(cwd / name))))
    own, new = set(files_below(folder)), {path for path in tracker_files(cwd) if path not in before}
    return Written(
        files={path: "" for path in (own | new if alone else own) if _may_tell(path)},
        databases=tuple(cwd / name for name in _listed(str(cwd)) if name.lower().endswith(DATABASES)),
        shared=frozenset() if alone else frozenset(filter(_may_tell, new - own)),
        seen=False,
        unclear=tuple(dict.fromkeys(cwd / path.relative_to(cwd).parts[0] for path in places if _changed(path, since))),
    )


def _changed(path: Path, since: float) -> bool:
    """Whether an entry was added to a folder."""
    try:
        return path.stat().st_mtime >= since
    except OSError:
        return False


def tracker_files(cwd: Path) -> Iterator[Path]:
    """What lies in the folders that trackers make by themselves; links are not followed."""
    for name in LOG_FOLDERS:
        yield from files_below(cwd / name)


def _may_tell(path: PurePath) -> bool:
    """Whether a file may hold what a tracker says: weights and pictures do not, and the lock of a pipeline tells of all
    that was ever run."""
    return path.suffix.lower() not in (*CHECKPOINTS, *FIGURES, *DATABASES) and path.name != "dvc.lock"


def _by_helpers(trace: Trace, cwd: Path, since: float) -> Iterator[Path]:
    """Files that no code of Python opened: W&B's is written by a helper that nobody observes, in a folder that the
    program makes; TensorFlow's native writer puts its moment and its process into the name."""
    pids = {process.pid for process in trace.processes}
    folders = {one for name in trace.written for one in PurePath(name).parents if _WANDB.fullmatch(one.name)}
    folders |= {PurePath(name) for name in trace.written if _WANDB.fullmatch(PurePath(name).name)}
    yield from (Path(folder, name) for folder in sorted(folders) for name in _listed(str(folder))
                if name.endswith(".wandb"))  # fmt: skip
    # What lies in a folder that the run made itself was made since; of the others only the usual ones are looked at.
    made = {name for name in trace.written if not trace.lies_in_made(name)}
    for top in (*sorted(made), *(str(cwd / name) for name in LOG_FOLDERS)):
        for here, _, names in os.walk(top):
            for name in names:
                named = _EVENTS.fullmatch(name)
                if named is not None and int(named["pid"]) in pids and int(named["time"]) >= int(since):
                    yield Path(here, name)


def _listed(folder: str) -> list[str]:
    """The names in a folder; none where there is no folder, or one that is not to be read."""
    try:
        return sorted(os.listdir(folder)) if not os.path.islink(folder) else []  # noqa: PTH114, PTH208  (a text)
    except OSError:
        return []
