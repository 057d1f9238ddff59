"""Where jobs run: processes of this machine, a Ray cluster, or SLURM through submitit. Only the choice is ours.

Each takes an order and comes back with what became of it, so a pool of threads drives all of them alike. The cluster's
machines see the same folders as this one: the store, the work tree and the interpreter lie under the same paths.
"""

import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from runaudit.campaign.job import POLL_S, STOP, Order, Told, carry_out
from runaudit.capture.environment import devices
from runaudit.errors import UsageError
from runaudit.text.words import closest, listed, quoted

NAMES = ("local", "ray", "submitit")
DEVICES = "CUDA_VISIBLE_DEVICES"


class Executor(Protocol):
    """A place where jobs run."""

    @property
    def elsewhere(self) -> bool:
        """Whether it may be another machine, whose environment is its own."""

    @property
    def at_once(self) -> int | None:
        """How many jobs it takes at once, None: as many as it is given."""

    @property
    def environ(self) -> Mapping[str, str]:
        """What a job is given there besides, as far as it is known before: the guard is asked with it."""

    def open(self) -> None:
        """Get ready: called once, when the guard has admitted every job."""

    def run(self, order: Order) -> Told:
        """Run a job to its end. Called from several threads."""


@dataclass(frozen=True, slots=True)
class Local:
    """Processes of this machine. Where CUDA devices are visible each job has one for itself, and none has two."""

    free: "queue.SimpleQueue[str]"
    at_once: int | None
    environ: Mapping[str, str]
    elsewhere: bool = False

    @classmethod
    def of(cls, jobs: int, found: Sequence[tuple[str, str]]) -> "Local":
        """For so many jobs at once, on devices as (word that chooses it, model). Raises UsageError where they are of
        several models: the seeds of an arm would not be run alike.

        One job at a time sees all devices, as under `runaudit run`.
        """
        free: queue.SimpleQueue[str] = queue.SimpleQueue()
        if jobs < 2 or not found:
            return cls(free, None, {})
        models = sorted({model for _, model in found})
        if len(models) > 1:
            raise UsageError(
                f"the GPUs are of several models ({listed(models)}), and each job would get one of them",
                remedy=f"name those of one model in {DEVICES}, or run with --jobs 1",
            )
        for word, _ in found:
            free.put(word)
        return cls(free, len(found), {DEVICES: found[0][0]})

    def open(self) -> None:
        """There is nothing to get ready."""

    def run(self, order: Order) -> Told:
        """A process here, on a device that no other job has."""
        with self.device() as more:
            return carry_out(order, more)

    @contextmanager
    def device(self) -> Iterator[Mapping[str, str]]:
        """The variables that give a job a device for itself; none where devices are not shared out."""
        if not self.environ:
            yield {}
            return
        device = self.free.get()
        try:
            yield {DEVICES: device}
        finally:
            self.free.put(device)


@dataclass(slots=True)
class Elsewhere:
    """A cluster. connect: gives what waits there for the end of one job."""

    connect: Callable[[], Callable[[Order], Told]]
    submit: Callable[[Order], Told] | None = None
    elsewhere: bool = True
    at_once: int | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """Nothing is known of it before."""
        return {}

    def open(self) -> None:
        """Connect to it."""
        self.submit = self.connect()

    def run(self, order: Order) -> Told:
        """A process there."""
        assert self.submit is not None
        return self.submit(order)


def executor_of(
    name: str, *, jobs: int, options: Mapping[str, Any], folder: Path, environ: Mapping[str, str] = os.environ
) -> Executor:
    """The executor of this name. options: what the campaign file says of it, handed on as it is; folder: where it may
    keep its own files. Raises UsageError for a name that there is not, or one that is not installed."""
    if name not in NAMES:
        raise UsageError(f"there is no executor {quoted(name)}{closest(name, NAMES)}",
                         remedy=f"choose one of {', '.join(NAMES)}")  # fmt: skip
    if name == "local":
        return Local.of(jobs, devices(environ) if jobs > 1 else ())
    if find_spec(name) is None:
        raise UsageError(f"{name} is not installed beside runaudit", remedy=f"pip install 'runaudit[{name}]'")
    return Elsewhere(partial(_ray, options) if name == "ray" else partial(_submitit, options, folder))


def _on_ray(order: Order) -> Told:
    """A job on a machine of the cluster, which says by a variable which of its devices are the job's."""
    return carry_out(order, {DEVICES: os.environ[DEVICES]} if os.environ.get(DEVICES) else {})


def _ray(options: Mapping[str, Any]) -> Callable[[Order], Told]:
    """Tasks of a Ray cluster: the one that RAY_ADDRESS or the options name, the one that runs here, or a new one."""
    import ray

    own = dict(options)
    task = own.pop("task", {})
    if not ray.is_initialized():
        ray.init(**{"log_to_driver": False, "include_dashboard": False, "configure_logging": False, **own})
    gpus = {"num_gpus": 1} if ray.cluster_resources().get("GPU") else {}
    # What a job did twice would be two runs: a task that fails is told, and not tried again unseen.
    remote = ray.remote(_on_ray).options(**{"num_cpus": 1, "max_retries": 0, **gpus, **task})

    def submit(order: Order) -> Told:
        try:
            told: Told = ray.get(remote.remote(order))
        except ray.exceptions.RayError as error:
            return Told(refused=f"Ray lost it: {str(error).strip().splitlines()[0]}")
        return told

    return submit


def _on_slurm(order: Order) -> Told:
    """A job that SLURM has started, with what SLURM says of it."""
    return carry_out(order, {n: v for n, v in os.environ.items() if n.startswith("SLURM_") or n == DEVICES})


def _submitit(options: Mapping[str, Any], folder: Path) -> Callable[[Order], Told]:
    """Jobs of SLURM where there is one, else submitit's processes; `cluster` among the options names another."""
    import submitit

    own = dict(options)
    executor = submitit.AutoExecutor(folder=folder / "submitit", cluster=own.pop("cluster", None))
    executor.update_parameters(**own)

    def submit(order: Order) -> Told:
        job = executor.submit(_on_slurm, order)
        while not job.done():
            if job.state == "PENDING" and (order.stops / STOP.name).exists():
                job.cancel()
                return Told()
            time.sleep(POLL_S)
        try:
            told: Told = job.result()
        except Exception as error:  # Whatever its process or SLURM ended with comes back as one of many kinds.
            return Told(refused=f"submitit lost it: {str(error).strip().splitlines()[-1]}")
        return told

    return submit
