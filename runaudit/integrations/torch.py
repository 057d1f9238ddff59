"""What a torch program can prove about its seed: generators seeded, states and weights as digests."""

import hashlib
import random
import sys
from collections.abc import Iterator
from typing import Any, Protocol

from runaudit.capture.environment import torch_switches
from runaudit.capture.rng import rng_digests
from runaudit.errors import UsageError
from runaudit.records.digest import Digest

__all__ = ["rng_digests", "seed_everything", "torch_switches", "weights_digest"]

NUMPY_MODULUS = 2**32
"""numpy's legacy generator takes 32 bits; torch takes 64."""


class Module(Protocol):
    """As much of `torch.nn.Module` as is needed."""

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Trainable tensors by dotted name."""

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """Other state by dotted name."""


def seed_everything(seed: int) -> dict[str, str]:
    """Seed python, numpy and torch, every device included; returns the digests of the states that follow.

    Raises UsageError for a seed that torch cannot take. Equal seeds give equal digests on every machine.
    """
    import torch

    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UsageError(f"{seed!r} is not a seed", remedy="give a whole number from 0 to 2**63 - 1")
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % NUMPY_MODULUS)
    torch.manual_seed(seed)
    return rng_digests()


def weights_digest(module: Module) -> Digest:
    """SHA-256 over every parameter and buffer: name, dtype, shape and bytes, sorted by name.

    Buffers count: a frozen batch norm whose running mean moves is not frozen. Non-persistent buffers count too, since
    the next step reads them. Independent of the device the tensors lie on, and draws nothing from any generator.
    """
    state = hashlib.sha256(b"runaudit-weights/1\n")
    tensors = {("parameter", name): tensor for name, tensor in module.named_parameters()}
    tensors |= {("buffer", name): tensor for name, tensor in module.named_buffers()}
    for (kind, name), tensor in sorted(tensors.items(), key=lambda item: item[0]):
        for part in (kind, name, str(tensor.dtype), repr(tuple(tensor.shape))):
            state.update(len(part.encode()).to_bytes(8, "big") + part.encode())
        data = _bytes(tensor)
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return Digest("sha256", state.hexdigest())


def _bytes(tensor: Any) -> memoryview:
    """The elements in row-major order as they lie in memory, whatever the type: bfloat16 has no numpy counterpart."""
    import torch

    plain = tensor.detach().cpu().contiguous().flatten()
    if plain.numel() == 0:
        return memoryview(b"")
    return memoryview(plain.view(torch.uint8).numpy())
