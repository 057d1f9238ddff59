"""Baselines kept between runs, each sealed by the run that used it: one that was edited since is never believed.

Every run keeps the baselines of its sequences among its own files, sealed by digest like its checkpoints. The store's
cache has a copy, and which run to ask for its seal; the next run takes it over only where the bytes are what that run
sealed. Nobody has to believe the cache: whoever edits it has bytes that fit no seal, and the baseline is computed again
(an edited file beside the data once moved sealed gains by 18 dB). Another run's own folder is not read: what is read
there is an input, and the first run of a store, which computes, would differ in it from all that follow.
"""

import hashlib
import sys
from functools import cached_property
from pathlib import Path

from runaudit import Bench, Recording, Run, open_store
from runaudit.errors import RunauditError
from runaudit.system.files import remember, replace_file

FOLDER = "baselines"


class SealedShelf:
    """The baselines of a store's sealed runs. With a `recorder`, what is used is kept in that run as well."""

    def __init__(self, store: Path | None, recorder: Recording | None = None) -> None:
        self._store, self._recorder = store, recorder
        self._vouched: set[str] = set()

    def find(self, key: str) -> bytes | None:
        """The bytes that a run sealed under this key; None where none did, or they are not those any more."""
        run = self._run_with(key)
        if run is None or run.outcome is None or self._bench is None:
            return None
        name = f"{FOLDER}/{key}.json"
        sealed = next((row["digest"] for row in run.outcome.artifacts if row["path"] == name), None)
        try:
            data = self._copy(key).read_bytes()
        except OSError:
            return None
        if sealed != f"sha256:{hashlib.sha256(data).hexdigest()}":
            _say(f"{name} is not what run {run.short} sealed; the baseline is computed again")
            return None
        self._vouched.add(key)
        return data

    def keep(self, key: str, data: bytes) -> None:
        """Keep it among the files of the run in progress, and remember that this run has it if no sealed one does."""
        if self._recorder is None or self._bench is None:
            return
        path = self._recorder.run_dir / FOLDER / f"{key}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
        except OSError as error:
            _say(f"{path} cannot be kept: {error.strerror or error}")
            return
        self._recorder.artifact(path, "baseline")
        if key not in self._vouched:
            remember(self._hint(key), self._recorder.id.encode())
            remember(self._copy(key), data)

    @cached_property
    def _bench(self) -> Bench | None:
        try:
            return open_store(self._store)
        except RunauditError:
            return None  # Judged without a store: nothing was kept, and nothing can be.

    def _hint(self, key: str) -> Path:
        assert self._bench is not None
        return self._bench.store.root / "cache" / FOLDER / key

    def _copy(self, key: str) -> Path:
        return self._hint(key).with_suffix(".json")

    def _run_with(self, key: str) -> Run | None:
        if self._bench is None:
            return None
        try:
            word = self._hint(key).read_text()
            return self._bench.named(word, trajectory=False)[0] if len(word) == 64 and word.isalnum() else None
        except (OSError, ValueError, RunauditError):
            return None


def _say(line: str) -> None:
    print(f"trainer: {line}", file=sys.stderr, flush=True)
