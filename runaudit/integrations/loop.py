"""A run that lives in somebody else's loop: opened once, told what the loop tells, ended when nothing more can come.

Four laws hold for every framework.
- Before the start a refusal stops the program, by one line and its exit code. An exception would be a warning in Hydra,
  which then trains unrecorded, and forty lines of the framework's own elsewhere.
- After the start nothing that fails here ends a training: it is told once, and a note of it is sealed.
- What trains and then tests is one run. So its end is sealed when another one begins, or the program ends.
- Where a run is in progress, that of `runaudit run` or of a loop around this one, it is joined and none is opened.
"""

import atexit
import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from runaudit.capture.draft import ABSENT
from runaudit.errors import CaptureError, RunauditError, StoreError, UsageError
from runaudit.importers.seeds import find_seed, without_leaf
from runaudit.integrations.found import FoundConfig
from runaudit.integrations.keeping import kept_copy, size_of
from runaudit.launch.python import guarded_record
from runaudit.observe.here import observe, unobserved
from runaudit.record.recorder import in_progress, record
from runaudit.record.recording import Recording
from runaudit.records.outcome import FINISHED
from runaudit.records.seednames import names_the_seed
from runaudit.settings import load_settings
from runaudit.store.place import find_store
from runaudit.voice.saying import hint, printable

LARGE = 1 << 30
"""Bytes of a checkpoint up to which it is copied unasked: a language model with its optimizer would fill the disk."""
_loops: list["Loop"] = []
"""Those that were started and not yet closed, the outer before the inner."""


class MissingLibraryError(UsageError, ImportError):
    """The framework of an integration is not installed. Whoever asks with `except ImportError` is answered, too."""


def missing(framework: str, package: str, modules: tuple[str, ...], error: ImportError) -> MissingLibraryError:
    """That a framework of these modules is not there, or lacks what it needs itself, and how to get it."""
    name = (error.name or package).partition(".")[0]
    if name in modules:
        return MissingLibraryError(f"{framework} is not installed here", remedy=f"run 'pip install {package}'")
    return MissingLibraryError(f"{framework} cannot be imported: {error}", remedy=f"install what provides {name}")


def stop(error: RunauditError, *, swallowed: bool = False) -> NoReturn:
    """End the program by one line: nothing has started yet. In a notebook, where only the cell ends, raise; but not
    where the framework swallows that."""
    if not swallowed and (hasattr(sys, "ps1") or (sys.modules.get("IPython") and sys.modules["IPython"].get_ipython())):
        raise error
    hint(f"runaudit: {printable(str(error))}")
    # No `Exception`: a framework that goes on after every one of these would train unrecorded.
    raise SystemExit(error.exit_code)


