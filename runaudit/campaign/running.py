"""A campaign from its plan to its answer: what is missing is run, so many jobs at once, each by itself.

What came of it is read back from the store at the end, so that the answer says what is sealed and nothing else. A job
that the guard refuses half-way ends the campaign: something was changed under it, and one arm would hold two designs.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from runaudit.campaign.admission import Admission, admit, edited
from runaudit.campaign.answer import CampaignAnswer
from runaudit.campaign.executors import Executor, executor_of
from runaudit.campaign.history import History, history_of
from runaudit.campaign.job import POLL_S, Order, Told, ask_to_stop
from runaudit.campaign.plan import Job, Plan, named
from runaudit.capture.draft import open_store
from runaudit.errors import UsageError
from runaudit.factors.atonce import collisions
from runaudit.records.run import SHORT
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import load
from runaudit.system.locks import holder
from runaudit.system.progress import work
from runaudit.text.words import listed, plural
from runaudit.voice.saying import Manner

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a campaign to stop: its jobs are asked in turn, and what they did is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a campaign is run: how many jobs at once, whether one that was begun goes on, where, and what is kept.

    retry: jobs that crashed are run again; logs: the folder for what the jobs print.
    """

    jobs: int = 1
    resume: bool = False
    retry: bool = False
    dry_run: bool = False
    executor: str = "local"
    logs: Path | None = None


def campaign(
    plan: Plan, root: Path, settings: Settings, how: How, *, manner: Manner, cwd: Path,
    environ: Mapping[str, str] = os.environ,
) -> CampaignAnswer:  # fmt: skip
    """Admit, show the plan, run what is missing, and say what is sealed. Raises UsageError for a call that makes no
    sense: one that would repeat what is there, or a campaign that runs already."""
    plan.check()
    if how.dry_run and os.path.lexists(root / "store.json"):
        return _planned(plan, Store.open(root), settings, how, cwd, environ)
    if how.dry_run:
        with tempfile.TemporaryDirectory(prefix="runaudit-") as folder:
            return _planned(plan, open_store(Path(folder) / "store"), settings, how, cwd, environ)
    store = open_store(root.absolute())
    with _alone(store, plan), _scratch(store, plan) as folder:
        history = history_of(plan, store)
        todo = _todo(plan, history, how)
        executor = executor_of(how.executor, jobs=how.jobs, options=plan.executors.get(how.executor, {}),
                               folder=folder, environ=environ)  # fmt: skip
        answer = _asked(plan, store, settings, how, cwd, {**environ, **executor.environ}, todo, history)
        if answer.admission.refusals or not todo:
            return answer
        _make_logs(how.logs)
        manner.tell_plan(answer)
        if executor.at_once is not None and executor.at_once < how.jobs:
            manner.note(f"{plural(executor.at_once, 'GPU')}: as many jobs at once, each on one of its own "
                        "(CUDA_VISIBLE_DEVICES= gives none to any)")  # fmt: skip
        for note in answer.admission.told:
            manner.note(note)
        executor.open()
        at_work = Work(plan=plan, store=store, settings=settings, how=how, executor=executor,
                       admission=answer.admission, folder=folder, cwd=cwd, environ=environ, manner=manner)  # fmt: skip
        stopped = at_work.go(todo)
        return replace(answer, history=history_of(plan, store), ran=True, stopped=stopped, refused=at_work.refused)


def _planned(
    plan: Plan, store: Store, settings: Settings, how: How, cwd: Path, environ: Mapping[str, str]
) -> CampaignAnswer:
    history = history_of(plan, store)
    todo = history.todo(plan.jobs, retry=how.retry)
    return _asked(plan, store, settings, how, cwd, environ, todo, history)


def _asked(
    plan: Plan, store: Store, settings: Settings, how: How, cwd: Path, environ: Mapping[str, str],
    todo: tuple[Job, ...], history: History,
) -> CampaignAnswer:  # fmt: skip
    """What the guard says of the jobs that are to be run, and of the arms of which none is."""
    admission = admit(plan, todo, store, settings, cwd=cwd, environ=environ)
    asked, kept = {job.key[0] for job in todo}, dict[str, Job]()
    for job in plan.jobs:
        if job.key in history.runs and job.key[0] not in asked:
            kept.setdefault(job.key[0], job)
    if not admission.refusals and (gone := edited(kept.values(), store, settings, cwd=cwd, environ=environ)):
        admission = replace(admission, refusals=gone, edited=True)
    return CampaignAnswer(plan=plan, history=history, admission=admission, todo=todo,
                          at_once=how.jobs, directions=settings.stats.directions)  # fmt: skip


def _todo(plan: Plan, before: History, how: How) -> tuple[Job, ...]:
    """What is to be run. Raises UsageError where that is not what the call can mean."""
    todo = before.todo(plan.jobs, retry=how.retry)
    if alive := before.running(plan.jobs):
        raise UsageError(
            f"{plural(len(alive), 'job')} of this campaign still {'runs' if len(alive) == 1 else 'run'}: "
            f"{listed([run.short for run in alive])}",
            remedy=f"wait for the end, or watch: runaudit watch {alive[0].short}",
        )
    there = len(plan.jobs) - sum(before.status(job) == "missing" for job in plan.jobs)
    if there and not how.resume:
        again = plan.repeated("--resume")
        raise UsageError(
            f"{there} of the {len(plan.jobs)} jobs have a run already, and the same seed again would add nothing",
            remedy=f"run what is missing: {again}",
        )  # fmt: skip
    return todo


