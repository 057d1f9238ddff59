"""Deformable sampling: the identity at first, a known shift when its taps say so, and free to learn one."""

import pytest
import torch
from torch import Tensor

from trainer.models.deformable import DeformableAlign

SUPPORT_ORDER = [0, 2, 3, 1]


def block(**changes: object) -> DeformableAlign:
    torch.manual_seed(0)
    settings: dict[str, object] = {"scale": 3, "channels": 4, "kernel": 3, "stride": 2, "heads": 1, "reach_px": 4.0}
    return DeformableAlign(**settings | changes).eval()  # type: ignore[arg-type]


def ramp(h: int, w: int) -> Tensor:
    """2x + 5y: a pixel's value says where it lies."""
    y, x = torch.meshgrid(torch.arange(float(h)), torch.arange(float(w)), indexing="ij")
    return 2 * x + 5 * y


def test_it_starts_as_the_identity() -> None:
    lr = torch.rand(2, 4, 9, 10, generator=torch.Generator().manual_seed(1))

    registered, shift = block().register(lr)

    assert torch.allclose(registered, lr, atol=1e-5)
    assert torch.equal(shift, torch.zeros_like(shift))


def test_taps_that_all_look_aside_shift_the_frame_and_say_so() -> None:
    align = block(reach_px=100.0)
    with torch.no_grad():
        align.predict.bias[:9], align.predict.bias[9:18] = 1.0, -2.0  # x of every tap, then y
    lr = torch.stack([ramp(12, 14), ramp(12, 14)])[None]

    registered, shift = align.register(lr)

    inner = (slice(4, -4), slice(4, -4))
    assert torch.allclose(shift[0, 1, :, 6, 6], torch.tensor([1.0, -2.0]), atol=1e-3)
    assert torch.allclose(registered[0, 1][inner], (lr[0, 1] + 2 * 1.0 - 5 * 2.0)[inner], atol=1e-2)
    assert torch.equal(registered[0, 0], lr[0, 0])


def test_a_mask_counts_its_tap_less_and_the_shift_moves_with_the_weight() -> None:
    """Half of the kernel in the middle, half one px to its right; a mask of nothing leaves the first 1/2 + 1/18."""
    align = block()
    with torch.no_grad():
        align.kernel.zero_()
        align.kernel[4] = align.kernel[5] = 0.5
        align.predict.bias[18 + 5] = -1e4

    places, weights = align._taps(align.predict.bias[None, :, None, None])

    by_hand = torch.full((9,), 0.5 / 9)
    by_hand[4] += 0.5
    assert torch.allclose(weights[0, :, 0, 0], by_hand, atol=1e-6)
    assert places[0, 5, 0, 0].tolist() == [1, 0]
    assert places[0, 7, 0, 0].tolist() == [0, 1]


def test_no_tap_looks_further_than_its_reach() -> None:
    align = block(reach_px=2.0)

    places, _ = align._taps(torch.full((1, 27, 1, 1), 1e6))

    assert float((places[0, 4]).max()) == pytest.approx(2.0)


def test_it_is_equivariant_to_the_support() -> None:
    align = block()
    with torch.no_grad():
        for tensor in align.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.rand_like(tensor))
    lr = torch.rand(1, 4, 10, 11)

    for straight, moved in zip(align(lr), align(lr[:, SUPPORT_ORDER]), strict=True):
        assert torch.allclose(straight[:, SUPPORT_ORDER], moved, atol=1e-4)


def test_it_learns_a_shift_from_the_frames_alone() -> None:
    """A frame moved by 0.6 px: a few dozen steps on the difference leave a third of it."""
    align = block(channels=8, stride=1).train()
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    scene = lambda dx: torch.sin(0.5 * (x - dx) + 0.3 * y) + torch.sin(0.4 * y - 0.2 * (x - dx))  # noqa: E731
    lr = torch.stack([scene(0.0), scene(0.6)])[None]
    optimiser = torch.optim.Adam(align.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        registered, _ = align.register(lr)
        loss = (registered - lr[:, :1]).abs()[..., 2:-2, 2:-2].mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_sampling_is_fp32_under_autocast(dtype: torch.dtype) -> None:
    with torch.autocast("cpu", dtype=dtype):
        registered, shift = block().register(torch.rand(1, 3, 8, 8))

    assert (registered.dtype, shift.dtype) == (torch.float32, torch.float32)


def test_one_frame_is_left_alone() -> None:
    lr = torch.rand(2, 1, 8, 8)

    assert torch.equal(block().register(lr)[0], lr)