class Loop:
    """One run of a framework's loop, not opened before its settings are known.

    words: what the user gave, as `guarded_record` takes it. copies: whether checkpoints are copied into the run's
    folder; None: the small ones. swallows: whether the framework goes on after whatever Exception a callback raises.
    """

    def __init__(
        self, framework: str, words: Mapping[str, Any], *, copies: bool | None = None, swallows: bool = False
    ) -> None:
        self.framework = framework
        self._swallows = swallows
        self.words = {name: value for name, value in words.items() if value is not ABSENT}
        self._copies = copies
        self.run: Recording | None = None
        self.owner: Loop | None = None
        self._is_joined = False
        self.ending: tuple[str, BaseException | None] | None = None
        self.heard: tuple[str, BaseException | None] | None = None
        self._told: set[str] = set()
        self._names: Mapping[str, str] = {}
        self._step = 0
        self._pid = os.getpid()
        self._stale: object = None
        self._is_deaf = False
        self._copied: dict[str, tuple[Any, Path]] = {}
        with contextlib.suppress(RunauditError, OSError):
            observe()

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in another process or beside this one, has no run: the one that has it goes on."""
        return {**self.__dict__, "run": None, "owner": None, "ending": None, "heard": None, "_copied": {}}

    @property
    def started(self) -> bool:
        """Whether there is a run to log to."""
        return self.run is not None

    @property
    def step(self) -> int:
        """The step that was logged last."""
        return self._step

    # ── the start ────────────────────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        *,
        label: str | None = None,
        found: FoundConfig | None = None,
        seed: Any = ABSENT,
        root: Path | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> None:
        """Open the run, or join the one in progress. What the user gave comes before what was found. Ends the program
        where the guard refuses, or where the run cannot be recorded."""
        _end_before(self)
        running = in_progress()
        self._is_joined = running is not None and running.owns
        if self._is_joined:
            self.run = running
            self.owner = next((loop for loop in reversed(_loops) if loop.run is running), None)
        elif os.environ.get("RUNAUDIT_RUN"):
            self._adopt(running, seed)
        else:
            self._open(label, found or FoundConfig(), seed, (root or Path.cwd()), extra or {}, more)
        self.ending, self.heard, self._is_deaf, self._copied, self._pid = None, None, False, {}, os.getpid()
        self._stale = getattr(sys, "last_value", None)
        if running is None and self.run is not None and not self.run.owns:
            self._declare(label, found or FoundConfig(), seed, (root or Path.cwd()), extra or {})
        if self.run is not None:
            _loops.append(self)
            atexit.register(self._at_exit)
            with contextlib.suppress(RunauditError, OSError), unobserved():
                self._names = dict(load_settings(self.run.store.root).series)

    def _open(
        self,
        label: str | None,
        found: FoundConfig,
        seed: Any,
        root: Path,
        extra: Mapping[str, Mapping[str, Any]],
        more: Mapping[str, Any],
    ) -> None:
        try:
            given = self._given(label, found, seed, root, extra)
            self.run = guarded_record(root=root, **{**more, **given})
        except RunauditError as error:
            stop(error, swallowed=self._swallows)
        except Exception as error:
            stop(UsageError(f"the run cannot be recorded: {type(error).__name__}: {error}",
                            remedy=f"check what {self.framework} was told about runaudit"),
                 swallowed=self._swallows)  # fmt: skip

    def _given(
        self, label: str | None, found: FoundConfig, seed: Any, root: Path, extra: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The words of the user, and what was found where they say nothing."""
        given = dict(self.words)
        given.setdefault("label", label)
        more = {name: dict(table) for name, table in extra.items()}
        if "config" not in given and found:
            given["config"] = dict(found.config)
            more["unknown"] = {**more.get("unknown", {}), **found.gaps}
        if "seed" not in given:
            config = given.get("config")
            table = config if isinstance(config, Mapping) else {}
            named = find_seed(table, {}, "", self._seed_names(root)) if seed is ABSENT else None
            if seed is not ABSENT or named is not None:
                given["seed"] = seed if named is None else named.value
            if named is not None and not names_the_seed(named.path):
                given["config"] = without_leaf(table, named.path)
        if more:
            given["extra"] = more
        if isinstance(data := given.get("data"), Mapping):
            given["data"] = {name: root / place if isinstance(place, str) else place for name, place in data.items()}
        return given

    def _seed_names(self, root: Path) -> tuple[str, ...]:
        named, policy = self.words.get("store"), self.words.get("policy")
        with unobserved():
            folder = find_store(root.absolute(), named=None if named is None else Path(named))
            return tuple(load_settings(folder, named=None if policy is None else Path(policy)).imports.seed)

    def _adopt(self, running: Recording | None, seed: Any) -> None:
        """The run of `runaudit run`. One that is out of reach is told of; the program did nothing wrong."""
        label, said = self.words.get("label"), self.words.get("seed", ABSENT)
        try:
            self.run = running or record()
            if running is None or said is not ABSENT:
                self.run.compare_with_sealed(label=label, seed=said)
        except CaptureError as error:
            stop(error, swallowed=self._swallows)
        except (RunauditError, OSError) as error:
            self.tell(f"nothing that {self.framework} logs is kept: {error}")
            return
        with contextlib.suppress(UsageError):  # a rank that keeps silent has no manifest
            if said is ABSENT and seed is not ABSENT and self.run.manifest.seed != seed:
                self.note(f"{self.framework} says that its seed is {seed!r}; sealed is {self.run.manifest.seed!r}")

    def _declare(
        self, label: str | None, found: FoundConfig, seed: Any, root: Path, extra: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """What the run would have been opened with. A program that opens a run itself has told it already."""
        with self._careful("its settings and data are not kept") as run, unobserved():
            if run is not None:
                run.declare(**self._given(label, found, seed, root, extra))

    # ── while it runs ────────────────────────────────────────────────────────────────────────────────────────────

    def log(self, step: object, values: Mapping[Any, Any]) -> None:
        """The numbers among the values of a step; whatever else a framework logs is named once and not kept. Without a
        step it is the last one that was logged."""
        with self._careful("what it logs is not kept any more") as run:
            if run is not None and (numbers := dict(self._numbers(values))):
                self._step = _as_step(step, self._step)
                run.log(self._step, numbers)

    def _numbers(self, values: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, float]]:
        for key, value in values.items():
            name = f"{above}{key}".encode("utf-8", "backslashreplace").decode()
            if not str(key):
                self.tell(f"a value without a name is not kept, beside {', '.join(map(repr, values))[:80]}")
            elif isinstance(value, Mapping):
                yield from self._numbers(value, f"{name}/")
            elif (number := as_number(value)) is None:
                self.tell(f"{name!r} is not kept: it is {_what(value)}, no number")
            else:
                yield self._names.get(name, name), number

    def event(self, step: object, kind: str, detail: Mapping[str, Any]) -> None:
        """A moment that starts a new segment."""
        with self._careful(f"the event {kind} is not kept") as run:
            if run is not None:
                run.event(_as_step(step, self._step), kind, detail)

    def keep(
        self, path: Path, *, kind: str, place: str, step: object, score: Mapping[str, float] | None = None
    ) -> None:
        """Record a checkpoint by digest, copied to a place of its own in the run's folder: the next of its kind takes
        that place, as most frameworks delete the one before."""
        if self._copies is False:
            return
        with self._careful("a checkpoint is not kept") as run, unobserved():
            if run is None:
                return
            stamp = (str(path), size := size_of(path), path.stat().st_mtime_ns)
            if self._copied.get(place, (None,))[0] == stamp:
                return
            if self._copies is None and size > LARGE:
                self.tell(f"checkpoints of more than {LARGE >> 30} GiB are not copied; checkpoints=True copies them")
                return
            twin = next((copy for other, copy in self._copied.values() if other == stamp), None)
            target = kept_copy(path, run.run_dir, place, twin=twin)
            self._copied[place] = (stamp, target)
            run.checkpoint(target, step=_as_step(step, self._step), kind=kind, score=score)

    def note(self, text: str) -> None:
        """A remark for the outcome."""
        with contextlib.suppress(Exception):  # of a full disk, whose fault was told when it was met
            if self.run is not None:
                self.run.note(text)

    def tell(self, text: str) -> None:
        """Say something once, on stderr and in the outcome."""
        if text not in self._told:
            self._told.add(text)
            hint(f"runaudit: {printable(text)}")
            self.note(text)

    @contextlib.contextmanager
    def _careful(self, lost: str) -> Iterator[Recording | None]:
        """The run, if it still listens. Whatever fails in the block is told, and the training goes on."""
        run = None if self._is_deaf or self.run is None or os.getpid() != self._pid else self.run
        try:
            if run is not None and run.finished:
                self.tell(f"{self.framework} went on after the end of the run was told: {lost}")
                run = None
            yield run
        except Exception as error:  # of whatever object a program logs, of the disk, of ourselves
            self._is_deaf = self._is_deaf or isinstance(error, StoreError)
            self.tell(f"{lost}: {_in_short(error)}")

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ended(self, status: str = "completed", error: BaseException | None = None) -> None:
        """The training is over. What is evaluated afterwards still belongs to the run."""
        self.ending = (status, error)
        if multiprocessing.parent_process() is not None:
            self.close()  # Such a process ends without a word to who waits for its end.

    def close(self, later: BaseException | None = None) -> None:
        """Seal how the run ended; of a joined run its owner does. later: what ended the program after the training."""
        for inner in [loop for loop in _loops if loop.owner is self]:
            inner.close()
        run, self.run = self.run, None
        atexit.unregister(self._at_exit)
        if self in _loops:
            _loops.remove(self)
        if run is None or os.getpid() != self._pid:
            return
        if self.owner is not None:
            self.owner.heard = self.ending
        if self._is_joined or (self.ending is None and not run.owns):
            return  # Of a run of `runaudit run` that never said how it ended the exit code tells more.
        status, error = self._settled()
        self.run = run
        try:
            self._seal(run, status, error or later)
        finally:
            self.run = None

    def _settled(self) -> tuple[str, BaseException | None]:
        """How this loop ended. The one within knows of an early stop; of its failure only where this one says nothing,
        for a failure may have been caught."""
        if self.ending is None:
            return self.heard or ("crashed", None)
        stopped = self.ending == ("completed", None) and self.heard == ("early_stopped", None)
        return ("early_stopped", None) if stopped else self.ending

    def _seal(self, run: Recording, status: str, error: BaseException | None) -> None:
        with self._careful("the end of the run is not sealed"):
            if error is not None:
                run.__exit__(type(error), error, error.__traceback__)
            else:
                silent = status == "crashed" and self.ending is None and self.heard is None
                run.finish(status, error=f"{self.framework} did not come to its end" if silent else None)

    def _at_exit(self) -> None:
        """The program ends. An error that it ended by is how the run ended, as it is for the exit code."""
        if os.getpid() != self._pid:
            return
        for inner in [loop for loop in _loops if loop.owner is self]:
            inner.close()
        failed = self.heard is not None and self.heard[0] not in FINISHED
        if self.ending is not None or failed:
            last = getattr(sys, "last_value", None)
            self.close(None if last is self._stale else last)


def _end_before(loop: Loop) -> None:
    """End the runs that a new one follows: of the same framework, and of those whose training is over."""
    for other in reversed(_loops.copy()):
        if other is loop or other.framework == loop.framework or (other.ending is not None and other.owner is None):
            other.close()


def _in_short(error: Exception) -> str:
    """A fault in the same words each time: a full disk is told once, and not for every file that it refuses."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, RunauditError) else f"{type(error).__name__}: {error}"


def _as_step(step: object, last: int) -> int:
    number = as_number(step)
    return last if number is None or not abs(number) <= 2**53 else int(number)


def as_number(value: object) -> float | None:
    """A number of any library; None for what is none. A text that reads like one is none."""
    if value is None or isinstance(value, str | bytes | bytearray | complex):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except Exception:  # of an array, a picture, a tensor without content
        return None


def _what(value: object) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}{f' of the shape {tuple(shape)}' if isinstance(shape, tuple) else ''}"
