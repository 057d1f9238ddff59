"""One training in several processes that a launcher started: what they tell each other, and which of them writes.

Every rank takes its own part of a step's queue. Before the weights move the gradients are averaged, and whatever a step
is decided by (a bad batch, a gradient, a signal) is known to all: a rank that waits for one that has turned elsewhere
waits for ever. So all ranks hold the same weights, the same moments and the same place in the run, and rank 0 alone
guards, seals, writes and judges.

Why not torch's wrapper: it wants one forward pass from which every gradient is known. Here a stage enters the network
where it trains it, and whether a batch counts is settled between its two passes. It would hide the exchange behind the
backward pass, which is worth little for the 3 MB of the largest network.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from runaudit.errors import ConfigError, IntegrityError, RunauditError

T = TypeVar("T")


class AnotherRankError(RunauditError):
    """Another rank failed, or is gone. Rank 0 says it for all."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """This process among those of its training; alone by default, and then nothing is exchanged."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Is this the one that writes?"""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """The sum over all ranks, of which every rank's share has its gradient."""
        return values if self.size == 1 else _Total.apply(values)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all ranks: what is not finite on one of them is so on all."""
        return values if self.size == 1 else _summed(values) / self.size

    def highest(self, number: int) -> int:
        """The largest of what the ranks say."""
        if self.size == 1:
            return number
        told = torch.tensor(number)
        with _heard():
            dist.all_reduce(told, op=dist.ReduceOp.MAX)
        return int(told)

    def any(self, flag: bool) -> bool:
        """Does one of them say so?"""
        return bool(self.highest(int(flag)))

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every rank the mean of all gradients, in one exchange. Those that no loss reached stay without one."""
        grads = [p.grad for p in parameters if p.grad is not None]
        if self.size == 1 or not grads:
            return
        mean = self.mean(torch.cat([grad.flatten() for grad in grads]))
        for grad, part in zip(grads, mean.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    def told_by_first(self, value: T) -> T:
        """What rank 0 has under this name, on all."""
        return value if self.size == 1 else self._all(value)[0]

    def gathered(self, value: T) -> list[T]:
        """What every rank has under this name, in their order."""
        return [value] if self.size == 1 else self._all(value)

    def require_equal(self, digest: str, *, what: str) -> None:
        """Raise IntegrityError unless all ranks have this digest: then they train one network."""
        if self.size == 1:
            return
        digests = self._all(digest)
        for rank, other in enumerate(digests):
            if other != digests[0]:
                raise IntegrityError(
                    f"{what} of rank {rank} are not those of rank 0", remedy="let all ranks run on machines of one kind"
                )

    @contextmanager
    def agreed(self) -> Iterator[None]:
        """What one rank refuses is refused by all. Raises AnotherRankError on those that had nothing against it."""
        error: RunauditError | None = None
        try:
            yield
        except RunauditError as found:
            error = found
        if self.size > 1:
            _raise_first(self._all(None if error is None else (str(error), error.exit_code)), self.rank, error)
        if error is not None:
            raise error

    def _all(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.size
        with _heard():
            dist.all_gather_object(found, value)
        return found


ALONE = Ranks()


def _raise_first(said: list[tuple[str, int] | None], rank: int, own: RunauditError | None) -> None:
    first = next((number for number, words in enumerate(said) if words is not None), None)
    if first is None:
        return
    if rank == 0 and own is not None:
        raise own
    text, code = said[first] or ("", 1)
    error = AnotherRankError(f"rank {first}: {text}")
    error.exit_code = code  # type: ignore[misc]
    raise error from own


def size_of(environ: Mapping[str, str]) -> int:
    """How many processes the launcher has started, as `torchrun` tells each of them."""
    size = environ.get("WORLD_SIZE", "")
    return max(1, int(size)) if size.isdigit() else 1


@contextmanager
def joined(environ: Mapping[str, str] | None = None) -> Iterator[Ranks]:
    """Meet the other ranks of the launcher, if there are any: over gloo, and with NCCL between GPUs, one a rank.

    Raises ConfigError where the launcher did not say where to meet.
    """
    environ = os.environ if environ is None else environ
    if size_of(environ) == 1:
        yield ALONE
        return
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not environ.get(name)]:
        raise ConfigError(
            f"WORLD_SIZE is {environ['WORLD_SIZE']}, but {missing[0]} is not set",
            remedy="start several processes with: torchrun --nproc-per-node N -m trainer train …",
        )
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    with _heard():
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo")
    try:
        yield Ranks(rank=dist.get_rank(), size=dist.get_world_size())
    finally:
        with suppress(RuntimeError):  # one that is gone cannot be taken leave of
            dist.destroy_process_group()


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004  (torch hands it over)
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ARG004  (torch hands it over)
        return _summed(grad)


def _summed(values: Tensor) -> Tensor:
    total = values.detach().clone(memory_format=torch.contiguous_format)
    with _heard():
        dist.all_reduce(total)
    return total


@contextmanager
def _heard() -> Iterator[None]:
    """A rank that is gone shows as an error of the exchange, under another name in each backend and version."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise AnotherRankError(
            "another rank ended before its time",
            remedy="see what it or the launcher said; go on with --resume",
        ) from error