def _make_logs(folder: Path | None) -> None:
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"no log can be kept in {folder}: {error.strerror}", remedy="name a folder") from error


@contextmanager
def _alone(store: Store, plan: Plan) -> Iterator[None]:
    """One process runs a campaign: two would run every job twice. Raises UsageError where another does."""
    path = store.root / "cache" / f"campaign-{plan.id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"this campaign is being run by {holder(file)}", remedy="wait for its end") from error
        yield
    finally:
        os.close(file)


@contextmanager
def _scratch(store: Store, plan: Plan) -> Iterator[Path]:
    """A folder beside the store, which a cluster's machines see too; away when the campaign is over."""
    folder = store.root / "cache" / f"campaign-{plan.id}"
    shutil.rmtree(folder, ignore_errors=True)  # Of a campaign that was killed.
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(kw_only=True)
class Work:
    """A campaign at work. refused: what kept a job from starting, by its key; collided: whether
    jobs at once wrote one file; ran: the runs so far; told: how often the jobs were asked to end."""

    plan: Plan
    store: Store
    settings: Settings
    how: How
    executor: Executor
    admission: Admission
    folder: Path
    cwd: Path
    environ: Mapping[str, str]
    manner: Manner
    refused: dict[tuple[str, int], str] = field(default_factory=dict)
    collided: bool = False
    ran: list[str] = field(default_factory=list)
    told: int = 0

    def go(self, todo: tuple[Job, ...]) -> bool:
        """Run these jobs, so many at once. Whether somebody asked to stop."""
        waiting, running = list(todo), dict[Future[Told], Job]()
        at_once = min(self.how.jobs, self.executor.at_once or self.how.jobs)
        with _stoppable() as asked, ThreadPoolExecutor(at_once, thread_name_prefix="runaudit-job") as pool:
            try:
                while running or (waiting and not asked and not self.refused):
                    wide = at_once if not self.collided else 1
                    while waiting and len(running) < wide and not asked and not self.refused:
                        job = waiting.pop(0)
                        running[pool.submit(self.executor.run, self._order(job))] = job
                    for future in self._ended(running, asked, len(todo) - len(waiting) - len(running), len(todo)):
                        self._take(running.pop(future), future)
            except BaseException:
                ask_to_stop(self.folder)  # What was begun ends and is sealed, whatever went wrong here.
                raise
        return bool(asked)

    def _ended(
        self, running: Mapping[Future[Told], Job], asked: list[int], done: int, total: int
    ) -> tuple[Future[Told], ...]:
        """Wait for the next jobs to end, showing how far it is."""
        with work("running", total, "jobs") as advance:
            advance(done)
            while True:
                ended = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED).done
                if ended:
                    return tuple(ended)
                advance(0)
                if len(asked) > self.told:
                    self.told += 1
                    ask_to_stop(self.folder)
                    names = named(running.values())
                    self.manner.note(f"stopping: {names} {'is' if len(running) == 1 else 'are'} asked to end"
                                     + ("" if self.told > 1 else "; Ctrl-C again asks harder"))  # fmt: skip

    def _order(self, job: Job) -> Order:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in job.arm)
        logs = self.how.logs
        return Order(
            asked=job.asked,
            root=self.store.root,
            settings=self.settings,
            cwd=self.cwd,
            environ={**self.environ, **self.executor.environ, **job.environ},
            planned=self.admission.drafts[job.key].raw,
            stops=self.folder,
            log=None if logs is None else logs.absolute() / f"{name}-{job.asked.mark['arm'][:6]}-seed{job.seed}.log",
            elsewhere=self.executor.elsewhere,
        )

    def _take(self, job: Job, future: Future[Told]) -> None:
        """What became of a job that has ended."""
        told = future.result()
        if told.run is None:
            if told.refused:
                self.refused[job.key] = told.refused
                self.manner.note(f"{job.said}: not started: {told.refused}")
            return
        run = load(self.store, told.run, trajectory=False, is_hashed=False)
        error = run.outcome.body.get("error") if run.outcome else None
        self.manner.note(f"{job.said}: {run.status}{f', {error}' if error else ''} (run {told.run[:SHORT]})")
        self.ran.append(told.run)
        self._look_beside()

    def _look_beside(self) -> None:
        """Whether jobs that ran at once wrote one file. From then on one runs at a time."""
        if self.how.jobs < 2 or self.collided:
            return
        recent = self.ran[-2 * self.how.jobs :]
        found = collisions([load(self.store, one, trajectory=False, is_hashed=False) for one in recent])
        if found:
            self.collided = True
            self.manner.note(f"{found[0].said}: from here on one job at a time")


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Signals that ask to stop are collected, and end nothing by themselves."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # `nohup`: somebody wants it to be deaf.
                signal.signal(number, note)
        yield asked
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
