"""The FFT head against a direct sum, and its islands by the types that come out of them."""

from typing import Any

import pytest
import torch
from torch import Tensor

from trainer.build import build_model
from trainer.configfile import build
from trainer.models.spectral import Dffn, Fsas, SpectralBlock, as_stored, from_patches, to_patches

HALVES = [torch.float16, torch.bfloat16]


def attention(**changes: Any) -> Fsas:
    torch.manual_seed(1)
    settings: dict[str, Any] = {"patch": 4, "expansion": 1, "norm_eps": 1e-5, "fp32_islands": True}
    return Fsas(3, **settings | changes)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 11), (1, 3)])
def test_patches_put_together_are_the_image(height: int, width: int) -> None:
    x = drawn(2, 3, height, width)

    patches = to_patches(x, 4)

    assert patches.shape[-2:] == (4, 4)
    assert torch.equal(from_patches(patches, height, width), x)


def test_a_side_that_is_no_multiple_is_continued_by_its_last_row() -> None:
    patches = to_patches(torch.arange(6.0).view(1, 1, 3, 2), 4)

    assert patches[0, 0, 0, 0].tolist() == [[0, 1, 1, 1], [2, 3, 3, 3], [4, 5, 5, 5], [4, 5, 5, 5]]


@pytest.mark.parametrize("patch", [3, 4])
def test_the_product_of_spectra_is_the_circular_convolution_of_patches(patch: int) -> None:
    q, k = drawn(1, 1, patch, patch), drawn(1, 1, patch, patch, seed=1)
    expected = torch.zeros(patch, patch)
    for y in range(patch):
        for x in range(patch):
            for v in range(patch):
                for u in range(patch):
                    expected[y, x] += q[0, 0, v, u] * k[0, 0, (y - v) % patch, (x - u) % patch]

    assert torch.allclose(attention(patch=patch).product(q, k)[0, 0], expected, atol=1e-5)


def test_unit_frequencies_change_nothing_and_a_zero_takes_the_mean_away() -> None:
    feed, x = Dffn(2, patch=4, expansion=1, fp32_islands=True), drawn(1, 4, 8, 8)

    assert torch.allclose(feed.weighed(x), x, atol=1e-6)
    with torch.no_grad():
        feed.frequencies[..., 0, 0] = 0.0
    means = to_patches(feed.weighed(x), 4).mean((-2, -1))
    assert torch.allclose(means, torch.zeros_like(means), atol=1e-6)


@pytest.mark.parametrize("dtype", HALVES)
def test_an_island_is_fp32_under_autocast(dtype: torch.dtype) -> None:
    """What comes back from the spectra and the norm after the product, not only the transform within."""
    found: dict[str, torch.dtype] = {}
    block = SpectralBlock(4, patch=4, expansion=2, norm_eps=1e-5, fp32_islands=True)
    block.attention.norm.register_forward_hook(
        lambda _, given, out: found.update(product=given[0].dtype, normalised=out.dtype)
    )
    block.feed.spread.register_forward_pre_hook(lambda _, given: found.update(weighed=given[0].dtype))
    block.attention.spread.register_forward_hook(lambda _, __, out: found.update(around=out.dtype))

    with torch.autocast("cpu", dtype=dtype):
        block(drawn(1, 4, 8, 8))

    assert found == {
        "product": torch.float32, "normalised": torch.float32, "weighed": torch.float32, "around": dtype,
    }  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
def test_without_islands_everything_is_stored_in_the_type_of_the_autocast(dtype: torch.dtype) -> None:
    block = SpectralBlock(4, patch=4, expansion=2, norm_eps=1e-5, fp32_islands=False)
    found: list[torch.dtype] = []
    block.attention.norm.register_forward_hook(lambda _, given, out: found.extend((given[0].dtype, out.dtype)))
    block.feed.spread.register_forward_pre_hook(lambda _, given: found.append(given[0].dtype))

    with torch.autocast("cpu", dtype=dtype):
        block(drawn(1, 4, 8, 8))

    assert found == [dtype] * 3


def test_the_same_features_overflow_without_islands_and_only_then() -> None:
    """A patch of 20s: a sum of 16 x 20 = 320 each, whose product is 102,400, beyond the 65,504 of fp16."""
    x = torch.full((1, 1, 4, 4), 20.0, dtype=torch.float16)

    kept = attention(fp32_islands=True).product(x, x)
    lost = attention(fp32_islands=False).product(x, x)

    assert torch.allclose(kept, torch.full_like(kept, 16 * 20 * 20))
    assert not torch.isfinite(lost).all()


def test_without_autocast_islands_change_no_bit() -> None:
    x, found = drawn(1, 3, 8, 8), []
    for islands in (True, False):
        torch.manual_seed(2)
        found.append(SpectralBlock(3, patch=4, expansion=2, norm_eps=1e-5, fp32_islands=islands)(x))

    assert torch.equal(found[0], found[1])


def test_a_complex_number_is_stored_as_two() -> None:
    stored = as_stored(torch.complex(torch.tensor([1.0002, 7e4]), torch.tensor([2.0, 3.0])), torch.float16)

    assert stored[0] == 1 + 2j
    assert torch.isinf(stored[1].real)
    assert stored[1].imag == 3


@pytest.mark.parametrize("size", [(8, 8), (7, 13)])
def test_a_network_with_the_head_starts_at_the_residuals_base(size: tuple[int, int]) -> None:
    head = {"kind": "fft", "channels": 4, "blocks": 1, "fft": {"patch": 4, "expansion": 1}}
    net = build_model(build({"model": {"head": head, "residual": "reference"}}, "test").model).eval()
    lr = torch.rand(1, 3, *size)

    expected = torch.nn.functional.interpolate(lr[:, :1], scale_factor=3, mode="bicubic", align_corners=False)

    assert torch.allclose(net(lr).mean, expected, atol=1e-5)
