"""Holds the GPU's attention kernel against torch's attention; run with TRITON_INTERPRET=1 in a process of its own."""

import torch

from tests.trainer.models.test_attention import SHAPES, by_torch, value_and_gradient
from trainer.models.attention_kernel import attend_in_one_kernel


def main() -> None:
    """Raises AssertionError where the two part."""
    for shape in SHAPES:
        ours, torchs = value_and_gradient(attend_in_one_kernel, shape), value_and_gradient(by_torch, shape)
        torch.testing.assert_close(ours, torchs, rtol=1e-5, atol=1e-5)
    for dtype in (torch.float16, torch.bfloat16):  # summed in full precision, rounded once
        qkv = torch.randn(1, 9, 10, 3 * 8, generator=torch.Generator().manual_seed(0)).to(dtype)
        torch.testing.assert_close(attend_in_one_kernel(qkv, 1), by_torch(qkv.float(), 1).to(dtype))
    print(f"{len(SHAPES)} shapes and 2 kinds of half precision agree")


if __name__ == "__main__":
    main()
