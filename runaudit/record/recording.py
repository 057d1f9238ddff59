"""What a training loop holds: the same calls on the rank that writes and on those that keep silent.

A program that is started several times runs the same lines everywhere. So every rank gets an object of this shape, and
only rank 0's keeps anything; what cannot be asked of the others raises an error that says so.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from runaudit.capture.draft import ABSENT
from runaudit.capture.rng import proof
from runaudit.errors import CaptureError, UsageError
from runaudit.record.order import in_either_order
from runaudit.records.digest import Digest, digest_file
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import STATUSES, Outcome
from runaudit.store.store import Store

_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")


class Recording(Protocol):
    """A run in progress. A context manager: an exception is a crash, an interrupt or SIGTERM a kill."""

    @property
    def id(self) -> str:
        """The run's whole id."""

    @property
    def run_dir(self) -> Path:
        """The run's own folder: what is written there can be recorded without a copy."""

    @property
    def store(self) -> Store:
        """Where the run is kept."""

    @property
    def manifest(self) -> Manifest:
        """What was sealed before the first step."""

    @property
    def owns(self) -> bool:
        """Whether this process seals the outcome."""

    @property
    def finished(self) -> bool:
        """Whether the end was told."""

    @property
    def outcome(self) -> Outcome | None:
        """What was sealed at the end; None before it, and where another process seals."""

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Log the values of one step: numbers, numpy scalars, tensors of one element. Safe from SIGKILL on return."""

    def event(self, step: int, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        """Log a moment that starts a new segment: a stage begins, a run resumes."""

    def checkpoint(
        self, path: Path | str, *, step: int, kind: str = "checkpoint", score: Mapping[str, float] | None = None
    ) -> Digest:
        """Record a checkpoint by digest; one that lies outside the run's folder is copied in. score: what it was chosen
        by. Returns the digest."""

    def artifact(self, path: Path | str, kind: str = "file", *, about: str = "") -> Digest:
        """Record any other file the run leaves. about: how it was made, for whoever looks at it."""

    def prove_seed(self, *, rng: Any = None, init: Any = None, first_batch: Any = None) -> None:
        """Record digests that show the seed acted: generator states after seeding, initial weights, first sample ids.

        Each is a digest, bytes, or anything with a canonical form; `rng` may be the mapping `rng_digests()` gives.
        """

    def note(self, text: str) -> None:
        """A remark for the outcome."""

    def watch_config(self, config: Any) -> None:
        """Look at the configuration again when the run ends."""

    def declare(self, **given: Any) -> None:
        """Tell the inputs of a run that another process has sealed, in the words of `record()`."""

    def compare_with_sealed(self, *, label: str | None, seed: Any) -> None:
        """Hold what the program declares against what the wrapper sealed.

        Raises CaptureError where both name a seed and they differ: the sealed record would be false.
        """

    def finish(
        self, status: str = "completed", *, metrics: Mapping[str, float] | None = None, error: str | None = None
    ) -> Outcome | None:
        """Seal the outcome and return it; of an adopted run only say how it ended (None: the wrapper seals).

        A second call changes nothing. Raises UsageError for an unknown status.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Silent:
    """The recording of a rank that does not write: every call is accepted, nothing is kept."""

    owns = False
    outcome = None
    id = ""

    def __init__(self) -> None:
        self.finished = False

    @property
    def run_dir(self) -> Path:
        """Raises UsageError: only rank 0 has the run's folder, unless `runaudit run` gave it to all."""
        if folder := os.environ.get("RUNAUDIT_RUN"):
            return Path(folder)
        raise UsageError("this rank does not write, so it has no run folder", remedy="use run_dir on rank 0 alone")

    @property
    def store(self) -> Store:
        """Raises UsageError: only rank 0 has a store."""
        raise UsageError("this rank does not write, so it has no store", remedy="use the store on rank 0 alone")

    @property
    def manifest(self) -> Manifest:
        """Raises UsageError: only rank 0 knows what was sealed."""
        raise UsageError("this rank does not write, so it has no manifest", remedy="use the manifest on rank 0 alone")

    @in_either_order
    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Keeps nothing."""

    def event(self, step: int, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        """Keeps nothing."""

    def checkpoint(
        self, path: Path | str, *, step: int, kind: str = "checkpoint", score: Mapping[str, float] | None = None
    ) -> Digest:
        """The digest alone."""
        return _digest("checkpoint", Path(path))

    def artifact(self, path: Path | str, kind: str = "file", *, about: str = "") -> Digest:
        """The digest alone."""
        return _digest("artifact", Path(path))

    def prove_seed(self, *, rng: Any = None, init: Any = None, first_batch: Any = None) -> None:
        """Keeps nothing."""

    def note(self, text: str) -> None:
        """Keeps nothing."""

    def watch_config(self, config: Any) -> None:
        """Keeps nothing."""

    def declare(self, **given: Any) -> None:
        """Keeps nothing: rank 0 tells."""

    def compare_with_sealed(self, *, label: str | None, seed: Any) -> None:
        """Keeps nothing: rank 0 compares."""

    def finish(
        self, status: str = "completed", *, metrics: Mapping[str, float] | None = None, error: str | None = None
    ) -> Outcome | None:
        """Ends in silence. Raises UsageError for an unknown status, as on rank 0: all ranks stop at the same line."""
        check_status(status)
        self.finished = True
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finished = True


def check_status(status: str) -> None:
    """Raises UsageError where `status` is none that a run can end with."""
    if status not in STATUSES:
        raise UsageError(f"{status!r} is not a status of a run", remedy=f"use one of {', '.join(STATUSES)}")


def inner_files(group: str, folder: Path) -> list[Path]:
    """The files of a checkpoint that is a folder, without what git keeps there: a history is none of it, and may name a
    token. Raises CaptureError where there is none, and of a folder in which a store lies: that is the work tree, with
    the key by which secrets are marked."""
    found = [path for path in sorted(folder.rglob("*")) if ".git" not in path.relative_to(folder).parts]
    stores = (path.parent for path in found if path.name == "log.jsonl" and path.with_name("store.json").exists())
    if held := next(stores, None):
        raise CaptureError(
            f"the {group} {folder} is no folder of its own: the store {held} lies in it",
            remedy="name the folder, or the file, in which the program wrote it",
        )
    files = [path for path in found if path.is_file()]
    if not files:
        raise CaptureError(f"the {group} {folder} holds no file", remedy="record it after it is written")
    return files


def digest_of_all(digests: list[Digest]) -> Digest:
    """One digest for the files of a folder."""
    return Digest.parse(proof([str(digest) for digest in digests]))


def _digest(group: str, path: Path) -> Digest:
    if path.is_dir():
        return digest_of_all([digest_file(file) for file in inner_files(group, path)])
    return digest_file(path)


def differing(manifest: Manifest, label: str | None, seed: Any) -> tuple[str, ...]:
    """What a program declares that its wrapper sealed otherwise, in words.

    Raises CaptureError where both name a seed and they differ: the sealed record would be false.
    """
    found = []
    if seed is not ABSENT:
        if not manifest.has("seed"):
            found.append(f"the program says its seed is {seed!r}; the manifest does not name one")
        elif manifest.seed != seed:
            raise CaptureError(
                f"the manifest was sealed with seed {manifest.seed!r} and the program uses {seed!r}",
                remedy=f"start with --seed {seed}, or pass the sealed seed to the program",
            )
    if label is not None and label != manifest.label:
        found.append(f"the program calls this run {label!r}")
    return tuple(found)


def rank_of(environ: Mapping[str, str]) -> int:
    """This process's rank among those one launcher started; 0 where there is no launcher."""
    for name in _RANKS:
        if environ.get(name, "").isdigit():
            return int(environ[name])
    return 0
