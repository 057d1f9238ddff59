"""Where chance comes from. One seed feeds everything; the order of samples is a pure function of (seed, stage, step).

Because the order is computed and not consumed, a resumed run needs no loader position beyond the step it is at.
"""

import hashlib
import os
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ORDER, AUGMENT = 0, 1  # separate streams of one seed


def seed_everything(seed: int, *, deterministic: bool, threads: int, tf32: bool = False) -> None:
    """Seed python, numpy and torch (all devices), and settle how it computes: see `settle_torch`."""
    settle_torch(deterministic=deterministic, threads=threads, tf32=tf32)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def settle_torch(*, deterministic: bool, threads: int, tf32: bool = False) -> None:
    """Settle in which order and how exactly torch sums, and how many threads share the sums.

    tf32: may a GPU round the factors of fp32 products to ten bits? torch by itself does so in convolutions only.
    """
    if deterministic:  # cuBLAS sums in a fixed order only with a workspace of fixed size
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # An operation without a fixed order is an error, not a warning: `trainer.rehearsal` meets it before the seal.
    torch.use_deterministic_algorithms(deterministic)
    # Else every fresh tensor is filled with NaN first, which took 7 % of a step on an H100.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32


def _generator(seed: int, *path: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *path])))


def sample_positions(
    seed: int, stage: int, first: int, *, count: int, samples: int, bursts: tuple[int, ...] = (), mixed: int = 0
) -> list[int]:
    """Which samples stand at positions first .. first + count of a stage's endless, epoch-wise shuffled queue.

    bursts: how many samples each burst gave, in order. mixed: an epoch takes that many bursts at a time, in an order of
    its own, and shuffles the samples of those; 0, or as many as there are, shuffles all samples of an epoch at once.
    """
    out: list[int] = []
    position = first
    while len(out) < count:
        epoch, offset = divmod(position, samples)
        if 0 < mixed < len(bursts):
            order, offset = _mixed(seed, stage, epoch, bursts, mixed, offset)
        else:
            order = _shuffled(seed, stage, epoch, samples)
        taken = order[offset : offset + count - len(out)]
        out.extend(int(i) for i in taken)
        position += len(taken)
    return out


@lru_cache(maxsize=4)  # asked for at every step, the same for an epoch
def _shuffled(seed: int, stage: int, epoch: int, samples: int) -> NDArray[np.int64]:
    return _generator(seed, ORDER, stage, epoch).permutation(samples)


def _mixed(
    seed: int, stage: int, epoch: int, bursts: tuple[int, ...], mixed: int, offset: int
) -> tuple[NDArray[np.int64], int]:
    """The samples that are shuffled together around a place of an epoch, and where among them that is."""
    order, ends = _groups(seed, stage, epoch, bursts, mixed)
    group = int(np.searchsorted(ends, offset, side="right"))
    before = int(ends[group - 1]) if group else 0
    return _group(seed, stage, epoch, bursts, group, tuple(order[group * mixed : (group + 1) * mixed])), offset - before


@lru_cache(maxsize=4)
def _groups(
    seed: int, stage: int, epoch: int, bursts: tuple[int, ...], mixed: int
) -> tuple[list[int], NDArray[np.int64]]:
    """The order of the bursts in an epoch, and how many samples there are up to the end of each group of `mixed`."""
    order = _generator(seed, ORDER, stage, epoch).permutation(len(bursts))
    sizes = np.asarray(bursts, dtype=np.int64)[order]
    starts = np.arange(0, len(order), mixed)
    return order.tolist(), np.cumsum(np.add.reduceat(sizes, starts))


@lru_cache(maxsize=8)
def _group(
    seed: int, stage: int, epoch: int, bursts: tuple[int, ...], group: int, members: tuple[int, ...]
) -> NDArray[np.int64]:
    """The samples of some bursts, shuffled together."""
    ends = _ends(bursts)
    samples = np.concatenate([np.arange(ends[i] - bursts[i], ends[i]) for i in members])
    return _generator(seed, ORDER, stage, epoch, group + 1).permutation(samples)


@lru_cache(maxsize=4)
def _ends(bursts: tuple[int, ...]) -> NDArray[np.int64]:
    return np.cumsum(np.asarray(bursts, dtype=np.int64))


def order_seed(seed: int, number: int) -> int:
    """The seed of a run's order number `number`: the run's own for 0, and one derived from both for all others."""
    if not number:
        return seed
    digest = hashlib.sha256(f"order {number} of seed {seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def orientations(seed: int, stage: int, first: int, *, count: int) -> list[int]:
    """One of the 8 flips and quarter turns for each queue position."""
    return [int(_generator(seed, AUGMENT, stage, first + i).integers(8)) for i in range(count)]


def rng_digest() -> str:
    """Digest of every generator's state: proof that a seed acted."""
    h = hashlib.sha256(repr(random.getstate()).encode())
    name, keys, position, *rest = np.random.get_state()
    h.update(repr((name, position, rest)).encode() + np.asarray(keys).tobytes())
    h.update(torch.get_rng_state().numpy().tobytes())
    return f"sha256:{h.hexdigest()}"


def rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Generator states as tensors and as plain JSON, ready for a checkpoint."""
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    tensors = {"rng.torch": torch.get_rng_state()}
    tensors["rng.numpy"] = torch.from_numpy(np.asarray(keys).astype(np.int64))
    if torch.cuda.is_available():
        tensors |= {f"rng.cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    plain = {
        "python": [version, list(internal), gauss],
        "numpy": [str(name), int(position), int(has_gauss), float(cached)],
    }
    return tensors, plain


def restore_rng(tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Put every generator back where `rng_state` found it."""
    version, internal, gauss = plain["python"]
    random.setstate((version, tuple(internal), gauss))
    name, position, has_gauss, cached = plain["numpy"]
    np.random.set_state((name, tensors["rng.numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["rng.torch"])
    cuda = [tensors[key] for key in sorted(tensors) if key.startswith("rng.cuda.")]
    if cuda and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(cuda)
