"""Temporal attention is one function, however it is computed: by torch, by products, by one kernel."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.models import attention
from trainer.models.attention import TemporalAttention, attend_by_products

SHAPES = [  # B, T, P, C, heads: as in the paper, several heads, one frame, more pixels than a program takes
    (1, 9, 21, 42, 1),
    (2, 3, 16, 8, 2),
    (2, 1, 5, 16, 4),
    (1, 2, 40, 4, 1),
]


def by_torch(qkv: Tensor, heads: int) -> Tensor:
    """The attention of a sequence per pixel, as torch computes it."""
    B, T, P, C3 = qkv.shape
    q, k, v = qkv.view(B, T, P, 3, heads, -1).permute(3, 0, 2, 4, 1, 5)
    return F.scaled_dot_product_attention(q, k, v).permute(0, 3, 1, 2, 4).reshape(B, T, P, C3 // 3)


def value_and_gradient(of: Callable[[Tensor, int], Tensor], shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    B, T, P, C, heads = shape
    noise = torch.Generator().manual_seed(2)
    qkv = torch.randn(B, T, P, 3 * C, generator=noise, requires_grad=True)
    mixed = of(qkv, heads)
    (gradient,) = torch.autograd.grad((mixed * torch.randn(mixed.shape, generator=noise)).sum(), qkv)
    return mixed.detach(), gradient


@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_torchs_attention(shape: tuple[int, ...]) -> None:
    torch.testing.assert_close(value_and_gradient(attend_by_products, shape), value_and_gradient(by_torch, shape))


def test_the_kernel_is_torchs_attention() -> None:
    """The GPU's kernel under Triton's interpreter: whether that runs it is decided when Triton is first imported."""
    pytest.importorskip("triton", reason="Triton is not installed; on Linux: pip install triton")
    root = Path(__file__).parents[3]
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(root)}

    told = subprocess.run([sys.executable, "-m", "tests.trainer.models.kernel_on_cpu"], cwd=root, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert (told.returncode, told.stdout) == (0, f"{len(SHAPES)} shapes and 2 kinds of half precision agree\n"), (
        told.stderr
    )


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_block_is_one_function_on_both_devices(
    monkeypatch: pytest.MonkeyPatch, heads: int, layout: torch.memory_format
) -> None:
    """What a GPU computes without moving a frame, computed here, beside what a CPU computes."""
    monkeypatch.setattr(attention, "_has_triton", lambda: False)
    block = TemporalAttention(8, heads)
    x = torch.randn(2 * 5, 8, 6, 7, generator=torch.Generator().manual_seed(1)).to(memory_format=layout)

    torch.testing.assert_close(block._in_place(x, 5), block._by_pixel(x, 5), rtol=1e-5, atol=1e-6)
